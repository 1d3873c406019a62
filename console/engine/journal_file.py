"""The journal's file: its tables, how it is made and brought to the present version, and how it is opened."""

from __future__ import annotations

import os
import sqlite3
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path

from console.config.files import sync_folder
from console.engine.crash_points import crash_point
from console.engine.journal_chain import JournalCorruptError, JournalError, Row, chain_start, fault_in
from console.engine.journal_wal import read_wal_commits, wal_of

SCHEMA_VERSION = 2
_UNCHAINED_VERSION = 1
_TABLES = {
    "meta": "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT",
    "events": """CREATE TABLE events (
    seq INTEGER PRIMARY KEY,
    at_ns INTEGER NOT NULL,
    account TEXT,
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    hash BLOB NOT NULL
) STRICT""",
}
INSERT_EVENT = "INSERT INTO events (seq, at_ns, account, kind, body, hash) VALUES (?, ?, ?, ?, ?, ?)"
UPDATE_HEAD = "UPDATE meta SET value = ? WHERE key = 'head'"

_PRAGMAS = (("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1))


def build_journal(path: Path, instance: str, rows: Iterable[Row]) -> None:
    """Make a whole journal beside ``path`` and put it there in one step, so that none is ever there half.

    A file at ``path`` is replaced; it must have nothing in its write-ahead
    log. Raises sqlite3.Error, OSError.
    """
    partial = path.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o600))
    connection = sqlite3.connect(partial, isolation_level=None)
    try:
        # Nothing to roll back to: what is interrupted is thrown away.
        connection.execute("PRAGMA journal_mode=OFF")
        connection.execute("BEGIN")
        for table in _TABLES.values():
            connection.execute(table)
        crash_point("journal build: tables made")
        head = chain_start(instance)
        for row in rows:
            head = head.after(row)
            connection.execute(INSERT_EVENT, (*row, head.digest))
        crash_point("journal build: rows copied")
        meta = {"schema_version": str(SCHEMA_VERSION), "instance": instance, "head": str(head)}
        connection.executemany("INSERT INTO meta VALUES (?, ?)", list(meta.items()))
        connection.execute("COMMIT")
    except (sqlite3.Error, OSError):
        # The room that it took is what others may lack.
        partial.unlink(missing_ok=True)
        raise
    finally:
        connection.close()
    sync_file(partial)
    crash_point("journal build: before rename")
    partial.replace(path)
    crash_point("journal build: renamed")
    sync_folder(path.parent)


def make_if_absent(path: Path) -> None:
    """Make an empty journal where there is none; raises JournalCorruptError, sqlite3.Error, OSError."""
    if path.exists():
        return
    if wal_of(path).exists():
        raise JournalCorruptError("only its write-ahead log is there")
    build_journal(path, uuid.uuid4().hex[:8], ())


def prepare(path: Path, connection: sqlite3.Connection) -> None:
    """Set what a commit's durability rests on, and look at every page, before anything is read or written.

    Raises JournalCorruptError, JournalError, sqlite3.Error, OSError.
    """
    if path.stat().st_size == 0:
        raise JournalCorruptError("the file is empty")
    commits = read_wal_commits(path)
    execute = connection.execute
    execute("PRAGMA busy_timeout=2000")
    # A plain fsync does not reach the disk on macOS; elsewhere these two change nothing.
    execute("PRAGMA fullfsync=1")
    execute("PRAGMA checkpoint_fullfsync=1")
    for name, value in _PRAGMAS:
        execute(f"PRAGMA {name}={value}")
        [found] = execute(f"PRAGMA {name}").fetchone()
        if found != value:
            raise JournalError(f"{name} is {found}, not {value}, so that a commit would not be safe")
    commits.check(_checkpoint(connection, "PASSIVE"))
    if fault := fault_in(connection):
        raise JournalCorruptError(fault)
    # What a crash left in the log would be taken for lost commits behind those that are written now.
    _checkpoint(connection, "TRUNCATE")


def _checkpoint(connection: sqlite3.Connection, mode: str) -> int:
    """How many frames of the write-ahead log can be read; raises JournalError, sqlite3.Error."""
    is_busy, frames, _ = connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()
    if is_busy:
        raise JournalError("another program has it open")
    return int(frames)


def is_of_an_older_version(connection: sqlite3.Connection) -> bool:
    """Whether it has to be migrated; raises JournalError for one of a newer version, JournalCorruptError."""
    version = _version(connection)
    if version == SCHEMA_VERSION:
        found = connection.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL").fetchall()
        if dict(found) != _TABLES:
            raise JournalCorruptError("its tables are not those that were made")
    return version < SCHEMA_VERSION


def _version(connection: sqlite3.Connection) -> int:
    row = connection.execute("SELECT value FROM meta WHERE key = 'schema_version'").fetchone()
    version = int(row[0]) if row and str(row[0]).isdecimal() else 0
    if version > SCHEMA_VERSION:
        raise JournalError(
            f"journal version {version}, this program knows versions up to {SCHEMA_VERSION}: "
            "use the kconsole that wrote it"
        )
    if version < _UNCHAINED_VERSION:
        raise JournalCorruptError("it does not say its version")
    return version


def unchained_rows(connection: sqlite3.Connection, decode: Callable[[str], object]) -> tuple[str, list[Row]]:
    """The instance and the rows of a journal of version 1.

    ``decode`` raises ValueError for a body that is none, which becomes a JournalCorruptError.
    """
    [instance] = connection.execute("SELECT value FROM meta WHERE key = 'instance'").fetchone()
    rows = [
        Row(*columns)
        for columns in connection.execute("SELECT seq, at_ns, account, kind, body FROM events ORDER BY seq")
    ]
    for expected, row in enumerate(rows, 1):
        try:
            decode(row.body)
        except ValueError as error:
            raise JournalCorruptError(f"event {row.seq} cannot be read: {error}") from error
        if row.seq != expected:
            raise JournalCorruptError(f"event {expected} is missing")
    return str(instance), rows


def sync_file(path: Path) -> None:
    """Have a file's content on disk; raises OSError."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
