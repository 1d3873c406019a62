"""The journal: an append-only SQLite table of events, each fsynced before anything outside happens."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from console.domain.events import AccountOpened, JournaledEvent

SCHEMA_VERSION = 1
_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE events (
    seq INTEGER PRIMARY KEY,
    at_ns INTEGER NOT NULL,
    account TEXT,
    kind TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;
"""


class JournalError(Exception):
    """The journal cannot be read or written; nothing may be sent."""


class Journal:
    """One connection, owned by the thread that opens it.

    Opening sets write-ahead logging with ``synchronous=FULL``, so a committed event survives a power cut on
    a disk that honours fsync. Raises JournalError for a file that is not a journal of this version.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._encoder = msgspec.json.Encoder()
        self._decoder: msgspec.json.Decoder[JournaledEvent] = msgspec.json.Decoder(JournaledEvent)
        self._account: str | None = None
        self._failure: str | None = None
        try:
            self._connection = sqlite3.connect(path, isolation_level=None)
            path.chmod(0o600)
            self._prepare()
        except (sqlite3.Error, OSError) as error:
            raise JournalError(f"{path}: the journal cannot be opened: {error}") from error

    def _prepare(self) -> None:
        execute = self._connection.execute
        execute("PRAGMA journal_mode=WAL")
        execute("PRAGMA synchronous=FULL")
        execute("PRAGMA busy_timeout=2000")
        if not execute("SELECT 1 FROM sqlite_schema WHERE name='meta'").fetchone():
            execute("BEGIN IMMEDIATE")
            for statement in _SCHEMA.split(";\n"):
                if statement.strip():
                    execute(statement)
            rows = [("schema_version", str(SCHEMA_VERSION)), ("instance", uuid.uuid4().hex[:8])]
            self._connection.executemany("INSERT INTO meta VALUES (?, ?)", rows)
            execute("COMMIT")
        version = self._meta("schema_version")
        if version != str(SCHEMA_VERSION):
            raise JournalError(
                f"{self._path}: journal version {version}, this program writes version {SCHEMA_VERSION}"
            )
        row = execute("SELECT account FROM events ORDER BY seq DESC LIMIT 1").fetchone()
        self._account = row[0] if row else None

    def _meta(self, key: str) -> str:
        row = self._connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return str(row[0]) if row else ""

    @property
    def instance(self) -> str:
        """Eight hexadecimal digits that mark every client order id made from this journal."""
        return self._meta("instance")

    def append(self, events: Sequence[JournaledEvent]) -> None:
        """Commit events in one transaction; they are on disk when this returns, or JournalError.

        After one failure every further append fails: what comes later may build on what is missing.
        """
        if self._failure is not None:
            raise JournalError(self._failure)
        rows = []
        account = self._account
        for event in events:
            if isinstance(event, AccountOpened):
                account = event.account
            body = self._encoder.encode(event).decode()
            rows.append((event.at_ns, account, type(event).__name__, body))
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany(
                "INSERT INTO events (at_ns, account, kind, body) VALUES (?, ?, ?, ?)", rows
            )
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            self._failure = f"{self._path}: {len(rows)} events could not be written: {error}"
            raise JournalError(self._failure) from error
        self._account = account

    def replay(self) -> Iterator[JournaledEvent]:
        """Every event in the order of its writing; raises JournalError for one that cannot be read."""
        try:
            for seq, body in self._connection.execute("SELECT seq, body FROM events ORDER BY seq"):
                try:
                    yield self._decoder.decode(body)
                except msgspec.MsgspecError as error:
                    raise JournalError(f"{self._path}: event {seq} cannot be read: {error}") from error
        except sqlite3.Error as error:
            raise JournalError(f"{self._path}: the journal cannot be read: {error}") from error

    def close(self) -> None:
        self._connection.close()
