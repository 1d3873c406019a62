from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from engine_builders import FAVOURITE, LONGSHOT, START, B, desk, market, records, replayed, won

from console.domain.events import AccountOpened, EquityMarked, Halt, JournaledEvent
from console.domain.money import Cash
from console.engine.journal import SCHEMA_VERSION, Journal, JournalError

OPENED = AccountOpened(at_ns=START, account="account-1", cash=Cash(10_000_000_000))


def marked(equity: int) -> EquityMarked:
    return EquityMarked(at_ns=START + equity, equity=Cash(equity), high_water=Cash(equity))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


def read_back(path: Path) -> list[JournaledEvent]:
    journal = Journal(path)
    try:
        return list(journal.replay())
    finally:
        journal.close()


def written(path: Path, *events: JournaledEvent) -> None:
    journal = Journal(path)
    journal.append(events)
    journal.close()


def test_what_was_appended_is_read_back_in_order(path: Path) -> None:
    trading = desk(None, market(), market(B))
    intent = trading.hold(FAVOURITE, fee="0.07")
    trading.reject(trading.enter(LONGSHOT, B))
    trading.settle(won(intent))
    trading.halt()
    trading.resume("manual")
    trading.pause()
    events = records(trading.actions)
    written(path, *events)
    assert read_back(path) == events
    account, trade_log = replayed(read_back(path))
    assert account.comparable() == trading.engine.account.comparable()
    assert trade_log.entries == trading.engine.trade_log.entries


def test_a_commit_survives_a_power_cut_by_its_settings(path: Path) -> None:
    journal = Journal(path)
    connection = journal._connection
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    journal.close()


def test_nobody_else_may_read_the_journal(path: Path) -> None:
    before = os.umask(0)
    try:
        journal = Journal(path)
        journal.append([OPENED])
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    finally:
        os.umask(before)
    journal.close()
    assert modes == {path.name + suffix: 0o600 for suffix in ("", "-wal", "-shm")}


def test_events_are_appended_together_or_not_at_all(path: Path) -> None:
    written(path, OPENED)
    journal = Journal(path)
    journal._connection.execute(
        "CREATE TEMP TRIGGER full BEFORE INSERT ON main.events WHEN NEW.kind = 'Halt'"
        " BEGIN SELECT RAISE(ABORT, 'disk is full'); END"
    )
    with pytest.raises(JournalError, match=f"{path}: 3 events could not be written: disk is full"):
        journal.append([marked(1), Halt(at_ns=START), marked(2)])
    journal.close()
    assert read_back(path) == [OPENED]


def test_after_a_failure_nothing_is_appended_that_builds_on_what_is_missing(path: Path) -> None:
    journal = Journal(path)
    journal.append([OPENED])
    journal._connection.execute(
        "CREATE TEMP TRIGGER full BEFORE INSERT ON main.events BEGIN SELECT RAISE(ABORT, 'disk is full'); END"
    )
    with pytest.raises(JournalError, match="disk is full"):
        journal.append([marked(1)])
    journal._connection.execute("DROP TRIGGER full")
    with pytest.raises(JournalError, match="disk is full"):
        journal.append([marked(2)])
    journal.close()
    assert read_back(path) == [OPENED]


def test_a_full_disk_is_told_and_what_was_written_before_stays(path: Path) -> None:
    journal = Journal(path)
    journal.append([OPENED])
    [pages] = journal._connection.execute("PRAGMA page_count").fetchone()
    journal._connection.execute(f"PRAGMA max_page_count={pages}")
    told: list[JournaledEvent] = [OPENED]

    def fill_the_disk() -> None:
        for equity in range(10_000):
            journal.append([marked(equity)])
            told.append(marked(equity))

    with pytest.raises(JournalError, match="full"):
        fill_the_disk()
    journal.close()
    assert read_back(path) == told


def test_rows_carry_the_account_they_belong_to(path: Path) -> None:
    other = AccountOpened(at_ns=START, account="account-2", cash=Cash(0))
    journal = Journal(path)
    journal.append([Halt(at_ns=START), OPENED])
    journal.append([marked(1)])
    journal.close()
    written(path, marked(2), other, marked(3))
    connection = sqlite3.connect(path)
    accounts = [row[0] for row in connection.execute("SELECT account FROM events ORDER BY seq")]
    connection.close()
    assert accounts == [None, "account-1", "account-1", "account-1", "account-2", "account-2"]


def test_the_instance_persists_and_differs_between_journals(path: Path, tmp_path: Path) -> None:
    journal, another = Journal(path), Journal(tmp_path / "another.sqlite")
    first, theirs = journal.instance, another.instance
    journal.close()
    another.close()
    again = Journal(path)
    assert again.instance == first
    again.close()
    assert len(first) == 8
    assert first != theirs


def test_a_journal_of_another_version_is_refused_by_name(path: Path) -> None:
    written(path, OPENED)
    connection = sqlite3.connect(path)
    connection.execute("UPDATE meta SET value = '99' WHERE key = 'schema_version'")
    connection.commit()
    connection.close()
    with pytest.raises(JournalError) as refusal:
        Journal(path)
    assert str(refusal.value) == f"{path}: journal version 99, this program writes version {SCHEMA_VERSION}"


@pytest.mark.parametrize("content", [b"this is not a database " * 50, b"SQLite format 3\0" + b"\xff" * 4096])
def test_a_file_that_is_not_a_database_is_refused_by_name_and_left_as_it_was(
    path: Path, content: bytes
) -> None:
    path.write_bytes(content)
    with pytest.raises(JournalError) as refusal:
        Journal(path)
    assert str(refusal.value).startswith(f"{path}: the journal cannot be opened: ")
    assert path.read_bytes() == content


def test_a_folder_that_does_not_exist_is_told_by_name(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "journal.sqlite"
    with pytest.raises(JournalError, match=str(path)):
        Journal(path)


@pytest.mark.parametrize(
    "body",
    ['{"type":"NeverHeardOf","at_ns":1}', '{"type":"EquityMarked","at_ns":1}', "{", ""],
    ids=["kind", "field", "cut", "empty"],
)
def test_an_event_that_cannot_be_read_is_named_and_what_stands_before_it_is_read(
    path: Path, body: str
) -> None:
    written(path, OPENED, marked(1), marked(2))
    connection = sqlite3.connect(path)
    connection.execute("UPDATE events SET body = ? WHERE seq = 2", (body,))
    connection.commit()
    connection.close()
    journal = Journal(path)
    events = journal.replay()
    assert next(events) == OPENED
    with pytest.raises(JournalError, match=f"{path}: event 2 cannot be read: "):
        next(events)
    journal.close()


def test_a_journal_without_its_events_is_told(path: Path) -> None:
    written(path, OPENED)
    journal = Journal(path)
    journal._connection.execute("DROP TABLE events")
    with pytest.raises(JournalError, match=f"{path}: the journal cannot be read: "):
        list(journal.replay())
    journal.close()


WRITER = """
import sys
from pathlib import Path
from console.domain.events import EquityMarked
from console.domain.money import Cash
from console.engine.journal import Journal

journal = Journal(Path(sys.argv[1]))
for equity in range(1_000_000):
    event = EquityMarked(at_ns=equity, equity=Cash(equity), high_water=Cash(equity))
    journal.append([event, event])
    print(equity, flush=True)
"""


def test_what_was_appended_before_kill_9_is_there_after_it_and_nothing_is_half_there(path: Path) -> None:
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    with writer.stdout as lines:
        for _ in range(20):
            lines.readline()
        writer.send_signal(signal.SIGKILL)
        told = 19 + len(lines.readlines())
    assert writer.wait(10) == -signal.SIGKILL
    found = [event.at_ns for event in read_back(path)]
    complete = len(found) // 2
    assert complete > told
    assert found == [equity for equity in range(complete) for _ in range(2)]


def test_another_process_reads_what_was_appended_while_the_writer_lives(path: Path) -> None:
    journal = Journal(path)
    journal.append([OPENED])
    code = "import sqlite3, sys; print(*sqlite3.connect(sys.argv[1]).execute('SELECT kind FROM events'))"
    seen = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    journal.close()
    assert seen.stdout.strip() == "('AccountOpened',)"
