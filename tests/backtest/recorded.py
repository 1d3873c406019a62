"""Recordings made by hand, and setups to trade them with."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Sequence
from decimal import Decimal
from types import SimpleNamespace
from typing import cast
from unittest.mock import patch

import numpy as np

from console.backtest.kernel import Kernel
from console.backtest.result import Result
from console.backtest.run import run
from console.backtest.setup import Latency, Setup
from console.config.schema import Settings
from console.domain.fees import KalshiFees
from console.domain.market import FeeTerms, Market, MarketStatus
from console.domain.money import Cash, Price
from console.history.columns import BookUpdates, Quotes, Slice, Trades
from console.history.markets import Outcome
from console.history.timeline import Timeline
from console.strategies.edge import ConstantEdge
from console.strategies.favourite_longshot import FavouriteLongshot

START = 1_780_000_000_000_000_000
"""Not on a whole day, hour or minute."""
SECOND = 1_000_000_000
HOUR = 3_600 * SECOND
CAPITAL = Cash(10_000_000_000)

QuoteRow = tuple[float, int, int, int, int, int]
"""Seconds, market, bid and ask in cents (0 and 100 are empty), their sizes in contracts."""
TradeRow = tuple[float, int, int, int, bool]
"""Seconds, market, price in cents, contracts, whether the taker bought YES."""
BookRow = tuple[float, int, bool, int, int, bool]
"""Seconds, market, whether a bid, YES price in cents, change in contracts, whether it clears before."""


class FlatFees:
    """One schedule for all."""

    def __init__(self, terms: FeeTerms | None = None) -> None:
        self._terms = terms or FeeTerms()

    def terms(self, market: Market, at_ns: int) -> FeeTerms | None:
        return self._terms

    def changes_ns(self, market: Market) -> tuple[int, ...]:
        return ()

    def is_assumed(self, market: Market, at_ns: int) -> bool:
        return False

    def provenance(self, market: Market, at_ns: int) -> str:
        return "for all"


def at(seconds: float) -> int:
    return START + round(seconds * SECOND)


def market(
    number: int, *, event: str | None = None, close_s: float = 86_400, category: str = "Sports"
) -> Market:
    return Market(
        ticker=f"KX-{number}",
        event_ticker=event or f"KX-{number}",
        series_ticker="KX",
        category=category,
        title=f"Market {number}",
        open_ns=START - HOUR,
        close_ns=at(close_s),
        status=MarketStatus.ACTIVE,
        fees=None,
    )


def timeline(
    markets: Sequence[Market],
    quotes: Iterable[QuoteRow],
    trades: Iterable[TradeRow] = (),
    *,
    books: Iterable[BookRow] = (),
    paid_cents: Sequence[int | None] | None = None,
    cuts: Sequence[float] = (),
    settles_after_s: float = 15,
    is_close_guessed: bool = False,
) -> Timeline:
    """A recording; ``cuts`` are times at which a new slice begins."""
    values = paid_cents if paid_cents is not None else [100] * len(markets)
    outcomes = {
        each.ticker: Outcome(
            each.close_ns,
            None if value is None else Price(100 * value),
            each.close_ns + round(settles_after_s * SECOND),
            is_close_guessed=is_close_guessed,
        )
        for each, value in zip(markets, values, strict=True)
    }
    bounds = [0, *sorted(at(cut) for cut in cuts), 2**63 - 1]
    quote_rows = sorted(quotes, key=lambda row: row[0])
    trade_rows = sorted(trades, key=lambda row: row[0])
    book_rows = sorted(books, key=lambda row: row[0])
    slices = [
        _slice(
            [row for row in quote_rows if begin <= at(row[0]) < end],
            [row for row in trade_rows if begin <= at(row[0]) < end],
            [row for row in book_rows if begin <= at(row[0]) < end],
        )
        for begin, end in itertools.pairwise(bounds)
    ]
    slices = [each for each in slices if each.rows]
    made = SimpleNamespace(
        markets=tuple(markets),
        outcomes=outcomes,
        rows=sum(each.rows for each in slices),
        dropped={},
        noted={},
        slices=lambda: iter(slices),
    )
    return cast(Timeline, made)


def _slice(quotes: list[QuoteRow], trades: list[TradeRow], books: list[BookRow]) -> Slice:
    return Slice(
        Trades(
            np.array([at(row[0]) for row in trades], dtype=np.int64),
            np.array([row[1] for row in trades], dtype=np.int32),
            np.array([100 * row[2] for row in trades], dtype=np.int16),
            np.array([100 * row[3] for row in trades], dtype=np.int32),
            np.array([row[4] for row in trades], dtype=np.bool_),
        ),
        BookUpdates(
            np.array([at(row[0]) for row in books], dtype=np.int64),
            np.array([row[1] for row in books], dtype=np.int32),
            np.array([row[2] for row in books], dtype=np.bool_),
            np.array([100 * row[3] for row in books], dtype=np.int16),
            np.array([100 * row[4] for row in books], dtype=np.int32),
            np.array([row[5] for row in books], dtype=np.bool_),
        ),
        Quotes(
            np.array([at(row[0]) for row in quotes], dtype=np.int64),
            np.array([row[1] for row in quotes], dtype=np.int32),
            np.array([100 * row[2] for row in quotes], dtype=np.int16),
            np.array([100 * row[3] for row in quotes], dtype=np.int16),
            np.array([100 * row[4] if row[4] >= 0 else -1 for row in quotes], dtype=np.int32),
            np.array([100 * row[5] if row[5] >= 0 else -1 for row in quotes], dtype=np.int32),
        ),
    )


def settings(style: str = "taker", **strategy: object) -> Settings:
    """Defaults but for the edge asked for, which is none."""
    default = Settings()
    chosen = {"style": style, "min_edge_to_trade": Decimal(0), **strategy}
    return dataclasses.replace(
        default,
        strategy_flb=dataclasses.replace(default.strategy_flb, **chosen),  # type: ignore[arg-type]
    )


def setup(chosen: Settings | None = None, points: str = "5", **changes: object) -> Setup:
    """A favourite-longshot harvester that believes in ``points`` over the mid."""
    in_force = chosen or settings()

    def strategy(_markets: Sequence[Market]) -> FavouriteLongshot:
        return FavouriteLongshot(
            in_force.strategy_flb, in_force.quality, ConstantEdge(Decimal(points)), KalshiFees()
        )

    made = Setup(settings=in_force, make_strategy=strategy, fees=FlatFees(), capital=CAPITAL)
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]


def latency(feed_s: float = 0, entry_s: float = 0, response_s: float = 0, jitter_s: float = 0) -> Latency:
    return Latency(
        feed_ns=round(feed_s * SECOND),
        entry_ns=round(entry_s * SECOND),
        response_ns=round(response_s * SECOND),
        jitter_ns=round(jitter_s * SECOND),
    )


def both_ways(made: Setup, recording: Timeline) -> tuple[Result, Result]:
    """Every row through the engine and every market at every scan, and only those that can matter."""
    with patch.object(Kernel, "_worth_a_look", lambda _kernel, _at_ns: None):
        everything = run(dataclasses.replace(made, skip_ahead=False), recording)
    return everything, run(dataclasses.replace(made, skip_ahead=True), recording)


def cash_of(result: Result) -> int:
    """The cash that fills and payouts leave, added up from the records alone."""
    cash: int = result.capital
    for record in result.fills:
        fill = record.fill
        cash -= fill.side.price_paid(fill.price) * fill.count + fill.fee
    for held in result.traded:
        if held.yes_value is not None:
            value = held.yes_value if held.position > 0 else 10_000 - held.yes_value
            cash += abs(held.position) * value
    return cash
