"""Orders and order groups of the practice exchange: what is taken, what meets, and what ends."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable

from console.domain.market import MarketStatus, Ticker
from console.domain.money import Count
from console.domain.order import OrderStatus
from console.practice.account import Account, fee_terms
from console.practice.admission import admit
from console.practice.errors import RefusedError, not_found
from console.practice.floor import Floor
from console.practice.groups import OrderGroup, OrderGroups
from console.practice.market import ListedMarket
from console.practice.notices import Filled, GroupChanged, OrderChanged, PositionChanged
from console.practice.records import ExchangeOrder, OrderRequest
from console.simulation.execution import Cancellation, Execution, NewOrder


class OrderEntry:
    """Takes the account's orders, matches them against the floor's books and keeps them to their end."""

    def __init__(self, floor: Floor, account: Account) -> None:
        self._floor = floor
        self._account = account
        self.groups = OrderGroups()
        self.trading_active = True

    def place(self, request: OrderRequest) -> ExchangeOrder:
        """Take an order and match it; raises RefusedError when it is not taken."""
        self.expire()
        now_ns = self._floor.clock()
        market = self._market_taking_orders(request.ticker)
        count = self._reducible(request) if request.reduce_only else request.count
        admit(request, count, market, self._account, self.groups, now_ns)
        order = ExchangeOrder(
            order_id=str(uuid.uuid4()),
            request=request,
            event_ticker=market.definition.event_ticker,
            terms=fee_terms(market.definition),
            count=request.count,
            created_ns=now_ns,
            updated_ns=now_ns,
        )
        self._account.add(order)
        if count > 0:
            self._match(market, order, count)
        if count < request.count and not order.status.is_terminal:
            self._account.end(order, OrderStatus.CANCELED, "ReduceOnlyCancel", now_ns)
        self._floor.publish(OrderChanged(order))
        self._floor.flush(market, request.client_order_id)
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
        self.book(market, outcome.executions, order, outcome.cancellations)

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
        market = self._floor.markets[order.request.ticker]
        market.matching.decrease(order_id, remaining)
        order.count, order.reason = Count(order.filled + remaining), "Decrease"
        order.updated_ns = self._floor.clock()
        self._floor.publish(OrderChanged(order))
        self._floor.flush(market, order.request.client_order_id)
        return order

    def _resting(self, order_id: str) -> ExchangeOrder:
        """An order that may be changed now; raises RefusedError."""
        self.expire()
        order = self._account.order(order_id)
        if order is None or order.status.is_terminal:
            raise not_found(f"order {order_id}")
        market = self._floor.markets[order.request.ticker]
        if market.status(self._floor.clock()) is not MarketStatus.ACTIVE:
            raise RefusedError(400, "market_inactive", f"market {order.request.ticker} has closed")
        return order

    def queue_position(self, order: ExchangeOrder) -> Count:
        """Contracts in front of a resting order."""
        return self._floor.markets[order.request.ticker].matching.queue_ahead(order.order_id)

    def cancel_all(self) -> None:
        """Cancel every resting order whose market still trades."""
        self.expire()
        now_ns = self._floor.clock()
        self.cancel_where(
            lambda order: self._floor.markets[order.request.ticker].status(now_ns) is MarketStatus.ACTIVE, ""
        )

    def expire(self) -> None:
        """Cancel the orders whose time is up."""
        now_ns = self._floor.clock()
        self.cancel_where(
            lambda order: order.request.expires_ns is not None and order.request.expires_ns <= now_ns,
            "ExpiryCancel",
        )

    def cancel_where(self, chosen: Callable[[ExchangeOrder], bool], reason: str) -> None:
        """Cancel the resting orders that are chosen."""
        for order in self._account.open_orders():
            if chosen(order):
                self._cancel(order, reason)

    def _cancel(self, order: ExchangeOrder, reason: str) -> None:
        market = self._floor.markets[order.request.ticker]
        market.matching.cancel(order.order_id)
        self._account.end(order, OrderStatus.CANCELED, reason, self._floor.clock())
        self._floor.publish(OrderChanged(order))
        self._floor.flush(market, order.request.client_order_id)

    def _market_taking_orders(self, ticker: Ticker) -> ListedMarket:
        market = self._floor.markets.get(ticker)
        if market is None:
            raise RefusedError(404, "market_not_found", f"market {ticker} not found")
        if not self.trading_active:
            raise RefusedError(400, "trading_paused", "trading on the exchange is paused")
        if market.status(self._floor.clock()) is not MarketStatus.ACTIVE:
            raise RefusedError(400, "market_inactive", f"market {ticker} is not open for trading")
        return market

    def _reducible(self, request: OrderRequest) -> Count:
        """How much of an order closes the position instead of opening one."""
        return Count(min(request.count, max(0, -request.side.sign * self._account.held(request.ticker))))

    # --- order groups ------------------------------------------------------------------------------

    def create_group(self, limit: Count) -> OrderGroup:
        group = self.groups.create(limit)
        self._floor.publish(GroupChanged(group, "created"))
        return group

    def trigger_group(self, group: OrderGroup) -> None:
        """Cancel the group's orders and refuse new ones until it is reset."""
        group.triggered = True
        self.cancel_where(lambda order: order.request.group_id == group.group_id, "")
        self._floor.publish(GroupChanged(group, "triggered"))

    def reset_group(self, group: OrderGroup) -> None:
        group.reset()
        self._floor.publish(GroupChanged(group, "reset"))

    def limit_group(self, group: OrderGroup, limit: Count) -> None:
        """Change the limit, which may trigger the group at once."""
        group.limit = limit
        self._floor.publish(GroupChanged(group, "limit_updated"))
        if group.exceeds(self._floor.clock()):
            self.trigger_group(group)

    def delete_group(self, group: OrderGroup) -> None:
        self.cancel_where(lambda order: order.request.group_id == group.group_id, "")
        self.groups.delete(group.group_id)
        self._floor.publish(GroupChanged(group, "deleted"))

    # --- consequences ------------------------------------------------------------------------------

    def book(
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
            self._account.end(order, OrderStatus.CANCELED, cancellation.reason, self._floor.clock())
            if order is not arriving:
                self._floor.publish(OrderChanged(order))
        for group in groups:
            if group is not None and not group.triggered and group.exceeds(self._floor.clock()):
                self.trigger_group(group)

    def _fill(
        self, market: ListedMarket, execution: Execution, arriving: ExchangeOrder | None
    ) -> OrderGroup | None:
        """Book one execution; the group of its order, if any."""
        order, now_ns = self._known(execution.order_id), self._floor.clock()
        taker_side = order.request.side if execution.is_taker else order.request.side.opposite
        trade = self._floor.trade(market, execution.price, execution.count, taker_side)
        fill = self._account.fill(order, execution, market.definition, trade.trade_id, now_ns)
        self._floor.publish(Filled(fill))
        self._floor.publish(PositionChanged(market.definition.ticker))
        if order is not arriving:
            self._floor.publish(OrderChanged(order))
        if order.request.group_id is None:
            return None
        group = self.groups.get(order.request.group_id)
        group.record(execution.count, now_ns)
        return group

    def _known(self, order_id: str) -> ExchangeOrder:
        order = self._account.order(order_id)
        assert order is not None, "the matching knows only orders of the account"
        return order
