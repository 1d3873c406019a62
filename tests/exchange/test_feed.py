"""The feed against a WebSocket server on a real socket."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeVar

import pytest
from exchange_builders import KEY, clock, connection, signer
from test_feed_books import delta, snapshot
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from console.domain.account_events import MarketSettled, OrderFilled, OrderReported
from console.domain.book import BookSide
from console.domain.engine_events import ErrorHappened
from console.domain.event import Event
from console.domain.market import MarketStatus
from console.domain.market_events import FeedLost, FeedProved, MarketStatusChanged, QuoteChanged
from console.domain.money import PAYOUT, Cash, Count, Price
from console.domain.order import OrderStatus
from console.exchange.feed import KalshiFeed
from console.exchange.messages import ws
from console.exchange.messages.ws import frame

REST = "http://127.0.0.1:9/trade-api/v2"
SomeEvent = TypeVar("SomeEvent", bound=Event)

FILL = ws.Fill(
    trade_id="t1",
    order_id="o1",
    market_ticker="T",
    exchange_index=0,
    is_taker=True,
    outcome_side="no",
    book_side=BookSide.ASK,
    yes_price_dollars="0.0800",
    count_fp="2.50",
    fee_cost="0.012880",
    post_position_fp="-2.50",
    ts_ms=1_700_000_000_123,
    client_order_id="us-1",
)
ORDER = ws.UserOrder(
    order_id="o1",
    user_id="u",
    ticker="T",
    status="canceled",
    outcome_side="no",
    book_side=BookSide.ASK,
    yes_price_dollars="0.0800",
    initial_count_fp="3.00",
    fill_count_fp="2.50",
    remaining_count_fp="0.00",
    taker_fill_cost_dollars="0",
    maker_fill_cost_dollars="0",
    taker_fees_dollars="0",
    maker_fees_dollars="0",
    client_order_id="us-1",
    created_ts_ms=1,
    last_update_reason="ExpiryCancel",
)


@dataclass
class Client:
    """One connection as the exchange sees it: confirms subscriptions and sends what the test says."""

    line: ServerConnection
    commands: asyncio.Queue[dict[str, Any]] = field(default_factory=asyncio.Queue)
    sids: dict[str, int] = field(default_factory=dict)
    sequences: dict[str, itertools.count[int]] = field(default_factory=dict)

    async def send(self, channel: str, type_: str, payload: ws.Payload, skip: int = 0) -> None:
        for _ in range(skip):
            next(self.sequences[channel])
        has_seq = channel not in ("fill", "user_orders")
        seq = next(self.sequences[channel]) if has_seq else None
        await self.line.send(frame(type_, payload, sid=self.sids[channel], seq=seq), text=True)

    async def confirm(self, command: dict[str, Any]) -> None:
        for channel in command["params"]["channels"]:
            self.sids[channel] = len(self.sids) + 1
            self.sequences[channel] = itertools.count(1)
            payload = ws.Subscribed(channel=channel, sid=self.sids[channel])
            await self.line.send(frame("subscribed", payload, id_=command["id"]), text=True)

    async def books_subscribed(self) -> dict[str, Any]:
        """Confirm everything until the books were asked for; that command."""
        while True:
            command = await self.commands.get()
            await self.confirm(command)
            if "orderbook_delta" in command["params"]["channels"]:
                return command


class Watch:
    """Collects the feed's events; ``next`` waits for one of a kind and drops those before it."""

    def __init__(self, feed: KalshiFeed) -> None:
        self._events: asyncio.Queue[Event] = asyncio.Queue()
        self.task = asyncio.create_task(self._collect(feed))

    async def _collect(self, feed: KalshiFeed) -> None:
        async for event in feed.events():
            await self._events.put(event)

    async def next(self, kind: type[SomeEvent]) -> SomeEvent:
        async with asyncio.timeout(20):
            while not isinstance(event := await self._events.get(), kind):
                pass
        return event

    def so_far(self) -> list[Event]:
        return [self._events.get_nowait() for _ in range(self._events.qsize())]


@dataclass
class FeedExchange:
    """Connections as they come, and the requests that opened them."""

    address: str = ""
    clients: asyncio.Queue[Client] = field(default_factory=asyncio.Queue)
    requests: list[Request] = field(default_factory=list)
    refusals: list[HTTPStatus] = field(default_factory=list)

    def check(self, line: ServerConnection, request: Request) -> Response | None:
        self.requests.append(request)
        return line.respond(self.refusals.pop(0), "no\n") if self.refusals else None

    async def serve(self, line: ServerConnection) -> None:
        client = Client(line)
        await self.clients.put(client)
        try:
            async for data in line:
                await client.commands.put(json.loads(data))
        except ConnectionClosed:
            return


@asynccontextmanager
async def running() -> AsyncIterator[tuple[FeedExchange, KalshiFeed, Watch]]:
    exchange = FeedExchange()
    async with serve(exchange.serve, "127.0.0.1", 0, process_request=exchange.check) as server:
        port = server.sockets[0].getsockname()[1]
        exchange.address = f"ws://127.0.0.1:{port}/trade-api/ws/v2"
        feed = KalshiFeed(connection(REST, exchange.address), signer(), clock(), wall_ns=time.time_ns)
        watch = Watch(feed)
        try:
            yield exchange, feed, watch
        finally:
            await feed.close()
            await watch.task


async def opened(exchange: FeedExchange) -> Client:
    """The next connection, subscribed and with the book of T sent."""
    client = await exchange.clients.get()
    await client.books_subscribed()
    await client.send("orderbook_delta", "orderbook_snapshot", snapshot({9000: 100}, {9200: 300}))
    return client


async def test_the_feed_subscribes_signed_and_on_the_yes_scale() -> None:
    async with running() as (exchange, feed, watch):
        await feed.subscribe(["T"])
        client = await exchange.clients.get()
        command = await client.books_subscribed()
        assert command["params"] == {
            "channels": ["orderbook_delta"],
            "market_tickers": ["T"],
            "use_yes_price": True,
        }
        assert set(client.sids) == {"fill", "user_orders", "market_lifecycle_v2", "orderbook_delta"}
        await watch.next(FeedProved)
    headers = exchange.requests[0].headers
    signed = headers["KALSHI-ACCESS-TIMESTAMP"].encode() + b"GET/trade-api/ws/v2"
    KEY.public_key().verify(base64.b64decode(headers["KALSHI-ACCESS-SIGNATURE"]), signed)


async def test_a_line_that_is_not_yet_confirmed_proves_nothing() -> None:
    async with running() as (exchange, _, watch):
        client = await exchange.clients.get()
        command = await client.commands.get()
        await (await client.line.ping())
        assert not watch.so_far()
        await client.confirm(command)
        await watch.next(FeedProved)


async def test_quotes_follow_the_book_and_a_quiet_line_proves_itself_by_pings() -> None:
    async with running() as (exchange, feed, watch):
        await feed.subscribe(["T"])
        client = await opened(exchange)
        quote = (await watch.next(QuoteChanged)).quote
        assert quote.bid is not None
        assert (quote.bid.price, quote.bid.size) == (Price(9000), Count(100))
        await client.send("orderbook_delta", "orderbook_delta", delta(BookSide.BID, 9100, 50))
        quote = (await watch.next(QuoteChanged)).quote
        assert quote.bid is not None
        assert quote.bid.price == Price(9100)
        before = await watch.next(FeedProved)
        await client.line.ping(b"heartbeat")
        assert (await watch.next(FeedProved)).at_ns > before.at_ns


async def test_a_gap_loses_the_books_until_they_are_sent_anew() -> None:
    async with running() as (exchange, feed, watch):
        await feed.subscribe(["T"])
        client = await opened(exchange)
        await watch.next(QuoteChanged)
        await client.send("orderbook_delta", "orderbook_delta", delta(BookSide.BID, 9100, 50), skip=1)
        assert "went from message 1 to 3" in (await watch.next(FeedLost)).reason
        await opened(exchange)
        await watch.next(FeedProved)
        assert (await watch.next(QuoteChanged)).ticker == "T"


async def test_a_gap_in_what_carries_no_book_is_a_gap_too() -> None:
    async with running() as (exchange, feed, watch):
        await feed.subscribe(["T"])
        client = await opened(exchange)
        life = ws.MarketLifecycle(event_type="metadata_updated", market_ticker="X")
        await client.send("market_lifecycle_v2", "market_lifecycle_v2", life)
        await client.send("market_lifecycle_v2", "market_lifecycle_v2", life, skip=1)
        assert "went from message 1 to 3" in (await watch.next(FeedLost)).reason


async def test_a_broken_line_is_told_once_and_every_market_is_asked_for_again() -> None:
    async with running() as (exchange, feed, watch):
        await feed.subscribe(["T", "U"])
        client = await opened(exchange)
        await watch.next(FeedProved)
        exchange.refusals = [HTTPStatus.BAD_GATEWAY] * 2
        client.line.transport.abort()
        await watch.next(FeedLost)
        again = await exchange.clients.get()
        assert (await again.books_subscribed())["params"]["market_tickers"] == ["T", "U"]
        reasons = [e.reason for e in watch.so_far() if isinstance(e, FeedLost)]
        assert len(reasons) == 1
        assert "502" in reasons[0]


async def test_a_refused_key_is_said_in_words() -> None:
    async with running() as (exchange, _, watch):
        exchange.refusals = [HTTPStatus.UNAUTHORIZED] * 3
        assert "refused our key (401)" in (await watch.next(FeedLost)).reason
        await exchange.clients.get()


async def test_markets_come_and_go_on_one_subscription() -> None:
    async with running() as (exchange, feed, watch):
        await feed.subscribe(["T"])
        client = await opened(exchange)
        await watch.next(QuoteChanged)
        await feed.subscribe(["U", "T"])
        await feed.unsubscribe(["T"])
        sid = client.sids["orderbook_delta"]
        added, deleted = [await client.commands.get() for _ in range(2)]
        assert added["params"] == {"sids": [sid], "action": "add_markets", "market_tickers": ["U"]}
        assert deleted["params"] == {"sids": [sid], "action": "delete_markets", "market_tickers": ["T"]}
        await client.send("orderbook_delta", "orderbook_snapshot", snapshot({100: 1}, {}, "U"))
        assert (await watch.next(QuoteChanged)).ticker == "U"


async def test_a_market_that_is_refused_is_dropped_and_the_others_are_asked_for_again() -> None:
    async with running() as (exchange, feed, watch):
        await feed.subscribe(["BAD", "T"])
        client = await exchange.clients.get()
        await client.confirm(await client.commands.get())
        command = await client.commands.get()
        error = ws.ErrorMessage(code=11, msg="no such market", market_ticker="BAD")
        await client.line.send(frame("error", error, id_=command["id"]), text=True)
        assert (await watch.next(ErrorHappened)).message == "error 11: no such market"
        assert (await client.commands.get())["params"]["market_tickers"] == ["T"]


async def test_an_error_of_the_whole_subscription_makes_a_new_connection() -> None:
    async with running() as (exchange, feed, watch):
        await feed.subscribe(["T"])
        client = await opened(exchange)
        error = ws.ErrorMessage(code=25, msg="subscription buffer overflow")
        await client.send("orderbook_delta", "error", error)
        assert "error 25: subscription buffer overflow" in (await watch.next(FeedLost)).reason
        await exchange.clients.get()


async def test_fills_and_orders_of_ours_become_events() -> None:
    async with running() as (exchange, feed, watch):
        await feed.subscribe(["T"])
        client = await opened(exchange)
        await client.send("fill", "fill", FILL)
        filled = await watch.next(OrderFilled)
        assert filled.client_order_id == "us-1"
        assert (filled.fill.price, filled.fill.count, filled.fill.fee) == (800, Count(250), Cash(12880))
        assert (filled.fill.fill_id, filled.fill.at_ns) == ("t1", 1_700_000_000_123_000_000)
        await client.send("user_orders", "user_order", ORDER)
        reported = await watch.next(OrderReported)
        assert (reported.status, reported.filled) == (OrderStatus.CANCELED, Count(250))
        assert reported.reason == "ExpiryCancel"


@pytest.mark.parametrize(
    "wrong",
    [{"count_fp": "-1.00"}, {"count_fp": "0.00"}, {"ts_ms": 10**18}, {"ts_ms": -1}, {"fee_cost": None}],
)
async def test_a_fill_that_makes_no_sense_is_a_loss_and_not_a_fill(wrong: dict[str, object]) -> None:
    async with running() as (exchange, feed, watch):
        await feed.subscribe(["T"])
        client = await opened(exchange)
        message = json.loads(frame("fill", FILL, sid=client.sids["fill"]))
        await client.line.send(json.dumps({**message, "msg": {**message["msg"], **wrong}}))
        assert "not understood" in (await watch.next(FeedLost)).reason


@pytest.mark.parametrize("field", ["close_ts", "settled_ts"])
async def test_a_market_that_closes_in_a_far_age_is_an_error_and_no_event(field: str) -> None:
    async with running() as (exchange, feed, watch):
        await feed.subscribe(["T"])
        client = await opened(exchange)
        message = {"event_type": "settled", "market_ticker": "T", "result": "yes", field: 10**18}
        await client.line.send(json.dumps({"type": "market_lifecycle_v2", "msg": message}))
        assert field in (await watch.next(ErrorHappened)).message


async def test_a_fill_that_cannot_be_read_is_a_loss_and_not_a_fill_of_nothing() -> None:
    async with running() as (exchange, feed, watch):
        await feed.subscribe(["T"])
        client = await opened(exchange)
        await client.line.send('{"type":"fill","sid":1,"msg":{"trade_id":"t","quantity":"1"}}')
        assert "not understood" in (await watch.next(FeedLost)).reason


async def test_a_market_is_followed_from_its_birth_to_its_payout() -> None:
    async with running() as (exchange, feed, watch):
        await feed.subscribe(["T"])
        client = await opened(exchange)

        async def told(event_type: str, **more: Any) -> MarketStatusChanged:
            message = ws.MarketLifecycle(event_type=event_type, market_ticker="N", **more)
            await client.send("market_lifecycle_v2", "market_lifecycle_v2", message)
            return await watch.next(MarketStatusChanged)

        born = await told("created", open_ts=5, close_ts=9)
        assert (born.status, born.close_ns) == (MarketStatus.INITIALIZED, 9_000_000_000)
        assert (await told("deactivated")).status is MarketStatus.INACTIVE
        moved = await told("close_date_updated", close_ts=8)
        assert (moved.status, moved.close_ns) == (MarketStatus.INACTIVE, 8_000_000_000)
        assert (await told("activated")).status is MarketStatus.ACTIVE
        assert (await told("determined", result="yes")).status is MarketStatus.DETERMINED
        assert (await told("settled", settled_ts=10)).status is MarketStatus.FINALIZED
        settlement = (await watch.next(MarketSettled)).settlement
        assert (settlement.ticker, settlement.yes_value, settlement.at_ns) == ("N", PAYOUT, 10_000_000_000)


async def test_messages_nobody_knows_are_counted_and_ignored() -> None:
    async with running() as (exchange, feed, watch):
        await feed.subscribe(["T"])
        client = await opened(exchange)
        sid = client.sids["orderbook_delta"]
        seq = next(client.sequences["orderbook_delta"])
        await client.line.send(json.dumps({"type": "news_of_tomorrow", "sid": sid, "seq": seq, "msg": [1]}))
        await client.send("orderbook_delta", "orderbook_delta", delta(BookSide.BID, 9100, 50))
        await watch.next(QuoteChanged)
        assert (await watch.next(QuoteChanged)).quote.bid is not None


async def test_closing_ends_the_events_even_while_nobody_answers() -> None:
    feed = KalshiFeed(connection(REST), signer(), clock(), wall_ns=time.time_ns)
    watch = Watch(feed)
    await watch.next(FeedLost)
    await feed.close()
    async with asyncio.timeout(20):
        await watch.task
    assert not any(isinstance(event, FeedProved) for event in watch.so_far())
