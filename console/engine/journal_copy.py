"""A journal read while another process may write it: its files are copied, and only the copy is opened."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from console.domain.events import JournaledEvent
from console.engine.journal import decode_event
from console.engine.journal_chain import (
    JournalCorruptError,
    JournalError,
    failure_of,
    fault_in,
    read_chain,
)
from console.engine.journal_file import is_of_an_older_version, unchained_rows
from console.engine.journal_wal import wal_of
from console.engine.quarantine import refuse_in_place_of_quarantined

_ATTEMPTS = 5
"""A copy that a checkpoint tore is seen by its chain; checkpoints come far apart."""

_EVENTS_BETWEEN_TELLS = 1_000

LATEST_NS = 2**63 - 1
"""No event is of then."""

Progress = Callable[[int, int], None]
"""How many events were looked at, and of how many."""


def tell_nobody(done: int, total: int) -> None:
    """A progress that nobody follows."""


class JournalCopy:
    """What a journal held when it was copied: so many events, each of them as it was written."""

    def __init__(self, original: Path, connection: sqlite3.Connection) -> None:
        self._original = original
        self._connection = connection
        self.count = _count(connection)

    def events(self, before_ns: int = LATEST_NS) -> Iterator[JournaledEvent]:
        """Events in the order of their writing, as often as it is asked; raises JournalError.

        They end with the last of before ``before_ns``. One may bear a later time, by a clock that was ahead.
        """
        until = "(SELECT max(seq) FROM events WHERE at_ns < ?)"
        query = f"SELECT body FROM events WHERE seq <= {until} ORDER BY seq"  # noqa: S608 - our own words
        try:
            for (body,) in self._connection.execute(query, (before_ns,)):
                yield decode_event(body)
        except (sqlite3.Error, ValueError) as error:
            raise JournalError(
                f"{self._original}: the journal cannot be read: {failure_of(error)}"
            ) from error


@contextmanager
def journal_copy(path: Path, progress: Progress = tell_nobody) -> Iterator[JournalCopy]:
    """The journal at ``path`` as it is now; neither its file nor who writes it is disturbed.

    It is for a process without a connection to the journal: its locks would go when a file is closed here.
    The copy takes as much room in the folder for temporary files, until the block or the process ends.
    ``progress`` hears of the check of every event, which comes first. Raises FileNotFoundError where there
    is none, and JournalError for one that is damaged, was put aside or cannot be copied.
    """
    refuse_in_place_of_quarantined(path)
    if not path.exists():
        raise FileNotFoundError(path)
    try:
        # What is open stays without its name, and goes with the process however that ends.
        with tempfile.TemporaryDirectory(prefix="kconsole-") as folder:
            connection = _whole_copy(path, Path(folder) / path.name, progress)
    except OSError as error:
        raise JournalError(f"{path}: the journal cannot be copied: {error}") from error
    with closing(connection):
        yield JournalCopy(path, connection)


def _whole_copy(path: Path, copied: Path, progress: Progress) -> sqlite3.Connection:
    """A connection to a copy that is whole; raises JournalError, OSError."""
    for attempt in range(1, _ATTEMPTS + 1):
        before = path.stat()
        shutil.copyfile(path, copied)
        with suppress(FileNotFoundError):
            shutil.copyfile(wal_of(path), wal_of(copied))
        is_torn = not _is_as_it_was(before, path.stat())
        connection = sqlite3.connect(copied, isolation_level=None)
        try:
            _into_one_file(connection)
            # Looking takes long, and a process that is killed removes nothing.
            for file in copied.parent.iterdir():
                file.unlink()
            _check(connection, progress)
        except (JournalError, sqlite3.Error, UnicodeError) as error:
            connection.close()
            failure = failure_of(error)
            if attempt == _ATTEMPTS or not isinstance(failure, JournalCorruptError):
                raise JournalError(f"{path}: the journal cannot be read: {failure}") from error
        except BaseException:
            connection.close()
            raise
        else:
            if not is_torn or attempt == _ATTEMPTS:
                return connection
            connection.close()
        for file in copied.parent.iterdir():
            file.unlink()
    raise AssertionError("the last attempt returns or raises")


def _into_one_file(connection: sqlite3.Connection) -> None:
    """Have the write-ahead log in the file itself, which the connection then holds open."""
    connection.execute("PRAGMA journal_mode=DELETE").fetchone()
    connection.execute("PRAGMA schema_version").fetchone()


def _is_as_it_was(before: os.stat_result, after: os.stat_result) -> bool:
    return (before.st_ino, before.st_size, before.st_mtime_ns) == (
        after.st_ino,
        after.st_size,
        after.st_mtime_ns,
    )


def _check(connection: sqlite3.Connection, progress: Progress) -> None:
    """Raise JournalError, sqlite3.Error or UnicodeError unless every row is as it was written."""
    if fault := fault_in(connection, "quick_check"):
        raise JournalCorruptError(fault)
    if is_of_an_older_version(connection):
        unchained_rows(connection, decode_event)
        return
    total = _count(connection)
    for row in read_chain(connection):
        if row.seq % _EVENTS_BETWEEN_TELLS == 0:
            progress(row.seq, total)


def _count(connection: sqlite3.Connection) -> int:
    """How many events there are, if none is missing."""
    return int(connection.execute("SELECT coalesce(max(seq), 0) FROM events").fetchone()[0])
