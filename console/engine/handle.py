"""What the screen and the commands may do with a running engine."""

from __future__ import annotations

from typing import Protocol

from console.domain.commands import OperatorCommand
from console.engine.halt_view import HaltView
from console.engine.snapshot import Snapshot


class EngineHandle(Protocol):
    """A running engine, seen from another thread; no call here waits for the engine."""

    def snapshot(self) -> Snapshot | None:
        """The newest picture; None before the first."""

    def heartbeat_age_ns(self) -> int:
        """Time since the engine last finished a step."""

    def failure(self) -> str | None:
        """Why the engine ended by itself, in one sentence; None while it runs."""

    def outage(self) -> str | None:
        """What has ended outside the engine and cannot come back by itself, in one sentence."""

    def note_screen(self) -> None:
        """Say that the screen moves; while it stands still, the guard takes it for frozen and cancels."""

    def send(self, command: OperatorCommand) -> None:
        """Queue a command."""

    def halt(self, reason: str) -> None:
        """Close the gate now and cancel everything from the halt thread; again re-cancels."""

    def halt_view(self) -> HaltView:
        """How far the halt got."""

    def resume_refusal(self, latch: str) -> str | None:
        """Why this latch may not be cleared now, or None when it may."""
