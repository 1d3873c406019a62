"""Named reasons not to trade as usual, each independent of the others."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from console.domain.events import LatchCleared, LatchRaised, TradingState

RISK_SOURCE = "risk"
"""Source of what the switches raise and clear by themselves."""

HISTORY_NS = 24 * 3_600 * 1_000_000_000
"""How long a trip is remembered after it happened."""


class Latch(msgspec.Struct, frozen=True):
    """A reason in force since ``since_ns``."""

    name: str
    level: TradingState
    reason: str
    source: str
    since_ns: int


class Latches:
    """The latches in force, built by applying the events that raised and cleared them, in order.

    A latch raised again keeps its first time and can only become more restrictive. A clearing ends the latch
    it names and no other; nothing else lowers the state.
    """

    def __init__(self) -> None:
        self._active: dict[str, Latch] = {}
        self._trips: list[tuple[int, str]] = []

    def apply(self, event: LatchRaised | LatchCleared) -> None:
        match event:
            case LatchRaised():
                self._raise(event)
            case LatchCleared():
                self._active.pop(event.name, None)
                if event.source != RISK_SOURCE:
                    self._trips = [trip for trip in self._trips if trip[1] != event.name]

    def _raise(self, event: LatchRaised) -> None:
        known = self._active.get(event.name)
        if known is not None and event.level <= known.level:
            return
        since_ns = event.at_ns if known is None else known.since_ns
        self._active[event.name] = Latch(event.name, event.level, event.reason, event.source, since_ns)
        if known is None and event.source == RISK_SOURCE:
            self._trips = [trip for trip in self._trips if event.at_ns - trip[0] < HISTORY_NS]
            self._trips.append((event.at_ns, event.name))

    @property
    def state(self) -> TradingState:
        """The most restrictive level of all."""
        return max((latch.level for latch in self._active.values()), default=TradingState.RUNNING)

    @property
    def active(self) -> tuple[Latch, ...]:
        """Every latch in force, the most restrictive first, then the oldest."""
        return tuple(
            sorted(self._active.values(), key=lambda latch: (-latch.level, latch.since_ns, latch.name))
        )

    def get(self, name: str) -> Latch | None:
        return self._active.get(name)

    def trips(self, names: Collection[str], now_ns: int) -> int:
        """How often switches raised these latches within the last 24 h.

        An operator's clearing starts the count of the latch it names anew.
        """
        return sum(name in names and now_ns - at_ns < HISTORY_NS for at_ns, name in self._trips)
