"""Kill switches: the reading of each against its threshold, tripped ones first, and what latched."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial

from console.engine.limit_views import LatchView, SwitchState, SwitchView
from console.engine.snapshot import Snapshot
from console.risk.switches.manual import MANUAL
from console.tui import formatting as fmt
from console.tui.cells import Line, Tone, put
from console.tui.pane import Content, Query, Row, View
from console.tui.picture import Picture
from console.tui.table import Cell, Column
from console.tui.views import details
from console.tui.views.common import WAITING, clearing, data_age

_COLUMNS = (
    Column("state", 9, rank=0),
    Column("switch", 11, rank=1, most=12),
    Column("reading", 12, rank=2, most=13),
    Column("threshold", 11, rank=3, most=13),
    Column("since", 5, rank=4),
    Column("clears", 10, rank=5, most=60),
    Column("read", 5, rank=6),
)
_NARROW_COLUMNS = (Column("", 9), Column("", 8, rank=1, most=16))

_SIGNS = {
    SwitchState.ARMED: ("● armed", Tone.GAIN),
    SwitchState.WARNING: ("▲ warn", Tone.WARN),
    SwitchState.UNKNOWN: ("? UNKNOWN", Tone.WARN),
    SwitchState.TRIPPED: ("■ TRIPPED", Tone.LOSS),
}
_URGENCY = {
    SwitchState.TRIPPED: 0,
    SwitchState.UNKNOWN: 1,
    SwitchState.WARNING: 2,
    SwitchState.ARMED: 3,
}

_BESIDE_UNITS = re.compile(r"(?<=\d) (?=[%/$a-z])|(?<=>) ")
_HOW = re.compile(r"[,;]| after ")

_Row = tuple[str, Sequence[Cell], Callable[[], Row]]


def _since(since_ns: int | None, picture: Picture) -> Line:
    return put("" if since_ns is None else fmt.age(picture.now_ns - since_ns), Tone.MUTED)


def _switch_row(switch: SwitchView, picture: Picture) -> _Row:
    sign, tone = _SIGNS[switch.state]
    is_calm = switch.state is SwitchState.ARMED
    cells = (
        put(sign, tone),
        put(switch.label, Tone.PLAIN if is_calm else Tone.STRONG),
        lambda width: put(_dense(_reading(switch), width), Tone.PLAIN if is_calm else tone),
        lambda width: put(_dense(switch.threshold, width), Tone.MUTED),
        put("", tone) if is_calm else _since(switch.since_ns, picture),
        lambda width: put(_brief(switch.clears, width), Tone.MUTED),
        _since(switch.evaluated_ns, picture),
    )
    return f"switch {switch.key}", cells, partial(details.of_switch, switch, picture)


def _reading(switch: SwitchView) -> str:
    """What it read last; of the operator's own that is not what matters once it is used."""
    is_used = switch.key == MANUAL and switch.state is SwitchState.TRIPPED
    return "used" if is_used else switch.reading


def _dense(text: str, width: int) -> str:
    """Without the spaces between figures and units where they do not fit."""
    return text if len(text) <= width else _BESIDE_UNITS.sub("", text)


def _brief(text: str, width: int) -> str:
    """Who or what clears it, where there is no room for how."""
    return text if len(text) <= width else _HOW.split(text)[0]


def _latch_row(latch: LatchView, snapshot: Snapshot, picture: Picture) -> _Row:
    cells = (
        put("■ LATCHED", Tone.LOSS),
        put(latch.name, Tone.STRONG),
        put(latch.level.name.replace("_", "-"), Tone.LOSS),
        put(f"{latch.scope.partition(':')[2]}: {latch.reason}" if latch.scope else latch.reason),
        _since(latch.since_ns, picture),
        put(f"{_ending(latch, snapshot, picture)}; raised by {latch.source}", Tone.MUTED),
        put(""),
    )
    return f"latch {latch.id}", cells, partial(details.of_latch, latch, picture)


def _ending(latch: LatchView, snapshot: Snapshot, picture: Picture) -> str:
    """How a latch ends, when if that is known, and what it holds for if that is not everything."""
    part = f"; on {latch.scope}" if latch.scope else ""
    return f"{clearing(latch, picture)}{_end(latch, picture)}{part}"


def _end(latch: LatchView, picture: Picture) -> str:
    """In how long a latch may end by itself."""
    return "" if latch.until_ns is None else f", ends in {fmt.age(latch.until_ns - picture.now_ns)}"


def _summary(snapshot: Snapshot) -> list[Line]:
    tripped = sum(s.state is SwitchState.TRIPPED for s in snapshot.switches)
    warning = sum(s.state is SwitchState.WARNING for s in snapshot.switches)
    unknown = sum(s.state is SwitchState.UNKNOWN for s in snapshot.switches)
    parts = [
        put(f"{tripped} tripped", Tone.LOSS) if tripped else (),
        put(f"{unknown} unknown, refuses", Tone.WARN) if unknown else (),
        put(f"{warning} warn", Tone.WARN) if warning else (),
        put(f"{len(snapshot.latches)} latched", Tone.LOSS) if snapshot.latches else (),
    ]
    return [part for part in parts if part] or [put("all armed", Tone.GAIN)]


def _content(picture: Picture, width: int, height: int, query: Query) -> Content:
    snapshot = picture.snapshot
    if snapshot is None:
        return Content(message=WAITING, age=data_age(None))
    switches = sorted(snapshot.switches, key=lambda switch: _URGENCY[switch.state])
    rows = [
        *(_latch_row(latch, snapshot, picture) for latch in snapshot.latches),
        *(_switch_row(switch, picture) for switch in switches),
    ]
    return Content(
        summary=_summary(snapshot),
        age=data_age(picture.age_ns),
        columns=_COLUMNS if width >= 30 else _NARROW_COLUMNS,
        keys=[key for key, _, _ in rows],
        cells=lambda index: rows[index][1],
        row=lambda index: rows[index][2](),
        message="no kill switches are reported",
    )


VIEW = View(action="pane_3", name="Kill switches", content=_content)
