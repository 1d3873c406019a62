"""A log read back: its newest lines first, and what is added while it is rotated."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import BinaryIO

import msgspec

LEVELS = ("debug", "info", "warning", "error", "critical")
"""From the least to the gravest."""

_BLOCK = 65_536
_LONGEST = 65_536
"""Bytes of a line that is shown whole."""
_MOST_AT_ONCE = 1_048_576

Fields = dict[str, object]


class LogLine(msgspec.Struct, frozen=True):
    """One line of a log; of one that is none of ours ``event`` is the line and the rest is empty."""

    ts: str = ""
    level: str = ""
    source: str = ""
    event: str = ""
    thread: str = ""
    fields: Fields = {}
    error: str = ""

    @property
    def rank(self) -> int:
        """The place of its level in ``LEVELS``; one that is not known counts as the gravest."""
        return LEVELS.index(self.level) if self.level in LEVELS else len(LEVELS)


_decode = msgspec.json.Decoder(LogLine).decode
_PLAIN = re.compile(r"[A-Za-z0-9_:-]+")
"""A text that stands in a line as it is shown, unless something in the line is escaped."""


def parse_line(line: bytes) -> LogLine:
    """A line without its end."""
    if len(line) <= _LONGEST:
        with suppress(msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return _decode(line)
    return LogLine(event=line[:_LONGEST].decode(errors="backslashreplace"))


@dataclass(frozen=True)
class Wanted:
    """Which lines: of this level or a graver one, with this text anywhere in them, whatever its case."""

    level: str = LEVELS[0]
    text: str = ""

    def take(self, raw: bytes) -> LogLine | None:
        """A line without its end, or None for one that is not wanted."""
        if self._is_without_text(raw):
            return None
        line = parse_line(raw)
        return line if self._admits(line) else None

    def _is_without_text(self, raw: bytes) -> bool:
        """Whether that is certain without reading the line, which takes ten times as long."""
        if not _PLAIN.fullmatch(self.text) or not raw.isascii() or b"\\" in raw:
            return False
        return self.text.lower().encode() not in raw.lower()

    def _admits(self, line: LogLine) -> bool:
        if line.rank < LEVELS.index(self.level):
            return False
        wanted = self.text.casefold()
        return not wanted or any(wanted in text.casefold() for text in _texts(line))


def _texts(line: LogLine) -> Iterable[str]:
    yield from (line.event, line.source, line.thread, line.ts, line.error)
    yield from field_texts(line)


def field_texts(line: LogLine) -> Iterator[str]:
    """Each of its fields as ``name=value``; a field within another has both their names."""
    return _flat("", line.fields)


def _flat(prefix: str, fields: Fields) -> Iterator[str]:
    for name, value in fields.items():
        if isinstance(value, dict):
            yield from _flat(f"{prefix}{name}.", value)
        else:
            text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
            yield f"{prefix}{name}={text}"


class LogReader:
    """A log as it was when it was opened, and what is added from then on, in lines without their ends.

    One thread uses it. There need be no log yet. Every method but ``close`` raises OSError.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._files = _opened(path)
        self._position = _end_of_lines(self._files[0]) if self._files else 0

    def newest_first(self) -> Iterator[bytes]:
        """Every whole line there was, of the full files put aside too."""
        for file in self._files:
            end = self._position if file is self._files[0] else _end_of_lines(file)
            yield from _backwards(file, end)

    def added(self) -> list[bytes]:
        """The next lines that were added, as many as there are at once; none while there are none."""
        lines = self._read_on()
        while not lines and (newer := self._newer()):
            # First what came between the look into the file and the one at its name.
            lines = self._read_on()
            _close(newer if lines else self._files)
            if not lines:
                self._files, self._position = newer, 0
                lines = self._read_on()
        return lines

    def close(self) -> None:
        _close(self._files)

    def _read_on(self) -> list[bytes]:
        if not self._files:
            return []
        file = self._files[0]
        size = os.fstat(file.fileno()).st_size
        if size < self._position:
            # Somebody emptied it.
            self._position = 0
        chunk = os.pread(file.fileno(), _MOST_AT_ONCE, self._position)
        whole = chunk.rfind(b"\n") + 1 or (len(chunk) if len(chunk) == _MOST_AT_ONCE else 0)
        self._position += whole
        return chunk[:whole].removesuffix(b"\n").split(b"\n") if whole else []

    def _newer(self) -> list[BinaryIO]:
        """The file that was begun next and those before it, the newest first; none while it is at hand."""
        with suppress(FileNotFoundError):
            if self._files and os.path.samestat(os.fstat(self._files[0].fileno()), self._path.stat()):
                return []
        # They are open, so no other file can have their numbers.
        known = {_inode(file) for file in self._files}
        opened = _opened(self._path)
        unknown = [place for place, file in enumerate(opened) if _inode(file) not in known]
        kept = unknown[-1] if unknown else len(opened)
        _close(opened[:kept])
        return opened[kept:]


def _close(files: Iterable[BinaryIO]) -> None:
    for file in files:
        file.close()


def _inode(file: BinaryIO) -> int:
    return os.fstat(file.fileno()).st_ino


def _opened(path: Path) -> list[BinaryIO]:
    """The log and the full files beside it, the newest first; one that is put aside meanwhile comes once."""
    files: list[BinaryIO] = []
    seen: set[int] = set()
    for number in count():
        try:
            file = (path.with_name(f"{path.name}.{number}") if number else path).open("rb", buffering=0)
        except FileNotFoundError:
            # Between two names of a rotation the first may be missing.
            if number:
                return files
            continue
        inode = _inode(file)
        if inode in seen:
            file.close()
        else:
            seen.add(inode)
            files.append(file)
    raise AssertionError("there is a last file")


def _end_of_lines(file: BinaryIO) -> int:
    """Where the last whole line ends."""
    end = os.fstat(file.fileno()).st_size
    while end:
        start = max(0, end - _BLOCK)
        newline = os.pread(file.fileno(), end - start, start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        end = start
    return 0


def _backwards(file: BinaryIO, end: int) -> Iterator[bytes]:
    """The lines before ``end``, which is the end of one, the last first; of a long one its beginning."""
    rest = b""
    is_first = True
    while end:
        start = max(0, end - _BLOCK)
        block = os.pread(file.fileno(), end - start, start)
        if is_first:
            block, is_first = block.removesuffix(b"\n"), False
        first, *lines = block.split(b"\n")
        if lines:
            yield lines.pop() + rest
            yield from reversed(lines)
            rest = first
        else:
            rest = (first + rest)[: _LONGEST + 1]
        end = start
    if not is_first:
        yield rest
