"""The money of a simulated account: cash, positions, fills and payouts, charged as the exchange charges."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from console.domain.fees import AccountPrecision, FeeAccumulator, model_fee
from console.domain.market import FeeTerms, Ticker
from console.domain.money import Cash, Count, cost
from console.domain.order import Fill, OrderIntent, OrderReport, OrderStatus, PositionReport, Settlement
from console.domain.position import Position, cash_change_of_fill, cash_change_of_settlement
from console.simulation.matching import Execution

_PRECISION = AccountPrecision.DIRECT_MEMBER
_FLAT = Position()


class SimulatedOrder(msgspec.Struct, kw_only=True):
    """An order that the simulation took, and how far it got; ``terms`` are its market's fees."""

    order_id: str
    intent: OrderIntent
    terms: FeeTerms
    status: OrderStatus = OrderStatus.RESTING
    reason: str = ""
    filled: Count = Count(0)
    rounding: FeeAccumulator = FeeAccumulator()

    @property
    def remaining(self) -> Count:
        """What may still fill; an ended order leaves nothing."""
        return Count(0) if self.status.is_terminal else Count(self.intent.count - self.filled)

    @property
    def report(self) -> OrderReport:
        return OrderReport(
            order_id=self.order_id,
            client_order_id=self.intent.client_order_id,
            ticker=self.intent.ticker,
            side=self.intent.side,
            price=self.intent.price,
            status=self.status,
            filled=self.filled,
            remaining=self.remaining,
            exchange_index=self.intent.exchange_index,
            reason=self.reason,
        )


class Ledger:
    """Cash moves only through ``fill`` and ``settle``."""

    def __init__(self, cash: Cash) -> None:
        self.cash = cash
        self.positions: dict[Ticker, Position] = {}
        self.fills: list[Fill] = []
        self.settlements: list[Settlement] = []

    def held(self, ticker: Ticker) -> Count:
        """The signed position in a market."""
        return self.positions.get(ticker, _FLAT).contracts

    def reducible(self, intent: OrderIntent) -> Count:
        """How much of an order closes the position instead of opening one."""
        return Count(min(intent.count, max(0, -intent.side.sign * self.held(intent.ticker))))

    def can_afford(self, intent: OrderIntent, terms: FeeTerms, resting: Iterable[SimulatedOrder]) -> bool:
        """Whether cash covers an order with its fee besides the resting ones at their worst.

        Raises UnknownFeeTypeError.
        """
        reserved = sum(_worst_cost(order.intent, order.remaining) for order in resting)
        fee = model_fee(terms, intent.price, intent.count, is_taker=not intent.post_only) + _PRECISION
        opened = Count(intent.count - self.reducible(intent))
        return reserved + _worst_cost(intent, opened) + fee <= self.cash

    def fill(self, order: SimulatedOrder, execution: Execution, now_ns: int) -> Fill:
        """Book an execution: cash, position, fee and the order's own figures."""
        ticker, side = order.intent.ticker, order.intent.side
        price, count = execution.price, execution.count
        before = self.positions.get(ticker, _FLAT)
        trade_fee = model_fee(order.terms, price, count, is_taker=execution.is_taker)
        revenue = cash_change_of_fill(before.contracts, side, price, count, Cash(0))
        fee, order.rounding = order.rounding.charge(revenue, trade_fee, _PRECISION)
        self.cash = Cash(self.cash + revenue - fee)
        self.positions[ticker] = before.filled(side, price, count, fee)
        order.filled = Count(order.filled + count)
        fill = Fill(
            fill_id=f"dry-run-fill-{len(self.fills) + 1}",
            order_id=order.order_id,
            ticker=ticker,
            side=side,
            price=price,
            count=count,
            fee=fee,
            is_taker=execution.is_taker,
            at_ns=now_ns,
        )
        self.fills.append(fill)
        return fill

    def settle(self, settlement: Settlement) -> None:
        """Pay what a market pays, once; nothing where nothing is held."""
        before = self.positions.get(settlement.ticker, _FLAT)
        if before.contracts:
            revenue = cash_change_of_settlement(before.contracts, settlement.yes_value)
            self.cash = Cash(self.cash + revenue)
            self.positions[settlement.ticker] = before.settled(settlement.yes_value)
            self.settlements.append(settlement)

    def reports(self) -> list[PositionReport]:
        return [PositionReport(ticker, p.contracts, p.fees, p.paid) for ticker, p in self.positions.items()]


def _worst_cost(intent: OrderIntent, count: Count) -> Cash:
    return cost(intent.side.price_paid(intent.price), count)
