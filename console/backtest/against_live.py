"""A run that happened, run again on what was recorded of it, as far as possible in the same circumstances."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from console.backtest.agenda import NEVER_NS
from console.backtest.kernel import last_ns_of
from console.backtest.live_runs import LiveRun, TradedOrder, orders_of
from console.backtest.run import run_recorded
from console.backtest.setup import FeeSource, Latency, Lived
from console.backtest.shipped_setup import USUAL_LATENCY, shipped_setup
from console.config.schema import Settings
from console.domain.account_events import MarketTraded
from console.domain.book import BookSide
from console.domain.commands import CancelAllOrders, ChangeSettings
from console.domain.engine_events import EquityMarked, LatchCleared, LatchRaised
from console.domain.events import JournaledEvent
from console.domain.market import FeeTerms, Market, Ticker
from console.domain.order import OrderIntent, TimeInForce
from console.domain.time_units import NS_PER_S
from console.engine.log_views import LogEntry, LogKind
from console.risk.latches import RISK_SOURCE
from console.risk.switches.correlation import CORRELATION
from console.risk.switches.daily_loss import DailyLoss
from console.risk.switches.drawdown import DRAWDOWN
from console.risk.switches.loss_streak import LOSS_STREAK
from console.risk.switches.no_fills import NO_FILLS
from console.risk.switches.slippage import SLIPPAGE
from console.risk.switches.tripwire import TRIPWIRE
from console.strategies.base import Strategy
from console.strategies.edge import EdgeModel

if TYPE_CHECKING:
    from console.history.timeline import Timeline

_OF_TRADING = frozenset({DailyLoss.key, DRAWDOWN, LOSS_STREAK, NO_FILLS, SLIPPAGE, TRIPWIRE, CORRELATION})
"""Switches that read what was traded: the run that is made again trips them by itself."""

SEEN_AFTER_NS = 2 * NS_PER_S
"""What an order did at the exchange is looked for so long after its answer."""


@dataclass(frozen=True)
class RunAgain:
    """A run as it was and as it came out again; ``denied`` are the newest denials of the latter."""

    run: LiveRun
    live: list[TradedOrder]
    again: list[TradedOrder]
    again_events: list[JournaledEvent]
    denied: tuple[LogEntry, ...]
    settings: Settings
    round_trip_ns: int | None
    rows: int
    last_ns: int


@dataclass(frozen=True)
class World:
    """Where a run is made again; ``escalates`` as of ``Lived``."""

    fees: FeeSource
    edge_of: Callable[[Settings], EdgeModel]
    escalates: bool


class JournaledFees:
    """What markets charged by the journal, and by another source where it does not tell."""

    def __init__(self, events: Iterable[JournaledEvent], others: FeeSource) -> None:
        told = (event.market for event in events if isinstance(event, MarketTraded))
        self._terms = {market.ticker: market.fees for market in told if market.fees is not None}
        self._others = others

    def terms(self, market: Market, at_ns: int) -> FeeTerms | None:
        return self._terms.get(market.ticker) or self._others.terms(market, at_ns)

    def changes_ns(self, market: Market) -> tuple[int, ...]:
        return () if market.ticker in self._terms else self._others.changes_ns(market)

    def is_assumed(self, market: Market, at_ns: int) -> bool:
        return market.ticker not in self._terms and self._others.is_assumed(market, at_ns)

    def provenance(self, market: Market, at_ns: int) -> str:
        told = "as the journal has them"
        return told if market.ticker in self._terms else self._others.provenance(market, at_ns)


def run_again(
    run: LiveRun, settings: Settings, timeline: Timeline, world: World, tell: Callable[[int, int], None]
) -> RunAgain:
    """Raises HistoryError when nothing was recorded of it."""
    live = orders_of(run.events)
    trips_ns = [order.answered_ns - order.decided_ns for order in live if order.answered_ns is not None]
    round_trip_ns = int(median(trips_ns)) if trips_ns else None
    fees, told = JournaledFees(run.events, world.fees), _told(run)
    usual = shipped_setup(settings, world.edge_of(settings), fees, run.opening.cash, has_slippage=False)

    def strategy_of(changed: Settings) -> Strategy:
        edge = world.edge_of(changed)
        return shipped_setup(changed, edge, fees, run.opening.cash).make_strategy(timeline.markets)

    setup = replace(
        usual,
        # Whatever the strategy reckons with, the exchange charged by its own schedule.
        profit_fees=None,
        latency=_latency(round_trip_ns),
        skip_ahead=not any(isinstance(event, ChangeSettings) for event in told),
        lived=Lived(
            positions=run.opening.positions,
            state=run.opening.state,
            scans_ns=tuple(event.at_ns for event in run.events if isinstance(event, EquityMarked)),
            told=told,
            arrival_ns=_Arrivals(live, first_traces(timeline, live)).arrival_ns,
            escalates=world.escalates,
            strategy_of=strategy_of,
        ),
    )
    events: list[JournaledEvent] = []
    kernel = run_recorded(setup, timeline, tell, events.append)
    return RunAgain(
        run=run,
        live=live,
        again=orders_of(events),
        again_events=events,
        denied=tuple(e for e in kernel.desk.engine.trade_log.entries if e.kind is LogKind.DENIED),
        settings=settings,
        round_trip_ns=round_trip_ns,
        rows=kernel.rows,
        last_ns=max(last_ns_of(rows) for rows in timeline.slices()),
    )


def first_traces(timeline: Timeline, orders: Sequence[TradedOrder]) -> dict[str, int]:
    """When the recording first shows what an order did at the exchange, by client order id.

    That is a change of the book by what it left there or took, or a print of a fill of it. Raises
    HistoryError when a file was changed.
    """
    places = {market.ticker: place for place, market in enumerate(timeline.markets)}
    known = [order for order in orders if order.intent.ticker in places]
    found: dict[str, int] = {}
    for rows in timeline.slices() if known else ():
        for order in known:
            name, place = order.intent.client_order_id, places[order.intent.ticker]
            until_ns = (order.answered_ns or order.decided_ns) + SEEN_AFTER_NS
            books, trades = rows.books, rows.trades
            since, until = np.searchsorted(books.ts_ns, [order.decided_ns, until_ns])
            for is_bid, price, change in _marks_left(order):
                seen = books.ts_ns[since:until][
                    (books.market[since:until] == place)
                    & (books.is_bid[since:until] == is_bid)
                    & (books.price[since:until] == price)
                    & (books.change[since:until] == change)
                ]
                found[name] = min(found.get(name, NEVER_NS), *seen[:1].tolist(), NEVER_NS)
            since, until = np.searchsorted(trades.ts_ns, [order.decided_ns, until_ns])
            for fill in order.fills:
                seen = trades.ts_ns[since:until][
                    (trades.market[since:until] == place)
                    & (trades.price[since:until] == fill.price)
                    & (trades.count[since:until] == fill.count)
                ]
                found[name] = min(found.get(name, NEVER_NS), *seen[:1].tolist(), NEVER_NS)
    return {name: at_ns for name, at_ns in found.items() if at_ns < NEVER_NS}


def _marks_left(order: TradedOrder) -> list[tuple[bool, int, int]]:
    """Whether of a bid, at which price and by how much an order changed the book."""
    intent = order.intent
    is_bid = intent.side is BookSide.BID
    taken = [(not is_bid, fill.price, -fill.count) for fill in order.fills if fill.is_taker]
    rests = intent.time_in_force is TimeInForce.GOOD_TILL_CANCELED
    return [*taken, *([(is_bid, intent.price, intent.count)] if rests else [])]


class _Arrivals:
    """When orders reached the exchange: by their answer, and before the recording shows what they did."""

    def __init__(self, orders: Sequence[TradedOrder], traces_ns: Mapping[str, int]) -> None:
        self._trips_ns: defaultdict[tuple[Ticker, BookSide], list[tuple[int, int]]] = defaultdict(list)
        for order in orders:
            intent = order.intent
            ends_ns = [ns for ns in (order.answered_ns, traces_ns.get(intent.client_order_id)) if ns]
            if ends_ns:
                # What came of it is seen after it arrived, in the same nanosecond at the earliest.
                trip_ns = max(0, min(ends_ns) - 1 - order.decided_ns)
                self._trips_ns[intent.ticker, intent.side].append((order.decided_ns, trip_ns))

    def arrival_ns(self, intent: OrderIntent, at_ns: int) -> int | None:
        """As long after its decision as that of the order decided nearest to it, if any was near."""
        trips_ns = self._trips_ns.get((intent.ticker, intent.side), ())
        near = min(trips_ns, key=lambda trip: abs(trip[0] - at_ns), default=None)
        if near is None or abs(near[0] - at_ns) > SEEN_AFTER_NS:
            return None
        return at_ns + near[1]


def _latency(round_trip_ns: int | None) -> Latency:
    """Rows bear the time at which they reached us: all of a round trip passes before an order meets them."""
    if round_trip_ns is None:
        return replace(USUAL_LATENCY, feed_ns=0)
    return Latency(entry_ns=round_trip_ns)


def _told(run: LiveRun) -> tuple[JournaledEvent, ...]:
    """What came from outside, and cannot come of what is traded again."""

    def is_outside(event: JournaledEvent) -> bool:
        match event:
            case LatchRaised(name=name):
                return name not in _OF_TRADING
            case LatchCleared(name=name, source=source):
                return name not in _OF_TRADING or source != RISK_SOURCE
            case ChangeSettings() | CancelAllOrders():
                return True
            case _:
                return False

    return tuple(event for event in run.events if is_outside(event))
