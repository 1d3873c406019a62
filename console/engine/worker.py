"""The engine's own thread, seen from outside: started, watched, commanded and stopped."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading

from console.config.redaction import error_text
from console.domain.actions import Alert, AlertLevel
from console.domain.commands import Halt, OperatorCommand
from console.domain.ports import VenueError
from console.engine.crash_points import crash_point
from console.engine.engine_run import EngineRun
from console.engine.halt_view import HaltPhase, HaltView
from console.engine.heartbeats import Beat
from console.engine.journal import JournalError
from console.engine.plan import Plan
from console.engine.run_file import RunFileError
from console.engine.snapshot import Snapshot
from console.monitoring.alerts import Condition
from console.monitoring.responses import ENGINE_ENDED

log = logging.getLogger(__name__)


HALT_PATIENCE_S = 5.0
"""How long the end of a run waits for a halt to be confirmed."""


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
        self._run = EngineRun(plan)
        self._failure: EngineFailedError | None = None
        self._stopping = threading.Lock()
        self._is_stopped = False
        self._left: int | None = None
        # A daemon, so that one that hangs cannot keep the process alive after ``stop``.
        self._thread = threading.Thread(target=self._carry, name="engine", daemon=True)

    # --- the handle ---------------------------------------------------------------------------------

    def snapshot(self) -> Snapshot | None:
        return self._run.snapshot

    def heartbeat_age_ns(self) -> int:
        loop = self._run.loop
        return 0 if loop is None else max(0, self._plan.monotonic_ns() - loop.event_path.beat_ns)

    def failure(self) -> str | None:
        if self._failure is None:
            return None
        refused = self._run.halter.file_error
        unkept = f"; no halt file could be written ({refused}), so the next start is not halted"
        return f"{self._failure}{unkept if refused else ''}"

    def outage(self) -> str | None:
        return self._plan.outage()

    def note_screen(self) -> None:
        if self._plan.guard is not None:
            self._plan.guard.beat(Beat.SCREEN)

    def send(self, command: OperatorCommand) -> None:
        """Queue a command; one sent to an engine that has ended is lost, and ``failure`` says why."""
        loop = self._run.loop
        if loop is not None:
            self._run.call_soon(lambda: loop.take_command(command))

    def note_error(self, source: str, message: str) -> None:
        """Have the engine tell and count a failure that happened beside it."""
        loop = self._run.loop
        if loop is not None:
            self._run.call_soon(lambda: loop.take_error(source, message))

    def notice(self, condition: Condition, text: str) -> None:
        """Have the engine tell what somebody beside it noticed, without counting an error."""
        loop = self._run.loop
        if loop is not None:
            self._run.call_soon(lambda: loop.take_notice(condition.kind, text))

    def halt(self, reason: str) -> None:
        self._run.halter.request(reason)
        self.send(Halt(at_ns=self._plan.wall_ns(), reason=reason))

    def halt_view(self) -> HaltView:
        return self._run.halter.view

    def wait_halted(self, timeout_s: float) -> bool:
        """Wait until the newest halt is confirmed by the exchange; False when time ran out first."""
        return self._run.halter.wait_confirmed(timeout_s)

    def resume_refusal(self, latch: str) -> str | None:
        snapshot = self._run.snapshot
        if snapshot is None or self._failure is not None:
            return "the engine is not running"
        found = next((view for view in snapshot.latches if view.id == latch), None)
        return f"no latch named {latch!r} is in force" if found is None else found.refusal

    # --- its life -----------------------------------------------------------------------------------

    def start(self, timeout_s: float) -> None:
        """Start the thread and wait until the account was read; raises EngineFailedError."""
        self._thread.start()
        if not self._run.started.wait(timeout_s):
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
        run = self._run
        run.end(cancel_resting=cancel_resting)
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        if self._thread.is_alive() and cancel_resting:
            self._run.halter.request(f"the engine did not end within {timeout_s:.0f} s")
        self._run.halter.stop(halt_patience_s if cancel_resting else 0)
        halt = self._run.halter.view
        if halt.phase is not HaltPhase.IDLE:
            return 0 if halt.phase is HaltPhase.CONFIRMED else halt.resting or None
        return run.loop.left_resting if run.loop is not None else None

    def _close_record(self, cancel_resting: bool) -> None:
        """Let the run file say how the run ended; it stays as it is where orders of ours may rest."""
        record = self._run.record
        if record is None or self._thread.is_alive():
            return
        try:
            if self._run.snapshot is None:
                record.abandon()
            elif self._left == 0:
                record.remove()
                crash_point("shutdown: run file removed")
            elif not cancel_resting and self._failure is None:
                record.leave()
        except RunFileError as error:
            log.error("%s", error)

    def _carry(self) -> None:
        # Shorter than the default 5 ms, so that a busy engine does not delay the operator's keys.
        sys.setswitchinterval(0.001)
        try:
            asyncio.run(self._run.carry())
        except Exception as error:  # noqa: BLE001 - whatever ended the engine must be told and halt it
            self._fail(error)
        finally:
            self._run.started.set()

    def _fail(self, error: BaseException) -> None:
        cause = _first_cause(error)
        if isinstance(cause, VenueError | JournalError | RunFileError):
            message = str(cause)
        else:
            message = f"the engine failed: {error_text(cause)}"
            log.critical("the engine failed", exc_info=cause)
        self._run.gate.close()
        was_trading = self._run.started.is_set()
        self._failure = EngineFailedError(message, unsafe=isinstance(cause, JournalError))
        if was_trading:
            self._run.halter.request(message)
            # The core, which tells everything else, is no more.
            self._plan.tell(Alert(0, self._plan.wall_ns(), AlertLevel.CRITICAL, message, ENGINE_ENDED))
        if self._plan.guard is not None:
            self._plan.guard.stand_down(Beat.ENGINE)


def _first_cause(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
