"""The newest lines of a log that are wanted, read by a thread: no slow disk holds up the screen."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from console.config.log_reader import LogLine, LogReader, Wanted

LINES_KEPT = 2_000
_LOOK_EVERY_S = 0.25
_TRY_AGAIN_S = 2.0
_LINES_AT_ONCE = 500
_BREATH_S = 0.002
"""Between so many lines of a long log the engine's thread gets its turn."""


@dataclass(frozen=True)
class Found:
    """The newest lines that are wanted, the oldest first, the first of which is line ``first``.

    ``is_searching`` tells that older ones may still come, ``trouble`` why nothing can be read.
    """

    wanted: Wanted
    lines: Sequence[LogLine] = ()
    first: int = 0
    is_searching: bool = False
    trouble: str = ""


class LogWindow:
    """Lines are numbered as they come, those that were there before it looked with numbers below 1."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._wanted = Wanted()
        self._found = Found(self._wanted, is_searching=True)
        self._changed = threading.Event()
        self._is_closed = False
        self._thread: threading.Thread | None = None

    @property
    def found(self) -> Found:
        """What is known now."""
        return self._found

    def ask(self, wanted: Wanted) -> None:
        """Look for these lines from now on; the first call begins to read."""
        if self._thread is None:
            self._wanted = wanted
            self._thread = threading.Thread(target=self._read, name="log viewer", daemon=True)
            self._thread.start()
        elif wanted != self._wanted:
            self._wanted = wanted
            self._changed.set()

    def close(self) -> None:
        """End reading; a disk that hangs is not waited for."""
        self._is_closed = True
        self._changed.set()

    def _read(self) -> None:
        while not self._is_closed:
            self._changed.clear()
            wanted = self._wanted
            try:
                with closing(LogReader(self._path)) as reader:
                    self._follow(reader, wanted)
            except OSError as error:
                self._found = Found(wanted, trouble=f"{self._path} cannot be read: {error.strerror}")
                self._changed.wait(_TRY_AGAIN_S)

    def _follow(self, reader: LogReader, wanted: Wanted) -> None:
        """Read until something else is wanted; raises OSError."""
        lines: deque[LogLine] = deque(maxlen=LINES_KEPT)
        for number, raw in enumerate(reader.newest_first(), 1):
            line = wanted.take(raw)
            if line is not None:
                lines.appendleft(line)
            if number % _LINES_AT_ONCE == 0:
                self._found = Found(wanted, tuple(lines), 1 - len(lines), is_searching=True)
                time.sleep(_BREATH_S)
            if len(lines) == LINES_KEPT or self._changed.is_set():
                break
        last = 0
        self._found = Found(wanted, tuple(lines), 1 - len(lines))
        while not self._changed.wait(_LOOK_EVERY_S):
            while (added := reader.added()) and not self._changed.is_set():
                admitted = [*filter(None, map(wanted.take, added))]
                lines.extend(admitted)
                last += len(admitted)
                self._found = Found(wanted, tuple(lines), last + 1 - len(lines))
