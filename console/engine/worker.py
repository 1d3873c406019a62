"""The engine's own thread, seen from outside: started, watched, commanded and stopped."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from console.config.redaction import error_text
from console.config.schema import Settings
from console.domain.actions import Alert, AlertLevel
from console.domain.commands import Halt, OperatorCommand
from console.domain.events import EngineEvent
from console.domain.order import OrderReport
from console.domain.ports import Clock, Feed, HaltLine, Universe, Venue, VenueError
from console.engine.backup import Backups
from console.engine.core import Engine
from console.engine.crash_points import crash_point
from console.engine.gate import Gate, Sentinel
from console.engine.guard import Guard
from console.engine.halter import Halter
from console.engine.heartbeats import Beat
from console.engine.journal import Journal, JournalError
from console.engine.loop import EngineLoop
from console.engine.outside import Outside, Watched, heard_by_nobody, tell_nobody, watched_by_nobody
from console.engine.overrides import Overrides
from console.engine.picture import Environment, Painter, Surroundings
from console.engine.rebuild import client_id_prefix, note_start, rebuild
from console.engine.run_file import RunFileError, RunRecord
from console.engine.snapshot import DeliveryView, HaltPhase, HaltView, Snapshot
from console.monitoring.alerts import Condition
from console.monitoring.responses import ENGINE_ENDED
from console.risk.manager import RiskManager
from console.strategies.base import Strategy

log = logging.getLogger(__name__)

PUBLISH_S = 0.1
HALT_PATIENCE_S = 5.0
"""How long the end of a run waits for a halt to be confirmed."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What an engine trades, with what and where; the callables are called in the engine's thread."""

    environment: Environment
    dry_run: bool
    account_name: str
    notes: tuple[str, ...]
    settings: Settings
    universe: Universe
    arms_itself: bool
    journal: Path
    sentinel: Path
    make_strategy: Callable[[Settings], Strategy]
    make_risk: Callable[[], RiskManager]
    make_venue: Callable[[Gate], Venue]
    make_feed: Callable[[Venue], Feed]
    make_halt_line: Callable[[], HaltLine]
    wall_ns: Clock
    monotonic_ns: Clock
    outage: Callable[[], str | None] = lambda: None
    log_lines_lost: Callable[[], int] = lambda: 0
    open_record: Callable[[str], RunRecord] | None = None
    guard: Guard | None = None
    backups: Backups | None = None
    overrides: Overrides | None = None
    watch: Callable[[Sequence[Watched]], None] = watched_by_nobody
    hear: Callable[[EngineEvent], None] = heard_by_nobody
    tell: Callable[[Alert], None] = tell_nobody
    deliveries: Callable[[], tuple[DeliveryView, ...]] = tuple


class EngineFailedError(Exception):
    """The engine could not start or ended by itself; the text is one sentence for the operator."""

    def __init__(self, message: str, *, unsafe: bool = False) -> None:
        super().__init__(message)
        self.unsafe = unsafe
        """Refused for safety: the journal cannot be trusted."""


class EngineWorker:
    """A running engine as an EngineHandle."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._sentinel = Sentinel(plan.sentinel)
        self._gate = Gate(self._sentinel)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._engine_loop: EngineLoop | None = None
        self._snapshot: Snapshot | None = None
        self._started = threading.Event()
        self._failure: EngineFailedError | None = None
        self._prefix = ""
        self._record: RunRecord | None = None
        self._has_traded = False
        self._halter = Halter(
            self._gate,
            self._sentinel,
            plan.make_halt_line,
            groups=self._groups,
            is_ours=self._is_ours,
            wall_ns=plan.wall_ns,
        )
        self._stopping = threading.Lock()
        self._is_stopped = False
        self._is_ending = threading.Event()
        self._left: int | None = None
        # A daemon, so that one that hangs cannot keep the process alive after ``stop``.
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)

    # --- the handle ---------------------------------------------------------------------------------

    def snapshot(self) -> Snapshot | None:
        return self._snapshot

    def heartbeat_age_ns(self) -> int:
        loop = self._engine_loop
        return 0 if loop is None else max(0, self._plan.monotonic_ns() - loop.beat_ns)

    def failure(self) -> str | None:
        if self._failure is None:
            return None
        refused = self._halter.file_error
        unkept = f"; no halt file could be written ({refused}), so the next start is not halted"
        return f"{self._failure}{unkept if refused else ''}"

    def outage(self) -> str | None:
        return self._plan.outage()

    def note_screen(self) -> None:
        if self._plan.guard is not None:
            self._plan.guard.beat(Beat.SCREEN)

    def send(self, command: OperatorCommand) -> None:
        """Queue a command; one sent to an engine that has ended is lost, and ``failure`` says why."""
        engine_loop = self._engine_loop
        if engine_loop is not None:
            self._call_soon(lambda: engine_loop.take_command(command))

    def note_error(self, source: str, message: str) -> None:
        """Have the engine tell and count a failure that happened beside it."""
        engine_loop = self._engine_loop
        if engine_loop is not None:
            self._call_soon(lambda: engine_loop.take_error(source, message))

    def notice(self, condition: Condition, text: str) -> None:
        """Have the engine tell what somebody beside it noticed, without counting an error."""
        engine_loop = self._engine_loop
        if engine_loop is not None:
            self._call_soon(lambda: engine_loop.take_notice(condition.kind, text))

    def _call_soon(self, call: Callable[[], None]) -> None:
        """Have the engine's thread call, unless it has ended."""
        # The loop may close between a look at it and the call.
        with contextlib.suppress(RuntimeError):
            if self._loop is not None:
                self._loop.call_soon_threadsafe(call)

    def halt(self, reason: str) -> None:
        self._halter.request(reason)
        self.send(Halt(at_ns=self._plan.wall_ns(), reason=reason))

    def halt_view(self) -> HaltView:
        return self._halter.view

    def wait_halted(self, timeout_s: float) -> bool:
        """Wait until the newest halt is confirmed by the exchange; False when time ran out first."""
        return self._halter.wait_confirmed(timeout_s)

    def resume_refusal(self, latch: str) -> str | None:
        snapshot = self._snapshot
        if snapshot is None or self._failure is not None:
            return "the engine is not running"
        found = next((view for view in snapshot.latches if view.id == latch), None)
        return f"no latch named {latch!r} is in force" if found is None else found.refusal

    # --- its life -----------------------------------------------------------------------------------

    def start(self, timeout_s: float) -> None:
        """Start the thread and wait until the account was read; raises EngineFailedError."""
        self._thread.start()
        if not self._started.wait(timeout_s):
            raise EngineFailedError(f"the engine did not start within {timeout_s:.0f} s")
        if self._failure is not None:
            raise self._failure

    def stop(
        self, *, cancel_resting: bool, timeout_s: float = 15, halt_patience_s: float = HALT_PATIENCE_S
    ) -> int | None:
        """End the thread; how many of our orders still rest, None if that is not known.

        With ``cancel_resting=False`` orders stay at the exchange until they expire. The halt thread cancels
        for an engine that failed or does not end. A second call waits for the first and returns the same.
        """
        with self._stopping:
            if not self._is_stopped:
                if self._plan.guard is not None:
                    self._plan.guard.tell_ending()
                self._left = self._stop(cancel_resting, timeout_s, halt_patience_s)
                self._is_stopped = True
                self._close_record(cancel_resting)
            return self._left

    def _stop(self, cancel_resting: bool, timeout_s: float, halt_patience_s: float) -> int | None:
        self._is_ending.set()
        engine_loop = self._engine_loop
        if engine_loop is not None and self._thread.is_alive():
            engine_loop.cancel_at_stop = cancel_resting
            self._call_soon(engine_loop.stopping.set)
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        if self._thread.is_alive() and cancel_resting:
            self._halter.request(f"the engine did not end within {timeout_s:.0f} s")
        self._halter.stop(halt_patience_s if cancel_resting else 0)
        halt = self._halter.view
        if halt.phase is not HaltPhase.IDLE:
            return 0 if halt.phase is HaltPhase.CONFIRMED else halt.resting or None
        return engine_loop.left_resting if engine_loop is not None else None

    def _close_record(self, cancel_resting: bool) -> None:
        """Let the run file say how the run ended; it stays as it is where orders of ours may rest."""
        record = self._record
        if record is None or self._thread.is_alive():
            return
        try:
            if not self._has_traded:
                record.abandon()
            elif self._left == 0:
                record.remove()
                crash_point("shutdown: run file removed")
            elif not cancel_resting and self._failure is None:
                record.leave()
        except RunFileError as error:
            log.error("%s", error)

    def _run(self) -> None:
        # Shorter than the default 5 ms, so that a busy engine does not delay the operator's keys.
        sys.setswitchinterval(0.001)
        try:
            asyncio.run(self._main())
        except Exception as error:  # noqa: BLE001 - whatever ended the engine must be told and halt it
            self._fail(error)
        finally:
            self._started.set()

    def _fail(self, error: BaseException) -> None:
        cause = _first_cause(error)
        if isinstance(cause, VenueError | JournalError | RunFileError):
            message = str(cause)
        else:
            message = f"the engine failed: {error_text(cause)}"
            log.critical("the engine failed", exc_info=cause)
        self._gate.close()
        was_trading = self._started.is_set()
        self._failure = EngineFailedError(message, unsafe=isinstance(cause, JournalError))
        if was_trading:
            self._halter.request(message)
            # The core, which tells everything else, is no more.
            self._plan.tell(Alert(0, self._plan.wall_ns(), AlertLevel.CRITICAL, message, ENGINE_ENDED))
        if self._plan.guard is not None:
            self._plan.guard.stand_down(Beat.ENGINE)

    async def _main(self) -> None:
        plan = self._plan
        self._loop = asyncio.get_running_loop()
        journal = Journal(plan.journal)
        try:
            self._prefix = client_id_prefix(journal)
            engine = rebuild(journal, plan.settings, plan.make_strategy, plan.make_risk(), plan.watch)
            note_start(journal, plan.settings, plan.wall_ns())
            if plan.open_record is not None:
                self._record = plan.open_record(self._prefix)
            venue = plan.make_venue(self._gate)
            feed = plan.make_feed(venue)
            outside = Outside(
                journal=journal,
                venue=venue,
                feed=feed,
                gate=self._gate,
                sentinel=self._sentinel,
                halter=self._halter,
                wall_ns=plan.wall_ns,
                monotonic_ns=plan.monotonic_ns,
                account_name=plan.account_name,
                universe=plan.universe,
                arms_itself=plan.arms_itself,
                record=self._record,
                backups=plan.backups,
                guard=plan.guard,
                overrides=plan.overrides,
                watch=plan.watch,
                hear=plan.hear,
                tell=plan.tell,
                disk_free=lambda: _disk(plan.journal)[0],
            )
            self._engine_loop = EngineLoop(engine, outside, plan.settings)
            if self._is_ending.is_set():
                self._engine_loop.stopping.set()
            painter = Painter()
            try:
                await self._engine_loop.run(lambda: self._publish(engine, painter), PUBLISH_S)
            finally:
                if self._started.is_set():
                    self._publish(engine, painter)
                await venue.close()
        finally:
            crash_point("shutdown: before checkpoint")
            journal.close()
            crash_point("shutdown: journal closed")

    def _publish(self, engine: Engine, painter: Painter) -> None:
        loop = self._engine_loop
        if loop is None:
            return
        around = Surroundings(
            self._plan.environment,
            self._plan.dry_run,
            self._plan.notes,
            loop.connected,
            loop.order_round_trip_ns,
            self._plan.log_lines_lost(),
            loop.tokens,
            *_disk(self._plan.journal),
            loop.unkept_settings,
            self._plan.deliveries(),
        )
        self._snapshot = painter.take(engine, self._plan.wall_ns(), around)
        loop.beat_ns = self._plan.monotonic_ns()
        self._has_traded = True
        self._started.set()

    # --- for the halt thread ------------------------------------------------------------------------

    def _groups(self) -> Mapping[int, str]:
        loop = self._engine_loop
        return {} if loop is None else dict(loop.engine.group_ids)

    def _is_ours(self, report: OrderReport) -> bool:
        """Every order made from this journal, in this run or an earlier one.

        Raises LookupError while the journal is not read.
        """
        if not self._prefix:
            raise LookupError("the journal is not read yet, so which orders are ours is not known")
        return report.client_order_id.startswith(self._prefix)


def _first_cause(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _disk(journal: Path) -> tuple[int | None, int | None]:
    """Bytes that are free where the journal is, and its own; None where the disk does not say."""
    try:
        beside = os.statvfs(journal.parent)
        return beside.f_bavail * beside.f_frsize, journal.stat().st_size
    except OSError:
        return None, None
