"""Collecting a series from an exchange over a socket: nothing missing, nothing twice, wherever it stops."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from history_exchange import (
    BEGIN,
    HOUR,
    SERIES,
    HistoryExchange,
    Row,
    candle,
    history_exchange,
    market,
    trade,
)
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from scripted_exchange import Answer, Received, reply, scripted

from console.config.errors import LockHeldError
from console.domain.ports import VenueError
from console.exchange.messages.account import BucketLimit
from console.exchange.rest import Reply, Request
from console.history.collect import Collector
from console.history.collect_files import write_files
from console.history.collect_rows import Asked
from console.history.collect_store import CollectError, CollectStore
from console.history.folder import open_folder
from console.history.patient import HALF_OF_BASIC, PatientReader
from console.history.times import ns_of

FAST = BucketLimit(refill_rate=1_000_000, bucket_capacity=1_000_000)
FILES = ("markets", "trades", "candles")


class CutError(Exception):
    """The process ended here."""


class CutReader(PatientReader):
    """Ends everything at one of its reads, before it was sent or after it was answered."""

    def __init__(self, address: str, cut_at: int | None, *, is_answered: bool) -> None:
        super().__init__(address, deadline_s=5, tell=lambda _: None, pace=FAST)
        self._cut_at = cut_at
        self._is_answered = is_answered

    async def send(self, request: Request[Reply]) -> Reply:
        if self.requests == self._cut_at and not self._is_answered:
            raise CutError
        answer = await super().send(request)
        if self._cut_at is not None and self.requests > self._cut_at:
            raise CutError
        return answer


def asked(since: datetime = BEGIN, until: datetime = BEGIN + 6 * HOUR, minutes: int = 1) -> Asked:
    return Asked("live", (SERIES,), ns_of(since), ns_of(until), minutes)


async def collect(folder: Path, reader: PatientReader, what: Asked) -> int:
    """One run of the command's steps; how many requests it made."""
    try:
        with CollectStore(folder) as store:
            await reader.keep_pace()
            store.ask(what)
            await Collector(reader, store, what).collect(lambda done, total: None)
            write_files(folder, store, lambda _: None)
    finally:
        await reader.close()
    return reader.requests


def run(
    folder: Path,
    exchange: HistoryExchange,
    what: Asked | None = None,
    *,
    cuts: Sequence[tuple[int, bool]] = (),
) -> list[Received]:
    """Run until nothing cuts it any more; what was asked of the exchange."""

    async def runs() -> list[Received]:
        async with scripted(exchange) as server:
            for cut_at, is_answered in cuts:
                with pytest.raises(CutError):
                    await collect(
                        folder, CutReader(server.rest, cut_at, is_answered=is_answered), what or asked()
                    )
            await collect(folder, CutReader(server.rest, None, is_answered=False), what or asked())
            return server.received

    return asyncio.run(runs())


def rows(folder: Path, name: str) -> list[Row]:
    found: list[Row] = pq.read_table(folder / f"{name}.parquet").to_pylist()
    return found


def contents(folder: Path) -> dict[str, bytes]:
    return {name: (folder / f"{name}.parquet").read_bytes() for name in FILES}


def test_both_tiers_and_all_pages_make_one_history_that_loads(tmp_path: Path) -> None:
    exchange = history_exchange()
    received = run(tmp_path, exchange)
    trades = rows(tmp_path, "trades")
    assert len(trades) == len(exchange.trades) == 30
    assert [each["ts"] for each in trades] == sorted(
        datetime.fromisoformat(t["created_time"]) for t in exchange.trades
    )
    assert len(rows(tmp_path, "candles")) == sum(map(len, exchange.candles.values()))
    markets = rows(tmp_path, "markets")
    assert [each["result"] for each in markets] == ["yes", "no"] * 3
    paths = {each.path for each in received}
    assert {"/historical/markets", "/historical/trades", "/markets", "/markets/trades"} <= paths
    assert f"/historical/markets/{SERIES}-M0/candlesticks" in paths
    assert f"/series/{SERIES}/markets/{SERIES}-M4/candlesticks" in paths
    assert not any("kalshi-access-key" in each.headers for each in received)
    timeline = open_folder(tmp_path)
    assert len(timeline.markets) == 6
    assert timeline.noted["rows of trades"] == 30
    assert not any(timeline.dropped.values())
    assert not timeline.noted.get("markets without a result")


def test_nothing_is_asked_of_the_archive_for_what_is_younger_than_the_cutoff(tmp_path: Path) -> None:
    exchange = history_exchange()
    exchange.cutoff = BEGIN - 48 * HOUR
    received = run(tmp_path, exchange)
    assert {each.path for each in received if "historical" in each.path} == {"/historical/cutoff"}
    assert len(rows(tmp_path, "trades")) == 30


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, bytes], int]:
    """The files of an uninterrupted run, and how many requests that takes."""
    folder = tmp_path_factory.mktemp("whole")
    received = run(folder, history_exchange())
    return contents(folder), len(received)


@given(data=st.data())
@hypothesis_settings(max_examples=10)
def test_a_run_cut_anywhere_any_number_of_times_gives_the_same_files(
    whole: tuple[dict[str, bytes], int], tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    expected, requests = whole
    folder = tmp_path_factory.mktemp("cut")
    # A later run has fewer reads left; at the first two it always still is.
    first = data.draw(st.tuples(st.integers(0, requests - 2), st.booleans()))
    later = data.draw(st.lists(st.tuples(st.just(0), st.booleans()), max_size=2))
    received = run(folder, history_exchange(), cuts=[first, *later])
    assert contents(folder) == expected
    assert len(received) <= requests + 3 * (1 + len(later)) + 2


def test_a_list_of_trades_goes_on_at_its_page(tmp_path: Path) -> None:
    exchange = history_exchange()
    cut = [
        number
        for number, each in enumerate(run(tmp_path / "a", exchange))
        if each.query.get("cursor") == ["6"]
    ]
    received = run(tmp_path / "b", exchange, cuts=[(cut[-1], False)])
    last = received[cut[-1] :]
    lists = [each.query.get("cursor") for each in last if each.path == "/markets/trades"]
    assert lists[0] == ["6"]
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_a_cursor_that_is_no_longer_good_begins_the_list_anew(tmp_path: Path) -> None:
    exchange = history_exchange()
    cut = [
        number
        for number, each in enumerate(run(tmp_path / "a", exchange))
        if each.query.get("cursor") == ["6"]
    ]

    def refuse_once(request: Received) -> Answer | None:
        if request.query.get("cursor") == ["6"] and not refused:
            refused.append(request)
            return reply(400, {"error": {"code": "invalid_cursor"}})
        return None

    refused: list[Received] = []
    other = history_exchange()
    with pytest.raises(CutError):
        asyncio.run(_once(tmp_path / "b", other, (cut[-1], False)))
    other.fault = refuse_once
    run(tmp_path / "b", other)
    assert refused
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


async def _once(folder: Path, exchange: HistoryExchange, cut: tuple[int, bool]) -> None:
    async with scripted(exchange) as server:
        await collect(folder, CutReader(server.rest, cut[0], is_answered=cut[1]), asked())


def test_a_later_end_adds_what_came_since_and_changes_nothing_before(tmp_path: Path) -> None:
    run(tmp_path / "grown", history_exchange(), asked(until=BEGIN + 2.5 * HOUR))
    first = len(rows(tmp_path / "grown", "trades"))
    run(tmp_path / "grown", history_exchange(), asked())
    run(tmp_path / "whole", history_exchange())
    assert 0 < first < 30
    assert contents(tmp_path / "grown") == contents(tmp_path / "whole")


def test_only_the_period_is_kept(tmp_path: Path) -> None:
    since, until = BEGIN + 2.5 * HOUR, BEGIN + 4.5 * HOUR
    run(tmp_path, history_exchange(), asked(since, until))
    assert [each["ticker"] for each in rows(tmp_path, "markets")] == [f"{SERIES}-M{n}" for n in (2, 3, 4)]
    assert all(since <= each["ts"] < until for each in rows(tmp_path, "trades"))
    assert all(since <= each["end_ts"] < until for each in rows(tmp_path, "candles"))


def test_results_that_came_after_the_list_are_there_at_the_next_run(tmp_path: Path) -> None:
    exchange = history_exchange()
    settled = dict(exchange.markets[5])
    exchange.markets[5] |= {
        "result": "",
        "settlement_value_dollars": None,
        "settlement_ts": None,
        "status": "closed",
    }
    run(tmp_path, exchange)
    assert rows(tmp_path, "markets")[5]["result"] is None
    exchange.markets[5] = settled
    received = run(tmp_path, exchange)
    assert rows(tmp_path, "markets")[5]["result"] == "no"
    assert not any("trades" in each.path for each in received)


def test_odd_markets_and_rows_still_make_a_history_that_loads(tmp_path: Path) -> None:
    exchange = history_exchange()
    opens, closes = BEGIN + 5 * HOUR, BEGIN + 6 * HOUR
    scalar = market(8, opens, closes, result="scalar", settlement_value_dollars="0.3500")
    early = market(
        9, opens, BEGIN + 9 * HOUR, settlement_ts=(BEGIN + 5.5 * HOUR).isoformat(), can_close_early=True
    )
    exchange.markets += [scalar, early, market(10, opens, opens), market(11, opens, closes, volume_fp="0.00")]
    exchange.candles[scalar["ticker"]] = [candle(opens + HOUR / 2, bid="1.0000", ask="0.0000", price=None)]
    exchange.trades += [
        trade(900, scalar["ticker"], opens, is_block=True),
        trade(901, scalar["ticker"], opens),
    ]
    received = run(tmp_path, exchange)
    found = {each["ticker"]: each for each in rows(tmp_path, "markets")}
    assert found[scalar["ticker"]]["settlement_value"] == 35.0
    assert found[early["ticker"]]["close_time"] == BEGIN + 5.5 * HOUR
    assert found[early["ticker"]]["scheduled_close_time"] is None
    assert f"{SERIES}-M10" not in found, "it never opened"
    asked_for = [each.query["ticker"][0] for each in received if each.path == "/markets/trades"]
    assert f"{SERIES}-M11" not in asked_for, "nothing ever traded"
    assert [each["ticker"] for each in rows(tmp_path, "trades")].count(scalar["ticker"]) == 1
    empty = next(each for each in rows(tmp_path, "candles") if each["ticker"] == scalar["ticker"])
    assert (empty["yes_bid"], empty["yes_ask"], empty["close"]) == (0, 100, None)
    assert len(open_folder(tmp_path).markets) == 9


def test_a_market_archived_while_it_is_read_is_found_in_the_archive(tmp_path: Path) -> None:
    exchange = history_exchange()
    exchange.cutoff = BEGIN + 2.1 * HOUR
    listed = False

    def archive_after_the_list(request: Received) -> None:
        nonlocal listed
        if listed and "candlesticks" in request.path:
            exchange.cutoff = BEGIN + 4.1 * HOUR
        listed |= request.path == "/historical/markets"

    exchange.fault = archive_after_the_list
    run(tmp_path, exchange)
    assert len(rows(tmp_path, "candles")) == 54
    assert len(rows(tmp_path, "trades")) == 30


def test_too_many_requests_and_outages_cost_time_and_no_row(tmp_path: Path) -> None:
    exchange = history_exchange()
    answers = iter([429, None, 503, None, None, 429, 429] * 3)

    def fail(request: Received) -> Answer | None:
        status = next(answers, None)
        return None if status is None else reply(status, {"error": "too many requests"}, {"Retry-After": "0"})

    exchange.fault = fail
    run(tmp_path, exchange)
    assert len(rows(tmp_path, "trades")) == 30


async def test_an_outage_that_lasts_ends_the_run_and_keeps_what_was_read(tmp_path: Path) -> None:
    exchange = history_exchange()
    exchange.fault = lambda request: reply(503, {}) if "trades" in request.path else None
    told: list[str] = []
    async with scripted(exchange) as server:
        reader = PatientReader(server.rest, deadline_s=5, tell=told.append, patience_s=0.1, pace=FAST)
        with pytest.raises(VenueError, match="503"):
            await collect(tmp_path, reader, asked())
    assert told
    with CollectStore(tmp_path) as store:
        assert store.rows() == 9
        assert len(store.markets()) == 6


async def test_a_read_waits_for_tokens_of_half_the_smallest_rate() -> None:
    exchange = history_exchange()
    exchange.costs = [{"method": "GET", "path": "/trade-api/v2/historical/cutoff", "cost": 60}]
    async with scripted(exchange) as server:
        reader = PatientReader(server.rest, deadline_s=5, tell=lambda _: None)
        await reader.keep_pace()
        left = reader._budget.left()
        await reader.close()
    assert (HALF_OF_BASIC.refill_rate, left.read_capacity) == (100, 200)
    assert reader._budget.cost("GET", "/historical/cutoff") == 60


def test_a_series_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(CollectError, match="the exchange has no series KXNONE"):
        run(tmp_path, history_exchange(), Asked("live", ("KXNONE",), ns_of(BEGIN), ns_of(BEGIN + HOUR), 1))


def test_a_folder_is_for_one_process_and_for_what_it_collected_itself(tmp_path: Path) -> None:
    with CollectStore(tmp_path / "a"), pytest.raises(LockHeldError):
        CollectStore(tmp_path / "a")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "markets.csv").write_text("ticker\n")
    with pytest.raises(CollectError, match=r"markets\.csv was not collected"):
        CollectStore(tmp_path / "b")
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "collect.sqlite").write_text("no database at all, but long enough" * 40)
    with pytest.raises(CollectError, match=r"collect\.sqlite cannot be used"):
        CollectStore(tmp_path / "c")
