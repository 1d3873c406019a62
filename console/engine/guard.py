"""What the guard makes of what it sees of a run: it may cancel, latch and end it, and never resumes."""

from __future__ import annotations

import enum
import signal
from typing import Protocol

import msgspec

from console.domain.time_units import NS_PER_S
from console.engine.heartbeats import Beat, Pulse

STALLED_NS = 5 * NS_PER_S
"""An engine or a screen that stands still for so long is not waited for."""

TERMINATE_NS = 15 * NS_PER_S
KILL_NS = 20 * NS_PER_S
ENDING_NS = 60 * NS_PER_S
"""How long a run may take to cancel and end, longer than its own deadlines for that together."""

LINGER_NS = 15 * NS_PER_S
"""How long a confirmed halt of a dead run is watched: an order on its way may come to rest late."""

GIVE_UP_NS = 25 * 3600 * NS_PER_S
"""How long a dead run's orders are pursued, longer than the longest expiry that an order may be given."""

LOOK_S = 1.0
"""Between two looks."""


class Guard(Protocol):
    """The guard as the run has it; no call here waits for it."""

    def beat(self, whose: Beat) -> None:
        """Show that a part of the run has done some work."""

    def stand_down(self, whose: Beat) -> None:
        """A part of the run has ended and has said why: it is not expected to work any more."""

    def absence(self) -> str | None:
        """Why nobody guards the run, in one sentence; None while somebody does. Asked now and then."""

    def tell_ending(self) -> None:
        """Say that the run is being ended: from now on its parts may stand still."""


class Line(enum.Enum):
    """What the guard's line to the run says; ``BROKEN`` is a run that died without a word."""

    OPEN = enum.auto()
    ENDING = enum.auto()
    ENDED = enum.auto()
    BROKEN = enum.auto()


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What one look found; ``moot`` is why nothing is left to cancel, of a run that is over."""

    monotonic_ns: int
    line: Line
    engine: int
    screen: int
    is_replaced: bool = False
    is_confirmed: bool = False
    moot: str | None = None


class Duty(msgspec.Struct, frozen=True, kw_only=True):
    """What a look calls for; ``halt`` is why everything of ours must be cancelled, now or once more.

    With ``latches`` the halt file must be written too. ``relents`` is a run that moves again, whose own halt
    takes over. ``ended`` is why there is nothing left to guard.
    """

    halt: str | None = None
    latches: bool = False
    relents: bool = False
    signal: signal.Signals | None = None
    ended: str | None = None


NOTHING = Duty()


class Watch:
    """Judges a run, one look a second; ``latches_death`` where a death must not be followed by trading."""

    def __init__(self, *, latches_death: bool) -> None:
        self._latches_death = latches_death
        self._engine, self._screen = Pulse(), Pulse()
        self._ending, self._over, self._cleared = Pulse(), Pulse(), Pulse()
        self._is_stalled = False
        self._is_terminated = False
        self._is_over = False

    def look(self, seen: Seen) -> Duty:
        """What must be done now."""
        if seen.is_replaced:
            return Duty(ended="another run has begun in this folder")
        if seen.line in (Line.ENDED, Line.BROKEN):
            return self._outlive(seen)
        stalled_ns, reason = self._stall(seen)
        return self._judge(stalled_ns, f"guard: {reason}")

    def _stall(self, seen: Seen) -> tuple[int, str]:
        """For how long the run has stalled, and which part of it."""
        engine_ns = self._engine.look(seen.engine, seen.monotonic_ns)
        screen_ns = self._screen.look(seen.screen, seen.monotonic_ns)
        if seen.line is Line.ENDING:
            ending_ns = self._ending.look(1, seen.monotonic_ns)
            words = f"the run did not end within {ENDING_NS // NS_PER_S} s"
            return max(0, ending_ns - ENDING_NS + STALLED_NS), words
        parts = {"engine": engine_ns, "screen": screen_ns}
        # Two that were stopped at once may be seen to stand still one look apart.
        still = " and ".join(part for part, still_ns in parts.items() if still_ns >= STALLED_NS // 2)
        return max(parts.values()), f"{still} stood still for {STALLED_NS // NS_PER_S} s"

    def _judge(self, stalled_ns: int, reason: str) -> Duty:
        if stalled_ns >= KILL_NS:
            return Duty(signal=signal.SIGKILL)
        if stalled_ns >= TERMINATE_NS and not self._is_terminated:
            self._is_terminated = True
            return Duty(signal=signal.SIGTERM)
        if stalled_ns >= STALLED_NS and not self._is_stalled:
            self._is_stalled = True
            return Duty(halt=reason, latches=True)
        if stalled_ns < STALLED_NS and self._is_stalled:
            self._is_stalled = self._is_terminated = False
            return Duty(relents=True)
        return NOTHING

    def _outlive(self, seen: Seen) -> Duty:
        """Cancel what is left of a run that is no more."""
        if seen.moot is not None:
            return Duty(ended=seen.moot)
        if not self._is_over:
            self._is_over = True
            died = seen.line is Line.BROKEN
            reason = (
                "the console died" if died else "the run ended before it was proved that none of ours rests"
            )
            return Duty(halt=f"guard: {reason}", latches=died and self._latches_death)
        if self._over.look(1, seen.monotonic_ns) >= GIVE_UP_NS:
            return Duty(ended="no order of ours can be so old")
        if not seen.is_confirmed:
            self._cleared = Pulse()
        elif self._cleared.look(1, seen.monotonic_ns) >= LINGER_NS:
            return Duty(ended="no order of ours rests")
        return NOTHING
