"""Verified copies of the journal, one each UTC day."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections import deque
from pathlib import Path

from console.config.files import sync_folder
from console.domain.time_units import NS_PER_S
from console.engine.crash_points import crash_point
from console.engine.journal import Journal, decode_event
from console.engine.journal_chain import JournalError, failure_of, fault_in, read_chain
from console.engine.journal_file import sync_file

KEPT = 7


class BackupError(Exception):
    """No copy was made, or it is not equal to what was written; the text is one sentence."""


class Backups:
    """The newest copies in a folder; ``copy`` is for the journal's own thread, ``keep`` for any."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._partial = folder / "journal.partial"

    def file_of(self, at_ns: int) -> Path:
        """The copy of a day."""
        return self._folder / time.strftime("journal-%Y-%m-%d.sqlite", time.gmtime(at_ns // NS_PER_S))

    def is_due(self, journal: Journal, at_ns: int) -> bool:
        """Whether there is something to copy and no copy of the day yet."""
        return journal.length > 0 and not self.file_of(at_ns).exists()

    def copy(self, journal: Journal) -> None:
        """Copy the journal as of now; raises BackupError."""
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            self._partial.unlink(missing_ok=True)
            self._partial.touch(mode=0o600)
            journal.copy_to(self._partial)
        except (JournalError, OSError) as error:
            self._discard()
            raise BackupError(f"the journal is not backed up: {error}") from error
        crash_point("backup: copied")

    def keep(self, at_ns: int) -> None:
        """Read the copy whole, keep it as that of the day, and remove the oldest; raises BackupError."""
        try:
            verify_copy(self._partial)
            sync_file(self._partial)
            self._partial.replace(self.file_of(at_ns))
            sync_folder(self._folder)
            crash_point("backup: kept")
            for old in sorted(self._folder.glob("journal-????-??-??.sqlite"))[:-KEPT]:
                old.unlink()
        except (JournalError, OSError) as error:
            self._discard()
            raise BackupError(f"the journal is not backed up: {self._partial}: {error}") from error

    def _discard(self) -> None:
        """Give back the room of a copy that is of no use: the journal itself may lack it."""
        with contextlib.suppress(OSError):
            self._partial.unlink(missing_ok=True)


def verify_copy(path: Path) -> None:
    """Raise JournalError unless a copy is in order and every event in it can be read."""
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    except sqlite3.Error as error:
        raise failure_of(error) from error
    try:
        if fault := fault_in(connection):
            raise JournalError(fault)
        deque((decode_event(row.body) for row in read_chain(connection)), maxlen=0)
    except (sqlite3.Error, ValueError) as error:
        raise failure_of(error) from error
    finally:
        connection.close()
