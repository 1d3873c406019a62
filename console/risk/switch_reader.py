"""Reads a switch, no more often than needed; one that fails to compute trips."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter

from console.risk.latches import EVERYTHING
from console.risk.switches.base import Reading, ReadingState, RiskView, ScopedTrip, Switch


class SwitchReader:
    """Reads a switch, anew only when something that it reads has changed.

    ``is_good`` tells whether it is known and not tripped, ``objects`` whether it is unknown or trips for
    anything.
    """

    def __init__(self, switch: Switch) -> None:
        self.switch, self.key = switch, switch.key
        self.is_good = self.objects = False
        self._figures: Callable[[RiskView], object] = attrgetter(*switch.reads) if switch.reads else _nothing
        self._read: object = None
        self._reading: Reading | None = None

    def read(self, view: RiskView) -> Reading:
        figures, reading = self._figures(view), self._reading
        if reading is None or figures != self._read:
            reading = self._reading = read_switch(self.switch, view)
            self._read = figures
            self.is_good = reading.state in (ReadingState.ARMED, ReadingState.WARNING)
            self.objects = reading.state is ReadingState.UNKNOWN or bool(trips_of(reading))
        return reading


def _nothing(view: RiskView) -> None:
    return None


def trips_of(reading: Reading) -> tuple[ScopedTrip, ...]:
    """All that a reading trips, of everything and of parts of the markets."""
    everything = () if reading.trip is None else (ScopedTrip(EVERYTHING, reading.trip, reading.level),)
    return everything + reading.scoped


def read_switch(switch: Switch, view: RiskView) -> Reading:
    """A switch that fails trips: what cannot be computed is not proved safe."""
    try:
        return switch.evaluate(view)
    except Exception as error:  # noqa: BLE001 - whatever went wrong, the answer is to stop
        reason = f"{switch.label} failed: {type(error).__name__}: {error}"
        return Reading(ReadingState.TRIPPED, "failed", "n/a", reason)
