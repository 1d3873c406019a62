"""What happened at the practice exchange, as it tells it afterwards and as it is collected and recorded."""

from __future__ import annotations

import asyncio
import json
import signal
import sqlite3
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing
from functools import partial
from pathlib import Path

import msgspec
import pyarrow.parquet as pq
import pytest
from practice_support import NS_PER_S, TICKER, Client, displayed, listed, running, settled

from console.domain.book import BookSide, Level, Quote
from console.domain.money import PAYOUT, Count, Price
from console.exchange.clock import ServerClock
from console.exchange.feed import KalshiFeed
from console.exchange.hosts import Connection
from console.exchange.messages.account import BucketLimit
from console.exchange.session import OnBook
from console.exchange.signing import load_signer
from console.history.collect import Collector
from console.history.collect_books import BookRecorder
from console.history.collect_files import write_files
from console.history.collect_rows import Asked
from console.history.collect_store import STORE, CollectStore
from console.history.folder import open_folder
from console.history.patient import PatientReader
from console.practice.candles import Candles
from console.practice.server import GeneratedKey, PracticeServer
from console.practice.tape import Printed, Settled

MINUTE_NS = 60 * NS_PER_S
SERIES = TICKER.split("-")[0]
OTHER = f"{SERIES}-26NOV221315-T2"
FAST = BucketLimit(refill_rate=1_000_000, bucket_capacity=1_000_000)

Practice = tuple[Client, PracticeServer]


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GeneratedKey]:
    generated = GeneratedKey(tmp_path_factory.mktemp("keys"))
    yield generated
    generated.remove()


@pytest.fixture
async def practice(key: GeneratedKey) -> AsyncIterator[Practice]:
    async with running(key) as (client, server):
        yield client, server


def printed(cents: int, contracts: int, side: BookSide = BookSide.ASK) -> Printed:
    return Printed(
        at_ns=0, ticker=TICKER, price=Price(cents * 100), count=Count(contracts * 100), taker_side=side
    )


async def eventually(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not is_so():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.01)


def quote(bid: int | None, ask: int | None) -> Quote:
    levels = (None if cents is None else Level(Price(cents * 100), Count(100)) for cents in (bid, ask))
    return Quote(*levels)


# --- candles ----------------------------------------------------------------------------------------


def test_a_candle_ends_with_its_minute_and_tells_the_quote_there() -> None:
    candles = Candles()
    candles.see_quote(1, quote(40, 42))
    candles.see_quote(MINUTE_NS, quote(41, 45))
    candles.see_quote(MINUTE_NS + 1, quote(None, 44))
    first, second = candles.bars(0, 1000, 1)
    assert (first.end_s, second.end_s) == (60, 120)
    assert (first.bid.close, first.ask.close, first.ask.high) == (4100, 4500, PAYOUT)
    assert (second.bid.open, second.bid.close, second.ask.low) == (4100, 0, 4400)
    assert second.traded is None


def test_longer_candles_hold_all_of_their_minutes_and_change_none() -> None:
    candles = Candles()
    for minute, cents in enumerate((50, 47, 55, 52)):
        candles.see_trade(minute * 20 * MINUTE_NS + 1, Price(cents * 100), Count(100))
    hours = candles.bars(0, 10**9, 60)
    assert [bar.end_s for bar in hours] == [3600, 7200]
    traded = hours[0].traded
    assert traded is not None
    assert (traded.open, traded.low, traded.high, traded.close) == (5000, 4700, 5500, 5500)
    assert (hours[0].volume, hours[0].total, hours[1].total) == (300, 300, 400)
    assert [bar.volume for bar in candles.bars(0, 10**9, 1)] == [100] * 4
    assert [bar.end_s for bar in candles.bars(1260, 2460, 1)] == [1260, 2460]


# --- two tiers --------------------------------------------------------------------------------------


async def test_what_was_archived_is_in_the_historical_lists_alone(practice: Practice) -> None:
    client, server = practice
    server.exchange.apply(printed(90, 5))
    server.exchange.apply(settled("yes"))
    window = {"start_ts": 0, "end_ts": 10**11, "period_interval": 1}
    live = await client.get(f"/series/{SERIES}/markets/{TICKER}/candlesticks", **window)
    assert not (await client.get("/historical/markets", series_ticker=SERIES))["markets"]

    server.exchange.floor.live_since_ns = time.time_ns() + 1
    assert not (await client.get("/markets", series_ticker=SERIES))["markets"]
    assert (await client.call("GET", f"/markets/{TICKER}")).status_code == 404
    gone = await client.call("GET", f"/series/{SERIES}/markets/{TICKER}/candlesticks", **window)
    assert gone.status_code == 404
    assert not (await client.get("/markets/trades", ticker=TICKER))["trades"]
    assert [m["ticker"] for m in (await client.get("/historical/markets"))["markets"]] == [TICKER]
    assert (await client.get(f"/historical/markets/{TICKER}"))["market"]["result"] == "yes"
    (trade,) = (await client.get("/historical/trades", ticker=TICKER))["trades"]
    assert trade["count_fp"] == "5.00"
    archived = await client.get(f"/historical/markets/{TICKER}/candlesticks", **window)
    for old, new in zip(archived["candlesticks"], live["candlesticks"], strict=True):
        assert old["volume"] == new["volume_fp"]
        assert old["yes_bid"]["close"] == new["yes_bid"]["close_dollars"]
        assert old["price"]["close"] == new["price"]["close_dollars"] == "0.9000"


async def test_wrong_questions_about_history_are_refused(practice: Practice) -> None:
    client, _ = practice
    path = f"/series/{SERIES}/markets/{TICKER}/candlesticks"
    for query in ({}, {"start_ts": 1, "end_ts": 2}, {"start_ts": 1, "end_ts": 2, "period_interval": 5}):
        assert (await client.call("GET", path, **query)).status_code == 400
    filters = {"series_ticker": SERIES, "mve_filter": "exclude"}
    assert (await client.call("GET", "/historical/markets", **filters)).status_code == 400
    other = path.replace(SERIES, "KXELSE", 1)
    window = {"start_ts": 1, "end_ts": 2, "period_interval": 1}
    assert (await client.call("GET", other, **window)).status_code == 404


# --- collecting and recording -----------------------------------------------------------------------


async def collect(server: PracticeServer, folder: Path, since_ns: int) -> None:
    asked = Asked("practice", (SERIES,), since_ns, time.time_ns(), 1)
    reader = PatientReader(server.address.rest, deadline_s=5, tell=lambda _: None, pace=FAST)
    with CollectStore(folder) as store:
        store.ask(asked)
        await Collector(reader, store, asked).collect(lambda done, total: None)
        write_files(folder, store, lambda _: None)
    await reader.close()


async def test_a_market_is_collected_from_either_tier_alike(practice: Practice, tmp_path: Path) -> None:
    _, server = practice
    exchange, since_ns = server.exchange, (time.time_ns() // MINUTE_NS - 10) * MINUTE_NS
    exchange.floor.clock = lambda: since_ns + 2 * MINUTE_NS
    exchange.apply(listed(OTHER, at_ns=since_ns + MINUTE_NS, lives_s=240))
    exchange.apply(displayed([(90, 100)], [(91, 50)], OTHER))
    for number in range(2500):
        traded_ns = since_ns + 2 * MINUTE_NS + number * NS_PER_S // 100
        exchange.floor.clock = partial(int, traded_ns)
        exchange.floor.trade(exchange.floor.markets[OTHER], Price(9000), Count(100), BookSide.BID)
    exchange.floor.clock = lambda: since_ns + 5 * MINUTE_NS
    exchange.apply(Settled(at_ns=0, ticker=OTHER, result="no", simulated=False))
    await collect(server, tmp_path / "live", since_ns)
    exchange.floor.live_since_ns = since_ns + 6 * MINUTE_NS
    await collect(server, tmp_path / "archived", since_ns)
    for name in ("trades", "candles"):
        live, archived = (
            pq.read_table(tmp_path / tier / f"{name}.parquet").to_pylist() for tier in ("live", "archived")
        )
        assert [each for each in live if each["ticker"] == OTHER] == [
            each for each in archived if each["ticker"] == OTHER
        ]
    assert len(live) >= 2
    timeline = open_folder(tmp_path / "live")
    assert timeline.outcomes[OTHER].yes_value == 0
    assert timeline.noted["rows of trades"] == 2500


class Recording:
    """A recorder at work over real sockets; ``changes`` are those it has seen."""

    def __init__(self, client: Client, store: CollectStore, reader: PatientReader, asked: Asked) -> None:
        self.told: list[str] = []
        self.feed: KalshiFeed
        self._connection = Connection(**msgspec.to_builtins(client.address))
        self._collector = Collector(reader, store, asked)
        self.recorder = BookRecorder(store, self._collector, self._make_feed, self.told.append)
        self._store = store

    def _make_feed(self, on_book: OnBook) -> KalshiFeed:
        signer = load_signer(self._connection.key_id, Path(self._connection.private_key_path))
        clock = ServerClock(time.time_ns)
        self.feed = KalshiFeed(self._connection, signer, clock, wall_ns=time.time_ns, on_book=on_book)
        return self.feed

    @property
    def changes(self) -> int:
        return self.recorder.rows + len(self.recorder._waiting)

    def has(self, ticker: str, cents: int) -> bool:
        """Whether a bid at this price came."""
        if any((each.ticker, each.price) == (ticker, cents * 100) for each in self.recorder._waiting):
            return True
        query = f"SELECT 1 FROM books WHERE ticker = '{ticker}' AND price = {cents * 100}"
        return any(self._store.select(query, 1))


@asynccontextmanager
async def recorded(client: Client, folder: Path) -> AsyncIterator[Recording]:
    """Records while the block runs, then writes the files."""
    since_ns = time.time_ns() - NS_PER_S
    asked = Asked("practice", (SERIES,), since_ns, since_ns + 3600 * NS_PER_S, 1)
    reader = PatientReader(client.address.rest, deadline_s=5, tell=lambda _: None, pace=FAST)
    stop = asyncio.Event()
    with CollectStore(folder) as store:
        store.ask(asked)
        recording = Recording(client, store, reader, asked)
        task = asyncio.create_task(recording.recorder.record(stop, None))
        yield recording
        stop.set()
        await task
        store.ask(msgspec.structs.replace(asked, until_ns=time.time_ns()))
        write_files(folder, store, lambda _: None)
    await reader.close()


async def test_a_recording_holds_every_change_of_every_book_through_an_outage(
    practice: Practice, tmp_path: Path
) -> None:
    client, server = practice
    exchange = server.exchange
    async with recorded(client, tmp_path) as recording:
        await eventually(lambda: recording.changes >= 4)
        exchange.apply(displayed([(88, 7)], [(91, 50)]))
        exchange.apply(listed(OTHER, at_ns=time.time_ns()))
        exchange.apply(displayed([(10, 3)], [(30, 4)], OTHER))
        await eventually(lambda: recording.has(OTHER, 10))
        before, line = recording.changes, recording.feed._line
        assert line is not None
        line.transport.abort()
        await eventually(lambda: bool(recording.told) and recording.changes > before)
        exchange.apply(displayed([(11, 3)], [(30, 4)], OTHER))
        exchange.apply(displayed([(87, 7)], [(91, 50)]))
        await eventually(lambda: recording.has(OTHER, 11) and recording.has(TICKER, 87))
    assert "waiting for the feed" in recording.told[0]
    timeline = open_folder(tmp_path)
    assert not any(timeline.dropped.values())
    sizes: dict[str, dict[tuple[bool, int], int]] = defaultdict(lambda: defaultdict(int))
    for rows in timeline.slices():
        columns = (
            rows.books.market,
            rows.books.clears,
            rows.books.is_bid,
            rows.books.price,
            rows.books.change,
        )
        for place, clears, is_bid, price, change in zip(*(each.tolist() for each in columns), strict=True):
            ticker = timeline.markets[place].ticker
            if clears:
                sizes[ticker].clear()
            sizes[ticker][is_bid, price] += change
    for ticker in (TICKER, OTHER):
        shown = {
            (side is BookSide.BID, level.price): level.size
            for side in BookSide
            for level in exchange.floor.markets[ticker].levels(side)
        }
        assert {level: size for level, size in sizes[ticker].items() if size} == shown


@pytest.mark.usefixtures("heeds_signals")
async def test_the_command_records_until_it_is_interrupted_and_then_reads_the_rest(
    practice: Practice, tmp_path: Path
) -> None:
    client, server = practice
    (tmp_path / "line").write_bytes(msgspec.json.encode(client.address))
    where = ["--attach", str(tmp_path / "line"), "--home", str(tmp_path), "--out", str(tmp_path / "out")]
    command = [
        sys.executable,
        "-m",
        "console.cli",
        "collect",
        "--series",
        SERIES,
        "--record",
        "--json",
        *where,
    ]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    await eventually(lambda: _kept(tmp_path / "out", 8900))
    server.exchange.apply(printed(90, 5))
    server.exchange.apply(displayed([(88, 7)], [(91, 50)]))
    await eventually(lambda: _kept(tmp_path / "out", 8800))
    process.send_signal(signal.SIGINT)
    output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    told = json.loads(output)
    assert told["book_rows"] >= 6
    assert told["trades"] == 1
    assert told["resumed_from"] is None
    timeline = open_folder(tmp_path / "out")
    assert timeline.noted["rows of trades"] == 1
    assert timeline.rows > told["book_rows"]


def _kept(folder: Path, price: int) -> bool:
    """Whether a level of this price is on disk."""
    if not (folder / STORE).exists():
        return False
    with closing(sqlite3.connect(folder / STORE)) as file:
        try:
            return bool(file.execute("SELECT 1 FROM books WHERE price = ?", (price,)).fetchone())
        except sqlite3.OperationalError:
            return False


async def test_a_book_that_is_empty_at_first_is_recorded_from_its_first_order(
    practice: Practice, tmp_path: Path
) -> None:
    client, server = practice
    server.exchange.apply(displayed([], []))
    async with recorded(client, tmp_path) as recording:
        await eventually(lambda: recording.changes > 0)
        server.exchange.apply(displayed([(87, 7)], [(91, 50)]))
        await eventually(lambda: recording.has(TICKER, 87))
    timeline = open_folder(tmp_path)
    assert not any(timeline.dropped.values())
    assert sum(len(each.books.ts_ns) for each in timeline.slices()) == 3
