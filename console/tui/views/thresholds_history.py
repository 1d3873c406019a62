"""Every change of settings that was applied, as the journal has it, and which of them can be taken back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field

from console.domain.engine_events import SettingsChanged
from console.domain.time_units import NS_PER_S
from console.tui.cells import EMPTY, Line, Tone, join, put


@dataclass(frozen=True)
class Undoable:
    """The changes in force, which undo takes back, and those taken back, which redo brings again.

    Of both the next one is the last.
    """

    done: list[SettingsChanged] = field(default_factory=list)
    undone: list[SettingsChanged] = field(default_factory=list)


def undoable(edits: Sequence[SettingsChanged]) -> Undoable:
    """Told from the values alone: what brings back all that was before a change undoes it."""
    found = Undoable()
    for edit in edits:
        if found.done and _values(edit) == _reversed(found.done[-1]):
            found.undone.append(found.done.pop())
        elif found.undone and _values(edit) == _values(found.undone[-1]):
            found.done.append(found.undone.pop())
        else:
            found.done.append(edit)
            found.undone.clear()
    return found


def _values(edit: SettingsChanged) -> set[tuple[str, str, str]]:
    return {(change.key, change.old, change.new) for change in edit.changes}


def _reversed(edit: SettingsChanged) -> set[tuple[str, str, str]]:
    return {(change.key, change.new, change.old) for change in edit.changes}


def _moment(edit: SettingsChanged) -> dt.datetime:
    return dt.datetime.fromtimestamp(edit.at_ns // NS_PER_S, dt.UTC)


def clock(edit: SettingsChanged) -> str:
    """When a change was made, as this page writes it."""
    return f"{_moment(edit):%Y-%m-%d %H:%M:%S}Z"


def history_lines(edits: Sequence[SettingsChanged]) -> list[Line]:
    """Newest first: when, who, by which program, why, and each value before and after."""
    if not edits:
        return [put("no setting was changed yet", Tone.MUTED)]
    lines: list[Line] = []
    undone = undoable(edits).undone
    for edit in reversed(edits):
        who = f"{edit.source}, kconsole {edit.program}"
        since = put("undone since", Tone.ACCENT) if edit in undone else EMPTY
        lines.append(join([put(clock(edit), Tone.MUTED), put(who), put(edit.reason, Tone.STRONG), since]))
        lines += [put(f"  {change.key}  {change.old} → {change.new}") for change in edit.changes]
        lines += [put(f"  settings {edit.settings} from then on", Tone.MUTED), EMPTY]
    return lines
