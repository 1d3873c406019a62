"""The WebSocket endpoint: who is connected, and what each of them is told of what happened."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from msgspec.structs import replace
from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketDisconnect

from console.domain.market import Ticker
from console.exchange.messages import encode, ws
from console.exchange.messages.market_data import ErrorBody, ErrorReply
from console.practice import channels
from console.practice.auth import Authenticator
from console.practice.channels import Channel
from console.practice.errors import RefusedError
from console.practice.exchange import PracticeExchange
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
from console.practice.subscriptions import Subscriber
from console.practice.wire import milliseconds

_MESSAGES_WAITING_MOST = 10_000
_POLICY_VIOLATION = 1008


class _Client:
    """A connection: a bounded queue of messages, drained as fast as the client reads."""

    def __init__(self, exchange: PracticeExchange) -> None:
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue(_MESSAGES_WAITING_MOST)
        self.subscriber = Subscriber(exchange.floor, self._put)
        self._overflowed = False

    def _put(self, message: bytes) -> None:
        if self._overflowed:
            return
        if self._queue.full():
            self._overflow()
        else:
            self._queue.put_nowait(message)

    def _overflow(self) -> None:
        """Forget what is waiting, leave the terminal errors, and end after them."""
        self._overflowed = True
        while not self._queue.empty():
            self._queue.get_nowait()
        for error in self.subscriber.overflow():
            self._queue.put_nowait(error)
        self._queue.put_nowait(None)

    async def send_all(self, socket: WebSocket) -> None:
        while (message := await self._queue.get()) is not None:
            await socket.send_text(message.decode())
        await socket.close(_POLICY_VIOLATION, "too slow")


class Hub:
    """Tells every connected client what its subscriptions are about."""

    def __init__(self, exchange: PracticeExchange, authenticator: Authenticator) -> None:
        self._exchange = exchange
        self._authenticator = authenticator
        self._clients: set[_Client] = set()
        self._ticker_told: dict[Ticker, ws.TickerUpdate] = {}
        exchange.floor.publish = self.publish

    async def connect(self, socket: WebSocket) -> None:
        """Serve one connection to its end; a handshake without a valid signature is refused."""
        try:
            self._authenticator.check("GET", socket.scope["path"], socket.headers)
        except RefusedError as error:
            refusal = ErrorReply(error=ErrorBody(code=error.code, message=error.message))
            await socket.send_denial_response(
                Response(encode(refusal), error.status, media_type="application/json")
            )
            return
        await socket.accept()
        client = _Client(self._exchange)
        self._clients.add(client)
        sender = asyncio.create_task(client.send_all(socket))
        try:
            while True:
                client.subscriber.receive(await _next_text(socket))
        except WebSocketDisconnect:
            pass
        finally:
            self._clients.discard(client)
            sender.cancel()
            with suppress(asyncio.CancelledError, WebSocketDisconnect, RuntimeError):
                await sender

    # --- notices --------------------------------------------------------------------------------

    def publish(self, notice: Notice) -> None:
        """Turn what happened into the messages of the channels it concerns."""
        if isinstance(notice, LifecycleChanged) and notice.event == "settled":
            ticker = notice.market.definition.ticker
            self._ticker_told.pop(ticker, None)
            for client in self._clients:
                client.subscriber.forget(ticker)
        if not self._clients:
            return
        exchange, now_ns = self._exchange, self._exchange.floor.clock()
        match notice:
            case BookChanged():
                self._tell_deltas(notice, now_ns)
                self._tell_ticker(notice.market.definition.ticker, now_ns)
            case Traded():
                self._tell(Channel.TRADE, "trade", notice.trade.ticker, channels.trade_update(notice.trade))
                self._tell_ticker(notice.trade.ticker, now_ns)
            case Filled():
                ticker = notice.fill.order.request.ticker
                self._tell(Channel.FILL, "fill", ticker, channels.fill_update(notice.fill))
            case OrderChanged():
                order = notice.order
                message = channels.user_order(order, exchange.account.user_id)
                self._tell(Channel.USER_ORDERS, "user_order", order.request.ticker, message)
            case PositionChanged():
                position = channels.market_position(exchange.account, notice.ticker)
                self._tell(Channel.MARKET_POSITIONS, "market_position", notice.ticker, position)
            case LifecycleChanged():
                event = channels.lifecycle(notice, now_ns)
                self._tell(Channel.MARKET_LIFECYCLE, "market_lifecycle_v2", None, event)
            case GroupChanged():
                update = channels.group_update(notice, milliseconds(now_ns))
                self._tell(Channel.ORDER_GROUP_UPDATES, "order_group_updates", None, update)

    def _tell(self, channel: Channel, type_: str, ticker: Ticker | None, payload: ws.Payload) -> None:
        for client in self._clients:
            for subscription in client.subscriber.subscriptions(channel):
                if subscription.follows(ticker):
                    client.subscriber.tell(subscription, type_, payload)

    def _tell_deltas(self, changed: BookChanged, now_ns: int) -> None:
        ticker = changed.market.definition.ticker
        for client in self._clients:
            for subscription in client.subscriber.subscriptions(Channel.ORDERBOOK_DELTA):
                if subscription.follows(ticker):
                    for delta in channels.deltas(changed, subscription.use_yes_price, now_ns):
                        client.subscriber.tell(subscription, "orderbook_delta", delta)

    def _tell_ticker(self, ticker: Ticker, now_ns: int) -> None:
        """Tell the ticker when anything but its time changed."""
        if not any(client.subscriber.subscriptions(Channel.TICKER) for client in self._clients):
            return
        update = channels.ticker_update(self._exchange.floor.markets[ticker], now_ns)
        told = self._ticker_told.get(ticker)
        if told is None or replace(told, ts_ms=update.ts_ms, ts=update.ts, time=update.time) != update:
            self._ticker_told[ticker] = update
            self._tell(Channel.TICKER, "ticker", ticker, update)


async def _next_text(socket: WebSocket) -> str | bytes:
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1005))
    text: str | bytes = message.get("text") or message.get("bytes") or b""
    return text
