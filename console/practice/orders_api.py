"""The endpoints of orders."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from console.domain.money import Count, MoneyError, format_count, parse_price
from console.domain.order import OrderStatus
from console.domain.time_units import NS_PER_S
from console.exchange.messages import account
from console.exchange.messages.market_data import ErrorBody
from console.practice.account_wire import create_order_reply, order_message
from console.practice.errors import RefusedError, not_found
from console.practice.exchange import PracticeExchange
from console.practice.records import OrderRequest
from console.practice.requests import (
    Handler,
    body,
    check_account_of_body,
    choice,
    count_of,
    names,
    page,
    reply,
    window,
)
from console.practice.wire import milliseconds

_STATUSES = (OrderStatus.RESTING, OrderStatus.CANCELED, OrderStatus.EXECUTED)


class OrdersApi:
    """Handlers that need a signature."""

    def __init__(self, exchange: PracticeExchange) -> None:
        self._exchange = exchange

    def table(self) -> list[tuple[str, str, Handler]]:
        """Paths with a fixed last part come before those with a parameter there."""
        orders = "/portfolio/events/orders"
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
        ]

    async def create_order(self, request: Request) -> Response:
        wanted = await body(request, account.CreateOrder)
        return reply(create_order_reply(self._exchange.orders.place(_order_request(wanted))), 201)

    async def cancel_order(self, request: Request) -> Response:
        order_id = request.path_params["order_id"]
        order, left = self._exchange.orders.cancel(order_id)
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
            remaining = count_of(wanted.reduce_to)
        else:
            order = self._exchange.account.order(order_id)
            remaining = Count((order.remaining if order else 0) - count_of(wanted.reduce_by or ""))
        order = self._exchange.orders.decrease(order_id, remaining)
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
                queue_position_fp=format_count(self._exchange.orders.queue_position(order)),
            )
            for order in self._exchange.account.open_orders()
            if (not tickers or order.request.ticker in tickers) and event in (None, "", order.event_ticker)
        ]
        return reply(account.QueuePositionsReply(queue_positions=positions))

    async def queue_position(self, request: Request) -> Response:
        order_id = request.path_params["order_id"]
        order = self._exchange.account.order(order_id)
        if order is None or order.status.is_terminal:
            raise not_found(f"resting order {order_id}")
        position = format_count(self._exchange.orders.queue_position(order))
        return reply(account.QueuePositionReply(queue_position_fp=position))

    async def cancel_batch(self, request: Request) -> Response:
        wanted = await body(request, account.BatchCancel)
        results = [self._cancel_one(item.order_id) for item in wanted.orders]
        return reply(account.BatchCancelReply(orders=results))

    def _cancel_one(self, order_id: str) -> account.BatchCancelResult:
        try:
            order, left = self._exchange.orders.cancel(order_id)
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
        self._exchange.orders.cancel_all()
        return Response(status_code=204)

    async def orders(self, request: Request) -> Response:
        self._exchange.orders.expire()
        status = choice(request, "status", _STATUSES)
        ticker, events = request.query_params.get("ticker"), names(request, "event_ticker")
        created = window(request, "min_ts", "max_ts")
        chosen, cursor = page(
            request,
            self._exchange.account.orders,
            lambda order: (
                status in (None, order.status)
                and ticker in (None, "", order.request.ticker)
                and (not events or order.event_ticker in events)
                and created(order.created_ns)
            ),
        )
        user_id = self._exchange.account.user_id
        messages = [order_message(order, user_id) for order in chosen]
        return reply(account.OrdersReply(orders=messages, cursor=cursor))

    async def order(self, request: Request) -> Response:
        self._exchange.orders.expire()
        order_id = request.path_params["order_id"]
        order = self._exchange.account.order(order_id)
        if order is None:
            raise not_found(f"order {order_id}")
        return reply(account.OrderReply(order=order_message(order, self._exchange.account.user_id)))


def _order_request(wanted: account.CreateOrder) -> OrderRequest:
    check_account_of_body(wanted.subaccount, wanted.exchange_index)
    try:
        price = parse_price(wanted.price)
    except MoneyError as error:
        raise RefusedError(400, "invalid_price", str(error)) from error
    return OrderRequest(
        ticker=wanted.ticker,
        side=wanted.side,
        price=price,
        count=count_of(wanted.count),
        time_in_force=wanted.time_in_force,
        self_trade_prevention=wanted.self_trade_prevention_type,
        client_order_id=wanted.client_order_id or "",
        post_only=bool(wanted.post_only),
        reduce_only=bool(wanted.reduce_only),
        cancel_on_pause=bool(wanted.cancel_order_on_pause),
        group_id=wanted.order_group_id or None,
        expires_ns=None if wanted.expiration_time is None else wanted.expiration_time * NS_PER_S,
    )
