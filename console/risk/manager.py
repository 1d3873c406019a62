"""The risk manager: reads every switch, says which latches to raise and clear, and who may trade."""

from __future__ import annotations

import msgspec

from console.config.schema import QualitySettings, RiskSettings
from console.domain.events import LatchCleared, LatchRaised, TradingState
from console.risk.latches import RISK_SOURCE, Latch, Latches
from console.risk.switches.base import Reading, ReadingState, RiskView, Switch
from console.risk.switches.daily_loss import DailyLoss
from console.risk.switches.manual import ManualHalt
from console.risk.switches.stale_book import StaleBook

GOOD_FOR_NS = 5_000_000_000
"""How long an input must be good before a latch on it clears by itself."""

TRIPS_TO_HALT = 3
"""The trip within 24 h, of the switches that clear themselves, that halts instead."""


class SwitchRow(msgspec.Struct, frozen=True):
    """A switch as shown: tripped while its latch is in force, whatever it reads now."""

    key: str
    label: str
    state: ReadingState
    reading: str
    threshold: str
    since_ns: int | None
    clears: str
    evaluated_ns: int | None


class Permit(msgspec.Struct, frozen=True):
    """Whether a new entry order may be sent, and why not; ``counted_as`` names the cause without figures."""

    allowed: bool
    reason: str = ""
    counted_as: str = ""


class RiskManager:
    """Decides from readings, event times and the latches in force, and from nothing else.

    ``escalates`` is False in practice, where repeated trips are counted and do not halt.
    """

    def __init__(
        self,
        limits: RiskSettings,
        quality: QualitySettings,
        *,
        escalates: bool,
        switches: tuple[Switch, ...] | None = None,
    ) -> None:
        self._switches = switches or (ManualHalt(), DailyLoss(limits), StaleBook(quality))
        self._escalates = escalates
        self._self_clearing = frozenset(s.key for s in self._switches if s.clears_itself)
        self._readings: dict[str, Reading] = {}
        self._good_since: dict[str, int] = {}
        self._evaluated_ns: int | None = None

    def evaluate(self, view: RiskView, latches: Latches) -> list[LatchRaised | LatchCleared]:
        """Read every switch; the caller journals the events returned and applies them to the latches."""
        events: list[LatchRaised | LatchCleared] = []
        self._evaluated_ns = view.now_ns
        for switch in self._switches:
            reading = self._readings[switch.key] = _read(switch, view)
            self._note(switch.key, reading, view.now_ns)
            latch = latches.get(switch.key)
            if reading.trip is not None:
                raised = self._raise(switch, reading.trip, latch, latches, view.now_ns)
                events += [raised] if raised else []
            elif self._has_recovered(switch, latch, view.now_ns):
                reason = "its input was good for 5 s"
                events.append(
                    LatchCleared(at_ns=view.now_ns, name=switch.key, reason=reason, source=RISK_SOURCE)
                )
        return events

    def rows(self, latches: Latches) -> tuple[SwitchRow, ...]:
        """Every switch with its last reading."""
        return tuple(self._row(switch, latches.get(switch.key)) for switch in self._switches)

    def permit(self, view: RiskView, latches: Latches) -> Permit:
        """A new entry is allowed only while nothing is latched and every switch reads well now."""
        if latches.state is not TradingState.RUNNING:
            latch = latches.active[0]
            level = latch.level.name.replace("_", " ").lower()
            return Permit(False, f"{level}: {latch.reason}", f"{level} by {latch.name}")
        for switch in self._switches:
            reading = _read(switch, view)
            if reading.state is ReadingState.UNKNOWN:
                return Permit(False, f"{switch.label} is unknown", f"{switch.label} is unknown")
            if reading.trip is not None:
                return Permit(False, reading.trip, switch.label)
        return Permit(True)

    def resume_refusal(self, name: str, view: RiskView, latches: Latches) -> str | None:
        """Why the latch of this name may not be cleared now, or None when it may."""
        if latches.get(name) is None:
            return f"no latch named {name!r} is in force"
        for switch in self._switches:
            if switch.key == name:
                reading = _read(switch, view)
                if reading.state is ReadingState.UNKNOWN:
                    return f"{switch.label} is unknown"
                return reading.trip
        return None

    def _note(self, key: str, reading: Reading, now_ns: int) -> None:
        if reading.state in (ReadingState.ARMED, ReadingState.WARNING):
            # A clock that stepped back starts the time anew.
            self._good_since[key] = min(now_ns, self._good_since.get(key, now_ns))
        else:
            self._good_since.pop(key, None)

    def _raise(
        self, switch: Switch, reason: str, latch: Latch | None, latches: Latches, now_ns: int
    ) -> LatchRaised | None:
        if latch is not None and latch.level >= switch.level:
            return None
        if not switch.clears_itself:
            return _raised(switch, switch.level, reason, RISK_SOURCE, now_ns)
        trips = latches.trips(self._self_clearing, now_ns) + 1
        if self._escalates and trips >= TRIPS_TO_HALT:
            again = f"{reason}; trip {trips} within 24 h"
            return _raised(switch, TradingState.HALTED, again, RISK_SOURCE, now_ns)
        return _raised(switch, switch.level, reason, RISK_SOURCE, now_ns)

    def _has_recovered(self, switch: Switch, latch: Latch | None, now_ns: int) -> bool:
        if latch is None or not switch.clears_itself or latch.level > switch.level:
            return False
        good_since = self._good_since.get(switch.key)
        return good_since is not None and now_ns - good_since >= GOOD_FOR_NS

    def _row(self, switch: Switch, latch: Latch | None) -> SwitchRow:
        reading = self._readings.get(switch.key) or Reading(ReadingState.UNKNOWN, "n/a", "n/a")
        escalated = latch is not None and latch.level > switch.level
        return SwitchRow(
            key=switch.key,
            label=switch.label,
            state=ReadingState.TRIPPED if latch is not None else reading.state,
            reading=reading.text,
            threshold=reading.threshold,
            since_ns=None if latch is None else latch.since_ns,
            clears="operator, with good data" if escalated else switch.clears,
            evaluated_ns=self._evaluated_ns,
        )


def _raised(switch: Switch, level: TradingState, reason: str, source: str, now_ns: int) -> LatchRaised:
    return LatchRaised(at_ns=now_ns, name=switch.key, level=level, reason=reason, source=source)


def _read(switch: Switch, view: RiskView) -> Reading:
    """A switch that fails trips: what cannot be computed is not proved safe."""
    try:
        return switch.evaluate(view)
    except Exception as error:  # noqa: BLE001 - whatever went wrong, the answer is to stop
        reason = f"{switch.label} failed: {type(error).__name__}: {error}"
        return Reading(ReadingState.TRIPPED, "failed", "n/a", reason)
