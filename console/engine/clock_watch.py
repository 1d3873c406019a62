"""Whether the wall clock was set, or the machine slept: the one clock went on and the other did not."""

from __future__ import annotations

from console.risk.switches.base import MAY_OVERTAKE_NS


class ClockWatch:
    """Compares two looks at the wall clock with the same looks at a clock that never steps."""

    def __init__(self) -> None:
        self._ahead_ns: int | None = None

    def step_ns(self, wall_ns: int, monotonic_ns: int) -> int:
        """How far the wall clock stepped since the last look; less than a second is no step."""
        ahead_ns = wall_ns - monotonic_ns
        step_ns = 0 if self._ahead_ns is None else ahead_ns - self._ahead_ns
        self._ahead_ns = ahead_ns
        return step_ns if abs(step_ns) >= MAY_OVERTAKE_NS else 0
