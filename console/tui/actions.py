"""Every key of the console, once: bindings, footer, help, palette and keymap are made from this table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from textual.binding import Binding
from textual.keys import key_to_character


@dataclass(frozen=True, kw_only=True)
class KeyAction:
    """One thing a key does; ``id`` is what a keymap names and never changes.

    ``priority`` works in a text field, under a dialog and in the palette. ``label`` is the footer's word.
    ``danger`` may cost money or lets more be traded: it asks first, with the harmless answer focused.
    """

    id: str
    keys: str
    action: str
    description: str
    group: str
    label: str = ""
    priority: bool = False
    danger: bool = False


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

PANE_ACTIONS: Sequence[KeyAction] = (
    KeyAction(
        id="detail",
        keys="enter",
        action="screen.detail",
        description="All that is known of the row",
        group="In a pane",
    ),
    KeyAction(id="up", keys="up,k", action="move(-1)", description="Row up", group="In a pane"),
    KeyAction(id="down", keys="down,j", action="move(1)", description="Row down", group="In a pane"),
    KeyAction(
        id="page_up", keys="pageup,ctrl+u", action="move_page(-1)", description="Page up", group="In a pane"
    ),
    KeyAction(
        id="page_down",
        keys="pagedown,ctrl+d",
        action="move_page(1)",
        description="Page down",
        group="In a pane",
    ),
    KeyAction(id="first", keys="home,g", action="move_end(-1)", description="First row", group="In a pane"),
    KeyAction(id="last", keys="end,G", action="move_end(1)", description="Last row", group="In a pane"),
    KeyAction(
        id="unzoom", keys="escape", action="screen.unzoom", description="All panes again", group="In a pane"
    ),
)

THRESHOLD_ACTIONS: Sequence[KeyAction] = (
    KeyAction(
        id="review",
        keys="v",
        action="review",
        description="Review the edits, and apply them; enter makes one",
        group="In Thresholds",
    ),
    KeyAction(
        id="drop_edit",
        keys="backspace",
        action="drop",
        description="Drop the edit under the cursor",
        group="In Thresholds",
    ),
    KeyAction(
        id="undo",
        keys="u",
        action="undo",
        description="Undo the newest change, as a change of its own",
        group="In Thresholds",
    ),
    KeyAction(
        id="edits",
        keys="e",
        action="edits",
        description="Every change that was made, and why",
        group="In Thresholds",
    ),
)

REPLAY_ACTIONS: Sequence[KeyAction] = (
    KeyAction(
        id="replay_run",
        keys="x",
        action="run",
        description="Run it at once; while it runs, cancel it",
        group="In Replay",
    ),
    KeyAction(
        id="replay_take",
        keys="T",
        action="take",
        description="Take what was tested to Thresholds, to review and apply it there",
        group="In Replay",
    ),
    KeyAction(
        id="replay_next",
        keys="right",
        action="turn(1)",
        description="Next choice; enter too",
        group="In Replay",
    ),
    KeyAction(
        id="replay_previous", keys="left", action="turn(-1)", description="Choice before", group="In Replay"
    ),
)

ALL_ACTIONS = (*CONSOLE_ACTIONS, *PANE_ACTIONS, *THRESHOLD_ACTIONS, *REPLAY_ACTIONS)


def bindings(actions: Iterable[KeyAction], namespace: str = "") -> list[Binding]:
    """The actions of a namespace (``app.`` or ``screen.``) as Textual's bindings."""
    return [
        Binding(a.keys, a.action, a.description, show=False, priority=a.priority, id=a.id)
        for a in actions
        if a.action.startswith(namespace)
    ]


def keys_of(action: KeyAction, keymap: Mapping[str, str]) -> list[str]:
    """The keys that trigger an action, as they are written on the screen."""
    keys = keymap.get(action.id, action.keys).split(",")
    return [_DISPLAY.get(key.strip(), key.strip()) for key in keys]


_DISPLAY = {"slash": "/", "question_mark": "?", "pageup": "pgup", "pagedown": "pgdn"}


def _is_printable(key: str) -> bool:
    return len(key) == 1 or key_to_character(key) is not None


def sound_keymap(keymap: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """The entries of a keymap that can be used, and a sentence for each that cannot.

    A key that must work in a text field may not be one that types a character, and a key has one use.
    """
    known = {action.id: action for action in ALL_ACTIONS}
    accepted: dict[str, str] = {}
    problems: list[str] = []
    for name, keys in keymap.items():
        action = known.get(name)
        if action is None:
            problems.append(f"ui.keymap: there is no binding {name!r}; use one of {', '.join(sorted(known))}")
        elif action.priority and any(_is_printable(key.strip()) for key in keys.split(",")):
            problems.append(f"ui.keymap: {name} works in text fields, so {keys!r} cannot be a character key")
        else:
            accepted[name] = keys
    used: dict[str, str] = {}
    for action in ALL_ACTIONS:
        for key in (key.strip() for key in accepted.get(action.id, action.keys).split(",")):
            if (other := used.get(key)) is not None:
                taker = action.id if action.id in accepted else other
                problems.append(
                    f"ui.keymap: {key!r} is already used by {other if taker == action.id else action.id}"
                )
                accepted.pop(taker, None)
            else:
                used[key] = action.id
    return accepted, problems
