"""The endpoints of orders and order groups."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from console.domain.money import (
    COUNT_PER_CONTRACT,
    Count,
    MoneyError,
    format_count,
    parse_count,
    parse_price,
)
from console.domain.order import OrderStatus
from console.exchange.messages import account
from console.exchange.messages.market_data import ErrorBody
from console.practice.account_wire import (
    create_order_reply,
    group_message,
    order_message,
)
from console.practice.errors import RefusedError, not_found
from console.practice.exchange import PracticeExchange
from console.practice.groups import OrderGroup
from console.practice.records import OrderRequest
from console.practice.requests import NS_PER_S, Handler, body, choice, names, page, reply, window
from console.practice.wire import SHARD, milliseconds

_STATUSES = (OrderStatus.RESTING, OrderStatus.CANCELED, OrderStatus.EXECUTED)
_GROUP_LIMIT_MOST = 1_000_000 * COUNT_PER_CONTRACT


class OrdersApi:
    """Handlers that need a signature."""

    def __init__(self, exchange: PracticeExchange) -> None:
        self._exchange = exchange

    def table(self) -> list[tuple[str, str, Handler]]:
        """Paths with a fixed last part come before those with a parameter there."""
        orders, groups = "/portfolio/events/orders", "/portfolio/order_groups"
        return [
            ("POST", orders, self.create_order),
            ("DELETE", orders, self.cancel_all),
            ("DELETE", f"{orders}/batched", self.cancel_batch),
            ("DELETE", f"{orders}/{{order_id}}", self.cancel_order),
            ("POST", f"{orders}/{{order_id}}/decrease", self.decrease_order),
            ("GET", "/portfolio/orders", self.orders),
            ("GET", "/portfolio/orders/queue_positions", self.queue_positions),
            ("GET", "/portfolio/orders/{order_id}/queue_position", self.queue_position),
            ("GET", "/portfolio/orders/{order_id}", self.order),
            ("POST", f"{groups}/create", self.create_group),
            ("GET", groups, self.groups),
            ("GET", f"{groups}/{{group_id}}", self.group),
            ("DELETE", f"{groups}/{{group_id}}", self.delete_group),
            ("PUT", f"{groups}/{{group_id}}/trigger", self.trigger_group),
            ("PUT", f"{groups}/{{group_id}}/reset", self.reset_group),
            ("PUT", f"{groups}/{{group_id}}/limit", self.limit_group),
        ]

    # --- orders ---------------------------------------------------------------------------------

    async def create_order(self, request: Request) -> Response:
        wanted = await body(request, account.CreateOrder)
        return reply(create_order_reply(self._exchange.place(_order_request(wanted))), 201)

    async def cancel_order(self, request: Request) -> Response:
        order_id = request.path_params["order_id"]
        order, left = self._exchange.cancel(order_id)
        return reply(
            account.CancelOrderReply(
                order_id=order_id,
                client_order_id=order.request.client_order_id or None,
                reduced_by=format_count(left),
                ts_ms=milliseconds(order.updated_ns),
            )
        )

    async def decrease_order(self, request: Request) -> Response:
        order_id = request.path_params["order_id"]
        wanted = await body(request, account.DecreaseOrder)
        if (wanted.reduce_by is None) == (wanted.reduce_to is None):
            raise RefusedError(400, "invalid_request", "exactly one of reduce_by and reduce_to is required")
        if wanted.reduce_to is not None:
            remaining = _count(wanted.reduce_to)
        else:
            order = self._exchange.account.order(order_id)
            remaining = Count((order.remaining if order else 0) - _count(wanted.reduce_by or ""))
        order = self._exchange.decrease(order_id, remaining)
        return reply(
            account.DecreaseOrderReply(
                order_id=order_id,
                client_order_id=order.request.client_order_id or None,
                remaining_count=format_count(order.remaining),
                ts_ms=milliseconds(order.updated_ns),
            )
        )

    async def queue_positions(self, request: Request) -> Response:
        tickers, event = names(request, "market_tickers"), request.query_params.get("event_ticker")
        positions = [
            account.QueuePosition(
                order_id=order.order_id,
                market_ticker=order.request.ticker,
                queue_position_fp=format_count(self._exchange.queue_position(order)),
            )
            for order in self._exchange.account.open_orders()
            if (not tickers or order.request.ticker in tickers)
            and event in (None, "", self._exchange.markets[order.request.ticker].definition.event_ticker)
        ]
        return reply(account.QueuePositionsReply(queue_positions=positions))

    async def queue_position(self, request: Request) -> Response:
        order_id = request.path_params["order_id"]
        order = self._exchange.account.order(order_id)
        if order is None or order.status.is_terminal:
            raise not_found(f"resting order {order_id}")
        position = format_count(self._exchange.queue_position(order))
        return reply(account.QueuePositionReply(queue_position_fp=position))

    async def cancel_batch(self, request: Request) -> Response:
        wanted = await body(request, account.BatchCancel)
        results = [self._cancel_one(item.order_id) for item in wanted.orders]
        return reply(account.BatchCancelReply(orders=results))

    def _cancel_one(self, order_id: str) -> account.BatchCancelResult:
        try:
            order, left = self._exchange.cancel(order_id)
        except RefusedError as error:
            refusal = ErrorBody(code=error.code, message=error.message)
            return account.BatchCancelResult(order_id=order_id, reduced_by="0.00", error=refusal)
        return account.BatchCancelResult(
            order_id=order_id,
            client_order_id=order.request.client_order_id or None,
            reduced_by=format_count(left),
            ts_ms=milliseconds(order.updated_ns),
        )

    async def cancel_all(self, request: Request) -> Response:
        self._exchange.cancel_all()
        return Response(status_code=204)

    async def orders(self, request: Request) -> Response:
        self._exchange.expire()
        status = choice(request, "status", _STATUSES)
        ticker, events = request.query_params.get("ticker"), names(request, "event_ticker")
        created = window(request, "min_ts", "max_ts")
        markets = self._exchange.markets
        chosen, cursor = page(
            request,
            self._exchange.account.orders,
            lambda order: (
                status in (None, order.status)
                and ticker in (None, "", order.request.ticker)
                and (not events or markets[order.request.ticker].definition.event_ticker in events)
                and created(order.created_ns)
            ),
        )
        user_id = self._exchange.account.user_id
        messages = [order_message(order, user_id) for order in chosen]
        return reply(account.OrdersReply(orders=messages, cursor=cursor))

    async def order(self, request: Request) -> Response:
        self._exchange.expire()
        order_id = request.path_params["order_id"]
        order = self._exchange.account.order(order_id)
        if order is None:
            raise not_found(f"order {order_id}")
        return reply(account.OrderReply(order=order_message(order, self._exchange.account.user_id)))

    # --- order groups ---------------------------------------------------------------------------

    async def create_group(self, request: Request) -> Response:
        wanted = await body(request, account.CreateOrderGroup)
        _check_account_of_body(wanted.subaccount, wanted.exchange_index)
        group = self._exchange.create_group(_group_limit(wanted))
        return reply(
            account.CreateOrderGroupReply(order_group_id=group.group_id, subaccount=0, exchange_index=SHARD),
            201,
        )

    async def groups(self, request: Request) -> Response:
        groups = [group_message(group) for group in self._exchange.groups.all()]
        return reply(account.OrderGroupsReply(order_groups=groups))

    async def group(self, request: Request) -> Response:
        group = self._group(request)
        orders = [
            order.order_id
            for order in self._exchange.account.open_orders()
            if order.request.group_id == group.group_id
        ]
        message = group_message(group)
        return reply(
            account.OrderGroupReply(
                is_auto_cancel_enabled=message.is_auto_cancel_enabled,
                orders=orders,
                contracts_limit_fp=message.contracts_limit_fp,
                exchange_index=message.exchange_index,
            )
        )

    async def trigger_group(self, request: Request) -> Response:
        self._exchange.trigger_group(self._group(request))
        return reply(account.Empty())

    async def reset_group(self, request: Request) -> Response:
        self._exchange.reset_group(self._group(request))
        return reply(account.Empty())

    async def limit_group(self, request: Request) -> Response:
        group = self._group(request)
        limit = _group_limit(await body(request, account.OrderGroupLimit))
        self._exchange.limit_group(group, limit)
        return reply(account.Empty())

    async def delete_group(self, request: Request) -> Response:
        self._exchange.delete_group(self._group(request))
        return reply(account.Empty())

    def _group(self, request: Request) -> OrderGroup:
        return self._exchange.groups.get(request.path_params["group_id"])


def _order_request(wanted: account.CreateOrder) -> OrderRequest:
    _check_account_of_body(wanted.subaccount, wanted.exchange_index)
    try:
        price = parse_price(wanted.price)
    except MoneyError as error:
        raise RefusedError(400, "invalid_price", str(error)) from error
    return OrderRequest(
        ticker=wanted.ticker,
        side=wanted.side,
        price=price,
        count=_count(wanted.count),
        time_in_force=wanted.time_in_force,
        self_trade_prevention=wanted.self_trade_prevention_type,
        client_order_id=wanted.client_order_id or "",
        post_only=bool(wanted.post_only),
        reduce_only=bool(wanted.reduce_only),
        cancel_on_pause=bool(wanted.cancel_order_on_pause),
        group_id=wanted.order_group_id or None,
        expires_ns=None if wanted.expiration_time is None else wanted.expiration_time * NS_PER_S,
    )


def _count(text: str) -> Count:
    try:
        return parse_count(text)
    except MoneyError as error:
        raise RefusedError(400, "invalid_order_size", str(error)) from error


def _group_limit(wanted: account.CreateOrderGroup | account.OrderGroupLimit) -> Count:
    if wanted.contracts_limit_fp is not None:
        limit = _count(wanted.contracts_limit_fp)
    else:
        limit = Count((wanted.contracts_limit or 0) * COUNT_PER_CONTRACT)
    if not 0 < limit <= _GROUP_LIMIT_MOST:
        raise RefusedError(400, "invalid_parameter", "contracts_limit must be from 1 to 1000000")
    return limit


def _check_account_of_body(subaccount: int | None, exchange_index: int | None) -> None:
    if subaccount not in (None, 0):
        raise RefusedError(400, "invalid_parameter", "the practice account has subaccount 0 only")
    if exchange_index not in (None, -1, SHARD):
        raise RefusedError(400, "invalid_parameter", "the practice exchange has shard 0 only")
