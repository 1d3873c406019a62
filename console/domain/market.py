"""A market: what it is, when it trades, on which grid, and what it charges."""

from __future__ import annotations

import enum
from typing import Literal

import msgspec

from console.domain.grid import WHOLE_CENTS, PriceGrid

Ticker = str


class MarketStatus(enum.StrEnum):
    """The exchange's own statuses, in a market's usual order of life."""

    INITIALIZED = "initialized"
    ACTIVE = "active"
    INACTIVE = "inactive"
    CLOSED = "closed"
    DETERMINED = "determined"
    DISPUTED = "disputed"
    AMENDED = "amended"
    FINALIZED = "finalized"


class FeeTerms(msgspec.Struct, frozen=True):
    """A series' (or event's) fee type and multiplier; the multiplier is in ten-thousandths.

    ``fee_type`` is an open string: one that is not known must refuse an estimate.
    """

    fee_type: str = "quadratic"
    multiplier: int = 10_000


class Market(msgspec.Struct, frozen=True):
    """One YES/NO question with one order book.

    Of a ``mutually_exclusive`` event at most one market ends in YES.
    """

    ticker: Ticker
    event_ticker: str
    series_ticker: str
    category: str
    title: str
    open_ns: int
    close_ns: int
    status: MarketStatus
    fees: FeeTerms | None
    grid: PriceGrid = WHOLE_CENTS
    exchange_index: int = 0
    mutually_exclusive: bool = False

    def is_open(self, now_ns: int) -> bool:
        """Whether the exchange takes orders now: the clock closes a market without an event."""
        return self.status is MarketStatus.ACTIVE and self.open_ns <= now_ns < self.close_ns


Outcome = Literal["yes", "no"]
