"""The orders of an account: what each was sent for, and what became of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from console.domain.account_events import DENIED, NEVER_PLACED, OrderRejected
from console.domain.market import Ticker
from console.domain.order import Fill, Order, OrderIntent, OrderStatus
from console.domain.order_life import OrderNews, order_after
from console.monitoring.fill_ratios import OrderSums
from console.monitoring.records import Decision

_RESTING = "resting"


class SentOrders:
    """Every order that was to be sent; what was not sent in the end counts in no sum of a market."""

    def __init__(self) -> None:
        self._orders: dict[str, Order] = {}
        self._decided: dict[str, int] = {}
        self._unsent: set[str] = set()
        self._sums: dict[Ticker, OrderSums] = {}

    @property
    def tickers(self) -> Iterable[Ticker]:
        """Markets to which one was sent."""
        return self._sums

    def intent(self, client_order_id: str) -> OrderIntent:
        return self._orders[client_order_id].intent

    def decided_ns(self, client_order_id: str) -> int:
        return self._decided[client_order_id]

    def sums(self, ticker: Ticker) -> OrderSums:
        """Those of one market, for the caller to keep."""
        sums = OrderSums()
        if ticker in self._sums:
            sums.join(self._sums[ticker])
        return sums

    def intend(self, intent: OrderIntent, at_ns: int, status: OrderStatus) -> None:
        """An order is sent, or is found at the exchange."""
        if intent.client_order_id not in self._orders:
            self._sums.setdefault(intent.ticker, OrderSums()).add(intent)
        self._orders[intent.client_order_id] = Order(intent, at_ns, status)
        self._decided[intent.client_order_id] = at_ns

    def take(self, event: OrderNews) -> None:
        """News of an order."""
        order = self._orders[event.client_order_id]
        self._orders[event.client_order_id] = order_after(order, event)
        if isinstance(event, OrderRejected) and event.code in (DENIED, NEVER_PLACED):
            self._unsent.add(event.client_order_id)
            self._sums[order.intent.ticker].add(order.intent, -1)

    def fill(self, client_order_id: str, fill: Fill) -> None:
        """A fill of an order."""
        order = self._orders[client_order_id]
        self._orders[client_order_id] = order.with_fill(fill.order_id, fill.count)
        if client_order_id not in self._unsent:
            self._sums[fill.ticker].fill(order.intent, fill.count, is_first=not order.filled)

    def decisions_since(self, first_ns: int) -> tuple[Decision, ...]:
        """What was decided and sent from then on."""
        return tuple(
            Decision(at_ns, self._orders[name].intent)
            for name, at_ns in self._decided.items()
            if name not in self._unsent and at_ns >= first_ns
        )

    def counts_since(self, first_ns: int) -> dict[str, int]:
        """How many orders decided from then on ended how, or rest."""
        since = (order for name, order in self._orders.items() if self._decided[name] >= first_ns)
        return dict(Counter(order.status.value if order.status.is_terminal else _RESTING for order in since))
