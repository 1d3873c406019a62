"""Withdraws our orders: each cancel is asked for once, again when no news comes, and not forgotten."""

from __future__ import annotations

from console.domain.actions import Cancel
from console.domain.order import Order
from console.domain.trading_state import TradingState
from console.engine.account import Account
from console.engine.effects import Effects
from console.engine.markets import Markets

RECANCEL_NS = 2_000_000_000
"""After this long without news of the order the exchange is asked again."""


class Cancels:
    """Cancels under way, by client order id."""

    def __init__(self, account: Account, effects: Effects) -> None:
        self._account = account
        self._effects = effects
        self._asked_ns: dict[str, int] = {}

    def ask(self, order: Order, at_ns: int) -> None:
        """Cancel an order, unless a cancel is under way or there is nothing to cancel at the exchange."""
        intent = order.intent
        if order.order_id is None or order.ending is not None:
            return
        asked_ns = self._asked_ns.get(intent.client_order_id)
        # A clock that stepped back must not hold up the next request.
        if asked_ns is not None and 0 <= at_ns - asked_ns < RECANCEL_NS:
            return
        self._asked_ns[intent.client_order_id] = at_ns
        self._effects.act(
            Cancel(order.order_id, intent.client_order_id, intent.ticker, intent.exchange_index)
        )

    def insist(self, order: Order, at_ns: int) -> None:
        """Cancel an order at once, or as soon as its id at the exchange is known."""
        self._asked_ns[order.intent.client_order_id] = 0
        self.ask(order, at_ns)

    def ask_again(self, at_ns: int) -> None:
        """Ask again for orders whose cancel brought no news."""
        for order in self._account.open_orders:
            if order.intent.client_order_id in self._asked_ns:
                self.ask(order, at_ns)

    def ask_for_what_may_not_rest(self, markets: Markets, at_ns: int, *, is_flattening: bool) -> None:
        """Withdraw entries wherever a latch holds, and exits too where it halts and no flatten is on."""
        for order in self._account.open_orders:
            ticker = order.intent.ticker
            market = markets.get(ticker)
            series = market.series_ticker if market is not None else ""
            level = self._account.latches.state_for(ticker, markets.group(ticker), series)
            if level is TradingState.RUNNING:
                continue
            halted = level is TradingState.HALTED and not is_flattening
            if halted or not order.intent.reduce_only:
                self.ask(order, at_ns)

    def ended(self, client_order_id: str) -> None:
        """The order is over."""
        self._asked_ns.pop(client_order_id, None)

    def ask_anew(self) -> None:
        """Let every order be asked for again, whenever it was asked for last."""
        self._asked_ns.clear()
