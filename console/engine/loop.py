"""What runs inside the engine's thread: events to the core, its actions to journal, gate and venue."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from console.config.errors import ConfigError
from console.config.schema import Settings
from console.domain.account_events import ClockSkewRead, OrderBecameUnknown
from console.domain.actions import (
    Action,
    Alert,
    AlertLevel,
    Append,
    BeginFlatten,
    BeginHalt,
    Cancel,
    EndFlatten,
    EndHalt,
    Submit,
)
from console.domain.commands import ChangeSettings, Halt, OperatorCommand, Resume
from console.domain.engine_events import (
    ClockTicked,
    ErrorHappened,
    GuardSeen,
    HaltProgressed,
    JournalFailed,
    KeyRefused,
    Noticed,
    TimerFired,
)
from console.domain.events import EngineEvent, JournaledEvent
from console.domain.market_events import FeedLost, FeedProved, QuoteChanged
from console.domain.ports import KeyRefusedError, Tokens, VenueError
from console.domain.trading_state import TradingState
from console.engine.account_reader import UNKNOWN_READS_S, AccountReader
from console.engine.backup import BackupError
from console.engine.clock_watch import ClockWatch
from console.engine.core import Engine
from console.engine.crash_points import crash_point
from console.engine.event_log import log_events
from console.engine.figures import figures_of
from console.engine.flattener import Flattener
from console.engine.heartbeats import Beat
from console.engine.journal import JournalError
from console.engine.mark_out_watch import MarkOutWatch
from console.engine.market_follower import MarketFollower
from console.engine.order_sender import OrderSender
from console.engine.outside import Outside
from console.engine.resumption import Resumption
from console.engine.settings_change import lost_at_start
from console.engine.snapshot import HaltPhase
from console.engine.starting import events_at_start
from console.monitoring.alert_messages import is_sent
from console.monitoring.alerts import UNKEPT, Watch
from console.monitoring.responses import SETTINGS

log = logging.getLogger(__name__)

_TICK_S = 0.5
_STATUS_S = 5.0
_RECONCILE_S = 5.0
_BACKUP_S = 600.0
_CLOSING_S = 10.0


class EngineLoop:
    """Carries one account's trading until ``stopping`` is set; every method belongs to its thread."""

    def __init__(self, engine: Engine, outside: Outside, settings: Settings) -> None:
        self.engine = engine
        self.connected = False
        self.beat_ns = outside.monotonic_ns()
        self.stopping = asyncio.Event()
        self.cancel_at_stop = True
        self.left_resting: int | None = None
        self.unkept_settings: frozenset[str] = frozenset()
        self._out = outside
        self._mark_outs = MarkOutWatch(engine.markets)
        self._settings = settings
        self._reader = AccountReader(engine, outside, self.step)
        self._reading = asyncio.Lock()
        self._sender = OrderSender(engine, outside, self.step, self._note_error)
        self._flattener = Flattener(
            engine,
            outside,
            self.step,
            reread=self._reconcile,
            told=self._note_error,
            is_stopping=self.stopping.is_set,
        )
        self._follower = MarketFollower(engine, outside, self.step)
        self._resumption = Resumption(engine, outside, self.step, self._follower.open_group)
        self._failing: dict[str, str] = {}
        self._reconcile_now = asyncio.Event()
        self._clock_watch = ClockWatch()
        self._watch = Watch()
        self._jobs: asyncio.TaskGroup

    @property
    def order_round_trip_ns(self) -> int | None:
        """How long the last order took to be answered."""
        return self._sender.round_trip_ns

    @property
    def tokens(self) -> Tokens | None:
        """What is left of the request budget."""
        return self._out.venue.tokens

    def step(self, event: EngineEvent) -> None:
        """Take one event through the core, the journal and out, in that order; raises JournalError.

        The core hears first of a wall clock that has stepped since the event before.
        """
        wall_ns, monotonic_ns = self._out.wall_ns(), self._out.monotonic_ns()
        if self._clock_watch.step_ns(wall_ns, monotonic_ns):
            self._reconcile_now.set()
            self._take(ClockTicked(at_ns=wall_ns, monotonic_ns=monotonic_ns))
        self._take(event)

    def _take(self, event: EngineEvent) -> None:
        self._out.hear(event)
        if event.at_ns >= self._mark_outs.due_ns:
            self._out.watch(self._mark_outs.seen(event.at_ns))
        try:
            actions = self.engine.handle(event)
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
            self.engine.handle(JournalFailed(at_ns=self._out.wall_ns(), reason=str(error)))
            raise
        _pass_each(records, "committed")
        self._out.watch(records)
        self._mark_outs.follow(records)
        log_events(records)

    def take_command(self, command: OperatorCommand) -> None:
        """Take what the operator wants, in a task of the loop, so that a failure ends the engine."""
        self._jobs.create_task(self._take_command(command))

    def take_error(self, source: str, message: str) -> None:
        """Tell and count what failed beside the engine."""
        self._jobs.create_task(self._take_error(source, message))

    def take_notice(self, kind: str, text: str) -> None:
        """Tell what was noticed beside the engine, and count nothing."""
        self._jobs.create_task(self._take_notice(kind, text))

    async def _take_notice(self, kind: str, text: str) -> None:
        self._notice(kind, text)

    def _notice(self, kind: str, text: str) -> None:
        self.step(Noticed(at_ns=self._out.wall_ns(), kind=kind, text=text))

    async def _take_error(self, source: str, message: str) -> None:
        self.step(ErrorHappened(at_ns=self._out.wall_ns(), source=source, message=message))

    async def _take_command(self, command: OperatorCommand) -> None:
        self._tell_halt()
        if isinstance(command, Resume):
            await self._resumption.resume(command)
        elif isinstance(command, ChangeSettings):
            self._change_settings(command)
        else:
            self.step(command)

    def _change_settings(self, command: ChangeSettings) -> None:
        """Have the core take other settings, and what it took outlive the run where that can be."""
        overrides, before = self._out.overrides, self.engine.settings
        keys = [key for key, _ in command.changes]
        refusal = None if overrides is None else overrides.refusal(keys)
        if refusal is not None:
            self._notice(SETTINGS, f"settings: not changed: {refusal}")
            return
        self.step(command)
        if self.engine.settings is before:
            return
        kept, trouble = self._keep_settings(frozenset(keys))
        self.unkept_settings = (self.unkept_settings | frozenset(keys)) - kept
        if trouble:
            self._notice(UNKEPT.kind, f"settings: changed for this run only: {trouble}")

    def _keep_settings(self, keys: frozenset[str]) -> tuple[frozenset[str], str]:
        """Write these with what could not be written before, or alone; what was, and why nothing was."""
        trouble = ""
        if self._out.overrides is None:
            return frozenset(), trouble
        for asked in (self.unkept_settings | keys, keys):
            try:
                self._out.overrides.write(self.engine.settings, asked)
            except ConfigError as error:
                trouble = str(error)
            else:
                return asked, ""
        return frozenset(), trouble

    async def run(self, publish: Callable[[], None], publish_s: float) -> None:
        """Trade until ``stopping``; an exception of any part ends all of it, in an ExceptionGroup.

        ``publish`` is called first when the account was read and is ours to trade.
        """
        settings = self._settings
        async with asyncio.TaskGroup() as jobs:
            self._jobs = jobs
            if await self._is_stopped_during(jobs.create_task(self._start())):
                return
            publish()
            follower = jobs.create_task(self._follow_feed())
            universe_s = float(settings.universe.refresh_seconds)
            repeated = [
                jobs.create_task(self._every(publish_s, _as_job(publish))),
                jobs.create_task(self._every(_TICK_S, self._tick)),
                jobs.create_task(self._every(float(settings.strategy_flb.scan_interval), self._scan)),
                jobs.create_task(self._every(universe_s, self._guarded("markets", self._follower.refresh))),
                jobs.create_task(self._every(_STATUS_S, self._guarded("status", self._read_status))),
                jobs.create_task(self._reconcile_when_due()),
                jobs.create_task(self._every(_BACKUP_S, self._back_up)),
            ]
            await self.stopping.wait()
            for job in (follower, *repeated):
                job.cancel()
            await self._out.feed.close()
            if self.cancel_at_stop:
                self.left_resting = await self._cancel_resting()

    async def _is_stopped_during(self, job: asyncio.Task[None]) -> bool:
        """Wait for a job, or give it up when ``stopping`` is set before it has ended."""
        stopping = asyncio.ensure_future(self.stopping.wait())
        try:
            await asyncio.wait((job, stopping), return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
        return job.cancel()

    async def _start(self) -> None:
        """Read the account and make it ours before anything trades; raises VenueError."""
        await self._back_up()
        if self.engine.account.name != self._out.account_name:
            await self._reader.open_account(self._out.account_name)
        latches = self.engine.account.latches
        for event in events_at_start(self._out, latches):
            self.step(event)
        lost = lost_at_start(self.engine.trade_log.edits, self.engine.settings, self._out.wall_ns())
        if lost is not None:
            self.step(lost)
        if latches.state is TradingState.HALTED:
            self._begin_halt(latches.active[0].reason)
        await self._read_status()
        await self._reader.reconcile_at_start()
        await self._follower.open_group(0)
        await self._follower.refresh()

    async def _cancel_resting(self) -> int | None:
        """Close the gate, cancel every order of ours, and count what is left; None if that is not known."""
        self._out.gate.close()
        crash_point("shutdown: gate closed")
        left = None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLOSING_S):
                left = await self._sender.cancel_resting()
                crash_point("shutdown: cancelled")
                await self._guarded("account", self._reconcile)()
        return left

    # --- actions ------------------------------------------------------------------------------------

    def _perform(self, action: Action) -> None:
        match action:
            case Submit(intent=intent):
                self._sender.submit(intent, self._jobs)
            case Cancel():
                self._jobs.create_task(self._cancel(action))
            case BeginHalt(reason=reason):
                self._begin_halt(reason)
            case EndHalt():
                self._resumption.end_halt()
            case BeginFlatten(reason=reason):
                self._jobs.create_task(self._flattener.run(self._flattener.begin(reason)))
            case EndFlatten():
                self._out.gate.close()
            case Alert(level=level, text=text):
                log.log(_LOG_LEVELS[level], "%s", text)
                if is_sent(action, self.engine.settings.monitoring):
                    self._out.tell(action)
            case Append(record=OrderBecameUnknown()):
                for after_s in UNKNOWN_READS_S:
                    asyncio.get_running_loop().call_later(after_s, self._reconcile_now.set)
            case Append():
                pass

    def _begin_halt(self, reason: str) -> None:
        if self._out.halter.view.phase is HaltPhase.IDLE:
            self._out.halter.request(reason)

    async def _cancel(self, cancel: Cancel) -> None:
        await self._sender.cancel(cancel.order_id, cancel.ticker, cancel.exchange_index)
        self._reconcile_now.set()

    # --- what runs all the time ---------------------------------------------------------------------

    async def _every(self, seconds: float, job: Callable[[], Awaitable[None]]) -> None:
        while True:
            await job()
            await asyncio.sleep(seconds)

    def _guarded(self, source: str, job: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
        """A job that goes on after a failed read, which is told once until it succeeds again."""

        async def guarded() -> None:
            try:
                await job()
            except VenueError as error:
                self._note_error(source, error)
            else:
                self._failing.pop(source, None)

        return guarded

    def _note_error(self, source: str, error: VenueError | BackupError) -> None:
        if isinstance(error, KeyRefusedError):
            self.step(KeyRefused(at_ns=self._out.wall_ns(), reason=str(error)))
        if self._failing.get(source) != str(error):
            self._failing[source] = str(error)
            self.step(ErrorHappened(at_ns=self._out.wall_ns(), source=source, message=str(error)))

    async def _tick(self) -> None:
        self._hear_of_halt_from_outside()
        self._tell_halt()
        guard = self._out.guard
        if guard is not None:
            self.step(GuardSeen(at_ns=self._out.wall_ns(), absence=guard.absence()))
        self.step(ClockTicked(at_ns=self._out.wall_ns(), monotonic_ns=self._out.monotonic_ns()))
        self._watch_figures()
        if guard is not None:
            guard.beat(Beat.ENGINE)

    def _watch_figures(self) -> None:
        """Tell what nears a limit, before it is met."""
        now_ns, engine = self._out.wall_ns(), self.engine
        outcomes, settings = engine.trade_log.day.outcomes, engine.settings
        figures = figures_of(engine.evaluated, outcomes, self._out.disk_free(), settings)
        for figure in self._watch.look(figures, settings.monitoring, now_ns):
            self._notice(figure.condition.kind, figure.text)

    def _hear_of_halt_from_outside(self) -> None:
        """Halt like by a key here, each time that another process has asked for it by the file."""
        reason = self._out.halter.outside_halt()
        if reason is not None:
            self._out.halter.request(reason)
            self.step(Halt(at_ns=self._out.wall_ns(), reason=reason))

    def _tell_halt(self) -> None:
        """Let the core know how far a halt got: it must be confirmed before it may end."""
        view = self._out.halter.view
        if view.phase is not HaltPhase.IDLE:
            self.step(
                HaltProgressed(
                    at_ns=self._out.wall_ns(),
                    resting=view.resting,
                    is_confirmed=view.phase is HaltPhase.CONFIRMED,
                )
            )

    async def _scan(self) -> None:
        self.step(TimerFired(at_ns=self._out.wall_ns()))

    async def _read_status(self) -> None:
        self.step(await self._out.venue.status())
        self.step(ClockSkewRead(at_ns=self._out.wall_ns(), skew_ms=self._out.venue.skew_ms))

    async def _back_up(self) -> None:
        """Make the backup of the day unless there is one; a failure is told and stops nothing."""
        backups, at_ns = self._out.backups, self._out.wall_ns()
        if backups is None or not backups.is_due(self._out.journal, at_ns):
            return
        try:
            backups.copy(self._out.journal)
            await asyncio.to_thread(backups.keep, at_ns)
        except BackupError as error:
            self._note_error("backup", error)
        else:
            self._failing.pop("backup", None)

    async def _follow_feed(self) -> None:
        async for event in self._out.feed.events():
            if isinstance(event, FeedLost):
                self.connected = False
            elif isinstance(event, FeedProved) and not self.connected:
                self.connected = True
                self._reconcile_now.set()
            if isinstance(event, QuoteChanged) and self.engine.markets.has_closed(event.ticker, event.at_ns):
                # A closed market's book is taken down, which says nothing of what a position is worth.
                event = FeedProved(at_ns=event.at_ns)
            self.step(event)

    async def _reconcile(self) -> None:
        """Read the account, one reading at a time; raises VenueError."""
        async with self._reading:
            await self._reader.reconcile()

    async def _reconcile_when_due(self) -> None:
        job = self._guarded("account", self._reconcile)
        while True:
            # Not wait_for, which in Python 3.11 can swallow the cancellation that ends this job.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_RECONCILE_S):
                    await self._reconcile_now.wait()
            self._reconcile_now.clear()
            await job()


def _pass_each(records: list[JournaledEvent], where: str) -> None:
    for record in records:
        crash_point(f"{type(record).__name__}: {where}")


def _as_job(call: Callable[[], None]) -> Callable[[], Awaitable[None]]:
    async def job() -> None:
        call()

    return job


_LOG_LEVELS = {
    AlertLevel.INFO: logging.INFO,
    AlertLevel.WARNING: logging.WARNING,
    AlertLevel.CRITICAL: logging.CRITICAL,
}
