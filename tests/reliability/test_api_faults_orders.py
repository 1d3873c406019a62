"""New orders whose answers break: what is not certain is unknown, and nothing is sent twice."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager

import pytest
from fault_proxy import FaultProxy, fault_proxy
from faults import (
    ORDERS,
    Answer,
    Fault,
    Turn,
    changed,
    html,
    late_accept,
    no_answer,
    passed,
    reset_after,
    reset_before,
    reset_in_body,
    status,
    truncated,
    with_body,
)
from own_exchange import NO_LIMITS, OwnExchange, order, own_exchange, venue_to

from console.domain.account_events import OrderAcked, OrderBecameUnknown, OrderRejected
from console.domain.ports import KEY_REFUSED, SubmitOutcome
from console.exchange.venue import KalshiVenue

pytestmark = pytest.mark.timeout(900)

Count = Callable[[int, int], int]
Tell = Callable[[str], None]

AT_ONCE = 16
TICKER = "KXFAULT-ORDERS"


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnExchange]:
    with own_exchange(tmp_path_factory.mktemp("exchange")) as running:
        running.list_market(TICKER, lives_s=100_000)
        running.show(TICKER, 92, 93)
        yield running


@pytest.fixture
def proxy(exchange: OwnExchange) -> Iterator[FaultProxy]:
    with fault_proxy(exchange.connection) as running:
        running.on("GET", "/account/limits", with_body(NO_LIMITS))
        yield running


@asynccontextmanager
async def a_venue(proxy: FaultProxy, deadline_s: float = 5.0) -> AsyncIterator[KalshiVenue]:
    venue = venue_to(proxy.connection, deadline_s=deadline_s)
    await venue.status()
    yield venue
    await venue.close()


async def submit_many(venue: KalshiVenue, prefix: str, number: int) -> dict[str, SubmitOutcome]:
    """So many orders, some at once; what became of each."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def submit(client_order_id: str) -> SubmitOutcome:
        async with turns:
            return await venue.submit(order(client_order_id, TICKER))

    names = [f"{prefix}-{n}" for n in range(number)]
    return dict(zip(names, await asyncio.gather(*map(submit, names)), strict=True))


async def all_forwarded(proxy: FaultProxy, fault: Fault) -> None:
    """Until the late ones have arrived."""
    if fault is late_accept:
        async with asyncio.timeout(30):
            while proxy.count("POST", ORDERS, forwarded=True) < len(proxy.orders_sent()):  # noqa: ASYNC110 - another thread's
                await asyncio.sleep(0.01)


def took(exchange: OwnExchange, names: Sequence[str]) -> Counter[str]:
    """How many orders the exchange has of each of these client ids."""
    return Counter(name for name in exchange.client_ids() if name in set(names))


# --- ambiguous: unknown, found by reading, never sent twice -------------------------------------------

_NO_ID = changed(lambda answer: Answer(201, [], answer.body.replace(b'"order_id"', b'"id"')))
_TWICE = changed(lambda answer: Answer(201, [], answer.body[:-1] + b',"order_id":"another"}'))
_ANOTHERS = changed(
    lambda answer: Answer(201, [], answer.body.replace(b'"client_order_id":"', b'"client_order_id":"x'))
)
_V1 = {"error": {"code": "deprecated_v1_order_endpoint"}}

UNKNOWN_AFTER = {
    "B1 timeout after accept": (no_answer, True, 500),
    "B1 reset after accept": (reset_after, True, 2_000),
    "B1 reset before accept": (reset_before, False, 2_000),
    "B1 reset in mid-body": (reset_in_body, True, 2_000),
    "B1 accepted after our timeout": (late_accept, True, 500),
    "B2 500 after accept": (status(500, forwards=True), True, 500),
    "B2 500 before accept": (status(500), False, 500),
    "B2 502 page": (html(502, forwards=True), True, 500),
    "B2 503": (status(503), False, 500),
    "B2 504 page after accept": (html(504, forwards=True), True, 500),
    "B4 409 duplicate": (status(409, forwards=True), True, 200),
    "B5 error object in a 200": (status(200, _V1, forwards=True), True, 200),
    "B5 error object in a 201": (status(201, _V1), False, 200),
    "B5 no order id": (_NO_ID, True, 200),
    "B5 another's client id": (_ANOTHERS, True, 200),
    "B5 two order ids": (_TWICE, True, 200),
    "B5 page with a 200": (html(200, forwards=True), True, 200),
    "B5 truncated": (truncated, True, 200),
    "B5 empty object": (with_body(b"{}"), True, 200),
    "B5 empty body": (with_body(b""), True, 200),
}


@pytest.mark.parametrize("name", UNKNOWN_AFTER)
async def test_an_order_whose_answer_is_lost_is_unknown_and_found_by_reading_and_sent_once(
    name: str, exchange: OwnExchange, proxy: FaultProxy, count: Count, tell: Tell
) -> None:
    fault, is_taken, whole = UNKNOWN_AFTER[name]
    number = count(AT_ONCE, whole)
    proxy.on("POST", ORDERS, fault)
    async with a_venue(proxy, deadline_s=0.5 if fault in (no_answer, late_accept) else 5.0) as venue:
        outcomes = await submit_many(venue, name, number)
        await all_forwarded(proxy, fault)
        listed = Counter(report.client_order_id for report in await venue.orders())
    # On a busy machine a short deadline can end before there is a connection: such an order is not sent.
    sent = {name: each for name, each in outcomes.items() if getattr(each, "code", "") != "not_sent"}
    assert {type(outcome) for outcome in sent.values()} == {OrderBecameUnknown}
    assert proxy.orders_sent() == dict.fromkeys(sent, 1)
    assert {name: listed[name] for name in outcomes if listed[name]} == (
        dict.fromkeys(sent, 1) if is_taken else {}
    )
    assert took(exchange, list(outcomes)).total() == (len(sent) if is_taken else 0)
    tell(f"{len(sent)} orders, all unknown, {len(sent) if is_taken else 0} found by reading, 0 sent twice")


# --- definite refusals ----------------------------------------------------------------------------------

REFUSED_BY = {
    "B3 429": (status(429), "fault_429", 100),
    "B4 400": (status(400), "fault_400", 200),
    "B4 422": (status(422), "fault_422", 200),
    "B4 401": (status(401), KEY_REFUSED, 200),
    "B4 403": (status(403), KEY_REFUSED, 200),
}


@pytest.mark.parametrize("name", REFUSED_BY)
async def test_a_refused_order_is_rejected_and_does_not_exist(
    name: str, exchange: OwnExchange, proxy: FaultProxy, count: Count, tell: Tell
) -> None:
    fault, code, whole = REFUSED_BY[name]
    number = count(AT_ONCE, whole)
    proxy.on("POST", ORDERS, fault)
    async with a_venue(proxy) as venue:
        outcomes = await submit_many(venue, name, number)
    refused = [o for o in outcomes.values() if isinstance(o, OrderRejected) and o.code == code]
    unsent = [o for o in outcomes.values() if isinstance(o, OrderRejected) and o.code == "not_sent"]
    # After a 429 those that would wait beyond their deadline are not sent at all.
    assert len(refused) + len(unsent) == number
    assert refused
    assert name == "B3 429" or not unsent
    assert len(proxy.orders_sent()) == len(refused)
    assert not took(exchange, list(outcomes))
    tell(f"{number} orders, {len(refused)} rejected, {len(unsent)} held back, 0 at the exchange")


async def test_after_too_many_requests_nothing_but_cancels_leaves_before_the_exchange_allows(
    proxy: FaultProxy,
) -> None:
    async with a_venue(proxy) as venue:
        proxy.on("POST", ORDERS, status(429, headers=[("retry-after", "1")]), times=1)
        refused = await venue.submit(order("early", TICKER))
        told_s = time.monotonic()
        held = asyncio.create_task(venue.submit(order("held", TICKER)))
        for number in range(5):
            await venue.cancel(f"no-such-order-{number}", TICKER, 0)
        cancelled_s = time.monotonic()
        outcome = await held
    assert isinstance(refused, OrderRejected)
    assert isinstance(outcome, OrderAcked)
    sent_s = {asked.client_order_id: asked.at_s for asked in proxy.asked}
    assert sent_s["held"] - told_s > 0.95
    assert cancelled_s < sent_s["held"]
    assert proxy.count("DELETE", f"{ORDERS}/*") == 5


async def test_an_order_that_had_to_wait_has_the_whole_deadline_for_its_answer(proxy: FaultProxy) -> None:
    async def slow(turn: Turn) -> None:
        await asyncio.sleep(1.2)
        await passed(turn)

    async with a_venue(proxy, deadline_s=2.0) as venue:
        proxy.on("POST", ORDERS, slow)
        proxy.on("POST", ORDERS, status(429, headers=[("retry-after", "1")]), times=1)
        await venue.submit(order("refused-first", TICKER))
        assert isinstance(await venue.submit(order("waited-then-slow", TICKER)), OrderAcked)


async def test_reads_that_are_refused_as_too_many_come_again_later_and_succeed(proxy: FaultProxy) -> None:
    async with a_venue(proxy) as venue:
        proxy.on("GET", "/portfolio/balance", status(429, {"error": "too many requests"}), times=2)
        assert await venue.balance() > 0
    assert proxy.count("GET", "/portfolio/balance") == 3


async def test_an_order_is_not_held_back_for_longer_than_a_request_may_take(proxy: FaultProxy) -> None:
    async with a_venue(proxy, deadline_s=0.3) as venue:
        proxy.on("POST", ORDERS, status(429, headers=[("retry-after", "30")]), times=1)
        await venue.submit(order("told-to-wait", TICKER))
        outcome = await venue.submit(order("too-early", TICKER))
    assert isinstance(outcome, OrderRejected)
    assert outcome.code == "not_sent"
    assert "too-early" not in proxy.orders_sent()
