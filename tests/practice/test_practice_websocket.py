"""The practice exchange's WebSocket over a real socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from practice_support import TICKER, Client, displayed, listed, receive, running, settled
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Opcode

from console.practice import hub
from console.practice import server as practice_server
from console.practice.server import GeneratedKey, PracticeServer


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GeneratedKey]:
    generated = GeneratedKey(tmp_path_factory.mktemp("keys"))
    yield generated
    generated.remove()


@pytest.fixture
async def practice(key: GeneratedKey) -> AsyncIterator[tuple[Client, PracticeServer]]:
    async with running(key) as (client, server):
        yield client, server


@pytest.fixture
def client(practice: tuple[Client, PracticeServer]) -> Client:
    return practice[0]


@pytest.fixture
def server(practice: tuple[Client, PracticeServer]) -> PracticeServer:
    return practice[1]


@pytest.fixture
async def socket(client: Client) -> AsyncIterator[ClientConnection]:
    async with client.socket() as connected:
        yield connected


async def command(socket: ClientConnection, cmd: str, id_: int = 1, **params: Any) -> None:
    await socket.send(json.dumps({"id": id_, "cmd": cmd, "params": params}))


async def subscribe(socket: ClientConnection, *channels: str, **params: Any) -> dict[str, int]:
    """The sid of each channel."""
    await command(socket, "subscribe", channels=list(channels), **params)
    sids = {}
    for _ in channels:
        reply = await receive(socket, "subscribed")
        sids[reply["msg"]["channel"]] = reply["msg"]["sid"]
    return sids


async def test_a_handshake_that_is_not_signed_is_refused(client: Client) -> None:
    with pytest.raises(InvalidStatus) as raised:
        async with connect(client.address.ws, proxy=None):
            pass
    assert raised.value.response.status_code == 401


async def test_a_book_starts_with_a_snapshot_and_goes_on_with_deltas(
    socket: ClientConnection, server: PracticeServer
) -> None:
    sids = await subscribe(socket, "orderbook_delta", market_tickers=[TICKER], use_yes_price=True)
    snapshot = await receive(socket, "orderbook_snapshot")
    assert (snapshot["sid"], snapshot["seq"]) == (sids["orderbook_delta"], 1)
    assert snapshot["msg"]["yes_dollars_fp"] == [["0.8900", "200.00"], ["0.9000", "100.00"]]
    assert snapshot["msg"]["no_dollars_fp"] == [["0.9200", "500.00"], ["0.9100", "50.00"]]
    server.exchange.apply(displayed([(90, 100), (89, 200)], [(91, 30), (92, 500)]))
    delta = await receive(socket, "orderbook_delta")
    assert delta["seq"] == 2
    assert (delta["msg"]["price_dollars"], delta["msg"]["delta_fp"], delta["msg"]["side"]) == (
        "0.9100",
        "-20.00",
        "no",
    )


async def test_the_no_side_is_on_its_own_scale_unless_asked_otherwise(
    socket: ClientConnection, server: PracticeServer
) -> None:
    await subscribe(socket, "orderbook_delta", market_ticker=TICKER)
    snapshot = await receive(socket, "orderbook_snapshot")
    assert snapshot["msg"]["no_dollars_fp"] == [["0.0800", "500.00"], ["0.0900", "50.00"]]
    server.exchange.apply(displayed([(90, 100), (89, 200)], [(91, 30), (92, 500)]))
    assert (await receive(socket, "orderbook_delta"))["msg"]["price_dollars"] == "0.0900"


async def test_one_sequence_counts_every_message_of_a_subscription(
    socket: ClientConnection, server: PracticeServer
) -> None:
    other = "KXOTHER15M-26NOV221300-T1"
    server.exchange.apply(listed(other))
    sid = (await subscribe(socket, "orderbook_delta", market_tickers=[TICKER]))["orderbook_delta"]
    await command(socket, "update_subscription", 2, sids=[sid], action="add_markets", market_tickers=[other])
    await command(socket, "update_subscription", 3, sid=sid, action="get_snapshot", market_tickers=[TICKER])
    await command(socket, "update_subscription", 4, sid=sid, action="fly", market_tickers=[TICKER])
    await command(socket, "update_subscription", 5, sid=sid, action="delete_markets", market_tickers=[other])
    await command(socket, "unsubscribe", 6, sids=[sid])
    got = [json.loads(await socket.recv()) for _ in range(7)]
    assert [(m["type"], m["seq"]) for m in got] == [
        ("orderbook_snapshot", 1),
        ("ok", 2),
        ("orderbook_snapshot", 3),
        ("orderbook_snapshot", 4),
        ("error", 5),
        ("ok", 6),
        ("unsubscribed", 7),
    ]
    assert {m["sid"] for m in got} == {sid}
    assert got[1]["msg"]["market_tickers"] == sorted([TICKER, other])
    assert (got[3]["id"], got[4]["msg"]["code"]) == (3, 13)
    assert got[5]["msg"]["market_tickers"] == [TICKER]


async def test_subscribing_again_adds_markets_to_the_same_subscription(
    socket: ClientConnection, server: PracticeServer
) -> None:
    other = "KXOTHER15M-26NOV221300-T1"
    server.exchange.apply(listed(other))
    first = await subscribe(socket, "orderbook_delta", market_tickers=[TICKER])
    again = await subscribe(socket, "orderbook_delta", market_tickers=[TICKER, other])
    assert first == again
    snapshot = await receive(socket, "orderbook_snapshot")
    assert (snapshot["msg"]["market_ticker"], snapshot["seq"]) == (other, 2)
    await socket.send(json.dumps({"id": 9, "cmd": "list_subscriptions"}))
    assert (await receive(socket, "ok"))["msg"] == [{"channel": "orderbook_delta", "sid": 1}]


async def test_an_order_of_ours_is_told_as_a_delta_a_fill_a_position_and_an_order(
    socket: ClientConnection, client: Client
) -> None:
    await subscribe(socket, "orderbook_delta", market_tickers=[TICKER])
    await subscribe(socket, "fill", "user_orders", "market_positions", "trade", "ticker")
    placed = await client.place("bid", "0.9100", "60.00", client_order_id="mine")
    got: dict[str, Any] = {}
    while len(got) < 6:
        message = json.loads(await socket.recv())
        got[message["type"]] = message
    fill = got["fill"]["msg"]
    assert (fill["order_id"], fill["client_order_id"]) == (placed.json()["order_id"], "mine")
    assert (fill["count_fp"], fill["post_position_fp"], fill["book_side"]) == ("50.00", "50.00", "bid")
    assert got["trade"]["msg"]["trade_id"] == fill["trade_id"]
    order = got["user_order"]["msg"]
    assert (order["status"], order["fill_count_fp"], order["remaining_count_fp"]) == (
        "resting",
        "50.00",
        "10.00",
    )
    assert got["market_position"]["msg"]["position_cost_dollars"] == "45.500000"
    assert got["orderbook_delta"]["msg"]["client_order_id"] == "mine"
    assert [t for t in got if "seq" in got[t]] == ["trade", "orderbook_delta"]


async def test_a_market_is_created_determined_and_settled(
    socket: ClientConnection, server: PracticeServer
) -> None:
    await subscribe(socket, "market_lifecycle_v2")
    server.exchange.apply(listed("KXNEW15M-26NOV221300-T1"))
    server.exchange.apply(settled("no"))
    messages = [await receive(socket, "market_lifecycle_v2") for _ in range(3)]
    assert [m["msg"]["event_type"] for m in messages] == ["created", "determined", "settled"]
    assert messages[0]["msg"]["close_ts"] - messages[0]["msg"]["open_ts"] == 900
    assert (messages[1]["msg"]["result"], messages[1]["msg"]["settlement_value"]) == ("no", "0.0000")
    assert [m["seq"] for m in messages] == [1, 2, 3]


async def test_order_group_changes_are_told(socket: ClientConnection, client: Client) -> None:
    await subscribe(socket, "order_group_updates")
    created = await client.call("POST", "/portfolio/order_groups/create", {"contracts_limit": 5})
    group = created.json()["order_group_id"]
    await client.call("PUT", f"/portfolio/order_groups/{group}/trigger")
    updates = [(await receive(socket, "order_group_updates"))["msg"] for _ in range(2)]
    assert [u["event_type"] for u in updates] == ["created", "triggered"]
    assert updates[0]["contracts_limit_fp"] == "5.00"


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("{", 1),
        ('{"x":' + "[" * 100_000, 1),
        ('{"id":1,"cmd":"subscribe"}', 2),
        ('{"id":1,"cmd":"subscribe","params":{}}', 3),
        ('{"id":1,"cmd":"unsubscribe","params":{}}', 4),
        ('{"id":1,"cmd":"dance","params":{}}', 5),
        ('{"id":1,"cmd":"unsubscribe","params":{"sids":[77]}}', 7),
        ('{"id":1,"cmd":"subscribe","params":{"channels":["gossip"]}}', 8),
        ('{"id":1,"cmd":"subscribe","params":{"channels":"ticker"}}', 11),
        ('{"id":1,"cmd":"update_subscription","params":{"sids":[1,2]}}', 12),
        ('{"id":1,"cmd":"subscribe","params":{"channels":["orderbook_delta"]}}', 14),
    ],
)
async def test_a_wrong_command_gets_its_error_code(socket: ClientConnection, message: str, code: int) -> None:
    await socket.send(message)
    error = await receive(socket, "error")
    assert error["msg"]["code"] == code
    assert error.get("id") == (1 if code > 1 else None)


async def test_a_client_that_does_not_read_is_told_so_and_cut_off(
    client: Client, server: PracticeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "_MESSAGES_WAITING_MOST", 50)
    async with client.socket() as socket:
        await subscribe(socket, "orderbook_delta", market_tickers=[TICKER])
        await receive(socket, "orderbook_snapshot")
        # All of it happens before the loop runs again, so nothing can be sent in between.
        for size in range(1, 102):
            server.exchange.apply(displayed([(90, size)], [(91, 30)]))
        error = await receive(socket, "error")
        assert error["msg"]["code"] == 25
        with pytest.raises(ConnectionClosed):
            await socket.recv()


async def test_the_server_pings_with_the_word_heartbeat(
    key: GeneratedKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    pings: list[bytes] = []
    pinged = asyncio.Event()

    class Watching(ClientConnection):
        def process_event(self, event: Any) -> None:
            if getattr(event, "opcode", None) is Opcode.PING:
                pings.append(bytes(event.data))
                pinged.set()
            super().process_event(event)

    assert practice_server._HEARTBEAT_S == 10
    monkeypatch.setattr(practice_server, "_HEARTBEAT_S", 0.02)
    async with running(key) as (client, _):
        headers = client.headers("GET", "/trade-api/ws/v2")
        async with connect(
            client.address.ws, additional_headers=headers, create_connection=Watching, proxy=None
        ):
            await pinged.wait()
    assert pings[0] == b"heartbeat"
