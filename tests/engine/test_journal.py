from __future__ import annotations

import fcntl
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from conftest import Tell
from engine_builders import FAVOURITE, LONGSHOT, START, B, desk, market, records, replayed, won

from console.domain.account_events import AccountOpened, OrderAcked, OrderFilled, OrderIntended
from console.domain.book import BookSide
from console.domain.commands import Halt
from console.domain.engine_events import EquityMarked
from console.domain.events import JournaledEvent
from console.domain.money import Cash, Count, Price
from console.domain.order import Fill, OrderIntent, TimeInForce
from console.engine import crash_points
from console.engine.backup import Backups
from console.engine.journal import SCHEMA_VERSION, Journal, JournalCorruptError, JournalError
from console.engine.journal_chain import Row
from console.engine.journal_file import build_journal
from console.engine.quarantine import quarantined

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
    assert connection.execute("PRAGMA foreign_keys").fetchone() == (1,)
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


def changed(path: Path, statement: str, *values: object) -> None:
    """Change a journal behind its back."""
    connection = sqlite3.connect(path)
    connection.execute(statement, values)
    connection.commit()
    connection.close()


def refusal_of(path: Path) -> JournalError:
    """What reading a journal raises."""
    with pytest.raises(JournalError) as refusal:
        read_back(path)
    return refusal.value


def test_a_journal_of_a_newer_version_is_refused_and_left_where_it_is(path: Path) -> None:
    written(path, OPENED)
    changed(path, "UPDATE meta SET value = '99' WHERE key = 'schema_version'")
    refusal = refusal_of(path)
    assert str(refusal) == (
        f"{path}: the journal cannot be opened: journal version 99, this program knows versions up to "
        f"{SCHEMA_VERSION}: use the kconsole that wrote it"
    )
    assert not isinstance(refusal, JournalCorruptError)
    assert path.exists()


def test_an_event_of_a_newer_program_is_refused_and_the_journal_left_where_it_is(path: Path) -> None:
    build_journal(
        path, "12345678", [Row(1, START, None, "NeverHeardOf", '{"type":"NeverHeardOf","at_ns":1}')]
    )
    refusal = refusal_of(path)
    assert "event 1 is as another version of kconsole wrote it" in str(refusal)
    assert not isinstance(refusal, JournalCorruptError)
    assert path.exists()


NO_DATABASES = [
    b"this is not a database " * 50,
    b"SQLite format 3\0" + b"\xff" * 4096,
    b"",
]


@pytest.mark.parametrize("content", NO_DATABASES, ids=["text", "header", "empty"])
def test_a_file_that_is_not_a_database_is_put_aside_as_it_was(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    refusal = refusal_of(path)
    assert isinstance(refusal, JournalCorruptError)
    [aside] = quarantined(path)
    assert aside.read_bytes() == content
    assert str(refusal).startswith(f"{path}: the journal is corrupt: ")
    assert aside.name in str(refusal)
    assert "`kconsole recover`" in str(refusal)


def test_no_journal_is_begun_in_place_of_one_that_was_put_aside(path: Path) -> None:
    written(path, OPENED)
    changed(path, "UPDATE events SET at_ns = at_ns + 1")
    refusal_of(path)
    [aside] = quarantined(path)
    for _ in range(2):
        refusal = refusal_of(path)
        assert str(refusal) == (
            f"{path}: the journal was corrupt and is now {aside.name}; "
            "`kconsole recover` with the same options builds a new one"
        )
    assert not path.exists()


def test_a_write_ahead_log_without_its_journal_is_not_taken_for_that_of_a_new_one(path: Path) -> None:
    journal = Journal(path)
    journal.append([OPENED])
    log = path.with_name(path.name + "-wal").read_bytes()
    journal.close()
    path.unlink()
    path.with_name(path.name + "-wal").write_bytes(log)
    assert isinstance(refusal_of(path), JournalCorruptError)
    [aside] = quarantined(path)
    assert aside.with_name(aside.name + "-wal").read_bytes() == log
    assert isinstance(refusal_of(path), JournalCorruptError)
    assert not path.exists()


@pytest.mark.parametrize("suffix", ["", "-wal"])
def test_nothing_is_appended_to_files_that_were_removed_and_would_not_be_read_again(
    path: Path, suffix: str
) -> None:
    journal = Journal(path)
    journal.append([OPENED])
    path.with_name(path.name + suffix).unlink()
    with pytest.raises(JournalError, match="removed or replaced while it was in use"):
        journal.append([marked(1)])
    journal.close()


@contextmanager
def in_use_elsewhere(path: Path, lock: int) -> Iterator[None]:
    """Another process has the journal open and holds one of SQLite's locks on its shared memory."""
    child = os.fork()
    if child == 0:
        connection = sqlite3.connect(path)
        connection.execute("SELECT count(*) FROM events").fetchone()
        with path.with_name(path.name + "-shm").open("r+b") as memory:
            fcntl.lockf(memory, fcntl.LOCK_EX, 1, lock)
            os.kill(os.getpid(), signal.SIGSTOP)
    os.waitpid(child, os.WUNTRACED)
    try:
        yield
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


WRITE_LOCK, CHECKPOINT_LOCK = 120, 121


@pytest.mark.parametrize("lock", [WRITE_LOCK, CHECKPOINT_LOCK])
def test_a_journal_that_another_program_holds_is_refused_and_left_where_it_is(path: Path, lock: int) -> None:
    journal = Journal(path)
    journal.append([OPENED])
    journal.append([marked(1)])
    content, log = path.read_bytes(), path.with_name(path.name + "-wal").read_bytes()
    journal.close()
    path.write_bytes(content)
    path.with_name(path.name + "-wal").write_bytes(log)
    with in_use_elsewhere(path, lock):
        refusal = refusal_of(path)
    assert "another program has it open" in str(refusal)
    assert not isinstance(refusal, JournalCorruptError)
    assert read_back(path) == [OPENED, marked(1)]


def test_a_folder_that_does_not_exist_is_told_by_name(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "journal.sqlite"
    with pytest.raises(JournalError, match=str(path)):
        Journal(path)


TAMPERINGS = {
    "body": "UPDATE events SET body = replace(body, '1', '2') WHERE seq = 2",
    "time": "UPDATE events SET at_ns = at_ns + 1 WHERE seq = 2",
    "account": "UPDATE events SET account = NULL WHERE seq = 2",
    "kind": "UPDATE events SET kind = 'Halt' WHERE seq = 2",
    "hash": "UPDATE events SET hash = x'00' WHERE seq = 2",
    "no text": "UPDATE events SET body = CAST(x'ff' AS TEXT) WHERE seq = 2",
    "gone": "DELETE FROM events WHERE seq = 2",
}


@pytest.mark.parametrize("statement", TAMPERINGS.values(), ids=TAMPERINGS)
def test_an_event_that_was_changed_is_found_and_what_stands_before_it_is_read(
    path: Path, statement: str
) -> None:
    written(path, OPENED, marked(1), marked(2))
    changed(path, statement)
    journal = Journal(path)
    events = journal.replay()
    assert next(events) == OPENED
    with pytest.raises(JournalCorruptError, match="journal is corrupt"):
        next(events)
    journal.close()
    assert len(quarantined(path)) == 1


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM events WHERE seq = 3",
        "DELETE FROM events",
        "UPDATE meta SET value = 'ffffffff' WHERE key = 'instance'",
        "DELETE FROM meta",
        "DROP TABLE events",
        "CREATE TRIGGER mine AFTER INSERT ON events BEGIN DELETE FROM events; END",
    ],
)
def test_a_journal_whose_end_instance_or_tables_were_changed_is_refused(path: Path, statement: str) -> None:
    written(path, OPENED, marked(1), marked(2))
    changed(path, statement)
    assert isinstance(refusal_of(path), JournalCorruptError)


VERSION_1 = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE events (
    seq INTEGER PRIMARY KEY,
    at_ns INTEGER NOT NULL,
    account TEXT,
    kind TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;
INSERT INTO meta VALUES ('schema_version', '1'), ('instance', 'cafe0123');
"""


def of_version_1(path: Path, *events: JournaledEvent) -> None:
    """A journal as the first version of the program wrote it."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.executescript(VERSION_1)
    rows = [(e.at_ns, "account-1", type(e).__name__, msgspec.json.encode(e).decode()) for e in events]
    connection.executemany("INSERT INTO events (at_ns, account, kind, body) VALUES (?, ?, ?, ?)", rows)
    connection.close()


def test_a_journal_of_version_1_goes_on_with_its_events_and_its_instance(path: Path) -> None:
    of_version_1(path, OPENED, marked(1))
    journal = Journal(path)
    assert journal.instance == "cafe0123"
    journal.append([marked(2)])
    journal.close()
    assert read_back(path) == [OPENED, marked(1), marked(2)]
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_journal_of_version_1_that_cannot_be_read_is_not_brought_to_this_one(path: Path) -> None:
    of_version_1(path, OPENED, marked(1))
    changed(path, "UPDATE events SET body = '{' WHERE seq = 2")
    assert "event 2 cannot be read" in str(refusal_of(path))
    assert len(quarantined(path)) == 1


MIGRATION_POINTS = [
    "journal migration: read",
    "journal build: tables made",
    "journal build: rows copied",
    "journal build: before rename",
    "journal build: renamed",
]


@pytest.mark.parametrize("point", MIGRATION_POINTS)
def test_a_migration_that_is_killed_leaves_the_old_journal_or_the_new(path: Path, point: str) -> None:
    events: list[JournaledEvent] = [OPENED, *map(marked, range(300))]
    of_version_1(path, *events)
    child = os.fork()
    if child == 0:
        crash_points.on_reached = lambda name: os.kill(os.getpid(), signal.SIGKILL) if name == point else None
        Journal(path)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
    assert read_back(path) == events
    assert read_back(path) == events


def order_events(number: int) -> list[JournaledEvent]:
    """What one order writes."""
    intent = OrderIntent(
        client_order_id=f"kc-12345678-{number}",
        ticker=f"KXBTC15M-26FEB25-{number % 50}",
        side=BookSide.BID,
        price=Price(9_300),
        count=Count(1_200),
        time_in_force=TimeInForce.GOOD_TILL_CANCELED,
        quote=FAVOURITE,
        win_probability=Price(9_600),
        strategy="flb",
    )
    fill = Fill(
        fill_id=f"fill-{number}", order_id=f"x-{number}", ticker=intent.ticker, side=intent.side,
        price=intent.price, count=intent.count, fee=Cash(7_000), is_taker=False, at_ns=START + number,
    )  # fmt: skip
    key, order_id = intent.client_order_id, f"x-{number}"
    return [
        OrderIntended(at_ns=START + number, intent=intent),
        OrderAcked(at_ns=START + number, client_order_id=key, order_id=order_id),
        OrderFilled(at_ns=START + number, client_order_id=key, fill=fill),
        marked(number),
    ]


def test_a_long_journal_is_opened_checked_replayed_and_backed_up(path: Path, tell: Tell) -> None:
    orders = 25_000
    journal = Journal(path)
    journal.append([OPENED])
    for first in range(0, orders, 1_000):
        journal.append([event for number in range(first, first + 1_000) for event in order_events(number)])
    journal.close()

    began = time.perf_counter()
    journal = Journal(path)
    opened = time.perf_counter()
    account, _ = replayed(journal.replay())
    applied = time.perf_counter()
    assert len(account.orders) == len(account.fill_ids) == orders
    tell(
        f"{journal.length} events: opened with every page checked in {opened - began:.2f} s, "
        f"chain verified and replayed in {applied - opened:.2f} s"
    )
    backups = Backups(path.parent / "backups")
    began = time.perf_counter()
    backups.copy(journal)
    copied = time.perf_counter()
    backups.keep(START)
    kept = time.perf_counter()
    tell(f"backup copied in {copied - began:.2f} s, verified beside the engine in {kept - copied:.2f} s")
    times = []
    for number in range(500):
        began = time.perf_counter()
        journal.append([marked(number)])
        times.append(time.perf_counter() - began)
    journal.close()
    times.sort()
    tell(f"commit p50 {times[250] * 1_000:.2f} ms, p99 {times[495] * 1_000:.2f} ms")


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
