"""The help page."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby

from console.tui.actions import ALL_ACTIONS
from console.tui.cells import EMPTY, Line, Tone, left, put, wrapped
from console.tui.keymap import keys_of

_KEYS_WIDTH = 18
_HINTS = (
    "Click a pane, a row or a key below; the wheel scrolls. Hold shift to select text with the mouse.",
    "HALT stops everything and cancels; PAUSE makes no new entries; REDUCE-ONLY only closes.",
    "FLATTEN halts, sells what is held and stays halted. With --readonly only the halt keys send anything.",
    "A closed terminal and SIGTERM cancel what rests and end the console; SIGUSR1 halts it.",
    "▲ may cost money or lets more be traded, and asks first.",
    "Every state is held by named latches, which are cleared one by one, with a reason.",
    "Bars: ■ used, □ with resting orders, ┆ where it warns. ! and !! say the same in words.",
)


def help_lines(keymap: Mapping[str, str], width: int, *, is_watching: bool) -> list[Line]:
    """Every key that works now, by group, then what the screen's signs mean; ``width`` is that of a line."""
    lines: list[Line] = []
    shown = [action for action in ALL_ACTIONS if is_watching or not action.while_watching]
    for group, actions in groupby(shown, key=lambda action: action.group):
        lines.append(put(group, Tone.STRONG))
        for action in actions:
            keys = left(put("  " + "  ".join(keys_of(action, keymap)), Tone.ACCENT), _KEYS_WIDTH)
            mark = put("▲ ", Tone.WARN) if action.danger else put("  ")
            first, *more = wrapped(action.description, width - _KEYS_WIDTH - 2)
            lines.append((*keys, *mark, *first))
            lines += [(*put(" " * (_KEYS_WIDTH + 2)), *line) for line in more]
        lines.append(EMPTY)
    return [*lines, put("Reading the screen", Tone.STRONG), *(put(hint) for hint in _HINTS)]
