"""Every key of the console, once: bindings, footer, help, palette and keymap are made from this table."""

from __future__ import annotations

from collections.abc import Sequence

from console.tui.key_action import KeyAction
from console.tui.pane_actions import (
    LOG_ACTIONS,
    PANE_ACTIONS,
    REPLAY_ACTIONS,
    THRESHOLD_ACTIONS,
    WATCH_ACTIONS,
)

CONSOLE_ACTIONS: Sequence[KeyAction] = (
    KeyAction(
        id="halt",
        keys="f12,ctrl+x",
        action="app.halt",
        description="Halt at once, from anywhere; again re-cancels",
        group="Trading",
        label="HALT",
        priority=True,
    ),
    KeyAction(
        id="halt_main",
        keys="h",
        action="app.halt",
        description="Halt at once, from the main screen",
        group="Trading",
    ),
    KeyAction(
        id="pause",
        keys="p",
        action="app.pause",
        description="Pause: no new entries, exits stay",
        group="Trading",
        label="pause",
    ),
    KeyAction(
        id="resume",
        keys="r",
        action="app.resume",
        description="Resume: clear one latch, with a reason",
        group="Trading",
        danger=True,
        label="resume",
    ),
    KeyAction(
        id="cancel_all",
        keys="c",
        action="app.cancel_all",
        description="Cancel all our resting orders",
        group="Trading",
        label="cancel all",
    ),
    KeyAction(
        id="reduce_only",
        keys="R",
        action="app.reduce_only",
        description="Reduce only: nothing that increases a position",
        group="Trading",
    ),
    KeyAction(
        id="flatten",
        keys="F",
        action="app.flatten",
        description="Flatten: halt, then sell every position; preview, typed",
        group="Trading",
        danger=True,
    ),
    KeyAction(
        id="disarm",
        keys="d",
        action="app.disarm",
        description="Disarm: no new entries until armed again",
        group="Trading",
    ),
    KeyAction(
        id="arm",
        keys="A",
        action="app.arm",
        description="Arm: let entries be made; typed, with a reason",
        group="Trading",
        danger=True,
    ),
    KeyAction(
        id="cancel_order",
        keys="o",
        action="app.cancel_order",
        description="Cancel the order under the cursor",
        group="Trading, from a row",
        label="cancel order",
    ),
    KeyAction(
        id="close_position",
        keys="C",
        action="app.close_position",
        description="Close the position under the cursor; preview, asks",
        group="Trading, from a row",
        label="close",
        danger=True,
    ),
    KeyAction(
        id="stop_trading",
        keys="S",
        action="app.stop_trading",
        description="Stop entries in the market, or the series, under the cursor",
        group="Trading, from a row",
        label="stop market",
    ),
    KeyAction(
        id="why_not",
        keys="w",
        action="screen.side('why-not')",
        description="Why not: where markets drop out before an order",
        group="Look",
        label="why not",
    ),
    KeyAction(
        id="thresholds",
        keys="t",
        action="screen.side('thresholds')",
        description="Thresholds: every setting; edit, preview, apply, undo",
        group="Look",
        label="thresholds",
    ),
    KeyAction(
        id="replay",
        keys="b",
        action="screen.side('replay')",
        description="Replay: try thresholds on recorded markets; sends nothing",
        group="Look",
        label="replay",
    ),
    KeyAction(
        id="alerts",
        keys="a",
        action="app.alerts",
        description="Alerts and what to do about each; takes the alert line down",
        group="Look",
        label="alerts",
    ),
    KeyAction(
        id="day",
        keys="m",
        action="screen.side('day')",
        description="Money of the day: its curve, hit rate, losses per 100 trades",
        group="Look",
        label="day",
    ),
    KeyAction(
        id="health",
        keys="i",
        action="screen.side('health')",
        description="Health: lines, clock, tokens, disk, ours against the exchange's",
        group="Look",
        label="health",
    ),
    KeyAction(
        id="run_log",
        keys="l",
        action="screen.side('run-log')",
        description="Log: the run's own, as it is written; / filters, enter tells all of a line",
        group="Look",
        label="log",
    ),
    *(
        KeyAction(
            id=f"pane_{number}",
            keys=str(number),
            action=f"screen.focus_pane({number})",
            description=f"Go to {name}",
            group="Look",
        )
        for number, name in enumerate(
            ("Positions", "Risk limits", "Kill switches", "Slippage", "Trade log"), start=1
        )
    ),
    KeyAction(
        id="zoom",
        keys="z",
        action="screen.zoom",
        description="Zoom the pane; again or escape ends it",
        group="Look",
        label="zoom",
    ),
    KeyAction(
        id="filter",
        keys="slash",
        action="screen.filter",
        description="Filter positions or the trade log; escape clears",
        group="Look",
        label="filter",
    ),
    KeyAction(
        id="sort",
        keys="s",
        action="screen.sort",
        description="Next order of positions or the trade log",
        group="Look",
        label="sort",
    ),
    KeyAction(
        id="copy",
        keys="y",
        action="screen.copy_row",
        description="Copy the row under the cursor",
        group="Look",
        label="copy",
    ),
    KeyAction(
        id="help",
        keys="question_mark,f1",
        action="app.help",
        description="This page",
        group="Console",
        label="help",
    ),
    KeyAction(
        id="palette",
        keys="ctrl+p",
        action="app.command_palette",
        description="Command palette, with themes",
        group="Console",
        label="palette",
        priority=True,
    ),
    KeyAction(
        id="quit",
        keys="q",
        action="app.quit",
        description="Quit; asks what happens to resting orders",
        group="Console",
        label="quit",
    ),
    KeyAction(
        id="quit_anywhere",
        keys="ctrl+q,ctrl+c",
        action="app.quit",
        description="Quit, from a dialog too",
        group="Console",
        priority=True,
    ),
)

ALL_ACTIONS = (
    *CONSOLE_ACTIONS,
    *WATCH_ACTIONS,
    *PANE_ACTIONS,
    *THRESHOLD_ACTIONS,
    *REPLAY_ACTIONS,
    *LOG_ACTIONS,
)


def places_of(action: KeyAction) -> frozenset[str]:
    """Where its key works: two actions may share one if they have no place in common."""
    if action.while_watching:
        return frozenset({"watching"})
    return frozenset({"watching", "live"} if action in CONSOLE_ACTIONS else {"live"})
