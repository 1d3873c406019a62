"""One run of an engine, inside its thread: its parts put together, its loop carried, its pictures taken."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from console.domain.order import OrderReport
from console.domain.ports import Feed, Venue
from console.engine.core import Engine
from console.engine.crash_points import crash_point
from console.engine.gate import Gate, Sentinel
from console.engine.halter import Halter
from console.engine.journal import Journal
from console.engine.loop import EngineLoop
from console.engine.outside import Outside
from console.engine.picture import Painter, Surroundings
from console.engine.plan import Plan
from console.engine.rebuild import client_id_prefix, note_start, rebuild
from console.engine.run_file import RunRecord
from console.engine.snapshot import Snapshot

PUBLISH_S = 0.1


class EngineRun:
    """What the engine's thread carries; other threads read what is public of it and call ``end``.

    ``started`` is set once the account was read and the first ``snapshot`` taken, ``loop`` once the journal
    was. ``record`` is the run file, where the run has one.
    """

    def __init__(self, plan: Plan) -> None:
        self.loop: EngineLoop | None = None
        self.snapshot: Snapshot | None = None
        self.record: RunRecord | None = None
        self.started = threading.Event()
        self._plan = plan
        self._sentinel = Sentinel(plan.sentinel)
        self.gate = Gate(self._sentinel)
        self.halter = Halter(
            self.gate,
            self._sentinel,
            plan.make_halt_line,
            groups=self._groups,
            is_ours=self._is_ours,
            wall_ns=plan.wall_ns,
        )
        self._prefix = ""
        self._asyncio_loop: asyncio.AbstractEventLoop | None = None
        self._is_ending = threading.Event()
        self._painter = Painter()

    def call_soon(self, call: Callable[[], None]) -> None:
        """Have the engine's thread call, unless it has ended."""
        # The loop may close between a look at it and the call.
        with contextlib.suppress(RuntimeError):
            if self._asyncio_loop is not None:
                self._asyncio_loop.call_soon_threadsafe(call)

    def end(self, *, cancel_resting: bool) -> None:
        """Have the run end soon, or as soon as it begins."""
        self._is_ending.set()
        if self.loop is not None:
            self.loop.cancel_at_stop = cancel_resting
            self.call_soon(self.loop.stopping.set)

    async def carry(self) -> None:
        """Trade until the run is to end or a part of it fails."""
        plan = self._plan
        self._asyncio_loop = asyncio.get_running_loop()
        journal = Journal(plan.journal)
        try:
            self._prefix = client_id_prefix(journal)
            engine = rebuild(journal, plan.settings, plan.make_strategy, plan.make_risk(), plan.watch)
            note_start(journal, plan.settings, plan.wall_ns())
            if plan.open_record is not None:
                self.record = plan.open_record(self._prefix)
            venue = plan.make_venue(self.gate)
            outside = self._outside(journal, venue, plan.make_feed(venue))
            self.loop = loop = EngineLoop(engine, outside, plan.settings)
            if self._is_ending.is_set():
                loop.stopping.set()
            try:
                await loop.run(lambda: self._publish(engine, loop), PUBLISH_S)
            finally:
                if self.started.is_set():
                    self._publish(engine, loop)
                await venue.close()
        finally:
            crash_point("shutdown: before checkpoint")
            journal.close()
            crash_point("shutdown: journal closed")

    def _outside(self, journal: Journal, venue: Venue, feed: Feed) -> Outside:
        plan = self._plan
        return Outside(
            journal=journal,
            venue=venue,
            feed=feed,
            gate=self.gate,
            sentinel=self._sentinel,
            halter=self.halter,
            wall_ns=plan.wall_ns,
            monotonic_ns=plan.monotonic_ns,
            account_name=plan.account_name,
            universe=plan.universe,
            arms_itself=plan.arms_itself,
            record=self.record,
            backups=plan.backups,
            guard=plan.guard,
            overrides=plan.overrides,
            watch=plan.watch,
            hear=plan.hear,
            tell=plan.tell,
            disk_free=lambda: _disk(plan.journal)[0],
        )

    def _publish(self, engine: Engine, loop: EngineLoop) -> None:
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
        self.snapshot = self._painter.take(engine, self._plan.wall_ns(), around)
        loop.event_path.beat_ns = self._plan.monotonic_ns()
        self.started.set()

    # --- for the halt thread ------------------------------------------------------------------------

    def _groups(self) -> Mapping[int, str]:
        return {} if self.loop is None else dict(self.loop.engine.group_ids)

    def _is_ours(self, report: OrderReport) -> bool:
        """Every order made from this journal, in this run or an earlier one.

        Raises LookupError while the journal is not read.
        """
        if not self._prefix:
            raise LookupError("the journal is not read yet, so which orders are ours is not known")
        return report.client_order_id.startswith(self._prefix)


def _disk(journal: Path) -> tuple[int | None, int | None]:
    """Bytes that are free where the journal is, and its own; None where the disk does not say."""
    try:
        beside = os.statvfs(journal.parent)
        return beside.f_bavail * beside.f_frsize, journal.stat().st_size
    except OSError:
        return None, None
