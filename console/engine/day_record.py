"""What the account did since its risk day began, and how often what was bought won; from journaled events."""

from __future__ import annotations

import msgspec

from console.domain.account_events import (
    AccountOpened,
    ExternalFilled,
    MarketSettled,
    MarketTraded,
    OrderAcked,
    OrderFilled,
    OrderIntended,
    OrderReported,
)
from console.domain.engine_events import EquityMarked, RiskDayBegan
from console.domain.events import JournaledEvent
from console.domain.market import Ticker
from console.domain.money import PAYOUT, Cash, Price
from console.engine.account import Account
from console.engine.account_views import CurvePoint, Outcomes
from console.monitoring.statistics import variance_of_one_draw

MOST_POINTS = 512
"""A curve that grew to so many points keeps every other one, and from then on half as many."""


class Entry(msgspec.Struct, frozen=True):
    """What we bought of a position, when first; ``weighted`` sums contracts times their probability."""

    first_ns: int
    contracts: int = 0
    as_maker: int = 0
    weighted: int = 0

    @property
    def expected(self) -> Price:
        return Price(self.weighted // self.contracts)


class DayRecord:
    """The day's curve and the account's outcomes; the same events make the same record."""

    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self.curve: tuple[CurvePoint, ...] = ()
        self.outcomes = Outcomes()
        self._points: list[CurvePoint] = []
        self._opening: Cash | None = None
        self._stride = 1
        self._skipped = 0
        self._entered: dict[Ticker, Entry] = {}
        self._event_of: dict[Ticker, str] = {}
        self._ended: dict[str, tuple[int, int]] = {}

    def expected(self, ticker: Ticker) -> Price | None:
        """The probability of winning that a position was entered at; None where we did not enter."""
        entry = self._entered.get(ticker)
        return None if entry is None else entry.expected

    def entry(self, ticker: Ticker) -> Entry | None:
        """How a position was entered; None where we did not enter."""
        return self._entered.get(ticker)

    def observe(self, event: JournaledEvent, before: Account) -> None:
        """Note an event, given the account before the event is applied to it."""
        match event:
            case OrderFilled() | ExternalFilled():
                self._fill(event, before)
            case OrderIntended() | OrderReported() | OrderAcked():
                pass
            case AccountOpened():
                self._forget()
            case RiskDayBegan():
                self._begin(event)
            case EquityMarked():
                self._mark(event)
            case MarketTraded(market=market):
                self._event_of[market.ticker] = market.event_ticker
            case MarketSettled():
                self._settle(event, before)
            case _:
                pass

    def _begin(self, event: RiskDayBegan) -> None:
        self._opening = event.equity
        self._stride, self._skipped = 1, 0
        self._points = [CurvePoint(event.at_ns, Cash(0))]
        self.curve = tuple(self._points)

    def _mark(self, event: EquityMarked) -> None:
        if self._opening is None:
            return
        self._skipped += 1
        if self._skipped < self._stride:
            return
        self._skipped = 0
        self._points.append(CurvePoint(event.at_ns, Cash(event.equity - self._opening)))
        if len(self._points) >= MOST_POINTS:
            self._points = self._points[::2]
            self._stride *= 2
        self.curve = tuple(self._points)

    def _fill(self, event: OrderFilled | ExternalFilled, before: Account) -> None:
        """Add up what entries expected, for as long as something is held."""
        fill = event.fill
        held = before.position(fill.ticker).contracts
        if held * (held + fill.side.sign * fill.count) <= 0:
            self._entered.pop(fill.ticker, None)
        order = before.orders.get(event.client_order_id) if isinstance(event, OrderFilled) else None
        if order is None or order.intent.reduce_only:
            return
        entry = self._entered.get(fill.ticker) or Entry(fill.at_ns)
        self._entered[fill.ticker] = Entry(
            entry.first_ns,
            entry.contracts + fill.count,
            entry.as_maker + (0 if fill.is_taker else fill.count),
            entry.weighted + fill.count * order.intent.win_probability,
        )

    def _settle(self, event: MarketSettled, before: Account) -> None:
        settlement = event.settlement
        held = before.position(settlement.ticker)
        entry = self._entered.pop(settlement.ticker, None)
        average = held.average_price
        if average is None or entry is None:
            return
        # Where an older journal does not say, a market is its own event.
        event_ticker = self._event_of.get(settlement.ticker, settlement.ticker)
        n, expected = self._ended.get(event_ticker, (0, 0))
        self._ended[event_ticker] = n + 1, expected + entry.expected
        known = self.outcomes
        self.outcomes = Outcomes(
            trades=known.trades + 1,
            won=known.won + (held.value_at(settlement.yes_value) > held.paid),
            expected=known.expected + entry.expected,
            paid=known.paid + average,
            events=len(self._ended),
            squares=known.squares + 2 * n + 1,
            variance=known.variance
            + variance_of_one_draw(n + 1, expected + entry.expected, PAYOUT)
            - variance_of_one_draw(n, expected, PAYOUT),
        )
