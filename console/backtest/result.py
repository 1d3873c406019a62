"""What a backtest leaves: records to report from, without the recording; all of it can be pickled."""

from __future__ import annotations

import msgspec

from console.domain.book import Quote
from console.domain.market import Ticker
from console.domain.money import Cash, Count, Price
from console.domain.order import Fill, OrderIntent
from console.monitoring.why_not import FunnelRow

MARK_OUT_NS = (1_000_000_000, 60_000_000_000, 600_000_000_000)
"""After these times a fill is marked: 1 s, 1 min, 10 min."""


class Decision(msgspec.Struct, frozen=True):
    """An order as we sent it, and when."""

    at_ns: int
    intent: OrderIntent


class FillRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One execution, the decision behind it, and the market before and after it.

    Ages are of the newest quote of the market, where it was looked at: ours at the decision, the exchange's
    at the fill. ``quote_at_fill`` is what the exchange displayed just before. ``slippage`` is what the model
    charged, a part of the fill's fee. ``twice_mids`` are those of ``MARK_OUT_NS`` later, None where the
    market had closed or had no two sides. ``is_printed`` tells whether a recorded trade made a maker's fill.
    """

    fill: Fill
    intent: OrderIntent
    decided_ns: int
    age_at_decision_ns: int
    quote_at_fill: Quote
    age_at_fill_ns: int
    slippage: Cash
    is_printed: bool
    twice_mids: tuple[int | None, ...]


class MarketRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A market in which something was traded, and what became of it.

    ``yes_value`` is what a YES paid, None while it had not settled when the recording ended. ``is_drawn``
    tells that the recording did not know and a seeded draw decided. ``profit_fee`` was charged on settling,
    by a schedule that charges profits. ``position`` was held then, or at the end; ``mark`` is the YES price
    at which it could be closed then, None where nothing was ever quoted.
    """

    ticker: Ticker
    event_ticker: str
    series_ticker: str
    category: str
    group: str
    close_ns: int
    settled_ns: int | None
    yes_value: Price | None
    is_drawn: bool
    position: Count
    mark: Price | None
    profit_fee: Cash = Cash(0)


class LatchRecord(msgspec.Struct, frozen=True):
    """A kill switch that tripped, and whether the run cleared it as an operator might the next risk day."""

    at_ns: int
    name: str
    level: str
    reason: str
    cleared_ns: int | None
    by_operator: bool


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One run. ``equity`` has the marks of every scan at which it changed, in order of time.

    ``dispatched`` counts the rows that went through the engine; ``orders`` counts by how they ended (a
    status, or ``resting`` at the end), ``denied`` what limits denied, by limit. ``dropped`` and ``noted`` are
    the recording's own counts. ``unsized_rows`` had no size and were given none. ``decisions`` are all orders
    that we sent.
    """

    first_ns: int
    last_ns: int
    rows: int
    dispatched: int
    events: int
    markets: int
    capital: Cash
    cash: Cash
    final_equity: Cash | None
    fees: Cash
    fills: tuple[FillRecord, ...]
    traded: tuple[MarketRecord, ...]
    equity: tuple[tuple[int, Cash], ...]
    orders: dict[str, int]
    denied: dict[str, int]
    why_not: tuple[FunnelRow, ...]
    latches: tuple[LatchRecord, ...]
    renewals: int
    unsized_rows: int
    dropped: dict[str, int]
    noted: dict[str, int]
    journal_hash: str
    stopped_by: str | None = None
    decisions: tuple[Decision, ...] = ()
