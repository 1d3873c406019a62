"""What stands around the core, as the engine's thread holds it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from console.domain.actions import Alert
from console.domain.events import EngineEvent, JournaledEvent
from console.domain.ports import Clock, Feed, Universe, Venue
from console.engine.backup import Backups
from console.engine.gate import Gate, Sentinel
from console.engine.guard import Guard
from console.engine.halter import Halter
from console.engine.journal import Journal
from console.engine.overrides import Overrides
from console.engine.run_file import RunRecord
from console.monitoring.mark_outs import NotedMarkOut


def tell_nobody(_alert: Alert) -> None:
    """For a run that has nobody to tell but its screen and its log."""


Watched = JournaledEvent | NotedMarkOut
"""What a watcher beside the engine is told: what was journaled, and where prices went after fills."""


def watched_by_nobody(_watched: Sequence[Watched]) -> None:
    """For a run whose metrics nobody collects."""


def heard_by_nobody(_event: EngineEvent) -> None:
    """For a run of which nothing but its journal is kept."""


Step = Callable[[EngineEvent], None]
"""Take one event through the core, the journal and out; raises JournalError."""


@dataclass(frozen=True, kw_only=True)
class Outside:
    """Everything the engine's thread touches that is not the core."""

    journal: Journal
    venue: Venue
    feed: Feed
    gate: Gate
    sentinel: Sentinel
    halter: Halter
    wall_ns: Clock
    monotonic_ns: Clock
    account_name: str
    universe: Universe
    arms_itself: bool
    record: RunRecord | None = None
    """None in a dry run, which has nothing at the exchange."""
    guard: Guard | None = None
    backups: Backups | None = None
    overrides: Overrides | None = None
    """None where changed settings end with the run."""
    tell: Callable[[Alert], None] = tell_nobody
    """Takes an alert for those who are told beside screen and log; never waits."""
    watch: Callable[[Sequence[Watched]], None] = watched_by_nobody
    """Takes what was journaled, in its order, and mark-outs; never waits."""
    hear: Callable[[EngineEvent], None] = heard_by_nobody
    """Takes every event before the core does; never waits."""
    disk_free: Callable[[], int | None] = lambda: None
    """Bytes that are free where the journal is; None where the disk does not say."""
