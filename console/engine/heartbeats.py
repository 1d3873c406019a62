"""Signs of life between a run and its guard: counters in a small file that both have mapped."""

from __future__ import annotations

import enum
import mmap
import os
from pathlib import Path
from typing import Self

_BYTES = 8
_LONGEST_LOOK_NS = 1_500_000_000


class Beat(enum.IntEnum):
    """Whose counter; each has one writer."""

    ENGINE = 0
    SCREEN = 1
    GUARD = 2


class Heartbeats:
    """Counters that grow while their writers do their work; 0 is one that does not run.

    They are memory that both processes see: neither a stopped writer nor a full disk hinders a look.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        with os.fdopen(descriptor, "rb+", buffering=0) as file:
            self._counts = memoryview(mmap.mmap(file.fileno(), _BYTES * len(Beat))).cast("Q")
            self._identity = _identity(os.fstat(file.fileno()))
        self._path = path

    @classmethod
    def create(cls, path: Path) -> Self:
        """New ones in the place of an earlier run's, whose guard learns of it; raises OSError."""
        partial = path.with_name(path.name + ".partial")
        flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
        descriptor = os.open(partial, flags, 0o600)
        # Written and not only made that long: a hole would need disk space at a beat, and kill who beats.
        os.write(descriptor, bytes(_BYTES * len(Beat)))
        heartbeats = cls(path, descriptor)
        partial.replace(path)
        return heartbeats

    @classmethod
    def open(cls, path: Path) -> Self:
        """Those of the run that goes on now; raises OSError."""
        return cls(path, os.open(path, os.O_RDWR | os.O_NOFOLLOW))

    def beat(self, whose: Beat) -> None:
        self._counts[whose] += 1

    def stop(self, whose: Beat) -> None:
        self._counts[whose] = 0

    def count(self, whose: Beat) -> int:
        return self._counts[whose]

    @property
    def are_replaced(self) -> bool:
        """Whether another run has begun in this folder since."""
        try:
            return _identity(self._path.stat()) != self._identity
        except OSError:
            return False


class Pulse:
    """How long a counter has stood still, in nanoseconds; 0 while it does not run.

    A look that comes late counts for a moment only: a machine that slept, or a process that was stopped
    itself, has not seen anyone stand still.
    """

    def __init__(self) -> None:
        self._count = 0
        self._looked_ns: int | None = None
        self._still_ns = 0

    def look(self, count: int, monotonic_ns: int) -> int:
        since_ns = 0 if self._looked_ns is None else monotonic_ns - self._looked_ns
        self._looked_ns = monotonic_ns
        if count != self._count or count == 0:
            self._count, self._still_ns = count, 0
        else:
            self._still_ns += min(since_ns, _LONGEST_LOOK_NS)
        return self._still_ns


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino
