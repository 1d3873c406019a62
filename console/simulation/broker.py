"""What would become of our orders at an exchange whose quotes we follow: a local account that matches them.

Of each side only the best price is known, so an order takes no more than is shown there. One that rests fills
when the other side comes to its price, or when others trade there and those before it in the queue have.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

import msgspec

from console.domain.book import NO_QUOTE, BookSide, Level, Quote
from console.domain.events import (
    EngineEvent,
    OrderAcked,
    OrderFilled,
    OrderRejected,
    OrderReported,
    TradePrinted,
)
from console.domain.fees import UnknownFeeTypeError
from console.domain.market import Market, MarketStatus, Ticker
from console.domain.money import Cash
from console.domain.order import (
    Fill,
    OrderIntent,
    OrderReport,
    OrderStatus,
    PositionReport,
    Settlement,
    TimeInForce,
)
from console.domain.ports import Clock
from console.simulation.ledger import Ledger, SimulatedOrder
from console.simulation.matching import Execution, MatchingBook, NewOrder

_NS_PER_S = 1_000_000_000


def _tell_nobody(event: EngineEvent) -> None:
    pass


class Broker:
    """Takes orders as the exchange would; what happens to them is told through ``publish``, in order.

    Any thread may call: the halt cancels from a thread of its own.
    """

    def __init__(self, wall_ns: Clock) -> None:
        self.publish: Callable[[EngineEvent], None] = _tell_nobody
        self._wall_ns = wall_ns
        self._lock = threading.RLock()
        self._ledger = Ledger(Cash(0))
        self._markets: dict[Ticker, Market] = {}
        self._books: dict[Ticker, MatchingBook] = {}
        self._orders: dict[str, SimulatedOrder] = {}
        self._open: dict[str, SimulatedOrder] = {}
        self._client_ids: set[str] = set()
        self._groups: dict[str, bool] = {}
        self._trading = False

    def open_account(self, cash: Cash) -> None:
        """Begin with this much and nothing else."""
        with self._lock:
            self._ledger = Ledger(cash)

    # --- what the exchange says -----------------------------------------------------------------

    def list_markets(self, markets: Iterable[Market]) -> None:
        with self._lock:
            self._markets.update({market.ticker: market for market in markets})

    def change_status(self, ticker: Ticker, status: MarketStatus, close_ns: int | None) -> None:
        """A market that stops trading, for now or for good, has our orders in it cancelled."""
        with self._lock:
            market = self._markets.get(ticker)
            if market is None:
                return
            close_ns = market.close_ns if close_ns is None else close_ns
            self._markets[ticker] = msgspec.structs.replace(market, status=status, close_ns=close_ns)
            if status is not MarketStatus.ACTIVE:
                self._cancel_where(lambda order: order.intent.ticker == ticker, "CloseCancel")

    def change_trading(self, active: bool) -> None:
        """Trading on the whole exchange goes on or is paused, which cancels our orders."""
        with self._lock:
            self._trading = active
            if not active:
                self._cancel_where(lambda _order: True, "HaltCancel")

    def show(self, ticker: Ticker, quote: Quote) -> None:
        """The best prices of others changed; our resting orders that they reach fill."""
        with self._lock:
            self._expire()
            book = self._books.setdefault(ticker, MatchingBook())
            bids, asks = (self._levels(ticker, book, side, quote) for side in BookSide)
            self._execute(book.display(bids, asks))

    def print_trade(self, trade: TradePrinted) -> None:
        """Others traded, perhaps with what rests before ours, or with ours if it had been there."""
        with self._lock:
            book = self._books.get(trade.ticker)
            if book is not None:
                self._expire()
                self._execute(book.print(trade.price, trade.count, trade.taker_side))

    def hide_all(self) -> None:
        """Nothing is known of any book until it is shown anew."""
        with self._lock:
            for ticker in self._books:
                self.show(ticker, NO_QUOTE)

    def settle(self, settlement: Settlement) -> None:
        """A market pays out."""
        with self._lock:
            ticker = settlement.ticker
            self._cancel_where(lambda order: order.intent.ticker == ticker, "CloseCancel")
            self._ledger.settle(settlement)
            self._books.pop(ticker, None)
            self._markets.pop(ticker, None)

    def _levels(self, ticker: Ticker, book: MatchingBook, side: BookSide, quote: Quote) -> list[Level]:
        """The best level, and behind it what was last shown where we rest: we keep our place there."""
        best = quote.join(side)
        levels = [] if best is None else [best]
        ours = [o.intent for o in self._open.values() if (o.intent.ticker, o.intent.side) == (ticker, side)]
        for price in {intent.price for intent in ours}:
            last = book.displayed(side).get(price)
            if last is not None and (best is None or side.sign * (best.price - price) > 0):
                levels.append(Level(price, last))
        return levels

    # --- what we ask ----------------------------------------------------------------------------

    def submit(self, intent: OrderIntent) -> OrderAcked | OrderRejected:
        """Take an order and match it, or refuse it with the exchange's code."""
        with self._lock:
            self._expire()
            now_ns = self._wall_ns()
            code = self._refusal(intent, now_ns)
            if code is not None:
                return OrderRejected(
                    at_ns=now_ns, client_order_id=intent.client_order_id, code=code, message="dry run"
                )
            order = self._accept(intent)
            self._match(order)
            return OrderAcked(at_ns=now_ns, client_order_id=intent.client_order_id, order_id=order.order_id)

    def _refusal(self, intent: OrderIntent, now_ns: int) -> str | None:
        """The exchange's code for an order that it would not take."""
        market = self._markets.get(intent.ticker)
        if intent.client_order_id in self._client_ids:
            return "order_already_exists"
        if not self._trading:
            return "trading_paused"
        if market is None:
            return "market_not_found"
        if not market.is_open(now_ns):
            return "market_inactive"
        rests = intent.time_in_force is TimeInForce.GOOD_TILL_CANCELED
        if intent.count <= 0 or not market.grid.contains(intent.price) or (intent.reduce_only and rests):
            return "invalid_order"
        if intent.group_id is not None and not self._groups.get(intent.group_id, False):
            return "order_group_triggered"
        if market.fees is None:
            return "fee_unknown"
        try:
            affordable = self._ledger.can_afford(intent, market.fees, self._open.values())
        except UnknownFeeTypeError:
            return "fee_unknown"
        return None if affordable else "insufficient_balance"

    def _accept(self, intent: OrderIntent) -> SimulatedOrder:
        terms = self._markets[intent.ticker].fees
        assert terms is not None, "an order without known fees is refused"
        order = SimulatedOrder(order_id=f"dry-run-{len(self._orders) + 1}", intent=intent, terms=terms)
        self._orders[order.order_id] = self._open[order.order_id] = order
        self._client_ids.add(intent.client_order_id)
        return order

    def _match(self, order: SimulatedOrder) -> None:
        intent = order.intent
        count = self._ledger.reducible(intent) if intent.reduce_only else intent.count
        if count:
            book = self._books.setdefault(intent.ticker, MatchingBook())
            outcome = book.submit(
                NewOrder(
                    order_id=order.order_id,
                    side=intent.side,
                    price=intent.price,
                    count=count,
                    time_in_force=intent.time_in_force,
                    post_only=intent.post_only,
                )
            )
            self._execute(outcome.executions)
            for cancellation in outcome.cancellations:
                self._end(self._orders[cancellation.order_id], OrderStatus.CANCELED, cancellation.reason)
        if count < intent.count and not order.status.is_terminal:
            self._end(order, OrderStatus.CANCELED, "ReduceOnlyCancel")

    def cancel(self, order_id: str) -> None:
        """Cancel one order; one that is already gone is not an error."""
        with self._lock:
            self._cancel_where(lambda order: order.order_id == order_id, "")

    def create_group(self) -> str:
        with self._lock:
            group_id = f"dry-run-group-{len(self._groups) + 1}"
            self._groups[group_id] = True
            return group_id

    def trigger_group(self, group_id: str) -> None:
        """Cancel the group's orders and refuse new ones until it is reset."""
        with self._lock:
            self._groups[group_id] = False
            self._cancel_where(lambda order: order.intent.group_id == group_id, "")

    def reset_group(self, group_id: str) -> None:
        with self._lock:
            self._groups[group_id] = True

    # --- what we read ---------------------------------------------------------------------------

    def orders(self) -> list[OrderReport]:
        with self._lock:
            self._expire()
            return [order.report for order in self._orders.values()]

    def fills(self) -> list[Fill]:
        with self._lock:
            return list(self._ledger.fills)

    def settlements(self) -> list[Settlement]:
        with self._lock:
            return list(self._ledger.settlements)

    def positions(self) -> list[PositionReport]:
        with self._lock:
            return self._ledger.reports()

    def cash(self) -> Cash:
        with self._lock:
            return self._ledger.cash

    def awaiting_payout(self) -> list[Ticker]:
        """Markets that are held and whose close has passed."""
        with self._lock:
            now_ns = self._wall_ns()
            return [
                report.ticker
                for report in self._ledger.reports()
                if report.position and self._markets[report.ticker].close_ns <= now_ns
            ]

    # --- consequences ---------------------------------------------------------------------------

    def _execute(self, executions: Iterable[Execution]) -> None:
        for execution in executions:
            order, now_ns = self._orders[execution.order_id], self._wall_ns()
            fill = self._ledger.fill(order, execution, now_ns)
            self.publish(OrderFilled(at_ns=now_ns, client_order_id=order.intent.client_order_id, fill=fill))
            if order.filled == order.intent.count:
                self._end(order, OrderStatus.EXECUTED, "Trade")

    def _end(self, order: SimulatedOrder, status: OrderStatus, reason: str) -> None:
        order.status, order.reason = status, reason
        del self._open[order.order_id]
        self.publish(
            OrderReported(
                at_ns=self._wall_ns(),
                client_order_id=order.intent.client_order_id,
                order_id=order.order_id,
                status=status,
                filled=order.filled,
                reason=reason,
            )
        )

    def _expire(self) -> None:
        now_ns = self._wall_ns()
        self._cancel_where(lambda order: _has_expired(order.intent, now_ns), "ExpiryCancel")

    def _cancel_where(self, chosen: Callable[[SimulatedOrder], bool], reason: str) -> None:
        for order in [order for order in self._open.values() if chosen(order)]:
            self._books[order.intent.ticker].cancel(order.order_id)
            self._end(order, OrderStatus.CANCELED, reason)


def _has_expired(intent: OrderIntent, now_ns: int) -> bool:
    return intent.expires_s is not None and intent.expires_s * _NS_PER_S <= now_ns
