"""What every strategy is: a judge of one market at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

import msgspec

from console.domain.book import BookSide, Level, Quote
from console.domain.market import Market
from console.monitoring.why_not import FunnelStepName
from console.risk.proposal import Proposal

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Flags = npt.NDArray[np.bool_]

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
    """Proposes trades from a market and its quote alone; limits and size are not its concern.

    It may propose to close what is held, which it does not see: where nothing is, nothing happens.
    """

    def consider(self, market: Market, quote: Quote, now_ns: int) -> Proposal | Refusal: ...


class QuoteColumns(Protocol):
    """Quotes in order of time, ``market`` by number, in the units of Price and Count.

    A bid of 0 and an ask of one dollar are an empty side; a size below 0 is not known and may be any.
    """

    @property
    def ts_ns(self) -> npt.NDArray[np.int64]: ...
    @property
    def market(self) -> npt.NDArray[np.int32]: ...
    @property
    def bid(self) -> npt.NDArray[np.int16]: ...
    @property
    def ask(self) -> npt.NDArray[np.int16]: ...
    @property
    def bid_size(self) -> npt.NDArray[np.int32]: ...
    @property
    def ask_size(self) -> npt.NDArray[np.int32]: ...


@runtime_checkable
class SkipsAhead(Strategy, Protocol):
    """A strategy that tells of many quotes at once which of them need not be considered.

    The rule: where ``consider`` would propose anything, in whichever market and at whatever time, ``may_act``
    is True. What ``consider`` says must not depend on the quotes it was shown before.
    """

    def may_act(self, quotes: QuoteColumns) -> Flags:
        """Whether it may, by row; a run asks once about each, in order of time."""
        ...
