"""The gate: the last thing an order passes, and the first thing a halt closes."""

from __future__ import annotations

import contextlib
import enum
import os
from collections.abc import Iterable
from pathlib import Path

from console.domain.trading_state import TradingState
from console.engine.durable_file import replace_durably
from console.risk.latches import EVERYTHING, Latch


class GateLevel(enum.Enum):
    """What may pass: every order, orders that can only reduce a position, or none."""

    OPEN = enum.auto()
    REDUCING = enum.auto()
    CLOSED = enum.auto()


class Sentinel:
    """A file whose existence means HALTED, whatever else is lost; any process may write it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known = self._identity()

    @property
    def exists(self) -> bool:
        """Whether it stands; what cannot be looked at does."""
        return self._identity() is not None

    @property
    def is_foreign(self) -> bool:
        """Whether another wrote it since ours was written or ``news`` told of it."""
        identity = self._identity()
        return identity is not None and identity != self._known

    @property
    def reason(self) -> str:
        try:
            return self._path.read_text(encoding="utf-8", errors="replace").strip() or "halted"
        except OSError:
            return "halted"

    def news(self) -> str | None:
        """The reason of a halt that another process asked for since the last look."""
        identity = self._identity()
        if identity is None or identity == self._known:
            return None
        self._known = identity
        return self.reason

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
        try:
            text = f"{reason}\n".encode(errors="backslashreplace")
            self._known = _identity_of(replace_durably(self._path, text))
        except OSError:
            self._create_empty()
            raise

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)

    def _create_empty(self) -> None:
        """A disk without room for a reason may still have some for a name."""
        with contextlib.suppress(OSError):
            descriptor = os.open(self._path, os.O_CREAT | os.O_EXCL, 0o600)
            self._known = _identity_of(os.fstat(descriptor))
            os.close(descriptor)

    def _identity(self) -> tuple[int, int] | None:
        """Which file stands there; None without one."""
        try:
            return _identity_of(self._path.stat(follow_symlinks=False))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError:
            return (0, 0)


def _identity_of(file: os.stat_result) -> tuple[int, int]:
    return (file.st_ino, file.st_mtime_ns)


class Gate:
    """A level that any thread may lower at once; it is read immediately before bytes leave.

    The sentinel closes it as well, so that a process which another one halts needs not notice first.
    """

    def __init__(self, sentinel: Sentinel) -> None:
        self._level = GateLevel.OPEN
        self._sentinel = sentinel

    @property
    def is_open(self) -> bool:
        """Whether every order may leave."""
        return self.permits(reduce_only=False)

    def permits(self, *, reduce_only: bool) -> bool:
        """Whether an order may leave now."""
        # The file first and the level last: looking at the file takes longer.
        if reduce_only and self._level is GateLevel.REDUCING:
            return not self._sentinel.is_foreign and self._level is GateLevel.REDUCING
        return not self._sentinel.exists and self._level is GateLevel.OPEN

    def close(self) -> None:
        self._level = GateLevel.CLOSED

    def open_to_reduce(self) -> None:
        self._level = GateLevel.REDUCING

    def open(self) -> None:
        self._level = GateLevel.OPEN
