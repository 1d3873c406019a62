"""CSV files that grow line by line while other programs open, lock or replace them."""

from __future__ import annotations

import csv
import errno
import fcntl
import io
import os
import re
from pathlib import Path

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_BETWEEN_CELLS = re.compile(r"[,;\t]")
"""What a spreadsheet may have put between cells when it saved the file."""


class AppendedCsv:
    """A CSV file with one header that lines are appended to, each at once and whole; ``keys`` are its last
    column's values.

    It is opened anew each time, so that one that another program replaced or removed goes on. What cannot be
    written waits and is written later.
    """

    def __init__(self, path: Path, columns: tuple[str, ...]) -> None:
        self.path = path
        self._header = _line(columns)
        self._waiting: list[bytes] = []
        self._keys: set[str] | None = None

    @property
    def waiting(self) -> int:
        """How many lines could not be written yet."""
        return len(self._waiting)

    def has(self, key: str) -> bool:
        """Whether a line of this key is in the file or waits; raises OSError."""
        if self._keys is None:
            self._keys = self._read_keys()
        return key in self._keys

    def add(self, cells: tuple[object, ...]) -> None:
        """Have a line written by the next ``flush``."""
        if self._keys is not None:
            self._keys.add(str(cells[-1]))
        self._waiting.append(_line(cells))

    def flush(self) -> None:
        """Append what waits; raises OSError, and everything still waits then."""
        if not self._waiting:
            return
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.path, flags, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._append(descriptor)
        except BlockingIOError as error:
            raise BlockingIOError(error.errno, "another program has locked it") from None
        finally:
            os.close(descriptor)
        self._waiting.clear()

    def _append(self, descriptor: int) -> None:
        size = self._without_cut_line(descriptor)
        before = self._header if not size else b"" if os.pread(descriptor, 1, size - 1) == b"\n" else b"\n"
        lines = before + b"".join(self._waiting)
        try:
            written = os.write(descriptor, lines)
            if written < len(lines):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError:
            os.ftruncate(descriptor, size)
            raise

    def _without_cut_line(self, descriptor: int) -> int:
        """The file's size, once a last line is gone that is the beginning of one to be written: a crash's."""
        size = os.fstat(descriptor).st_size
        longest = max(map(len, (self._header, *self._waiting)))
        begun = os.pread(descriptor, longest, max(0, size - longest)).rpartition(b"\n")[2]
        if begun and any(line.startswith(begun) for line in (self._header, *self._waiting)):
            size -= len(begun)
            os.ftruncate(descriptor, size)
        return size

    def _read_keys(self) -> set[str]:
        try:
            text = self.path.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return set()
        # Not as CSV: a quote that somebody left open would take in all that follows.
        return {_BETWEEN_CELLS.split(line)[-1].strip('"') for line in text.splitlines()}


def _line(cells: tuple[object, ...]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow([_cell(each) for each in cells])
    return text.getvalue().encode()


def _cell(value: object) -> object:
    """Text that a spreadsheet would take for a formula is made plain text."""
    if isinstance(value, float):
        return f"{value:.6f}".rstrip("0").rstrip(".")
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA_STARTS) else value
