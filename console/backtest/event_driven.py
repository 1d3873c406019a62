"""A backtester that is told one event at a time, in cents, dollars and whole contracts.

What becomes of its orders is the simulated exchange's to say.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from functools import partial
from itertools import count as counting
from typing import TYPE_CHECKING

import msgspec

from console.backtest.event_inputs import (
    NEVER_NS,
    FeeSchedule,
    Number,
    OrderAction,
    OrderSide,
    Snapshot,
    book_side,
    cash_from,
    count_from,
    given,
    market_of,
    ms_from,
    ns_from,
    price_from,
    quote_from,
    ticker_from,
    yes_price,
    yes_value_from,
)
from console.backtest.event_order import NO_TOUCH, Order
from console.backtest.event_records import Records
from console.backtest.event_trades import ClosedTrade, Metrics, closed_trades, metrics_of, trades_frame
from console.backtest.result import Result
from console.domain.account_events import OrderRejected, OrderReported
from console.domain.book import NO_QUOTE, Quote
from console.domain.events import EngineEvent
from console.domain.market import Ticker
from console.domain.market_events import TradePrinted
from console.domain.money import CASH_PER_DOLLAR, COUNT_PER_CONTRACT, Cash, Count, Price
from console.domain.order import Fill, OrderIntent, OrderStatus, Settlement, TimeInForce
from console.monitoring.records import FillRecord
from console.simulation.broker import Broker
from console.simulation.execution import Execution, QueueModel
from console.simulation.slippage import SlippageModel

if TYPE_CHECKING:
    import pandas as pd


class EventBacktester:
    """Trades what it is shown, one event after the other in order of time, and settles what it is told.

    Without a schedule or model given, the exchange's own fees and the default slippage count. ``latency_ms``
    is how long an order is on its way. It meets what is displayed when it arrives, all that is told of that
    moment included: what becomes of it is known once a later moment is told or the result is asked for.
    ``clock_skew_ms`` is how far the clock of the orders' timestamps is ahead of the exchange's, which stamps
    everything else: one that is behind sends orders later than it says. A snapshot without sizes fills
    nothing, or up to ``assumed_depth`` contracts. Times without a zone are UTC. Methods raise ValueError for
    input that cannot be meant.
    """

    def __init__(
        self,
        fee_schedule: FeeSchedule | None = None,
        slippage_model: SlippageModel | None = None,
        initial_capital: Number = 10_000,
        *,
        latency_ms: float = 0,
        clock_skew_ms: float = 0,
        assumed_depth: Number | None = None,
        queue: QueueModel = QueueModel.PESSIMISTIC,
    ) -> None:
        capital = cash_from(initial_capital, "initial_capital")
        self._fees = given(fee_schedule, FeeSchedule, "fee_schedule")
        self._latency_ns = ms_from(latency_ms, "latency_ms")
        if self._latency_ns < 0:
            raise ValueError(f"latency_ms is {latency_ms}, below 0")
        self._skew_ns = ms_from(clock_skew_ms, "clock_skew_ms")
        self._assumed_depth = Count(0) if assumed_depth is None else count_from(assumed_depth)
        self._now_ns = -NEVER_NS
        self._on_the_way: list[tuple[int, int, Callable[[], None]]] = []
        self._sequence = counting()
        self._orders: dict[str, Order] = {}
        self._decided: dict[str, tuple[int, int]] = {}
        self._records = Records(capital, self._fees.profit_fees)
        self._broker = Broker(
            lambda: self._now_ns,
            precision=self._fees.precision,
            queue=QueueModel(queue),
            slippage=given(slippage_model, SlippageModel, "slippage_model"),
            profit_fees=self._fees.profit_fees,
            id_prefix="backtest",
        )
        self._broker.publish = self._hear
        self._broker.tell_fill = self._note_fill
        self._broker.open_account(capital)
        self._broker.change_trading(True)

    # --- what it is told ----------------------------------------------------------------------------

    def submit_order(
        self,
        timestamp: datetime,
        ticker: Ticker,
        side: OrderSide | str,
        action: OrderAction | str,
        contracts: Number,
        market_snapshot: Snapshot | Quote | None = None,
        *,
        limit_price: Number | None = None,
        rests: bool = False,
    ) -> Order:
        """Decide on an order at what is displayed, which is the snapshot or else what was shown last.

        It takes what is displayed at the best price, or up to ``limit_price`` in cents of its side. The rest
        is cancelled unless the order ``rests``, which a sale cannot.
        """
        order = Order(
            order_id=f"order-{len(self._orders) + 1}",
            timestamp=timestamp,
            ticker=ticker_from(ticker),
            side=OrderSide(side),
            action=OrderAction(action),
            count=count_from(contracts),
            rests=rests,
        )
        if rests and (order.action is OrderAction.SELL or limit_price is None):
            raise ValueError("only a purchase with a limit_price can rest")
        limit = None if limit_price is None else yes_price(order.side, price_from(limit_price, "limit_price"))
        sent_ns = self._decide_at(timestamp)
        if market_snapshot is not None:
            self._show(ticker, market_snapshot)
        self._orders[order.order_id] = order
        intent = _intent(order, self._records.quote(ticker), limit, rests)
        if intent is None:
            order.reject(NO_TOUCH)
        else:
            shown = self._records.shown.get(ticker)
            age_ns = 0 if shown is None else self._now_ns - shown.at_ns
            self._decided[order.order_id] = (self._now_ns, age_ns)
            self._send(sent_ns, partial(self._arrive, order, intent))
        self._mark()
        return order

    def cancel_order(self, timestamp: datetime, order: Order) -> None:
        """Ask for what rests of an order to be cancelled; it is on its way as long as an order."""
        sent_ns = self._decide_at(timestamp)
        self._send(sent_ns, lambda: self._broker.cancel(order.exchange_id or ""))
        self._mark()

    def update_market(self, timestamp: datetime, ticker: Ticker, market_snapshot: Snapshot | Quote) -> None:
        """Others display something new; orders of ours that it crosses fill."""
        self._advance(ns_from(timestamp, "timestamp"))
        self._show(ticker_from(ticker), market_snapshot)
        self._mark()

    def record_trade(
        self,
        timestamp: datetime,
        ticker: Ticker,
        yes_price_cents: Number,
        contracts: Number,
        taker_side: OrderSide | str,
    ) -> None:
        """Others traded, the taker buying ``taker_side``; what rests of ours moves up and fills."""
        self._advance(ns_from(timestamp, "timestamp"))
        self._list(ticker_from(ticker))
        trade = TradePrinted(
            at_ns=self._now_ns,
            ticker=ticker,
            price=price_from(yes_price_cents, "yes_price_cents"),
            count=count_from(contracts),
            taker_side=book_side(OrderSide(taker_side), OrderAction.BUY),
        )
        self._broker.print_trade(trade)
        self._mark()

    def resolve_market(
        self, ticker: Ticker, resolution: str | Number, resolution_time: datetime
    ) -> ClosedTrade | None:
        """Pay a market out: yes, no, or the cents that YES pays. The trade it ended, None without one."""
        value = yes_value_from(resolution)
        if ticker_from(ticker) in self._records.resolved:
            raise ValueError(f"{ticker} has resolved before")
        self._advance(ns_from(resolution_time, "resolution_time"))
        is_held = bool(self._records.position(ticker).contracts)
        self._list(ticker)
        self._records.settle(self._broker.settle(Settlement(ticker, value, self._now_ns)))
        self._mark()
        if not is_held:
            return None
        return closed_trades(self._records.result(self._broker.cash(), {}, ticker))[-1]

    # --- what it is asked ---------------------------------------------------------------------------

    @property
    def orders(self) -> list[Order]:
        return list(self._orders.values())

    @property
    def cash(self) -> float:
        """Dollars."""
        return self._broker.cash() / CASH_PER_DOLLAR

    def position(self, ticker: Ticker) -> float:
        """Contracts, + for YES and - for NO."""
        return self._records.position(ticker).contracts / COUNT_PER_CONTRACT

    def get_metrics(self) -> Metrics:
        return metrics_of(self.result())

    def get_trades_df(self) -> pd.DataFrame:
        """A row for each trade that ended."""
        return trades_frame(closed_trades(self.result()))

    def result(self) -> Result:
        """The run as any backtest leaves it, for its reports."""
        self._let_arrive(self._now_ns)
        states = Counter(order.state.value for order in self._orders.values())
        return self._records.result(self._broker.cash(), dict(states))

    # --- inside -------------------------------------------------------------------------------------

    def _advance(self, to_ns: int, tolerance_ns: int = 0) -> None:
        """Go on to a moment that is about to be told; what arrives at it meets all that is told of it."""
        if to_ns + tolerance_ns < self._now_ns:
            raise ValueError("an event is before the one told last; tell them in order of time")
        self._let_arrive(to_ns - 1)
        self._now_ns = max(self._now_ns, to_ns)

    def _let_arrive(self, until_ns: int) -> None:
        while self._on_the_way and self._on_the_way[0][0] <= until_ns:
            at_ns, _, arrive = heapq.heappop(self._on_the_way)
            self._now_ns = max(self._now_ns, at_ns)
            arrive()
            self._mark()

    def _decide_at(self, timestamp: datetime) -> int:
        """Advance to a decision by our clock; the exchange's time at which what was decided is sent."""
        stamp_ns = ns_from(timestamp, "timestamp")
        sent_ns = stamp_ns - self._skew_ns
        self._advance(min(stamp_ns, sent_ns), max(0, self._skew_ns))
        return sent_ns

    def _send(self, sent_ns: int, arrive: Callable[[], None]) -> None:
        arrival_ns = sent_ns + self._latency_ns
        if arrival_ns > self._now_ns:
            heapq.heappush(self._on_the_way, (arrival_ns, next(self._sequence), arrive))
        else:
            arrive()

    def _arrive(self, order: Order, intent: OrderIntent) -> None:
        self._list(order.ticker)
        answer = self._broker.submit(intent)
        if isinstance(answer, OrderRejected):
            order.reject(answer.code)
        else:
            order.accept(answer.order_id)

    def _show(self, ticker: Ticker, snapshot: Snapshot | Quote) -> None:
        quote = quote_from(snapshot, self._assumed_depth)
        # Of a crossed book nothing can be believed.
        quote = NO_QUOTE if quote.is_crossed else quote
        self._list(ticker)
        self._records.show(ticker, self._now_ns, quote)
        self._broker.show(ticker, quote)

    def _list(self, ticker: Ticker) -> None:
        """Have the market charge what it charges now."""
        market = market_of(ticker)
        fees = self._fees.terms(market, self._now_ns)
        self._broker.list_markets([msgspec.structs.replace(market, fees=fees)])

    def _mark(self) -> None:
        self._records.mark(self._now_ns, self._broker.cash())

    def _note_fill(self, intent: OrderIntent, fill: Fill, execution: Execution, slippage: Cash) -> None:
        self._orders[intent.client_order_id].add(fill, slippage)
        decided_ns, age_ns = self._decided[intent.client_order_id]
        shown = self._records.shown[fill.ticker]
        self._records.fill(
            FillRecord(
                fill=fill,
                intent=intent,
                decided_ns=decided_ns,
                age_at_decision_ns=age_ns,
                quote_at_fill=shown.quote,
                age_at_fill_ns=fill.at_ns - shown.at_ns,
                slippage=slippage,
                is_printed=execution.is_printed,
                twice_mids=(),
            )
        )

    def _hear(self, event: EngineEvent) -> None:
        if isinstance(event, OrderReported) and event.status is OrderStatus.CANCELED:
            self._orders[event.client_order_id].end(event.reason)


def _intent(order: Order, quote: Quote, limit: Price | None, rests: bool) -> OrderIntent | None:
    """The order as the exchange takes it; None when it has no limit and there is nothing to take."""
    side = book_side(order.side, order.action)
    touch = quote.touch(side)
    price = limit if limit is not None or touch is None else touch.price
    if price is None:
        return None
    return OrderIntent(
        client_order_id=order.order_id,
        ticker=order.ticker,
        side=side,
        price=price,
        count=order.count,
        time_in_force=TimeInForce.GOOD_TILL_CANCELED if rests else TimeInForce.IMMEDIATE_OR_CANCEL,
        quote=quote,
        win_probability=side.price_paid(price),
        strategy="",
        reduce_only=order.action is OrderAction.SELL,
    )
