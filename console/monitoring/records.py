"""What trading leaves, live and in a backtest alike: the records from which every figure is made."""

from __future__ import annotations

import msgspec

from console.domain.book import Quote
from console.domain.market import Ticker
from console.domain.money import Cash, Count, Price
from console.domain.order import Fill, OrderIntent

MARK_OUT_NS = (1_000_000_000, 60_000_000_000, 600_000_000_000)
"""After these times a fill is marked: 1 s, 1 min, 10 min."""

UNKNOWN = "unknown"
"""What stands for an event, a series, a category or a group that is not known."""


class Decision(msgspec.Struct, frozen=True):
    """An order as we sent it, and when."""

    at_ns: int
    intent: OrderIntent


class FillRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One execution, the decision behind it, and the market before and after it.

    Ages are of the newest quote of the market, where it was looked at: ours at the decision, the exchange's
    at the fill; ``quote_at_fill`` is what the exchange displayed just before. Live nobody sees these three,
    and they are None. ``slippage`` is what the model charged, a part of the fill's fee. ``twice_mids`` are
    those of ``MARK_OUT_NS`` later, None where the market had closed or had no two sides, or nobody looked.
    ``is_printed`` tells whether a trade of somebody else's made a maker's fill.
    """

    fill: Fill
    intent: OrderIntent
    decided_ns: int
    age_at_decision_ns: int | None
    quote_at_fill: Quote | None
    age_at_fill_ns: int | None
    slippage: Cash
    is_printed: bool
    twice_mids: tuple[int | None, ...]


class MarketRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A market in which something was traded, and what became of it.

    ``yes_value`` is what a YES paid, None while it had not settled when the records end. ``is_drawn``
    tells that the recording did not know and a seeded draw decided, ``is_read_off`` that its maker read the
    result off prices. ``profit_fee`` was charged on settling,
    by a schedule that charges profits. ``position`` was held then, or at the end; ``mark`` is the YES price
    at which it could be closed then, None where nothing was ever quoted. ``left_ns`` is when another account
    followed the one that traded it, None while none did.
    """

    ticker: Ticker
    event_ticker: str
    series_ticker: str
    category: str
    group: str
    close_ns: int | None
    settled_ns: int | None
    yes_value: Price | None
    is_drawn: bool
    position: Count
    mark: Price | None
    profit_fee: Cash = Cash(0)
    left_ns: int | None = None
    is_read_off: bool = False


class LatchRecord(msgspec.Struct, frozen=True):
    """A kill switch that tripped, when it was cleared, and whether by an operator or as one might have."""

    at_ns: int
    name: str
    level: str
    reason: str
    cleared_ns: int | None
    by_operator: bool


class Records(msgspec.Struct, frozen=True, kw_only=True):
    """A period of trading, from ``first_ns`` on; a trade is of the period in which it ended.

    ``fills`` may be older, so that what was bought before is known where it ended. ``equity`` has the marks
    of every scan at which it changed, in order of time; ``capital`` is equity when the period began,
    ``final_equity`` when it ended, None where something open has no mark. ``orders`` counts by how they ended
    (a status, or ``resting`` at the end); ``decisions`` are all orders that we sent. ``left_out`` are markets
    in which somebody else traded on the account: what of them is ours cannot be told apart.
    """

    first_ns: int
    last_ns: int
    capital: Cash
    final_equity: Cash | None
    fills: tuple[FillRecord, ...]
    traded: tuple[MarketRecord, ...]
    equity: tuple[tuple[int, Cash], ...]
    orders: dict[str, int]
    latches: tuple[LatchRecord, ...]
    decisions: tuple[Decision, ...] = ()
    left_out: tuple[Ticker, ...] = ()

    @property
    def fills_in_period(self) -> tuple[FillRecord, ...]:
        return tuple(record for record in self.fills if record.fill.at_ns >= self.first_ns)
