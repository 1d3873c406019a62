"""A practice run records what its feed tells, and trades on whatever becomes of the recording."""

from __future__ import annotations

import time
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import pytest
from practice_runs import PracticeProcess, practice_exchange, wait_for

from console.app import Launch, recording, running_engine
from console.app.recording import RunRecording
from console.config.home import find_home
from console.config.load import load
from console.domain.market import FeeTerms, Market, MarketStatus
from console.domain.market_events import MarketListed
from console.domain.time_units import NS_PER_S
from console.exchange.messages.ws import OrderbookDelta, OrderbookSnapshot
from console.history.folder import open_folder
from console.history.own_days import own_days_in, readable
from console.history.timeline import Timeline
from console.monitoring.alerts import RECORDING

Usage = namedtuple("Usage", "total used free")


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PracticeProcess]:
    with practice_exchange(tmp_path_factory.mktemp("exchange"), speed=60) as running:
        yield running


def launch(home: Path, line: Path | None, *options: str, dry_run: bool = False) -> Launch:
    folder = find_home(str(home)).environment("practice")
    stated = ("strategy_flb.scan_interval=0.2", *options)
    loaded = load("practice", options=[("--set", text) for text in stated])
    return Launch("practice", loaded.settings, folder, line, dry_run=dry_run)


def test_a_run_leaves_the_day_with_books_prints_and_results(
    tmp_path: Path, exchange: PracticeProcess
) -> None:
    with running_engine(launch(tmp_path, exchange.line)) as worker:
        wait_for(worker, "a settlement", lambda s: any(entry.kind.value == "settle" for entry in s.log))
    read, books, prints = recorded_in(tmp_path)
    assert books > 100
    assert prints > 10
    assert any(outcome.yes_value is not None for outcome in read.outcomes.values())


def test_a_dry_run_is_recorded_and_still_sees_what_others_trade(
    tmp_path: Path, exchange: PracticeProcess
) -> None:
    with running_engine(launch(tmp_path, exchange.line, dry_run=True)) as worker:
        seen = wait_for(worker, "the feed", lambda s: s.connected)
        wait_for(worker, "a while", lambda s: s.at_ns > seen.at_ns + 2 * NS_PER_S)
    _, books, prints = recorded_in(tmp_path)
    assert books > 10
    assert prints


def recorded_in(home: Path) -> tuple[Timeline, int, int]:
    """The day of a home, with its rows of books and of prints."""
    (day,) = own_days_in(home)
    with readable(day.folder) as files:
        read = open_folder(files)
        slices = list(read.slices())
    return (
        read,
        sum(len(each.books.ts_ns) for each in slices),
        sum(len(each.trades.ts_ns) for each in slices),
    )


def test_without_days_to_keep_nothing_is_recorded(tmp_path: Path, exchange: PracticeProcess) -> None:
    with running_engine(launch(tmp_path, exchange.line, "history.record_days=0")) as worker:
        wait_for(worker, "a picture", lambda s: s.connected)
    assert not (tmp_path / "practice" / "days").exists()


def test_a_disk_that_is_nearly_full_ends_the_recording_and_not_the_trading(
    tmp_path: Path, exchange: PracticeProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.app.recording.shutil.disk_usage", lambda _: Usage(10**12, 10**12, 5 * 10**8))
    with running_engine(launch(tmp_path, exchange.line)) as worker:
        told = wait_for(
            worker, "the alert", lambda s: any(alert.kind == RECORDING.kind for alert in s.alerts)
        )
        (alert,) = (each for each in told.alerts if each.kind == RECORDING.kind)
        assert alert.text.startswith("recording: no more in this run: only 500 MB are free")
        wait_for(worker, "the run goes on", lambda s: s.at_ns > told.at_ns + NS_PER_S)
    assert own_days_in(tmp_path) == ()


def test_a_day_that_cannot_be_written_is_told_and_nothing_else(
    tmp_path: Path, exchange: PracticeProcess
) -> None:
    (tmp_path / "practice").mkdir()
    (tmp_path / "practice" / "days").write_text("a file of somebody")
    with running_engine(launch(tmp_path, exchange.line)) as worker:
        told = wait_for(
            worker, "the alert", lambda s: any(alert.kind == RECORDING.kind for alert in s.alerts)
        )
        assert worker.failure() is None
    assert any("days" in alert.text for alert in told.alerts if alert.kind == RECORDING.kind)


def test_what_finds_no_room_is_counted_and_its_book_is_none_until_it_comes_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "SAVE_EVERY_S", 60.0)
    monkeypatch.setattr(recording, "MOST_WAITING", 3)
    plan = launch(tmp_path, None)
    plan.folder.create()
    recorded = RunRecording(plan)
    assert recorded.hear_book is not None
    now_ns = time.time_ns()
    market = Market(
        "KXA-1",
        "KXA",
        "KXA",
        "",
        "",
        now_ns - NS_PER_S,
        now_ns + 900 * NS_PER_S,
        MarketStatus.ACTIVE,
        FeeTerms(),
    )
    recorded.hear(MarketListed(at_ns=now_ns, market=market))
    recorded.hear_book(OrderbookSnapshot("KXA-1", "", [("0.40", "10")], [("0.45", "10")]), now_ns)
    for _ in range(4):
        recorded.hear_book(OrderbookDelta("KXA-1", "", "0.40", "1", "yes"), now_ns)
    recorded.close()
    assert recorded.lost == 3
    (day,) = own_days_in(tmp_path)
    with readable(day.folder) as files:
        rows = [each.books for each in open_folder(files).slices()]
    assert [change for each in rows for change in each.change.tolist()] == [1000, 1000, 100, 0]
    assert [clears for each in rows for clears in each.clears.tolist()] == [True, False, False, True]
