"""The risk manager: reads every switch, says which latches to raise and clear, and who may trade."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from console.config.risk_settings import RiskSettings
from console.config.trading_settings import QualitySettings
from console.domain.engine_events import LatchCleared, LatchRaised
from console.domain.market import Ticker
from console.domain.time_units import NS_PER_S
from console.domain.trading_state import TradingState
from console.risk.latches import RISK_SOURCE, Latch, Latches, latch_id, scopes_of
from console.risk.switch_reader import SwitchReader, read_switch, trips_of
from console.risk.switches.base import (
    EvaluatedAt,
    Measure,
    Reading,
    ReadingState,
    RiskView,
    ScopedTrip,
    Switch,
)
from console.risk.switches.clock_skew import CLOCK_SKEW
from console.risk.switches.every import every_switch

GOOD_FOR_NS = 5 * NS_PER_S
"""How long an input must be good before a latch on it clears by itself."""

TRIPS_TO_HALT = 3
"""The trip within 24 h, of the switches that clear themselves, that halts instead."""

_Verdict = LatchRaised | LatchCleared


class SwitchRow(msgspec.Struct, frozen=True):
    """A switch as shown: tripped while a latch of it is in force, whatever it reads now."""

    key: str
    label: str
    state: ReadingState
    reading: str
    threshold: str
    since_ns: int | None
    clears: str
    evaluated_ns: int | None
    measures: tuple[Measure, ...] = ()


class Permit(msgspec.Struct, frozen=True):
    """Whether a new entry order may be sent, and why not; ``counted_as`` names the cause without figures."""

    allowed: bool
    reason: str = ""
    counted_as: str = ""


_ALLOWED = Permit(True)


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
        self._read_by(switches or every_switch(limits, quality))
        self.escalates = escalates
        self._self_clearing = frozenset(s.key for s in self._switches if s.clears_itself)
        self._readings: dict[str, Reading] = {}
        self._evaluated_ns: dict[str, int] = {}
        self._good_since: dict[str, int] = {}
        self._ends: dict[str, int] = {}

    def _read_by(self, switches: tuple[Switch, ...]) -> None:
        self._switches = switches
        self._readers = [SwitchReader(switch) for switch in switches]
        self._tick_readers = [
            reader for reader in self._readers if reader.switch.evaluated_at is EvaluatedAt.TICK
        ]
        self._objected_to: RiskView | None = None
        self._objected: list[tuple[Switch, Reading]] = []

    def evaluate(
        self, view: RiskView, latches: Latches, at: EvaluatedAt = EvaluatedAt.SCAN
    ) -> list[_Verdict]:
        """Read the switches that are due; the caller journals the events and applies them to the latches."""
        events: list[_Verdict] = []
        now_ns, monotonic_ns = view.now_ns, view.monotonic_ns
        latched = {latch.name for latch in latches.active}
        for reader in self._readers if at is EvaluatedAt.SCAN else self._tick_readers:
            key = reader.key
            reading = self._readings[key] = reader.read(view)
            self._evaluated_ns[key] = now_ns
            if not reader.is_good:
                self._good_since.pop(key, None)
            elif monotonic_ns is not None:
                self._good_since.setdefault(key, monotonic_ns)
            if reader.objects or key in latched:
                events += self._judge(reader.switch, reading, view, latches)
        return events

    def change_limits(self, limits: RiskSettings, quality: QualitySettings) -> None:
        """Judge by other thresholds; what was read stays until the next reading."""
        self._read_by(every_switch(limits, quality))

    def trips_within_day(self, latches: Latches, now_ns: int) -> int:
        """How often switches that clear themselves have tripped, as far as it counts."""
        return latches.trips(self._self_clearing, now_ns)

    def step_clock(self, step_ns: int) -> None:
        """The wall clock stepped: what was read keeps its age."""
        for key in self._evaluated_ns:
            self._evaluated_ns[key] += step_ns

    def rows(self, latches: Latches) -> tuple[SwitchRow, ...]:
        """Every switch with its last reading."""
        return tuple(self._row(switch, latches.named(switch.key)) for switch in self._switches)

    def permit(
        self, view: RiskView, latches: Latches, ticker: Ticker = "", group: str = "", series_ticker: str = ""
    ) -> Permit:
        """A new entry is allowed only while no latch holds for it and every switch reads well now."""
        scopes = scopes_of(ticker, group, series_ticker)
        for latch in latches.active:
            if latch.scope in scopes and latch.level is not TradingState.RUNNING:
                level = latch.level.name.replace("_", " ").lower()
                return Permit(False, f"{level}: {latch.reason}", f"{level} by {latch.name}")
        for switch, reading in self._objections(view):
            if reading.state is ReadingState.UNKNOWN:
                return Permit(False, f"{switch.label} is unknown", f"{switch.label} is unknown")
            for trip in trips_of(reading):
                if trip.scope in scopes:
                    return Permit(False, trip.reason, f"tripped by {switch.label}")
        return _ALLOWED

    def _objections(self, view: RiskView) -> list[tuple[Switch, Reading]]:
        """The switches that are unknown or trip for anything, read once for all markets of a view."""
        if self._objected_to is not view:
            readings = [(reader, reader.read(view)) for reader in self._readers]
            self._objected = [(reader.switch, reading) for reader, reading in readings if reader.objects]
            self._objected_to = view
        return self._objected

    def resume_refusal(self, latch: str, view: RiskView, latches: Latches) -> str | None:
        """Why the latch of this id may not be cleared now, or None when it may."""
        known = latches.get(latch)
        if known is None:
            return f"no latch named {latch!r} is in force"
        for switch in self._switches:
            if switch.key == known.name and not switch.resets_on_resume:
                reading = read_switch(switch, view)
                if reading.state is ReadingState.UNKNOWN:
                    return f"{switch.label} is unknown"
                return next((trip.reason for trip in trips_of(reading) if trip.scope == known.scope), None)
        return None

    def _judge(
        self, switch: Switch, reading: Reading, view: RiskView, latches: Latches
    ) -> Iterator[_Verdict]:
        for trip in trips_of(reading):
            raised = self._raise(switch, trip, latches, view)
            if raised is not None:
                yield raised
        for latch in latches.named(switch.key):
            reason = self._end_of(switch, latch, view)
            if reason is not None:
                yield LatchCleared(
                    at_ns=view.now_ns, name=latch.name, reason=reason, source=RISK_SOURCE, scope=latch.scope
                )

    def _raise(
        self, switch: Switch, trip: ScopedTrip, latches: Latches, view: RiskView
    ) -> LatchRaised | None:
        known = latches.get(latch_id(switch.key, trip.scope))
        level, reason = trip.level or switch.level, trip.reason
        if known is not None and known.level >= level:
            return None
        if switch.clears_itself and self.escalates:
            trips = self.trips_within_day(latches, view.now_ns) + 1
            level, reason = at_trip(trips, level, reason)
        until_ns = None
        if switch.lasts_ns is not None:
            until_ns = view.now_ns + switch.lasts_ns
            self._ends.pop(switch.key, None)
            self._note_end(switch.key, until_ns, view)
        return LatchRaised(
            at_ns=view.now_ns,
            name=switch.key,
            level=level,
            reason=reason,
            source=RISK_SOURCE,
            scope=trip.scope,
            until_ns=until_ns,
        )

    def _note_end(self, key: str, until_ns: int, view: RiskView) -> None:
        if view.monotonic_ns is not None:
            self._ends.setdefault(key, view.monotonic_ns + max(0, until_ns - view.now_ns))

    def _end_of(self, switch: Switch, latch: Latch, view: RiskView) -> str | None:
        """Why a latch ends by itself now; None while it does not.

        A pause of a set length ends when the wall clock says so and as much time has really passed as was
        left when this process first saw it by a good clock, so that one set forward does not shorten it.
        """
        if switch.is_over(latch.scope, view):
            return "its markets are over"
        if view.monotonic_ns is None or latch.level > switch.level:
            return None
        if latch.until_ns is not None:
            if self._is_clock_wrong(view):
                return None
            self._note_end(switch.key, latch.until_ns, view)
            over = view.now_ns >= latch.until_ns and view.monotonic_ns >= self._ends[switch.key]
            return "its time is up" if over else None
        good_since = self._good_since.get(switch.key)
        if not switch.clears_itself or good_since is None:
            return None
        return "its input was good for 5 s" if view.monotonic_ns - good_since >= GOOD_FOR_NS else None

    def _is_clock_wrong(self, view: RiskView) -> bool:
        clocks = (switch for switch in self._switches if switch.key == CLOCK_SKEW)
        return any(read_switch(clock, view).state is ReadingState.TRIPPED for clock in clocks)

    def _row(self, switch: Switch, latches: tuple[Latch, ...]) -> SwitchRow:
        reading = self._readings.get(switch.key) or Reading(ReadingState.UNKNOWN, "n/a", "n/a")
        escalated = any(latch.level > switch.level for latch in latches)
        return SwitchRow(
            key=switch.key,
            label=switch.label,
            state=ReadingState.TRIPPED if latches else reading.state,
            reading=reading.text,
            threshold=reading.threshold,
            since_ns=min((latch.since_ns for latch in latches), default=None),
            clears="operator, with good data" if escalated else switch.clears,
            evaluated_ns=self._evaluated_ns.get(switch.key),
            measures=reading.measures,
        )


def at_trip(number: int, level: TradingState, reason: str) -> tuple[TradingState, str]:
    """What this trip within 24 h, of the switches that clear themselves, leads to, and why."""
    if number >= TRIPS_TO_HALT:
        return TradingState.HALTED, f"{reason}; trip {number} within 24 h"
    return level, reason
