"""The gate: the last thing an order passes, and the first thing a halt closes."""

from __future__ import annotations

import enum
import os
from collections.abc import Iterable
from pathlib import Path

from console.domain.events import TradingState
from console.risk.latches import EVERYTHING, Latch


class GateLevel(enum.Enum):
    """What may pass: every order, orders that can only reduce a position, or none."""

    OPEN = enum.auto()
    REDUCING = enum.auto()
    CLOSED = enum.auto()


class Gate:
    """A level that any thread may lower at once; it is read immediately before bytes leave."""

    def __init__(self) -> None:
        self._level = GateLevel.OPEN

    @property
    def is_open(self) -> bool:
        """Whether every order may leave."""
        return self._level is GateLevel.OPEN

    def permits(self, *, reduce_only: bool) -> bool:
        """Whether an order may leave now."""
        return self._level is GateLevel.OPEN or (reduce_only and self._level is GateLevel.REDUCING)

    def close(self) -> None:
        self._level = GateLevel.CLOSED

    def open_to_reduce(self) -> None:
        self._level = GateLevel.REDUCING

    def open(self) -> None:
        self._level = GateLevel.OPEN


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

    def untold(self, latches: Iterable[Latch]) -> str | None:
        """The reason of a halt that its file alone tells of; None when one of these latches has begun it."""
        if not self.exists:
            return None
        reason = self.reason
        for latch in latches:
            halts = latch.level is TradingState.HALTED and latch.scope == EVERYTHING
            if halts and reason in (latch.reason, f"{latch.name}: {latch.reason}"):
                return None
        return reason

    def write(self, reason: str) -> None:
        """Create the file, on disk when this returns; raises OSError when the disk refuses."""
        with self._path.open("w", encoding="utf-8") as file:
            file.write(reason + "\n")
            file.flush()
            os.fsync(file.fileno())

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)
