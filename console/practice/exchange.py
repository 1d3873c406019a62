"""The practice exchange itself, without a socket: markets from a tape, one account, orders that meet.

Everything happens at the time of an injected clock; subscribers are told through ``publish``.
"""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Callable, Iterable

from console.domain.book import BookSide
from console.domain.market import MarketStatus, Ticker
from console.domain.money import Cash, Count, Price
from console.domain.order import OrderStatus
from console.domain.ports import Clock
from console.practice.account import STARTING_CASH, Account, fee_terms
from console.practice.admission import admit
from console.practice.errors import RefusedError, not_found
from console.practice.groups import OrderGroup, OrderGroups
from console.practice.market import ListedMarket
from console.practice.notices import (
    BookChanged,
    Filled,
    GroupChanged,
    LifecycleChanged,
    Notice,
    OrderChanged,
    PositionChanged,
    Traded,
)
from console.practice.records import ExchangeOrder, OrderRequest, Trade
from console.practice.tape import Closed, Displayed, Listed, Printed, Settled, Swept, TapeEntry
from console.simulation.matching import Cancellation, Execution, NewOrder

_TRADES_KEPT = 20_000
_SETTLED_KEPT = 1_000
_LIVE_WINDOW_NS = 90 * 86_400 * 1_000_000_000


def _tell_nobody(notice: Notice) -> None:
    pass


class PracticeExchange:
    """Applies the tape's entries and a client's requests in the order in which they come."""

    def __init__(self, clock: Clock, starting_cash: Cash = STARTING_CASH) -> None:
        self.clock = clock
        self.publish: Callable[[Notice], None] = _tell_nobody
        self.started_ns = clock()
        # As at Kalshi, which archives what is older; here nothing grows as old.
        self.live_since_ns = self.started_ns - _LIVE_WINDOW_NS
        self.account = Account(self.started_ns, starting_cash)
        self.groups = OrderGroups()
        self.markets: dict[Ticker, ListedMarket] = {}
        self.events: dict[str, list[ListedMarket]] = {}
        self.series: dict[str, ListedMarket] = {}
        self.trades: deque[Trade] = deque(maxlen=_TRADES_KEPT)
        self.trades_total = 0
        self.trading_active = True
        self._held_back: dict[Ticker, Displayed] = {}
        self._settled: deque[Ticker] = deque()

    # --- the tape -------------------------------------------------------------------------------

    def apply(self, entry: TapeEntry) -> None:
        """Let the markets do what the tape says; while trading is paused nobody trades."""
        match entry:
            case Listed():
                self._list(entry)
            case Displayed() if not self.trading_active:
                self._held_back[entry.ticker] = entry
            case Displayed():
                market = self.markets[entry.ticker]
                self._book(market, market.matching.display(entry.bids, entry.asks))
                self._flush(market)
            case Printed() if self.trading_active:
                self._print(entry)
            case Swept() if self.trading_active:
                self._sweep(entry)
            case Closed():
                self._close(self.markets[entry.ticker])
            case Settled():
                self._settle(entry)

    def _list(self, entry: Listed) -> None:
        market = ListedMarket(entry)
        self.markets[entry.market.ticker] = market
        self.events.setdefault(entry.market.event_ticker, []).append(market)
        self.series.setdefault(entry.market.series_ticker, market)
        self.publish(LifecycleChanged(market, "created"))

    def _print(self, entry: Printed) -> None:
        market, count = self.markets[entry.ticker], entry.count
        if entry.modelled:
            shown = market.matching.shown(entry.taker_side.opposite)
            count = min(count, shown.get(entry.price, Count(0)))
        executions = market.matching.print(entry.price, count, entry.taker_side)
        self._book(market, executions)
        others = count - sum(e.count for e in executions)
        if others > 0:
            self._trade(market, entry.price, Count(others), entry.taker_side)
        self._flush(market)

    def _sweep(self, entry: Swept) -> None:
        market = self.markets[entry.ticker]
        executions = market.matching.sweep(entry.side, entry.price)
        self._book(market, executions)
        others = entry.count - sum(e.count for e in executions)
        if entry.by_print and others > 0:
            self._trade(market, entry.price, Count(others), entry.side.opposite)
        self._flush(market)

    def _close(self, market: ListedMarket) -> None:
        market.closed = True
        self._held_back.pop(market.definition.ticker, None)
        ticker = market.definition.ticker
        self._cancel_where(lambda order: order.request.ticker == ticker, "CloseCancel")
        market.matching.display((), ())
        self._flush(market)

    def _settle(self, entry: Settled) -> None:
        market = self.markets[entry.ticker]
        if not market.closed:
            self._close(market)
        now_ns = self.clock()
        market.result, market.result_is_simulated = entry.result, entry.simulated
        market.settled_ns = market.updated_ns = now_ns
        self.publish(LifecycleChanged(market, "determined"))
        if self.account.settle(market.definition, entry.result, now_ns) is not None:
            self.publish(PositionChanged(entry.ticker))
        self.publish(LifecycleChanged(market, "settled"))
        self._forget_old(entry.ticker)

    def _forget_old(self, settled: Ticker) -> None:
        """Forget markets settled long ago that the account never traded: loop after loop brings new ones."""
        self._settled.append(settled)
        if len(self._settled) <= _SETTLED_KEPT:
            return
        ticker = self._settled.popleft()
        if self.account.has_ordered(ticker):
            return
        market = self.markets.pop(ticker)
        siblings = self.events[market.definition.event_ticker]
        siblings.remove(market)
        if not siblings:
            del self.events[market.definition.event_ticker]

    # --- orders ---------------------------------------------------------------------------------

    def place(self, request: OrderRequest) -> ExchangeOrder:
        """Take an order and match it; raises RefusedError when it is not taken."""
        self.expire()
        now_ns = self.clock()
        market = self._market_taking_orders(request.ticker)
        count = self._reducible(request) if request.reduce_only else request.count
        admit(request, count, market, self.account, self.groups, now_ns)
        order = ExchangeOrder(
            order_id=str(uuid.uuid4()),
            request=request,
            terms=fee_terms(market.definition),
            count=request.count,
            created_ns=now_ns,
            updated_ns=now_ns,
        )
        self.account.add(order)
        if count > 0:
            self._match(market, order, count)
        if count < request.count and not order.status.is_terminal:
            self.account.end(order, OrderStatus.CANCELED, "ReduceOnlyCancel", now_ns)
        self.publish(OrderChanged(order))
        self._flush(market, request.client_order_id)
        return order

    def _match(self, market: ListedMarket, order: ExchangeOrder, count: Count) -> None:
        request = order.request
        outcome = market.matching.submit(
            NewOrder(
                order_id=order.order_id,
                side=request.side,
                price=request.price,
                count=count,
                time_in_force=request.time_in_force,
                self_trade_prevention=request.self_trade_prevention,
                post_only=request.post_only,
            )
        )
        self._book(market, outcome.executions, order, outcome.cancellations)

    def cancel(self, order_id: str) -> tuple[ExchangeOrder, Count]:
        """Cancel a resting order and say how much was left of it; raises RefusedError."""
        order = self._resting(order_id)
        left = order.remaining
        self._cancel(order, "")
        return order, left

    def decrease(self, order_id: str, remaining: Count) -> ExchangeOrder:
        """Make a resting order smaller, to nothing at the least; raises RefusedError."""
        order = self._resting(order_id)
        if not 0 <= remaining < order.remaining:
            raise RefusedError(400, "invalid_order_size", "a decrease must leave less than there was")
        if remaining == 0:
            self._cancel(order, "Decrease")
            return order
        market = self.markets[order.request.ticker]
        market.matching.decrease(order_id, remaining)
        order.count, order.reason = Count(order.filled + remaining), "Decrease"
        order.updated_ns = self.clock()
        self.publish(OrderChanged(order))
        self._flush(market, order.request.client_order_id)
        return order

    def _resting(self, order_id: str) -> ExchangeOrder:
        """An order that may be changed now; raises RefusedError."""
        self.expire()
        order = self.account.order(order_id)
        if order is None or order.status.is_terminal:
            raise not_found(f"order {order_id}")
        market = self.markets[order.request.ticker]
        if market.status(self.clock()) is not MarketStatus.ACTIVE:
            raise RefusedError(400, "market_inactive", f"market {order.request.ticker} has closed")
        return order

    def queue_position(self, order: ExchangeOrder) -> Count:
        """Contracts in front of a resting order."""
        return self.markets[order.request.ticker].matching.queue_ahead(order.order_id)

    def cancel_all(self) -> None:
        """Cancel every resting order whose market still trades."""
        self.expire()
        now_ns = self.clock()
        self._cancel_where(
            lambda order: self.markets[order.request.ticker].status(now_ns) is MarketStatus.ACTIVE, ""
        )

    def expire(self) -> None:
        """Cancel the orders whose time is up."""
        now_ns = self.clock()
        self._cancel_where(
            lambda order: order.request.expires_ns is not None and order.request.expires_ns <= now_ns,
            "ExpiryCancel",
        )

    def _cancel_where(self, chosen: Callable[[ExchangeOrder], bool], reason: str) -> None:
        for order in self.account.open_orders():
            if chosen(order):
                self._cancel(order, reason)

    def _cancel(self, order: ExchangeOrder, reason: str) -> None:
        market = self.markets[order.request.ticker]
        market.matching.cancel(order.order_id)
        self.account.end(order, OrderStatus.CANCELED, reason, self.clock())
        self.publish(OrderChanged(order))
        self._flush(market, order.request.client_order_id)

    # --- order groups and pauses ----------------------------------------------------------------

    def create_group(self, limit: Count) -> OrderGroup:
        group = self.groups.create(limit)
        self.publish(GroupChanged(group, "created"))
        return group

    def trigger_group(self, group: OrderGroup) -> None:
        """Cancel the group's orders and refuse new ones until it is reset."""
        group.triggered = True
        self._cancel_where(lambda order: order.request.group_id == group.group_id, "")
        self.publish(GroupChanged(group, "triggered"))

    def reset_group(self, group: OrderGroup) -> None:
        group.reset()
        self.publish(GroupChanged(group, "reset"))

    def limit_group(self, group: OrderGroup, limit: Count) -> None:
        """Change the limit, which may trigger the group at once."""
        group.limit = limit
        self.publish(GroupChanged(group, "limit_updated"))
        if group.exceeds(self.clock()):
            self.trigger_group(group)

    def delete_group(self, group: OrderGroup) -> None:
        self._cancel_where(lambda order: order.request.group_id == group.group_id, "")
        self.groups.delete(group.group_id)
        self.publish(GroupChanged(group, "deleted"))

    def pause(self) -> None:
        """Pause trading: no new orders, cancels allowed, orders that asked for it are cancelled."""
        self.trading_active = False
        self._cancel_where(lambda order: order.request.cancel_on_pause, "HaltCancel")

    def resume_trading(self) -> None:
        """Trade again, from what is displayed now."""
        self.trading_active = True
        held_back, self._held_back = self._held_back, {}
        for entry in held_back.values():
            self.apply(entry)

    # --- the archive ----------------------------------------------------------------------------

    def is_archived(self, market: ListedMarket) -> bool:
        """Whether a market stands in the historical endpoints alone."""
        return market.settled_ns is not None and market.settled_ns < self.live_since_ns

    # --- checks ---------------------------------------------------------------------------------

    def _market_taking_orders(self, ticker: Ticker) -> ListedMarket:
        market = self.markets.get(ticker)
        if market is None:
            raise RefusedError(404, "market_not_found", f"market {ticker} not found")
        if not self.trading_active:
            raise RefusedError(400, "trading_paused", "trading on the exchange is paused")
        if market.status(self.clock()) is not MarketStatus.ACTIVE:
            raise RefusedError(400, "market_inactive", f"market {ticker} is not open for trading")
        return market

    def _reducible(self, request: OrderRequest) -> Count:
        """How much of an order closes the position instead of opening one."""
        return Count(min(request.count, max(0, -request.side.sign * self.account.held(request.ticker))))

    # --- consequences ---------------------------------------------------------------------------

    def _book(
        self,
        market: ListedMarket,
        executions: Iterable[Execution],
        arriving: ExchangeOrder | None = None,
        cancellations: Iterable[Cancellation] = (),
    ) -> None:
        """Book what the matching did and tell of it; a group that exceeds its limit triggers afterwards."""
        groups = [self._fill(market, execution, arriving) for execution in executions]
        for cancellation in cancellations:
            order = self._known(cancellation.order_id)
            self.account.end(order, OrderStatus.CANCELED, cancellation.reason, self.clock())
            if order is not arriving:
                self.publish(OrderChanged(order))
        for group in groups:
            if group is not None and not group.triggered and group.exceeds(self.clock()):
                self.trigger_group(group)

    def _fill(
        self, market: ListedMarket, execution: Execution, arriving: ExchangeOrder | None
    ) -> OrderGroup | None:
        """Book one execution; the group of its order, if any."""
        order, now_ns = self._known(execution.order_id), self.clock()
        taker_side = order.request.side if execution.is_taker else order.request.side.opposite
        trade = self._trade(market, execution.price, execution.count, taker_side)
        fill = self.account.fill(order, execution, market.definition, trade.trade_id, now_ns)
        self.publish(Filled(fill))
        self.publish(PositionChanged(market.definition.ticker))
        if order is not arriving:
            self.publish(OrderChanged(order))
        if order.request.group_id is None:
            return None
        group = self.groups.get(order.request.group_id)
        group.record(execution.count, now_ns)
        return group

    def _known(self, order_id: str) -> ExchangeOrder:
        order = self.account.order(order_id)
        assert order is not None, "the matching knows only orders of the account"
        return order

    def _trade(self, market: ListedMarket, price: Price, count: Count, taker_side: BookSide) -> Trade:
        trade = Trade(str(uuid.uuid4()), market.definition.ticker, price, count, taker_side, self.clock())
        market.record(trade)
        self.trades.append(trade)
        self.trades_total += 1
        self.publish(Traded(market, trade))
        return trade

    def _flush(self, market: ListedMarket, client_order_id: str | None = None) -> None:
        deltas = market.publish()
        if deltas:
            market.updated_ns = self.clock()
            market.candles.see_quote(market.updated_ns, market.quote())
            self.publish(BookChanged(market, deltas, client_order_id or None))
