"""The way of one event: to the core, its records to the journal, and only then its actions out."""

from __future__ import annotations

from collections.abc import Callable

from console.domain.actions import Action, Append
from console.domain.engine_events import ClockTicked, JournalFailed
from console.domain.events import EngineEvent, JournaledEvent
from console.engine.clock_watch import ClockWatch
from console.engine.core import Engine
from console.engine.crash_points import crash_point
from console.engine.event_log import log_events
from console.engine.journal import JournalError
from console.engine.mark_out_watch import MarkOutWatch
from console.engine.outside import Outside


class EventPath:
    """Takes one event after the other; ``perform`` carries an action out, ``clock_stepped`` is told first.

    ``beat_ns`` is when the newest event was through, by the steady clock.
    """

    def __init__(
        self,
        engine: Engine,
        outside: Outside,
        *,
        perform: Callable[[Action], None],
        clock_stepped: Callable[[], None],
    ) -> None:
        self.beat_ns = outside.monotonic_ns()
        self._engine = engine
        self._out = outside
        self._perform = perform
        self._clock_stepped = clock_stepped
        self._clock_watch = ClockWatch()
        self._mark_outs = MarkOutWatch(engine.markets)

    def take(self, event: EngineEvent) -> None:
        """Take one event, before it a step of the wall clock since the one before; raises JournalError."""
        wall_ns, monotonic_ns = self._out.wall_ns(), self._out.monotonic_ns()
        if self._clock_watch.step_ns(wall_ns, monotonic_ns):
            self._clock_stepped()
            self._take(ClockTicked(at_ns=wall_ns, monotonic_ns=monotonic_ns))
        self._take(event)

    def _take(self, event: EngineEvent) -> None:
        self._out.hear(event)
        if event.at_ns >= self._mark_outs.due_ns:
            self._out.watch(self._mark_outs.seen(event.at_ns))
        try:
            actions = self._engine.handle(event)
            records = [action.record for action in actions if isinstance(action, Append)]
            if records:
                self._write(records)
            for action in actions:
                self._perform(action)
        except Exception:
            # The engine is about to end; until it has, nothing more may leave.
            self._out.gate.close()
            raise
        self.beat_ns = self._out.monotonic_ns()

    def _write(self, records: list[JournaledEvent]) -> None:
        """Have records on disk; the core learns of a failure before that ends the engine, to show it."""
        _pass_each(records, "before commit")
        try:
            self._out.journal.append(records)
        except JournalError as error:
            self._engine.handle(JournalFailed(at_ns=self._out.wall_ns(), reason=str(error)))
            raise
        _pass_each(records, "committed")
        self._out.watch(records)
        self._mark_outs.follow(records)
        log_events(records)


def _pass_each(records: list[JournaledEvent], where: str) -> None:
    for record in records:
        crash_point(f"{type(record).__name__}: {where}")
