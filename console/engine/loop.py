"""What runs inside the engine's thread: events to the core, its actions to journal, gate and venue."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

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
from console.domain.commands import ChangeSettings, OperatorCommand, Resume
from console.domain.engine_events import (
    ClockTicked,
    ErrorHappened,
    GuardSeen,
    Noticed,
    TimerFired,
)
from console.domain.events import EngineEvent
from console.domain.ports import Tokens
from console.domain.trading_state import TradingState
from console.engine.account_reader import AccountReader
from console.engine.backup import BackupError
from console.engine.core import Engine
from console.engine.crash_points import crash_point
from console.engine.event_path import EventPath
from console.engine.failures import Failures
from console.engine.feed_follower import FeedFollower
from console.engine.figures import figures_of
from console.engine.flattener import Flattener
from console.engine.halt_follower import HaltFollower
from console.engine.heartbeats import Beat
from console.engine.market_follower import MarketFollower
from console.engine.order_sender import OrderSender
from console.engine.outside import Outside
from console.engine.reconcile_job import ReconcileJob
from console.engine.resumption import Resumption
from console.engine.settings_change import lost_at_start
from console.engine.settings_keeper import SettingsKeeper
from console.engine.starting import events_at_start
from console.monitoring.alert_messages import is_sent
from console.monitoring.alerts import Watch

log = logging.getLogger(__name__)

_TICK_S = 0.5
_STATUS_S = 5.0
_BACKUP_S = 600.0
_CLOSING_S = 10.0


class EngineLoop:
    """Carries one account's trading until ``stopping`` is set; every method belongs to its thread."""

    def __init__(self, engine: Engine, outside: Outside, settings: Settings) -> None:
        self.engine = engine
        self.stopping = asyncio.Event()
        self.cancel_at_stop = True
        self.left_resting: int | None = None
        self._out = outside
        self._settings = settings
        self._failures = Failures(self.step, outside.wall_ns)
        self._halts = HaltFollower(outside, self.step)
        self._settings_keeper = SettingsKeeper(engine, outside.overrides, self.step, self._notice)
        self._reader = AccountReader(engine, outside, self.step)
        self._reconciling = ReconcileJob(self._reader, self._failures)
        self.event_path = EventPath(
            engine, outside, perform=self._perform, clock_stepped=self._reconciling.hurry
        )
        self._feed = FeedFollower(outside.feed, engine.markets, self.step, self._reconciling.hurry)
        self._sender = OrderSender(engine, outside, self.step, self._failures.note)
        self._flattener = Flattener(
            engine,
            outside,
            self.step,
            reread=self._reconciling.reconcile,
            told=self._failures.note,
            is_stopping=self.stopping.is_set,
        )
        self._follower = MarketFollower(engine, outside, self.step)
        self._resumption = Resumption(engine, outside, self.step, self._follower.open_group)
        self._watch = Watch()
        self._jobs: asyncio.TaskGroup

    @property
    def connected(self) -> bool:
        """Whether the feed is proved to tell all there is."""
        return self._feed.connected

    @property
    def order_round_trip_ns(self) -> int | None:
        """How long the last order took to be answered."""
        return self._sender.round_trip_ns

    @property
    def tokens(self) -> Tokens | None:
        """What is left of the request budget."""
        return self._out.venue.tokens

    @property
    def unkept_settings(self) -> frozenset[str]:
        """Keys that the next start will not find as they are."""
        return self._settings_keeper.unkept

    def step(self, event: EngineEvent) -> None:
        """Take one event through the core, the journal and out, in that order; raises JournalError.

        The core hears first of a wall clock that has stepped since the event before.
        """
        self.event_path.take(event)

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
        self._halts.tell()
        if isinstance(command, Resume):
            await self._resumption.resume(command)
        elif isinstance(command, ChangeSettings):
            self._settings_keeper.change(command)
        else:
            self.step(command)

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
            follower = jobs.create_task(self._feed.run())
            universe_s = float(settings.universe.refresh_seconds)
            repeated = [
                jobs.create_task(self._every(publish_s, _as_job(publish))),
                jobs.create_task(self._every(_TICK_S, self._tick)),
                jobs.create_task(self._every(float(settings.strategy_flb.scan_interval), self._scan)),
                jobs.create_task(
                    self._every(universe_s, self._failures.guarded("markets", self._follower.refresh))
                ),
                jobs.create_task(self._every(_STATUS_S, self._failures.guarded("status", self._read_status))),
                jobs.create_task(self._reconciling.run()),
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
            self._halts.begin(latches.active[0].reason)
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
                await self._reconciling.reconcile_guarded()
        return left

    # --- actions ------------------------------------------------------------------------------------

    def _perform(self, action: Action) -> None:
        match action:
            case Submit(intent=intent):
                self._sender.submit(intent, self._jobs)
            case Cancel():
                self._jobs.create_task(self._cancel(action))
            case BeginHalt(reason=reason):
                self._halts.begin(reason)
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
                self._reconciling.hurry_for_unknown()
            case Append():
                pass

    async def _cancel(self, cancel: Cancel) -> None:
        await self._sender.cancel(cancel.order_id, cancel.ticker, cancel.exchange_index)
        self._reconciling.hurry()

    # --- what runs all the time ---------------------------------------------------------------------

    async def _every(self, seconds: float, job: Callable[[], Awaitable[None]]) -> None:
        while True:
            await job()
            await asyncio.sleep(seconds)

    async def _tick(self) -> None:
        self._halts.hear_from_outside()
        self._halts.tell()
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
            self._failures.note("backup", error)
        else:
            self._failures.note_success("backup")


def _as_job(call: Callable[[], None]) -> Callable[[], Awaitable[None]]:
    async def job() -> None:
        call()

    return job


_LOG_LEVELS = {
    AlertLevel.INFO: logging.INFO,
    AlertLevel.WARNING: logging.WARNING,
    AlertLevel.CRITICAL: logging.CRITICAL,
}
