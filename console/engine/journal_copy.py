"""A journal read while another process may write it: its files are copied, and only the copy is opened."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from console.domain.events import JournaledEvent
from console.engine.journal import decode_event
from console.engine.journal_chain import JournalCorruptError, JournalError, failure_of, read_chain
from console.engine.journal_file import is_of_an_older_version, unchained_rows
from console.engine.journal_wal import wal_of

_ATTEMPTS = 5
"""A copy that a checkpoint tore is seen by its chain; checkpoints come far apart."""


class JournalCopy:
    """What a journal held when it was copied."""

    def __init__(self, original: Path, connection: sqlite3.Connection) -> None:
        self._original = original
        self._connection = connection

    def events(self) -> Iterator[JournaledEvent]:
        """Every event in the order of its writing, as often as it is asked; raises JournalError."""
        connection = self._connection
        try:
            is_older = is_of_an_older_version(connection)
            rows = unchained_rows(connection, decode_event)[1] if is_older else read_chain(connection)
            for row in rows:
                yield decode_event(row.body)
        except (JournalError, sqlite3.Error, ValueError) as error:
            raise JournalError(
                f"{self._original}: the journal cannot be read: {failure_of(error)}"
            ) from error


@contextmanager
def journal_copy(path: Path) -> Iterator[JournalCopy]:
    """The journal at ``path`` as it is now; neither its file nor who writes it is disturbed.

    It is for a process without a connection to the journal: its locks would go when a file is closed here.
    The copy takes as much room in the folder for temporary files, until the block ends. Raises
    FileNotFoundError where there is none, and JournalError for one that is damaged or cannot be copied.
    """
    if not path.exists():
        raise FileNotFoundError(path)
    with ExitStack() as stack:
        try:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="kconsole-"))
            connection = _whole_copy(path, Path(folder) / path.name)
        except OSError as error:
            raise JournalError(f"{path}: the journal cannot be copied: {error}") from error
        stack.callback(connection.close)
        yield JournalCopy(path, connection)


def _whole_copy(path: Path, copied: Path) -> sqlite3.Connection:
    """A connection to a copy that is whole; raises JournalError, OSError."""
    for attempt in range(1, _ATTEMPTS + 1):
        before = path.stat()
        shutil.copyfile(path, copied)
        with suppress(FileNotFoundError):
            shutil.copyfile(wal_of(path), wal_of(copied))
        is_torn = not _is_as_it_was(before, path.stat())
        connection = sqlite3.connect(copied, isolation_level=None)
        try:
            _check(connection)
        except (JournalError, sqlite3.Error, UnicodeError) as error:
            connection.close()
            failure = failure_of(error)
            if attempt == _ATTEMPTS or not isinstance(failure, JournalCorruptError):
                raise JournalError(f"{path}: the journal cannot be read: {failure}") from error
        else:
            if not is_torn or attempt == _ATTEMPTS:
                return connection
            connection.close()
        for file in copied.parent.iterdir():
            file.unlink()
    raise AssertionError("the last attempt returns or raises")


def _is_as_it_was(before: os.stat_result, after: os.stat_result) -> bool:
    return (before.st_ino, before.st_size, before.st_mtime_ns) == (
        after.st_ino,
        after.st_size,
        after.st_mtime_ns,
    )


def _check(connection: sqlite3.Connection) -> None:
    """Raise JournalError, sqlite3.Error or UnicodeError unless every row is as it was written."""
    [fault] = connection.execute("PRAGMA quick_check(1)").fetchone()
    if fault != "ok":
        raise JournalCorruptError(str(fault))
    if not is_of_an_older_version(connection):
        for _ in read_chain(connection):
            pass
