"""The orders that a simulation took: all of them, those that are open, and when the next of these ends."""

from __future__ import annotations

import msgspec

from console.domain.fees import FeeAccumulator
from console.domain.market import FeeTerms, Ticker
from console.domain.money import Count
from console.domain.order import OrderIntent, OrderReport, OrderStatus
from console.domain.time_units import NS_PER_S

_NEVER_NS = 2**63 - 1


class SimulatedOrder(msgspec.Struct, kw_only=True):
    """An order that the simulation took, and how far it got; ``terms`` are its market's fees now."""

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
    def expires_ns(self) -> int:
        """The end of time for an order that does not expire."""
        return _NEVER_NS if self.intent.expires_s is None else self.intent.expires_s * NS_PER_S

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


class OrderRegister:
    """``all`` and ``open`` are by order id, in order of arrival; ids begin with ``id_prefix``.

    Before ``next_end_ns`` no open order expires or is closed out with its market; it is None without any.
    """

    def __init__(self, id_prefix: str) -> None:
        self.all: dict[str, SimulatedOrder] = {}
        self.open: dict[str, SimulatedOrder] = {}
        self.next_end_ns: int | None = None
        self._client_ids: set[str] = set()
        self._id_prefix = id_prefix

    def has_client_id(self, client_order_id: str) -> bool:
        return client_order_id in self._client_ids

    def add(self, intent: OrderIntent, terms: FeeTerms) -> SimulatedOrder:
        order_id = f"{self._id_prefix}-{len(self.all) + 1}"
        order = SimulatedOrder(order_id=order_id, intent=intent, terms=terms)
        self.all[order_id] = self.open[order_id] = order
        self._client_ids.add(intent.client_order_id)
        return order

    def open_in(self, ticker: Ticker) -> list[SimulatedOrder]:
        return [order for order in self.open.values() if order.intent.ticker == ticker]

    def await_end(self, order: SimulatedOrder, close_ns: int) -> None:
        """An open order ends with its market at the latest."""
        end_ns = min(order.expires_ns, close_ns)
        self.next_end_ns = end_ns if self.next_end_ns is None else min(self.next_end_ns, end_ns)
