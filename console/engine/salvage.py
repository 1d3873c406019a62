"""What can still be read from a journal that was put aside, and from the copies made before."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec

from console.engine.journal import decode_event
from console.engine.journal_chain import (
    JournalCorruptError,
    JournalError,
    Row,
    chain_start,
    failure_of,
    read_rows,
)
from console.engine.journal_wal import wal_of


class Salvage(msgspec.Struct, frozen=True):
    """The beginning of a journal, up to ``fault``; it is as it was written.

    ``instance`` is None when it is not known and there is no event to prove one.
    """

    source: Path
    instance: str | None
    rows: list[Row]
    fault: str


def salvage(path: Path, instances: Iterable[str]) -> Salvage:
    """Read a journal as far as its chain holds; ``instances`` are those it may be of, beside its own.

    The file stays as it is. Raises JournalError when it cannot be read now: that says nothing of its content.
    """
    with _copy_of(path) as copy:
        own, fault = _instance_in(path, copy)
        candidates = [*([own] if own else []), *instances]
        for instance in candidates:
            found = _read(path, copy, instance)
            if found.rows:
                return found
            fault = fault or found.fault
        return Salvage(path, own, [], fault or "it holds no events")


def _read(path: Path, copy: Path, instance: str) -> Salvage:
    rows: list[Row] = []
    fault = ""
    try:
        with closing(sqlite3.connect(copy)) as connection:
            for row in read_rows(connection, chain_start(instance)):
                decode_event(row.body)
                rows.append(row)
    except msgspec.MsgspecError as error:
        fault = str(error)
    except (JournalError, sqlite3.Error) as error:
        fault = _fault_of(path, error)
    return Salvage(path, instance, rows, fault)


def _fault_of(path: Path, error: Exception) -> str:
    failure = failure_of(error)
    if not isinstance(failure, JournalCorruptError):
        raise JournalError(f"{path}: it cannot be read now: {failure}") from error
    return str(failure)


def _instance_in(path: Path, copy: Path) -> tuple[str | None, str]:
    """The instance that a journal says it is of, or why it does not say."""
    try:
        with closing(sqlite3.connect(copy)) as connection:
            row = connection.execute("SELECT value FROM meta WHERE key = 'instance'").fetchone()
    except (sqlite3.Error, UnicodeError) as error:
        return None, _fault_of(path, error)
    return (None, "it does not say its instance") if row is None else (str(row[0]), "")


@contextmanager
def _copy_of(path: Path) -> Iterator[Path]:
    """A copy to open: SQLite changes what it opens."""
    with tempfile.TemporaryDirectory(prefix="salvage-", dir=path.parent) as folder:
        copy = Path(folder) / path.name
        try:
            shutil.copyfile(path, copy)
            if wal_of(path).exists():
                shutil.copyfile(wal_of(path), wal_of(copy))
        except OSError as error:
            raise JournalError(f"{path}: it cannot be read now: {error.strerror}") from error
        yield copy
