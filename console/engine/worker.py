"""The engine's own thread, seen from outside: started, watched, commanded and stopped."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from console.config.schema import Settings
from console.domain.events import Halt, OperatorCommand
from console.domain.order import OrderReport
from console.domain.ports import Clock, Feed, HaltLine, Universe, Venue, VenueError
from console.engine.core import Engine
from console.engine.gate import Gate, Sentinel
from console.engine.halter import Halter
from console.engine.journal import Journal, JournalError
from console.engine.loop import EngineLoop
from console.engine.outside import Outside
from console.engine.picture import Environment, Painter, Surroundings
from console.engine.rebuild import client_id_prefix, rebuild
from console.engine.snapshot import HaltPhase, HaltView, Snapshot
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
    make_strategy: Callable[[], Strategy]
    make_risk: Callable[[], RiskManager]
    make_venue: Callable[[Gate], Venue]
    make_feed: Callable[[Venue], Feed]
    make_halt_line: Callable[[], HaltLine]
    wall_ns: Clock
    monotonic_ns: Clock
    outage: Callable[[], str | None] = lambda: None


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
        self._gate = Gate()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._engine_loop: EngineLoop | None = None
        self._snapshot: Snapshot | None = None
        self._started = threading.Event()
        self._failure: EngineFailedError | None = None
        self._prefix = ""
        self._sentinel = Sentinel(plan.sentinel)
        self._halter = Halter(
            self._gate,
            self._sentinel,
            plan.make_halt_line,
            groups=self._groups,
            is_ours=self._is_ours,
            wall_ns=plan.wall_ns,
        )
        # A daemon, so that one that hangs cannot keep the process alive after ``stop``.
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)

    # --- the handle ---------------------------------------------------------------------------------

    def snapshot(self) -> Snapshot | None:
        return self._snapshot

    def heartbeat_age_ns(self) -> int:
        loop = self._engine_loop
        return 0 if loop is None else max(0, self._plan.monotonic_ns() - loop.beat_ns)

    def failure(self) -> str | None:
        return None if self._failure is None else str(self._failure)

    def outage(self) -> str | None:
        return self._plan.outage()

    def send(self, command: OperatorCommand) -> None:
        """Queue a command; one sent to an engine that has ended is lost, and ``failure`` says why."""
        engine_loop = self._engine_loop
        if engine_loop is not None:
            self._call_soon(lambda: engine_loop.take_command(command))

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

    def stop(self, *, cancel_resting: bool, timeout_s: float = 15) -> int | None:
        """End the thread; how many of our orders still rest, None if that is not known.

        With ``cancel_resting=False`` orders stay at the exchange until they expire. The halt thread cancels
        for an engine that failed or does not end.
        """
        engine_loop = self._engine_loop
        if engine_loop is not None and self._thread.is_alive():
            engine_loop.cancel_at_stop = cancel_resting
            self._call_soon(engine_loop.stopping.set)
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        if self._thread.is_alive() and cancel_resting:
            self._halter.request(f"the engine did not end within {timeout_s:.0f} s")
        self._halter.stop(HALT_PATIENCE_S if cancel_resting else 0)
        halt = self._halter.view
        if halt.phase is not HaltPhase.IDLE:
            return 0 if halt.phase is HaltPhase.CONFIRMED else halt.resting or None
        return engine_loop.left_resting if engine_loop is not None else None

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
        if isinstance(cause, VenueError | JournalError):
            message = str(cause)
        else:
            message = f"the engine failed: {type(cause).__name__}: {cause}"
            log.critical("the engine failed", exc_info=cause)
        self._gate.close()
        was_trading = self._started.is_set()
        self._failure = EngineFailedError(message, unsafe=isinstance(cause, JournalError))
        if was_trading:
            self._halter.request(message)

    async def _main(self) -> None:
        plan = self._plan
        self._loop = asyncio.get_running_loop()
        journal = Journal(plan.journal)
        try:
            self._prefix = client_id_prefix(journal)
            engine = rebuild(journal, plan.settings, plan.make_strategy(), plan.make_risk())
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
            )
            self._engine_loop = EngineLoop(engine, outside, plan.settings)
            painter = Painter(plan.settings)
            try:
                await self._engine_loop.run(lambda: self._publish(engine, painter), PUBLISH_S)
            finally:
                if self._started.is_set():
                    self._publish(engine, painter)
                await venue.close()
        finally:
            journal.close()

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
        )
        self._snapshot = painter.take(engine, self._plan.wall_ns(), around)
        loop.beat_ns = self._plan.monotonic_ns()
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
