"""The gate: the last thing an order passes, and the first thing a halt closes."""

from __future__ import annotations

import os
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
            return self._path.read_text(encoding="utf-8", errors="replace").strip() or "halted"
        except OSError:
            return "halted"

    def write(self, reason: str) -> None:
        """Create the file, on disk when this returns; raises OSError when the disk refuses."""
        with self._path.open("w", encoding="utf-8") as file:
            file.write(reason + "\n")
            file.flush()
            os.fsync(file.fileno())

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)
