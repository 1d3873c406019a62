"""What every strategy is: a judge of one market at a time."""

from __future__ import annotations

from typing import Literal, Protocol

import msgspec

from console.domain.book import BookSide, Level, Quote
from console.domain.market import Market
from console.monitoring.why_not import FunnelStepName
from console.risk.sizing import Proposal

Style = Literal["maker", "taker"]
"""Post-only orders that join the best price of their side, or IOC limits at the touch."""


def level_traded(quote: Quote, side: BookSide, style: Style) -> Level | None:
    """The level at which an order of this side and style is priced; None when that side is empty."""
    return quote.touch(side) if style == "taker" else quote.join(side)


class Refusal(msgspec.Struct, frozen=True):
    """The first test that a market did not pass, and why; reasons are few and carry no quotes."""

    step: FunnelStepName
    reason: str


class Strategy(Protocol):
    """Proposes trades from a market and its quote alone; limits and size are not its concern."""

    def consider(self, market: Market, quote: Quote, now_ns: int) -> Proposal | Refusal: ...
