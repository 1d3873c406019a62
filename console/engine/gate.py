"""The gate: the last thing an order passes, and the first thing a halt closes."""

from __future__ import annotations

import threading
from pathlib import Path


class Gate:
    """A flag that any thread may close at once; it is read immediately before bytes leave."""

    def __init__(self) -> None:
        self._closed = threading.Event()

    @property
    def is_open(self) -> bool:
        return not self._closed.is_set()

    def close(self) -> None:
        self._closed.set()

    def open(self) -> None:
        self._closed.clear()


class Sentinel:
    """A file whose existence means HALTED, whatever else is lost."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def exists(self) -> bool:
        return self._path.exists()

    @property
    def reason(self) -> str:
        try:
            return self._path.read_text(encoding="utf-8").strip() or "halted"
        except OSError:
            return "halted"

    def write(self, reason: str) -> None:
        """Create the file; raises OSError when the disk refuses."""
        self._path.write_text(reason + "\n", encoding="utf-8")

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)
