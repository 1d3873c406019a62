"""Every change of settings that was applied, newest first, as the journal has it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from console.domain.events import SettingsChanged
from console.tui.cells import EMPTY, Line, Tone, join, put
from console.tui.formatting import SECOND_NS


def history_lines(edits: Sequence[SettingsChanged]) -> list[Line]:
    """When, who, by which program, why, and each value before and after."""
    if not edits:
        return [put("no setting was changed yet", Tone.MUTED)]
    lines: list[Line] = []
    for edit in reversed(edits):
        at = dt.datetime.fromtimestamp(edit.at_ns // SECOND_NS, dt.UTC)
        who = f"{edit.source}, kconsole {edit.program}"
        lines.append(
            join([put(f"{at:%Y-%m-%d %H:%M:%S}Z", Tone.MUTED), put(who), put(edit.reason, Tone.STRONG)])
        )
        lines += [put(f"  {change.key}  {change.old} → {change.new}") for change in edit.changes]
        lines += [put(f"  settings {edit.settings} from then on", Tone.MUTED), EMPTY]
    return lines
