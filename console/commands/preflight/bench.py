"""What checks share: the settings in force, the recording, and a practice exchange to try things on."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from contextlib import ExitStack
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from console.app import EngineFailedError, Launch, PracticeFailedError
from console.app.metrics import metrics_folder
from console.commands.common import folder_of, home_of
from console.commands.errors import UserError
from console.commands.preflight import endings, limits, operation, system
from console.commands.preflight.arena import HURRIED, PATIENT, Arena, TimeUpError, open_arena
from console.commands.preflight.exercises import EXERCISES, exercise
from console.commands.preflight.halts import exercise_gate, exercise_resume, exercise_rounds
from console.commands.preflight.outcome import Outcome, failed, passed
from console.commands.preflight.outputs import exercise_alert, exercise_exports
from console.commands.preflight.session import Session, session
from console.commands.preflight.switch_limits import WrongLimitError, check_limits
from console.config.errors import ConfigError, LockHeldError
from console.config.load import Loaded
from console.config.redaction import error_text
from console.domain.ports import VenueError
from console.engine.journal import JournalError
from console.exchange.hosts import DEMO, LIVE, read_connection
from console.history.schema import HistoryError
from console.monitoring.checklist import SWITCH, Item
from console.monitoring.preflight_record import Finding

if TYPE_CHECKING:
    from console.commands.preflight.recorded import Recorded

Check = Callable[["Bench"], Outcome]

_IN_SENTENCES = (
    VenueError,
    JournalError,
    UserError,
    ConfigError,
    LockHeldError,
    HistoryError,
    EngineFailedError,
    PracticeFailedError,
    TimeUpError,
    WrongLimitError,
    OSError,
)
"""Their texts are for the operator; any other failure is one of the check itself."""


class Bench:
    """For one run of the checks; ``stack`` ends what they have started."""

    def __init__(
        self,
        arguments: argparse.Namespace,
        loaded: Loaded,
        stack: ExitStack,
        found_before: Callable[[str], Finding | None],
    ) -> None:
        self.environment = arguments.env
        self.settings = loaded.settings
        self.home = home_of(arguments)
        self.folder = folder_of(arguments)
        self.found_before = found_before
        self._arguments = arguments
        self._stack = stack
        self._session: ExitStack | None = None
        self._running: Session | None = None
        self._sessions = 0

    def check(self, item: Item) -> Outcome:
        """Check one item; a check that cannot be made has failed, and says why."""
        try:
            return CHECKS[item.id](self)
        except _IN_SENTENCES as error:
            return failed(str(error))
        except Exception as error:  # noqa: BLE001 - told as the item's failure
            return failed(f"the check itself failed: {error_text(error)}")

    @cached_property
    def recorded(self) -> Recorded:
        # It brings numpy and pyarrow, which most checks need not wait for.
        from console.commands.preflight.recorded import Recorded

        return Recorded(self._arguments, self.settings, self.home)

    @cached_property
    def arena(self) -> Arena:
        return self._stack.enter_context(open_arena(HURRIED))

    def idle_arena(self) -> Arena:
        """The exchange with no engine of this process on its account."""
        self.end_session()
        return self.arena

    def recovery(self) -> str:
        """On an exchange of its own, where an order lasts until a guard on a busy machine has seen to it."""
        self.end_session()
        with open_arena(PATIENT) as arena:
            return endings.recovery(arena)

    def running(self) -> Session:
        """An engine on that exchange, started where there is none."""
        if self._running is None:
            self._sessions += 1
            # The exchange first, so that it ends last.
            arena = self.arena
            self._session = self._stack.enter_context(ExitStack())
            self._running = self._session.enter_context(session(arena, f"switches-{self._sessions}"))
        return self._running

    def end_session(self) -> None:
        self._running = None
        if self._session is not None:
            self._session.close()

    def exercised(self, done: Callable[[Session], str]) -> Outcome:
        """What an exercise of a running engine found; one that failed is not gone on with."""
        try:
            return passed(done(self.running()))
        except BaseException:
            self.end_session()
            raise

    @property
    def rest(self) -> str:
        """Where the exchange of the environment answers."""
        if self.environment == "practice":
            return read_connection(self.arena.line).rest
        return (DEMO if self.environment == "demo" else LIVE).rest

    @property
    def launch(self) -> Launch:
        """The environment as it would be run."""
        return Launch(self.environment, self.settings, self.folder)


def _on_recording(name: str) -> Check:
    def check(bench: Bench) -> Outcome:
        from console.commands.preflight.recorded_checks import CHECKS as RECORDED

        evidence, before = bench.recorded.evidence, bench.found_before(name)
        if before is not None and before.evidence == evidence:
            return Outcome(before.passed, before.detail, evidence)
        return msgspec.structs.replace(RECORDED[name](bench.recorded), evidence=evidence)

    return check


def _switch(key: str) -> Check:
    """By the limits of the settings in force, then in an engine in which it trips sooner."""

    def check(bench: Bench) -> Outcome:
        limits = check_limits(key, bench.settings)
        found = bench.exercised(lambda running: exercise(key, running))
        return passed(f"{found.detail}; keeps the limits in force: {limits}") if limits else found

    return check


def _and_exercised(first: Check, done: Callable[[Session], str]) -> Check:
    """What is checked as it would be run, and once that has passed in a running engine."""

    def check(bench: Bench) -> Outcome:
        found = first(bench)
        return passed(f"{found.detail}; {bench.exercised(done).detail}") if found.passed else found

    return check


RECORDED_IDS = (
    "data_coverage",
    "backtest",
    "edge_after_fees",
    "thresholds",
    "walk_forward",
    "lookahead",
    "expectations",
    "groups",
)


def _of_settings(name: str) -> Check:
    return lambda bench: limits.CHECKS[name](bench.settings)


CHECKS: dict[str, Check] = {
    **{name: _on_recording(name) for name in RECORDED_IDS},
    **{name: _of_settings(name) for name in limits.CHECKS},
    **{f"{SWITCH}{key}": _switch(key) for key in EXERCISES},
    f"{SWITCH}journal": lambda bench: passed(endings.journal_failure(bench.idle_arena())),
    "manual_resume": lambda bench: bench.exercised(exercise_resume),
    "halt_rounds": lambda bench: bench.exercised(exercise_rounds),
    "gate": lambda bench: bench.exercised(exercise_gate),
    "export_folder": _and_exercised(
        lambda bench: system.export_folder(metrics_folder(bench.launch)), exercise_exports
    ),
    "logging": lambda bench: system.logging_works(bench.launch),
    "alerts": _and_exercised(lambda bench: system.alerts(bench.settings, bench.environment), exercise_alert),
    "clock": lambda bench: system.clock(bench.rest, bench.settings),
    "shutdown": lambda bench: passed(endings.shutdown(bench.idle_arena())),
    "recovery": lambda bench: passed(bench.recovery()),
    "demo_first": lambda bench: operation.demo_first(bench.home.environment("demo").journal),
    "demo_week": lambda bench: operation.demo_week(bench.home.environment("demo").journal),
    "metrics_logged": lambda bench: operation.metrics_logged(metrics_folder(bench.launch)),
}
"""How each item is checked that is not asked."""
