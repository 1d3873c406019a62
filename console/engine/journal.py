"""The journal: an append-only SQLite table of events, each fsynced before anything outside happens."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from console.domain.account_events import AccountOpened
from console.domain.events import JournaledEvent
from console.engine.crash_points import crash_point
from console.engine.journal_chain import (
    Head,
    JournalCorruptError,
    JournalError,
    Row,
    chain_start,
    failure_of,
    read_chain,
)
from console.engine.journal_file import (
    INSERT_EVENT,
    SCHEMA_VERSION,
    UPDATE_HEAD,
    build_journal,
    is_of_an_older_version,
    make_if_absent,
    prepare,
    unchained_rows,
)
from console.engine.journal_wal import wal_of
from console.engine.quarantine import REMEDY, quarantine, refuse_in_place_of_quarantined

__all__ = ["SCHEMA_VERSION", "Journal", "JournalCorruptError", "JournalError", "decode_event", "rows_of"]

decode_event = msgspec.json.Decoder[JournaledEvent](JournaledEvent).decode
"""An event from a row's body; raises msgspec.MsgspecError, which is a ValueError."""


_encode = msgspec.json.Encoder().encode


def rows_of(events: Iterable[JournaledEvent], seq: int, account: str | None) -> Iterator[Row]:
    """Events as they follow the row ``seq`` of an account."""
    for number, event in enumerate(events, seq + 1):
        if isinstance(event, AccountOpened):
            account = event.account
        yield Row(number, event.at_ns, account, type(event).__name__, _encode(event).decode())


class Journal:
    """One connection, owned by the thread that opens it; no other may be open meanwhile.

    A committed event survives a power cut on a disk that honours fsync. What is read is what was written, or
    JournalCorruptError is raised and the file is put aside; only the newest transactions can be lost unseen,
    and only with the write-ahead log that held them. Raises JournalError for a file that cannot be used now.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._failure: str | None = None
        refuse_in_place_of_quarantined(path)
        try:
            make_if_absent(path)
            self._connection = sqlite3.connect(path, isolation_level=None)
        except (JournalError, sqlite3.Error, OSError) as error:
            raise self._refusal(error, "opened") from error
        try:
            self._prepare()
        except (JournalError, sqlite3.Error, UnicodeError, OSError) as error:
            refusal = self._refusal(error, "opened")
            self.close()
            raise refusal from error
        except BaseException:
            self.close()
            raise

    def _prepare(self) -> None:
        prepare(self._path, self._connection)
        if is_of_an_older_version(self._connection):
            instance, rows = unchained_rows(self._connection, decode_event)
            crash_point("journal migration: read")
            self.close()
            build_journal(self._path, instance, rows)
            self._connection = sqlite3.connect(self._path, isolation_level=None)
            prepare(self._path, self._connection)
        execute = self._connection.execute
        meta = dict(execute("SELECT key, value FROM meta"))
        self._instance = str(meta.get("instance"))
        row = execute("SELECT seq, account, hash FROM events ORDER BY seq DESC LIMIT 1").fetchone()
        self._account: str | None = row[1] if row else None
        self._head = Head(row[0], row[2]) if row else chain_start(self._instance)
        self._files = [(file, file.stat()) for file in (self._path, wal_of(self._path))]
        if str(self._head) != meta.get("head"):
            raise JournalCorruptError(f"it ends after event {self._head.seq}, which was not the last")

    def _refusal(self, error: Exception, verb: str) -> JournalError:
        """What to raise for a failure; a journal that is corrupt is put aside."""
        failure = failure_of(error)
        if not isinstance(failure, JournalCorruptError):
            return JournalError(f"{self._path}: the journal cannot be {verb}: {failure}")
        try:
            # Before the connection closes, which would remove the write-ahead log.
            where = f"it is now {quarantine(self._path).name}"
        except OSError as refused:
            where = f"it could not be put aside: {refused}"
        return JournalCorruptError(f"{self._path}: the journal is corrupt: {failure}; {where}; {REMEDY}")

    @property
    def instance(self) -> str:
        """Eight hexadecimal digits that mark every client order id made from this journal."""
        return self._instance

    @property
    def length(self) -> int:
        """How many events it holds."""
        return self._head.seq

    def append(self, events: Sequence[JournaledEvent]) -> None:
        """Commit events in one transaction; they are on disk when this returns, or JournalError.

        After one failure every further append fails: what comes later may build on what is missing.
        """
        if self._failure is None and not self._is_in_place():
            self._failure = f"{self._path}: the journal was removed or replaced while it was in use"
        if self._failure is not None:
            raise JournalError(self._failure)
        rows = []
        account, head = self._account, self._head
        for row in rows_of(events, head.seq, account):
            head, account = head.after(row), row.account
            rows.append((*row, head.digest))
        execute = self._connection.execute
        try:
            execute("BEGIN IMMEDIATE")
            self._connection.executemany(INSERT_EVENT, rows)
            execute(UPDATE_HEAD, (str(head),))
            crash_point("journal append: before commit")
            execute("COMMIT")
        except sqlite3.Error as error:
            if self._connection.in_transaction:
                execute("ROLLBACK")
            self._failure = f"{self._path}: {len(rows)} events could not be written: {error}"
            raise JournalError(self._failure) from error
        crash_point("journal append: committed")
        self._account, self._head = account, head

    def _is_in_place(self) -> bool:
        """Whether the names still lead to the open files: SQLite goes on writing to one that was removed."""
        try:
            return all(os.path.samestat(opened, file.stat()) for file, opened in self._files)
        except OSError:
            return False

    def replay(self) -> Iterator[JournaledEvent]:
        """Every event in the order of its writing, each as it was written.

        Raises JournalCorruptError, after which the file is put aside, or JournalError.
        """
        try:
            for row in read_chain(self._connection):
                try:
                    event = decode_event(row.body)
                except msgspec.MsgspecError as error:
                    raise JournalError(
                        f"event {row.seq} is as another version of kconsole wrote it: {error}"
                    ) from error
                yield event
        except (JournalError, sqlite3.Error) as error:
            raise self._refusal(error, "read") from error

    def copy_to(self, path: Path) -> None:
        """Write the events as of now to a new file; raises JournalError."""
        try:
            self._connection.execute("VACUUM INTO ?", (str(path),))
        except sqlite3.Error as error:
            raise JournalError(f"{path}: the journal cannot be copied there: {error}") from error

    def close(self) -> None:
        self._connection.close()
