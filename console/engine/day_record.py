"""What the account did since its risk day began, and how often what was bought won; from journaled events."""

from __future__ import annotations

from console.domain.events import (
    AccountOpened,
    EquityMarked,
    JournaledEvent,
    MarketSettled,
    OrderFilled,
    RiskDayBegan,
)
from console.domain.market import Ticker
from console.domain.money import Cash, Price
from console.engine.account import Account
from console.engine.snapshot import CurvePoint, Outcomes

MOST_POINTS = 512
"""A curve that grew to so many points keeps every other one, and from then on half as many."""


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
        self._entered: dict[Ticker, tuple[int, int]] = {}

    def expected(self, ticker: Ticker) -> Price | None:
        """The probability of winning that a position was entered at; None where we did not enter."""
        count, weighted = self._entered.get(ticker, (0, 0))
        return Price(weighted // count) if count else None

    def observe(self, event: JournaledEvent, before: Account) -> None:
        """Note an event, given the account before the event is applied to it."""
        match event:
            case AccountOpened():
                self._forget()
            case RiskDayBegan():
                self._begin(event)
            case EquityMarked():
                self._mark(event)
            case OrderFilled():
                self._enter(event, before)
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

    def _enter(self, event: OrderFilled, before: Account) -> None:
        order = before.orders.get(event.client_order_id)
        if order is None or order.intent.reduce_only:
            return
        count, weighted = self._entered.get(event.fill.ticker, (0, 0))
        added = event.fill.count
        self._entered[event.fill.ticker] = (
            count + added,
            weighted + added * order.intent.win_probability,
        )

    def _settle(self, event: MarketSettled, before: Account) -> None:
        settlement = event.settlement
        held = before.position(settlement.ticker)
        count, weighted = self._entered.pop(settlement.ticker, (0, 0))
        average = held.average_price
        if average is None or not count:
            return
        known = self.outcomes
        self.outcomes = Outcomes(
            trades=known.trades + 1,
            won=known.won + (held.value_at(settlement.yes_value) > held.paid),
            expected=known.expected + weighted // count,
            paid=known.paid + average,
        )
