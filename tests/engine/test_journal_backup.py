from __future__ import annotations

import dataclasses
import os
import resource
import signal
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from engine_builders import DAY, START, dollars
from scripted_venue import Run, ScriptedExchange

from console.domain.account_events import AccountOpened
from console.domain.engine_events import EquityMarked
from console.domain.events import JournaledEvent
from console.domain.money import Cash
from console.engine import crash_points
from console.engine.backup import KEPT, BackupError, Backups, verify_copy
from console.engine.journal import Journal, JournalError
from console.engine.worker import EngineWorker

OPENED = AccountOpened(at_ns=START, account="account-1", cash=dollars("10000"))


def marked(equity: int) -> EquityMarked:
    return EquityMarked(at_ns=START + equity, equity=Cash(equity), high_water=Cash(equity))


@pytest.fixture
def backups(tmp_path: Path) -> Backups:
    return Backups(tmp_path / "backups")


def back_up(backups: Backups, journal: Journal, at_ns: int = START) -> Path:
    backups.copy(journal)
    backups.keep(at_ns)
    return backups.file_of(at_ns)


def journal_of(folder: Path, *events: JournaledEvent) -> Journal:
    journal = Journal(folder / "journal.sqlite")
    journal.append(events)
    return journal


def test_a_backup_is_a_journal_of_its_own_that_goes_on_where_it_was_made(
    tmp_path: Path, backups: Backups
) -> None:
    journal = journal_of(tmp_path, OPENED, marked(1))
    copy = back_up(backups, journal)
    journal.append([marked(2)])
    assert copy.name == "journal-2026-02-25.sqlite"
    restored = Journal(copy)
    assert restored.instance == journal.instance
    assert list(restored.replay()) == [OPENED, marked(1)]
    restored.append([marked(3)])
    restored.close()
    journal.close()


def test_nobody_else_may_read_a_backup(tmp_path: Path, backups: Backups) -> None:
    journal = journal_of(tmp_path, OPENED)
    copy = back_up(backups, journal)
    journal.close()
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert stat.S_IMODE(copy.parent.stat().st_mode) == 0o700


def test_one_is_made_each_utc_day_and_the_newest_seven_are_kept(tmp_path: Path, backups: Backups) -> None:
    journal = journal_of(tmp_path, OPENED)
    for day in range(KEPT + 2):
        at_ns = START + day * DAY
        assert backups.is_due(journal, at_ns)
        back_up(backups, journal, at_ns)
        assert not backups.is_due(journal, at_ns + 1_000_000_000)
    journal.close()
    kept = sorted(path.name for path in (tmp_path / "backups").iterdir())
    assert len(kept) == KEPT
    assert kept[0] == "journal-2026-02-27.sqlite"
    assert kept[-1] == "journal-2026-03-05.sqlite"


def test_a_journal_without_events_needs_no_backup(tmp_path: Path, backups: Backups) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    assert not backups.is_due(journal, START)
    journal.close()


@pytest.mark.parametrize("place", [b"SQLite format", b'"equity":100,', b'"equity":199,'])
def test_a_copy_that_is_not_as_written_is_not_kept(tmp_path: Path, backups: Backups, place: bytes) -> None:
    journal = journal_of(tmp_path, OPENED, *map(marked, range(200)))
    yesterday = back_up(backups, journal, START - DAY)
    backups.copy(journal)
    partial = tmp_path / "backups" / "journal.partial"
    partial.write_bytes(partial.read_bytes().replace(place, place.swapcase().replace(b"1", b"2")))
    with pytest.raises(BackupError, match="the journal is not backed up"):
        backups.keep(START)
    assert not backups.file_of(START).exists()
    assert list(yesterday.parent.iterdir()) == [yesterday]
    verify_copy(yesterday)
    back_up(backups, journal)
    verify_copy(backups.file_of(START))
    journal.close()


def test_a_copy_whose_end_is_missing_is_seen(tmp_path: Path) -> None:
    journal = journal_of(tmp_path, OPENED, marked(1))
    journal._connection.execute("DELETE FROM events WHERE seq = 2")
    journal.close()
    with pytest.raises(JournalError, match="it ends after event 1, which was not the last"):
        verify_copy(tmp_path / "journal.sqlite")


@pytest.mark.parametrize("point", ["backup: copied", "backup: kept"])
def test_a_backup_that_is_killed_leaves_the_journal_and_room_for_the_next(
    tmp_path: Path, backups: Backups, point: str
) -> None:
    journal_of(tmp_path, OPENED, marked(1)).close()
    child = os.fork()
    if child == 0:
        crash_points.on_reached = lambda name: os.kill(os.getpid(), signal.SIGKILL) if name == point else None
        back_up(backups, Journal(tmp_path / "journal.sqlite"))
        os._exit(0)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    journal = Journal(tmp_path / "journal.sqlite")
    assert list(journal.replay()) == [OPENED, marked(1)]
    assert backups.is_due(journal, START) == (point == "backup: copied")
    verify_copy(back_up(backups, journal))
    journal.close()


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """As on a disk with so much room."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_copy_that_finds_no_room_does_not_keep_what_it_took_from_the_journal(
    tmp_path: Path, backups: Backups
) -> None:
    journal = journal_of(tmp_path, OPENED, *map(marked, range(2_000)))
    with files_of_at_most(100_000), pytest.raises(BackupError, match="cannot be copied there"):
        backups.copy(journal)
    assert list((tmp_path / "backups").iterdir()) == []
    journal.append([marked(3_000)])
    journal.close()


def run_with(tmp_path: Path, backups: Backups, exchange: ScriptedExchange) -> Run:
    run = Run(tmp_path, exchange)
    run.worker = EngineWorker(dataclasses.replace(run.worker._plan, backups=backups))
    return run


def test_a_run_backs_up_the_journal_before_it_trades(tmp_path: Path, backups: Backups) -> None:
    journal_of(tmp_path, OPENED).close()
    exchange = ScriptedExchange()
    at_first_read: list[bool] = []

    def look(call: str, _number: int) -> None:
        if call == "balance":
            at_first_read.append(any((tmp_path / "backups").glob("journal-*.sqlite")))

    exchange.trouble = look
    run = run_with(tmp_path, backups, exchange)
    run.worker.start(20)
    run.worker.stop(cancel_resting=True)
    assert at_first_read[0]
    [copy] = (tmp_path / "backups").iterdir()
    verify_copy(copy)


def test_a_backup_that_fails_is_told_on_screen_and_stops_nothing(tmp_path: Path, backups: Backups) -> None:
    journal_of(tmp_path, OPENED).close()
    (tmp_path / "backups").write_text("in the way")
    run = run_with(tmp_path, backups, ScriptedExchange())
    run.worker.start(20)
    seen = run.seen("the alert", lambda s: any("not backed up" in alert.text for alert in s.alerts))
    assert sum("not backed up" in alert.text for alert in seen.alerts) == 1
    assert run.worker.failure() is None
    run.worker.stop(cancel_resting=True)
