"""What would become of our orders at an exchange whose quotes we follow: a local account that matches them.

Where of each side only the best price is known an order takes no more than is shown there. One that rests
fills when the other side comes to its price, or when others trade there and those before it in the queue did.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Mapping
from functools import partial

import msgspec

from console.domain.account_events import OrderAcked, OrderFilled, OrderRejected, OrderReported
from console.domain.book import NO_QUOTE, Level, Quote
from console.domain.events import EngineEvent
from console.domain.fees import AccountPrecision, ProfitFees, UnknownFeeTypeError, model_fee
from console.domain.market import FeeTerms, Market, MarketStatus, Ticker
from console.domain.market_events import TradePrinted
from console.domain.money import PAYOUT, Cash, Count, Price
from console.domain.order import (
    Fill,
    OrderIntent,
    OrderReport,
    OrderStatus,
    PositionReport,
    Settlement,
)
from console.domain.ports import Clock
from console.simulation.admission import refusal
from console.simulation.execution import Execution, NewOrder, QueueModel
from console.simulation.ledger import Ledger
from console.simulation.matching_books import MatchingBooks
from console.simulation.order_register import OrderRegister, SimulatedOrder
from console.simulation.slippage import SlippageModel

TellFill = Callable[[OrderIntent, Fill, Execution, Cash], None]
"""Is told of a fill: the order, what was booked, the trade, and the part of the fee that is slippage."""


def _tell_nobody(event: EngineEvent) -> None:
    pass


def _tell_no_fill(intent: OrderIntent, fill: Fill, execution: Execution, slippage: Cash) -> None:
    pass


class Broker:
    """Takes orders as the exchange would; what happens to them is told through ``publish``, in order.

    Trades are charged what their market charges when they happen, rounded to ``precision``; with
    ``profit_fees`` they are charged nothing until their market settles. ``slippage`` costs orders that take
    cash on top. Ids begin with ``id_prefix``. Any thread may call: the halt cancels from its own.
    """

    def __init__(
        self,
        wall_ns: Clock,
        *,
        precision: AccountPrecision = AccountPrecision.DIRECT_MEMBER,
        queue: QueueModel = QueueModel.PESSIMISTIC,
        slippage: SlippageModel | None = None,
        profit_fees: ProfitFees | None = None,
        id_prefix: str = "dry-run",
    ) -> None:
        self.publish: Callable[[EngineEvent], None] = _tell_nobody
        self.tell_fill: TellFill = _tell_no_fill
        self._wall_ns = wall_ns
        self._id_prefix = id_prefix
        self._lock = threading.RLock()
        self._orders = OrderRegister(id_prefix)
        self._new_ledger = partial(
            Ledger, precision=precision, profit_fees=profit_fees, slippage=slippage, id_prefix=id_prefix
        )
        self._ledger = self._new_ledger(Cash(0))
        self._markets: dict[Ticker, Market] = {}
        self.books = MatchingBooks(queue)
        self._groups: dict[str, bool] = {}
        self._trading = False

    def open_account(self, cash: Cash, positions: Iterable[PositionReport] = ()) -> None:
        """Begin with this much, these positions and nothing else."""
        with self._lock:
            self._ledger = self._new_ledger(cash)
            for report in positions:
                self._ledger.adopt(report)

    # --- what the exchange says -----------------------------------------------------------------

    def list_markets(self, markets: Iterable[Market]) -> None:
        """Markets are new, or known ones have other fees, prices or times; what has settled stays settled."""
        with self._lock:
            for market in markets:
                self._change(market)

    def change_status(self, ticker: Ticker, status: MarketStatus, close_ns: int | None) -> None:
        """A market that stops trading, for now or for good, has our orders in it cancelled."""
        with self._lock:
            market = self._markets.get(ticker)
            if market is not None:
                close_ns = market.close_ns if close_ns is None else close_ns
                self._change(msgspec.structs.replace(market, status=status, close_ns=close_ns))

    def _change(self, market: Market) -> None:
        before = self._markets.get(market.ticker)
        if before is not None and before.status is MarketStatus.FINALIZED:
            return
        self._markets[market.ticker] = market
        if before is None:
            return
        for order in self._orders.open_in(market.ticker):
            if market.status is not MarketStatus.ACTIVE:
                self._cancel(order, "CloseCancel")
            else:
                order.terms = _known(market.fees) or order.terms
                self._await_end(order)

    def change_trading(self, active: bool) -> None:
        """Trading on the whole exchange goes on or is paused, which cancels our orders."""
        with self._lock:
            self._trading = active
            if not active:
                self._cancel_where(lambda _order: True, "HaltCancel")

    def show(self, ticker: Ticker, quote: Quote) -> None:
        """The best prices of others changed; our resting orders that they reach fill.

        Of a size of 0 only the price is known, and of an empty side nothing.
        """
        with self._lock:
            self.expire()
            executions = self.books.of(ticker).display_best(quote)
            if executions:
                self._execute(executions)

    def show_book(self, ticker: Ticker, bids: Iterable[Level], asks: Iterable[Level]) -> None:
        """All of what others display changed."""
        with self._lock:
            self.expire()
            self._execute(self.books.of(ticker).display(bids, asks))

    def print_trade(self, trade: TradePrinted) -> None:
        """Others traded, perhaps with what rests before ours, or with ours if it had been there."""
        with self._lock:
            book = self.books.find(trade.ticker)
            if book is not None:
                self.expire()
                self._execute(book.print(trade.price, trade.count, trade.taker_side))

    def hide_all(self) -> None:
        """Nothing is known of any book until it is shown anew."""
        with self._lock:
            for ticker in self.books.tickers:
                self.show(ticker, NO_QUOTE)

    def settle(self, settlement: Settlement) -> Settlement:
        """A market pays out; says what was charged. Only cancelled orders are told of."""
        with self._lock:
            ticker = settlement.ticker
            for order in self._orders.open_in(ticker):
                self._cancel(order, "CloseCancel")
            self.books.drop(ticker)
            market = self._markets.get(ticker)
            if market is not None:
                self._markets[ticker] = msgspec.structs.replace(market, status=MarketStatus.FINALIZED)
            return self._ledger.settle(settlement)

    def forget_taken(self, ticker: Ticker) -> None:
        """All that we took was displayed anew; what is displayed is shown before it is asked for again."""
        with self._lock:
            self.books.of(ticker).forget_taken()

    # --- what we ask ----------------------------------------------------------------------------

    def submit(self, intent: OrderIntent) -> OrderAcked | OrderRejected:
        """Take an order and match it, or refuse it with the exchange's code."""
        with self._lock:
            self.expire()
            now_ns = self._wall_ns()
            code = self._refusal(intent, now_ns)
            if code is not None:
                return OrderRejected(
                    at_ns=now_ns, client_order_id=intent.client_order_id, code=code, message="simulated"
                )
            order = self._accept(intent)
            self._match(order)
            return OrderAcked(at_ns=now_ns, client_order_id=intent.client_order_id, order_id=order.order_id)

    def _refusal(self, intent: OrderIntent, now_ns: int) -> str | None:
        """The exchange's code for an order that it would not take."""
        if self._orders.has_client_id(intent.client_order_id):
            return "order_already_exists"
        if not self._trading:
            return "trading_paused"
        is_group_open = intent.group_id is None or self._groups.get(intent.group_id, False)
        market = self._markets.get(intent.ticker)
        return refusal(intent, market, self._ledger, now_ns, is_group_open=is_group_open)

    def _accept(self, intent: OrderIntent) -> SimulatedOrder:
        terms = self._markets[intent.ticker].fees
        assert terms is not None, "an order without known fees is refused"
        order = self._orders.add(intent, terms)
        self._ledger.open(order)
        return order

    def _match(self, order: SimulatedOrder) -> None:
        intent = order.intent
        count = self._ledger.reducible(intent) if intent.reduce_only else intent.count
        if count:
            book = self.books.of(intent.ticker)
            displayed = dict(book.displayed(intent.side.opposite))
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
            self._execute(outcome.executions, displayed)
            for cancellation in outcome.cancellations:
                self._end(self._orders.all[cancellation.order_id], OrderStatus.CANCELED, cancellation.reason)
        if order.status.is_terminal:
            return
        if count < intent.count:
            self._end(order, OrderStatus.CANCELED, "ReduceOnlyCancel")
        else:
            self._await_end(order)

    def cancel(self, order_id: str) -> None:
        """Cancel one order; one that is already gone is not an error."""
        with self._lock:
            self.expire()
            order = self._orders.open.get(order_id)
            if order is not None:
                self._cancel(order, "")

    def create_group(self) -> str:
        with self._lock:
            group_id = f"{self._id_prefix}-group-{len(self._groups) + 1}"
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
            self.expire()
            return [order.report for order in self._orders.all.values()]

    def fills(self) -> list[Fill]:
        with self._lock:
            return list(self._ledger.fills)

    def settlements(self) -> list[Settlement]:
        with self._lock:
            return list(self._ledger.settlements)

    def positions(self) -> list[PositionReport]:
        with self._lock:
            return self._ledger.reports()

    def held(self, ticker: Ticker) -> Count:
        """The signed position in a market."""
        with self._lock:
            return self._ledger.held(ticker)

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

    def _execute(
        self, executions: Iterable[Execution], displayed: Mapping[Price, Count] | None = None
    ) -> None:
        """Book trades; ``displayed`` is what an order that took found."""
        for execution in executions:
            order, now_ns = self._orders.all[execution.order_id], self._wall_ns()
            intent = order.intent
            slippage = Cash(0)
            if displayed is not None:
                found = displayed[execution.price]
                slippage = self._ledger.slippage(intent, execution.price, execution.count, found)
            fill = self._ledger.fill(order, execution, slippage, now_ns)
            self.publish(OrderFilled(at_ns=now_ns, client_order_id=intent.client_order_id, fill=fill))
            self.tell_fill(intent, fill, execution, slippage)
            if order.filled == intent.count:
                self._end(order, OrderStatus.EXECUTED, "Trade")

    def _cancel(self, order: SimulatedOrder, reason: str) -> None:
        self.books.of(order.intent.ticker).cancel(order.order_id)
        self._end(order, OrderStatus.CANCELED, reason)

    def _cancel_where(self, chosen: Callable[[SimulatedOrder], bool], reason: str) -> None:
        for order in [order for order in self._orders.open.values() if chosen(order)]:
            self._cancel(order, reason)

    def _end(self, order: SimulatedOrder, status: OrderStatus, reason: str) -> None:
        self._ledger.end(order, status, reason)
        del self._orders.open[order.order_id]
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

    # --- time -----------------------------------------------------------------------------------

    @property
    def next_end_ns(self) -> int | None:
        """Before this time no order of ours expires or is closed out with its market; None without any."""
        return self._orders.next_end_ns

    def expire(self) -> None:
        """Cancel the orders whose time is up, or their market's."""
        end_ns = self._orders.next_end_ns
        if end_ns is None or self._wall_ns() < end_ns:
            return
        with self._lock:
            now_ns, self._orders.next_end_ns = self._wall_ns(), None
            for order in [*self._orders.open.values()]:
                if order.expires_ns <= now_ns:
                    self._cancel(order, "ExpiryCancel")
                elif self._markets[order.intent.ticker].close_ns <= now_ns:
                    self._cancel(order, "CloseCancel")
                else:
                    self._await_end(order)

    def _await_end(self, order: SimulatedOrder) -> None:
        self._orders.await_end(order, self._markets[order.intent.ticker].close_ns)


def _known(fees: FeeTerms | None) -> FeeTerms | None:
    """The terms, unless nothing is known of how they charge."""
    if fees is not None:
        with contextlib.suppress(UnknownFeeTypeError):
            model_fee(fees, PAYOUT, Count(0), is_taker=True)
            return fees
    return None
