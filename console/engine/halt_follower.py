"""What the core and the halt thread tell each other."""

from __future__ import annotations

from console.domain.commands import Halt
from console.domain.engine_events import HaltProgressed
from console.engine.halt_view import HaltPhase
from console.engine.outside import Outside, Step


class HaltFollower:
    """Carries a halt to the thread that makes it, and to the core how far it got."""

    def __init__(self, outside: Outside, step: Step) -> None:
        self._out = outside
        self._step = step

    def begin(self, reason: str) -> None:
        """Have a halt made unless one is."""
        if self._out.halter.view.phase is HaltPhase.IDLE:
            self._out.halter.request(reason)

    def hear_from_outside(self) -> None:
        """Halt like by a key here, each time that another process has asked for it by the file."""
        reason = self._out.halter.outside_halt()
        if reason is not None:
            self._out.halter.request(reason)
            self._step(Halt(at_ns=self._out.wall_ns(), reason=reason))

    def tell(self) -> None:
        """Let the core know how far a halt got: it must be confirmed before it may end."""
        view = self._out.halter.view
        if view.phase is not HaltPhase.IDLE:
            self._step(
                HaltProgressed(
                    at_ns=self._out.wall_ns(),
                    resting=view.resting,
                    is_confirmed=view.phase is HaltPhase.CONFIRMED,
                )
            )
