"""Which orders were asked to be cancelled, and when, so that each is asked for once and not forgotten."""

from __future__ import annotations

from console.domain.actions import Cancel
from console.domain.order import Order

RECANCEL_NS = 2_000_000_000
"""After this long without news of the order the exchange is asked again."""


class Cancels:
    """Cancels under way, by client order id."""

    def __init__(self) -> None:
        self._asked_ns: dict[str, int] = {}

    def ask(self, order: Order, at_ns: int) -> Cancel | None:
        """The request to send now; None while one is under way or there is nothing to cancel there."""
        intent = order.intent
        if order.order_id is None or order.ending is not None:
            return None
        asked_ns = self._asked_ns.get(intent.client_order_id)
        # A clock that stepped back must not hold up the next request.
        if asked_ns is not None and 0 <= at_ns - asked_ns < RECANCEL_NS:
            return None
        self._asked_ns[intent.client_order_id] = at_ns
        return Cancel(order.order_id, intent.client_order_id, intent.ticker, intent.exchange_index)

    def insist(self, client_order_id: str) -> None:
        """Ask for an order at once, or as soon as its id at the exchange is known."""
        self._asked_ns[client_order_id] = 0

    def wants(self, client_order_id: str) -> bool:
        """Whether the order was asked for and is not over."""
        return client_order_id in self._asked_ns

    def ended(self, client_order_id: str) -> None:
        """The order is over."""
        self._asked_ns.pop(client_order_id, None)

    def ask_anew(self) -> None:
        """Ask for every order again, whenever it was asked for last."""
        self._asked_ns.clear()
