"""What is decided of an engine before it runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from console.config.schema import Settings
from console.domain.actions import Alert
from console.domain.events import EngineEvent
from console.domain.ports import Clock, Feed, HaltLine, Universe, Venue
from console.engine.backup import Backups
from console.engine.gate import Gate
from console.engine.guard import Guard
from console.engine.log_views import DeliveryView
from console.engine.outside import Watched, heard_by_nobody, tell_nobody, watched_by_nobody
from console.engine.overrides import Overrides
from console.engine.picture import Environment
from console.engine.run_file import RunRecord
from console.risk.manager import RiskManager
from console.strategies.base import Strategy


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
