"""Each way a submit can end, over a real socket: what is certain is certain, all else is unknown."""

from __future__ import annotations

import asyncio
import json
import socket
import time

import msgspec
import pytest
from exchange_builders import ack, intent, venue
from scripted_exchange import (
    Answer,
    Received,
    ScriptedExchange,
    cut_short,
    drip,
    gzip_bomb,
    html,
    raw,
    reply,
    reset,
    scripted,
    silence,
)

from console.domain.account_events import OrderAcked, OrderBecameUnknown, OrderRejected
from console.domain.order import TimeInForce
from console.domain.ports import KEY_REFUSED, SubmitOutcome

ORDERS = "/portfolio/events/orders"


async def submit_to(answer: Answer, deadline_s: float = 5.0) -> tuple[SubmitOutcome, ScriptedExchange]:
    async with scripted(lambda _: answer) as exchange:
        connector = venue(exchange.rest, deadline_s=deadline_s)
        outcome = await connector.submit(intent())
        await connector.close()
    return outcome, exchange


async def test_an_order_that_was_taken_is_acked_with_the_exchanges_id() -> None:
    outcome, exchange = await submit_to(reply(201, ack()))
    assert isinstance(outcome, OrderAcked)
    assert (outcome.client_order_id, outcome.order_id) == ("us-1", "order-1")
    (sent,) = exchange.received
    assert json.loads(sent.body) == {
        "ticker": "KXBTC-1",
        "side": "bid",
        "count": "3.00",
        "price": "0.9200",
        "time_in_force": "immediate_or_cancel",
        "self_trade_prevention_type": "taker_at_cross",
        "client_order_id": "us-1",
        "post_only": False,
        "reduce_only": False,
        "cancel_order_on_pause": True,
        "order_group_id": "group-1",
        "exchange_index": 2,
    }


@pytest.mark.parametrize(
    ("time_in_force", "expires"),
    [(TimeInForce.GOOD_TILL_CANCELED, 1234), (TimeInForce.IMMEDIATE_OR_CANCEL, None)],
)
async def test_only_a_resting_order_carries_an_expiry(
    time_in_force: TimeInForce, expires: int | None
) -> None:
    async with scripted(lambda _: reply(201, ack())) as exchange:
        connector = venue(exchange.rest)
        await connector.submit(intent(time_in_force=time_in_force, expires_s=1234))
        await connector.close()
    assert json.loads(exchange.received[0].body).get("expiration_time") == expires


@pytest.mark.parametrize("status", [400, 404, 410, 422, 429])
async def test_a_refusal_is_a_rejection_in_the_exchanges_words(status: int) -> None:
    outcome, exchange = await submit_to(
        reply(status, {"error": {"code": "insufficient_balance", "message": "not enough", "details": "x"}})
    )
    assert isinstance(outcome, OrderRejected)
    assert (outcome.code, outcome.message) == ("insufficient_balance", "not enough: x")
    assert len(exchange.received) == 1


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_key_is_a_rejection_that_says_to_check_the_key(status: int) -> None:
    outcome, exchange = await submit_to(reply(status, {"error": {"code": "authentication_error"}}))
    assert isinstance(outcome, OrderRejected)
    assert outcome.code == KEY_REFUSED
    assert f"{status} authentication_error; check the API key" in outcome.message
    assert len(exchange.received) == 1


async def test_an_order_signed_too_long_ago_is_a_rejection_that_is_not_about_the_key() -> None:
    outcome, _ = await submit_to(reply(401, {"error": {"code": "header_timestamp_expired"}}))
    assert isinstance(outcome, OrderRejected)
    assert outcome.code == "header_timestamp_expired"


async def test_too_many_requests_as_a_bare_text_is_a_rejection() -> None:
    outcome, _ = await submit_to(reply(429, {"error": "too many requests"}))
    assert isinstance(outcome, OrderRejected)
    assert (outcome.code, outcome.message) == ("429", "too many requests")


async def test_a_duplicate_id_is_not_a_rejection_because_the_order_exists() -> None:
    outcome, _ = await submit_to(reply(409, {"error": {"code": "order_already_exists"}}))
    assert isinstance(outcome, OrderBecameUnknown)
    assert outcome.reason == "duplicate id: it exists"


@pytest.mark.parametrize(
    "answer",
    [
        reply(500, {"error": {"code": "internal"}}),
        html(502),
        reply(503, {"error": "unavailable"}),
        html(504),
        reply(408, {}),
        reply(201, {"error": {"code": "deprecated_v1_order_endpoint"}}),
        reply(201, {}),
        reply(201, {"order": ack()}),
        reply(201, {k: v for k, v in ack().items() if k != "order_id"}),
        reply(201, ack(order_id="")),
        reply(201, ack(client_order_id="somebody-else")),
        reply(201, {**ack(), "client_order_id": None}),
        reply(201, {**ack(), "fill_count": 0}),
        html(201),
        raw(201, b""),
        raw(201, json.dumps(ack()).encode()[:-5]),
        raw(201, b"[" * 100_000),
        cut_short(201, json.dumps(ack()).encode()),
        raw(302, b"", {"Location": "/elsewhere"}),
        gzip_bomb(64 * 1024 * 1024),
        raw(201, b"x", {"Content-Encoding": "br"}),
        raw(201, b"x", {"Content-Encoding": "gzip"}),
        reset,
    ],
)
async def test_anything_else_leaves_the_order_unknown_after_exactly_one_request(answer: Answer) -> None:
    outcome, exchange = await submit_to(answer)
    assert isinstance(outcome, OrderBecameUnknown)
    assert outcome.client_order_id == "us-1"
    assert outcome.reason
    assert len(exchange.received) == 1


@pytest.mark.parametrize("answer", [silence, drip])
async def test_no_whole_answer_in_time_leaves_the_order_unknown(answer: Answer) -> None:
    outcome, exchange = await submit_to(answer, deadline_s=0.3)
    assert isinstance(outcome, OrderBecameUnknown)
    assert "no answer within 0.3 s" in outcome.reason
    assert len(exchange.received) == 1


async def test_an_order_that_found_no_connection_was_certainly_not_placed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    connector = venue(f"http://127.0.0.1:{port}/trade-api/v2")
    outcome = await connector.submit(intent())
    await connector.close()
    assert isinstance(outcome, OrderRejected)
    assert outcome.code == "not_sent"


async def test_a_gate_that_closes_while_the_order_connects_keeps_it_from_leaving() -> None:
    async with scripted(lambda _: reply(201, ack())) as exchange:
        connector = venue(exchange.rest, may_send=lambda _: False)
        outcome = await connector.submit(intent())
        await connector.close()
    assert isinstance(outcome, OrderRejected)
    assert outcome.code == "not_sent"
    assert not exchange.received


async def test_a_gate_that_closes_after_the_head_of_an_order_keeps_its_body_from_leaving() -> None:
    answers = [True, False]
    async with scripted(lambda _: reply(201, ack())) as exchange:
        connector = venue(exchange.rest, may_send=lambda _: answers.pop(0))
        outcome = await connector.submit(intent())
        await connector.close()
    assert isinstance(outcome, OrderRejected)
    assert outcome.code == "not_sent"
    assert not exchange.received
    assert not answers


async def test_the_gate_is_told_whether_an_order_only_reduces() -> None:
    async with scripted(lambda _: reply(201, ack())) as exchange:
        connector = venue(exchange.rest, may_send=lambda reduce_only: reduce_only)
        entry = await connector.submit(intent())
        leaving = await connector.submit(msgspec.structs.replace(intent(), reduce_only=True))
        await connector.close()
    assert isinstance(entry, OrderRejected)
    assert isinstance(leaving, OrderAcked)
    assert len(exchange.received) == 1


async def test_the_gate_does_not_hold_up_cancels_and_reads() -> None:
    def script(request: Received) -> Answer:
        if request.method == "DELETE":
            return reply(200, {"order_id": "o", "reduced_by": "1.00", "ts_ms": 1})
        return reply(200, {"orders": [], "cursor": ""})

    async with scripted(script) as exchange:
        connector = venue(exchange.rest, may_send=lambda _: False)
        await connector.cancel("o", "KXBTC-1", 2)
        assert await connector.orders(time.time_ns()) == []
        await connector.close()
    assert [r.method for r in exchange.received] == ["DELETE", "GET", "GET"]


async def test_a_cancelled_submit_says_so_and_is_never_sent_again() -> None:
    arrived = asyncio.Event()

    def script(_: Received) -> Answer:
        arrived.set()
        return silence

    async with scripted(script) as exchange:
        connector = venue(exchange.rest)
        task = asyncio.create_task(connector.submit(intent()))
        await arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await connector.close()
    assert len(exchange.asked("POST", ORDERS)) == 1
