"""The tabs of the side panel. Nothing of theirs is loaded before the screen is first drawn."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from console.backtest.replay import ReplayRequest
from console.config.load import Loaded
from console.config.schema import Settings
from console.tui.pane import Pane
from console.tui.views import alerts, day, health, why_not
from console.tui.views.log import LogPane
from console.tui.views.replay import ReplayPane
from console.tui.views.thresholds import Changes, ThresholdsPane


class Tabs(NamedTuple):
    """One pane each, in their order."""

    why_not: Pane
    day: Pane
    alerts: Pane
    health: Pane
    thresholds: ThresholdsPane
    replay: ReplayPane
    run_log: LogPane


def make_tabs(
    loaded: Loaded,
    home: Path,
    *,
    in_force: Callable[[], Settings],
    apply: Callable[[str, Changes, str], None],
    is_refused: Callable[[], bool],
    watch: Callable[[ReplayRequest], None],
) -> Tabs:
    """All tabs, which ask for what is in force and tell what the operator wants."""
    thresholds = ThresholdsPane(loaded, apply=apply, is_refused=is_refused)
    replay = ReplayPane(in_force, home)
    replay.proposed, replay.propose = thresholds.proposed_settings, thresholds.propose
    replay.begin_watching = watch
    return Tabs(
        why_not=Pane(why_not.VIEW, id="why-not", classes="side"),
        day=Pane(day.VIEW, id="day", classes="side"),
        alerts=Pane(alerts.VIEW, id="alerts", classes="side"),
        health=Pane(health.VIEW, id="health", classes="side"),
        thresholds=thresholds,
        replay=replay,
        run_log=LogPane(home),
    )
