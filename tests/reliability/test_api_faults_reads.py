"""Reads through an exchange that answers in part, with nonsense, without an end or with another clock."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from fault_proxy import FaultProxy, fault_proxy
from faults import (
    ORDERS,
    Answer,
    Fault,
    Turn,
    changed,
    dripped,
    endless_headers,
    gzip_bomb,
    html,
    no_answer,
    reset_after,
    reset_before,
    reset_in_body,
    status,
    truncated,
    with_body,
)
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from own_exchange import NO_LIMITS, OwnExchange, order, own_exchange, venue_to

from console.domain.account_events import OrderAcked, OrderBecameUnknown
from console.domain.ports import KeyRefusedError, Universe, VenueError
from console.exchange import http
from console.exchange.clock import ServerClock
from console.exchange.feed_events import Lifecycles
from console.exchange.session import FeedSession, SessionLostError
from console.exchange.signing import load_signer
from console.exchange.venue import KalshiVenue

pytestmark = pytest.mark.timeout(900)

Count = Callable[[int, int], int]
Tell = Callable[[str], None]
Read = Callable[[KalshiVenue], Awaitable[object]]

TICKER, SETTLED = "KXREADS-1", "KXREADS-2"
DEADLINE_S = 0.5
MIB = 1024 * 1024

READS: dict[str, tuple[str, Read]] = {
    "orders": ("/portfolio/orders", lambda venue: venue.orders()),
    "fills": ("/portfolio/fills", lambda venue: venue.fills()),
    "settlements": ("/portfolio/settlements", lambda venue: venue.settlements()),
    "positions": ("/portfolio/positions", lambda venue: venue.positions()),
    "balance": ("/portfolio/balance", lambda venue: venue.balance()),
    "markets": ("/markets", lambda venue: venue.markets(Universe())),
    "market": (f"/markets/{TICKER}", lambda venue: venue.market(TICKER)),
    "status": ("/exchange/status", lambda venue: venue.status()),
}


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnExchange]:
    """One position, one settlement, three orders."""
    with own_exchange(tmp_path_factory.mktemp("exchange")) as running:
        for ticker in (TICKER, SETTLED):
            running.list_market(ticker)
            running.show(ticker, 92, 93)

        async def trade() -> None:
            venue = venue_to(running.connection)
            for number, ticker in enumerate([TICKER, TICKER, SETTLED]):
                assert isinstance(await venue.submit(order(f"reads-{number}", ticker)), OrderAcked)
            await venue.close()

        asyncio.run(trade())
        running.settle(SETTLED, "yes")
        yield running


@pytest.fixture
def proxy(exchange: OwnExchange) -> Iterator[FaultProxy]:
    with fault_proxy(exchange.connection) as running:
        yield running


@pytest.fixture(autouse=True)
def _repeats_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "_FIRST_RETRY_S", 0.01)


@asynccontextmanager
async def a_venue(proxy: FaultProxy, deadline_s: float = DEADLINE_S) -> AsyncIterator[KalshiVenue]:
    venue = venue_to(proxy.connection, deadline_s=deadline_s)
    yield venue
    await venue.close()


# --- what is not complete is not nothing ------------------------------------------------------------


def edited(change: Callable[[dict[str, object]], dict[str, object]]) -> Fault:
    """The exchange's answer with its JSON object changed."""
    return changed(
        lambda answer: Answer(answer.status, [], json.dumps(change(json.loads(answer.body))).encode())
    )


def list_of(data: dict[str, object]) -> str:
    return next(name for name, value in data.items() if isinstance(value, list))


INCOMPLETE: dict[str, Fault] = {
    "reset before": reset_before,
    "reset after": reset_after,
    "reset in mid-body": reset_in_body,
    "404": status(404),
    "500": status(500),
    "502 page": html(502),
    "page with a 200": html(200),
    "truncated": truncated,
    "empty object": with_body(b"{}"),
    "null": with_body(b"null"),
    "empty body": with_body(b""),
    "error object in a 200": status(200, {"error": {"code": "internal"}}),
    "its list is null": edited(lambda data: {**data, list_of(data): None}),
    "its list is lost": edited(lambda data: {k: v for k, v in data.items() if k != list_of(data)}),
    "its cursor goes round": edited(lambda data: {**data, "cursor": "again"}),
    "an item is null": edited(lambda data: {**data, list_of(data): [None]}),
}


@pytest.mark.parametrize("name", ["orders", "fills", "settlements", "positions"])
async def test_a_list_that_is_not_whole_is_an_error_and_never_an_empty_list(
    name: str, proxy: FaultProxy, count: Count, tell: Tell
) -> None:
    path, read = READS[name]
    rounds = count(1, 8)
    async with a_venue(proxy) as venue:
        whole = await read(venue)
        assert whole
        for _ in range(rounds):
            for fault in INCOMPLETE.values():
                proxy.on("GET", path, fault)
                with pytest.raises(VenueError):
                    await read(venue)
                proxy.heal()
        assert await read(venue) == whole
    tell(f"{rounds * len(INCOMPLETE)} lists that were not whole, 0 taken for one")


@pytest.mark.parametrize("name", ["orders", "fills"])
async def test_a_list_that_lost_its_cursor_is_an_error_where_every_list_has_one(
    name: str, proxy: FaultProxy
) -> None:
    path, read = READS[name]
    proxy.on("GET", path, edited(lambda data: {k: v for k, v in data.items() if k != "cursor"}))
    async with a_venue(proxy) as venue:
        with pytest.raises(VenueError):
            await read(venue)


async def test_a_list_whose_second_page_fails_is_an_error(proxy: FaultProxy) -> None:
    first = edited(lambda data: {**data, "cursor": "next"})

    async def fault(turn: Turn) -> None:
        await (status(500) if b"cursor=next" in turn.request.head else first)(turn)

    async with a_venue(proxy) as venue:
        for name in ("orders", "fills", "settlements", "positions"):
            path, read = READS[name]
            proxy.on("GET", path, fault)
            with pytest.raises(VenueError):
                await read(venue)


# --- answers without measure ------------------------------------------------------------------------


async def flooded(turn: Turn) -> None:
    """50 MB, which the proxy does not hold either."""
    await turn.forward()
    await turn.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % (50 * MIB))
    for _ in range(50):
        await turn.send(b" " * MIB)


MEASURELESS: dict[str, Fault] = {
    "50 MB": flooded,
    "200 KB that unpack to 200 MB": gzip_bomb(200 * MIB),
    "a packed bomb inside a bomb": changed(
        lambda answer: Answer(200, [("content-encoding", "gzip")], gzip.compress(gzip.compress(b" " * MIB)))
    ),
    "a byte every 20 ms": dripped,
    "a head without an end": endless_headers,
    "silence": no_answer,
}


def resident_mib() -> int:
    text = Path("/proc/self/status").read_text()
    return int(text.split("VmRSS:")[1].split()[0]) // 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
@pytest.mark.parametrize("name", MEASURELESS)
async def test_an_answer_without_measure_is_cut_off_and_costs_little_memory(
    name: str, proxy: FaultProxy, count: Count, tell: Tell
) -> None:
    fault, number = MEASURELESS[name], count(1, 50)
    async with a_venue(proxy) as venue:
        await venue.balance()
        proxy.on("GET", "/portfolio/balance", fault)
        proxy.on("POST", ORDERS, fault)
        before, most = resident_mib(), 0
        for each in range(number):
            with pytest.raises(VenueError):
                await venue.balance()
            outcome = await venue.submit(order(f"{name}-{each}", TICKER))
            assert isinstance(outcome, OrderBecameUnknown)
            most = max(most, resident_mib() - before)
        proxy.heal()
        assert await venue.balance() > 0
    assert most < 50
    assert set(proxy.orders_sent().values()) == {1}
    tell(f"{number} reads and orders cut off, {most} MB more memory at most")


# --- nonsense ---------------------------------------------------------------------------------------

_HUGE = "9" * 5000
_DEEP = "[" * 2000 + "]" * 2000
NASTY = st.one_of(
    st.sampled_from(
        [
            "NaN", "Infinity", "-Infinity", "1e400", "-1", "0", "1.5", "null", "true", "[]", "{}", _HUGE,
            _DEEP,
            '"NaN"', '"Infinity"', '"1e400"', '"1e5"', '"-1"', '"-0.01"', '"101"', '"1.01"', '"0.1234567"',
            '""', '" 1"', '"1 "', '"+1"', '"٣"', '"0x10"', '"1_000"', '"\\ud800"', '"\\u0000"', f'"{_HUGE}"',
            '"unheard_of"', '"2026-13-01T00:00:00Z"', '"9999-12-31T23:59:59Z"', '"2026-01-01T00:00:00"',
        ]
    ),
    st.text(max_size=20).map(json.dumps),
    st.integers().map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
)  # fmt: skip
"""Values as they would stand in JSON, most of them where they may not."""


def places(data: object, at: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The way to each value of a JSON document."""
    inside: Sequence[tuple[str | int, object]] = ()
    if isinstance(data, dict):
        inside = list(data.items())
    elif isinstance(data, list):
        inside = list(enumerate(data))
    return [at, *(place for key, value in inside for place in places(value, (*at, key)))]


def broken(text: bytes, place: tuple[str | int, ...], kind: str, nasty: str) -> bytes:
    """The document with one value replaced, removed or said twice."""
    mark = "\x00here\x00"
    data = json.loads(text)
    if not place:
        return nasty.encode("utf-8", "replace")
    at = data
    for key in place[:-1]:
        at = at[key]
    last = place[-1]
    if kind == "remove":
        del at[last]
        return json.dumps(data).encode()
    at[last] = mark
    name = f"{json.dumps(last)}: " if isinstance(last, str) else ""
    value = f"{nasty}, {name}{nasty}" if kind == "twice" else nasty
    return json.dumps(data).replace(json.dumps(mark), value).encode("utf-8", "replace")


KINDS = st.sampled_from(["replace", "replace", "remove", "twice"])


def money_is_exact(found: object) -> bool:
    """Whether no float and no number beyond 63 bits got through."""
    if isinstance(found, list | tuple | dict):
        return all(map(money_is_exact, found.values() if isinstance(found, dict) else found))
    if isinstance(found, float):
        return False
    return not isinstance(found, int) or abs(found) < 1 << 63


def test_no_nonsense_in_an_answer_gets_through(
    exchange: OwnExchange, proxy: FaultProxy, count: Count, tell: Tell
) -> None:
    number, kept = count(15, 1_250), 0
    with asyncio.Runner() as runner:
        venue = venue_to(proxy.connection)
        proxy.on("GET", "/account/limits", with_body(NO_LIMITS))
        runner.run(venue.status())
        answers: dict[str, bytes] = {}

        def noted(answer: Answer) -> Answer:
            answers[path] = answer.body
            return answer

        for path, read in READS.values():
            proxy.on("GET", path, changed(noted))
            runner.run(read(venue))  # type: ignore[arg-type]
            proxy.heal()

            @seed(1)
            @settings(max_examples=number, database=None, suppress_health_check=list(HealthCheck))
            @given(data=st.data())
            def check(data: st.DataObject) -> None:
                nonlocal kept
                text = answers[path]  # noqa: B023 - called at once
                place = data.draw(st.sampled_from(places(json.loads(text))))
                body = broken(text, place, data.draw(KINDS), data.draw(NASTY))
                proxy.on("GET", path, with_body(body))  # noqa: B023
                found: object
                try:
                    found = runner.run(read(venue))  # type: ignore[arg-type]  # noqa: B023
                except VenueError:
                    pass
                else:
                    kept += 1
                    assert money_is_exact(msgspec.to_builtins(found)), body
                proxy.heal()

            check()
        runner.run(venue.balance())
        runner.run(venue.close())
    tell(f"{number * len(READS)} broken answers, {kept} of them broken where nothing is read, 0 got through")


def test_no_nonsense_in_a_message_gets_through(count: Count, tell: Tell) -> None:
    number, told = count(500, 10_000), 0
    messages = [
        b'{"type":"subscribed","id":1,"msg":{"channel":"orderbook_delta","sid":2}}',
        b'{"type":"orderbook_snapshot","sid":2,"seq":1,"msg":{"market_ticker":"T","market_id":"m",'
        b'"yes_dollars_fp":[["0.9200","10.00"]],"no_dollars_fp":[["0.9300","10.00"]]}}',
        b'{"type":"orderbook_delta","sid":2,"seq":2,"msg":{"market_ticker":"T","market_id":"m",'
        b'"price_dollars":"0.9100","delta_fp":"5.00","side":"yes"}}',
        b'{"type":"fill","sid":1,"msg":{"trade_id":"t","order_id":"o","market_ticker":"T","exchange_index":0,'
        b'"is_taker":true,"outcome_side":"yes","book_side":"bid","yes_price_dollars":"0.9200",'
        b'"count_fp":"1.00","fee_cost":"0.01","post_position_fp":"1.00","ts_ms":1,"client_order_id":"c"}}',
        b'{"type":"market_lifecycle_v2","sid":3,"msg":{"market_ticker":"T","event_type":"settled",'
        b'"result":"yes","settlement_value":"1.0000","settled_ts":1}}',
    ]

    @seed(1)
    @settings(max_examples=number, database=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def check(data: st.DataObject) -> None:
        nonlocal told
        session = FeedSession({"T"}, Lifecycles(), lambda: 0)
        session.commands()
        which = data.draw(st.sampled_from(range(len(messages))))
        for good in messages[:which]:
            session.take(good)
        place = data.draw(st.sampled_from(places(json.loads(messages[which]))))
        body = broken(messages[which], place, data.draw(KINDS), data.draw(NASTY))
        try:
            events = session.take(body)
        except SessionLostError:
            told += 1
        else:
            assert money_is_exact([msgspec.to_builtins(event) for event in events]), body

    check()
    assert told > 0
    tell(f"{number} broken messages, {told} of them ended the session, 0 got through")


# --- clocks -----------------------------------------------------------------------------------------


async def test_another_clock_is_measured_and_requests_are_stamped_with_the_exchanges(
    exchange: OwnExchange, count: Count, tell: Tell
) -> None:
    number = count(12, 50)
    signer = load_signer(exchange.connection.key_id, Path(exchange.connection.private_key_path))
    worst_ms = 0
    for each in range(number):
        ahead_s = (-60, -2, 0, 2, 60, 3600)[each % 6]

        def wall_ns(ahead_s: int = ahead_s) -> int:
            return time.time_ns() + ahead_s * 1_000_000_000

        venue = KalshiVenue(
            exchange.connection,
            signer,
            ServerClock(wall_ns),
            wall_ns=wall_ns,
            deadline_s=5,
            group_contracts_limit=1000,
            may_send=lambda _: True,
        )
        # The first may be refused for its timestamp; it is not taken for a bad key, and sent anew.
        assert await venue.balance() > 0
        assert venue.skew_ms is not None
        worst_ms = max(worst_ms, abs(venue.skew_ms - ahead_s * 1000))
        assert isinstance(await venue.submit(order(f"skew-{each}", TICKER)), OrderAcked)
        await venue.close()
    # The server renews its Date once a second, and later than that while the machine is busy.
    assert worst_ms <= 5000
    tell(f"{number} clocks up to an hour off, measured within {worst_ms} ms, 0 refused")


@pytest.mark.parametrize("code", [401, 403])
async def test_a_refused_key_says_to_check_it(code: int, proxy: FaultProxy) -> None:
    async with a_venue(proxy) as venue:
        proxy.on("GET", "/portfolio/balance", status(code))
        with pytest.raises(KeyRefusedError, match="check the API key"):
            await venue.balance()
