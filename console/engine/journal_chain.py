"""The journal's hash chain: each row carries a hash of itself and of every row before it."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Iterator
from hashlib import blake2b
from typing import NamedTuple


class JournalError(Exception):
    """The journal cannot be opened, read or written now; nothing may be sent."""


class JournalCorruptError(JournalError):
    """The journal does not hold what was written to it; the text says what is wrong."""


class Row(NamedTuple):
    """An event as the journal keeps it."""

    seq: int
    at_ns: int
    account: str | None
    kind: str
    body: str


class Head(NamedTuple):
    """The end of a chain: how many rows it has, and the hash of the last."""

    seq: int
    digest: bytes

    def after(self, row: Row) -> Head:
        """The end once this row follows."""
        content = f"{row.seq}\0{row.at_ns}\0{row.account!r}\0{row.kind}\0{row.body}"
        return Head(row.seq, blake2b(self.digest + content.encode(), digest_size=_DIGEST_BYTES).digest())

    def __str__(self) -> str:
        return f"{self.seq}:{self.digest.hex()}"


_DIGEST_BYTES = 16
_COLUMNS = "seq, at_ns, account, kind, body"


def chain_start(instance: str) -> Head:
    """The end of a chain without rows; it holds the instance, so that this cannot change unseen either."""
    return Head(0, blake2b(instance.encode(), digest_size=_DIGEST_BYTES).digest())


def read_chain(connection: sqlite3.Connection) -> Iterator[Row]:
    """Every row in the order of its writing, each as it was written.

    Raises JournalCorruptError at the first that is not, or at the end when rows are missing there.
    """
    try:
        meta = dict(connection.execute("SELECT key, value FROM meta"))
    except (sqlite3.Error, UnicodeError) as error:
        raise failure_of(error) from error
    head = yield from read_rows(connection, chain_start(str(meta.get("instance"))))
    if str(head) != meta.get("head"):
        raise JournalCorruptError(f"it ends after event {head.seq}, which was not the last")


def read_rows(connection: sqlite3.Connection, head: Head) -> Generator[Row, None, Head]:
    """The rows from a chain's start on; returns its end.

    Raises JournalCorruptError at the first that does not follow.
    """
    try:
        rows = connection.execute(f"SELECT {_COLUMNS}, hash FROM events ORDER BY seq")  # noqa: S608 - ours
        for *columns, digest in rows:
            row = Row(*columns)
            following = head.after(row)
            if row.seq != head.seq + 1 or following.digest != digest:
                raise JournalCorruptError(f"event {head.seq + 1} is not as it was written")
            head = following
            yield row
    except (sqlite3.Error, UnicodeError) as error:
        raise failure_of(error) from error
    return head


def fault_in(connection: sqlite3.Connection, check: str = "integrity_check") -> str | None:
    """What SQLite's check finds wrong with a file, on one line; None when it is in order."""
    [found] = connection.execute(f"PRAGMA {check}(1)").fetchone()
    return None if found == "ok" else " ".join(str(found).replace("***", "").split())


_CORRUPT = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR}
"""The last is a statement that does not fit the tables: they are not ours as we made them."""


def failure_of(error: Exception) -> JournalError:
    """What a failure says of the journal: that it is corrupt, or cannot be used now."""
    if isinstance(error, JournalError):
        return error
    code: int | None = getattr(error, "sqlite_errorcode", None)
    is_unreadable_text = code is None and isinstance(error, sqlite3.OperationalError | UnicodeError)
    if is_unreadable_text or (code is not None and code & 0xFF in _CORRUPT):
        return JournalCorruptError(str(error))
    return JournalError(str(error))
