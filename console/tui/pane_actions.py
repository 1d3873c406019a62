"""The keys that only work in a pane, or in one of the tabs."""

from __future__ import annotations

from collections.abc import Sequence

from console.tui.key_action import KeyAction

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
        description="Undo the newest change in force; again the one before it",
        group="In Thresholds",
    ),
    KeyAction(
        id="redo",
        keys="U",
        action="redo",
        description="Redo what was undone last",
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

LOG_ACTIONS: Sequence[KeyAction] = (
    KeyAction(
        id="log_level",
        keys="L",
        action="level",
        description="All lines, those from warnings up, or errors only",
        group="In Log",
    ),
    KeyAction(
        id="log_hold",
        keys="f",
        action="hold",
        description="Hold the lines that are shown, or follow again",
        group="In Log",
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
        id="replay_watch",
        keys="W",
        action="watch",
        description="Watch it: the panes show the replay until you go back to live",
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

_WATCHING = "While a replay is watched"

WATCH_ACTIONS: Sequence[KeyAction] = (
    KeyAction(
        id="watch_live",
        keys="B",
        action="screen.watch_live",
        description="Back to live; escape too, once nothing else is open",
        group=_WATCHING,
        label="live",
        while_watching=True,
    ),
    KeyAction(
        id="watch_play",
        keys="space",
        action="screen.watch_play",
        description="Play or pause",
        group=_WATCHING,
        label="play/pause",
        while_watching=True,
    ),
    KeyAction(
        id="watch_forward",
        keys="full_stop",
        action="screen.watch_step(1)",
        description="One step on",
        group=_WATCHING,
        label="step",
        while_watching=True,
    ),
    KeyAction(
        id="watch_back",
        keys="comma",
        action="screen.watch_step(-1)",
        description="One step back",
        group=_WATCHING,
        label="back",
        while_watching=True,
    ),
    KeyAction(
        id="watch_faster",
        keys="right_square_bracket",
        action="screen.watch_speed(1)",
        description="Faster: 1x to 64x, then max",
        group=_WATCHING,
        label="faster",
        while_watching=True,
    ),
    KeyAction(
        id="watch_slower",
        keys="left_square_bracket",
        action="screen.watch_speed(-1)",
        description="Slower",
        group=_WATCHING,
        label="slower",
        while_watching=True,
    ),
    KeyAction(
        id="watch_seek",
        keys="g",
        action="screen.watch_seek",
        description="Go to a time, -5m, +30s or 40%; a click on the bar too",
        group=_WATCHING,
        label="go to",
        while_watching=True,
    ),
    KeyAction(
        id="watch_next_trade",
        keys="n",
        action="screen.watch_trade(1)",
        description="Next fill or settlement",
        group=_WATCHING,
        label="next trade",
        while_watching=True,
    ),
    KeyAction(
        id="watch_previous_trade",
        keys="N",
        action="screen.watch_trade(-1)",
        description="Fill or settlement before",
        group=_WATCHING,
        while_watching=True,
    ),
    KeyAction(
        id="watch_next_breach",
        keys="E",
        action="screen.watch_breach",
        description="Next breach of a limit, or halt",
        group=_WATCHING,
        label="next breach",
        while_watching=True,
    ),
    KeyAction(
        id="watch_first",
        keys="home",
        action="screen.watch_end(-1)",
        description="The beginning",
        group=_WATCHING,
        while_watching=True,
    ),
    KeyAction(
        id="watch_last",
        keys="end",
        action="screen.watch_end(1)",
        description="The end",
        group=_WATCHING,
        while_watching=True,
    ),
)
