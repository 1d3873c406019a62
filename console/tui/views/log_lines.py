"""A log's lines as rows of a pane, and all that one of them says."""

from __future__ import annotations

from collections.abc import Sequence

from console.config.log_reader import LogLine, field_texts
from console.tui.cells import EMPTY, Line, Tone, left, put
from console.tui.pane import Row
from console.tui.sanitize import LONGEST
from console.tui.table import Cell, Column

_WIDE_FROM = 90
_LABEL = 10
_NARROW_COLUMNS = (Column("UTC", 8), Column("", 1, rank=1), Column("what", 12, rank=2, most=400))
_WIDE_COLUMNS = (
    Column("UTC", 12),
    Column("level", 10, rank=1),
    Column("source", 16, rank=3, most=28),
    Column("what", 20, rank=2, most=400),
)
_SIGNS = {
    "debug": ("·", Tone.MUTED),
    "info": ("●", Tone.MUTED),
    "warning": ("▲", Tone.WARN),
    "error": ("■", Tone.LOSS),
    "critical": ("■", Tone.LOSS),
}
_NO_SIGN = ("?", Tone.WARN)
_DETAIL_LINES = 400


def columns_for(width: int) -> Sequence[Column]:
    return _WIDE_COLUMNS if width >= _WIDE_FROM else _NARROW_COLUMNS


def cells_of(line: LogLine, width: int) -> Sequence[Cell]:
    """One row; particulars follow what happened, as far as there is room."""
    sign, tone = _SIGNS.get(line.level, _NO_SIGN)
    _, _, clock = line.ts.partition("T")
    what = put(line.event[: 2 * LONGEST], tone if line.rank > 1 else Tone.PLAIN)
    rest = put("  ".join(field_texts(line))[: 2 * LONGEST], Tone.MUTED) if line.fields else EMPTY
    told = (*what, *put("  ", Tone.MUTED), *rest) if rest else what
    if width < _WIDE_FROM:
        return (put(clock[:8], Tone.MUTED), put(sign, tone), told)
    return (
        put(clock.rstrip("Z"), Tone.MUTED),
        put(f"{sign} {line.level}", tone),
        put(line.source.removeprefix("console."), Tone.MUTED),
        told,
    )


def row_of(line: LogLine) -> Row:
    """Everything a line says; of a very long one the beginning."""
    facts = [("at", line.ts), ("level", line.level), ("source", line.source), ("thread", line.thread)]
    lines = [*_paragraph(line.event, Tone.STRONG), EMPTY]
    lines += [(*left(put(name, Tone.MUTED), _LABEL), *put(value)) for name, value in facts if value]
    if line.fields:
        lines += [EMPTY, put("Particulars", Tone.STRONG)]
        lines += [each for text in field_texts(line) for each in _paragraph(text, Tone.PLAIN)]
    if line.error:
        lines += [EMPTY, put("Trace", Tone.STRONG)]
        lines += [each for text in line.error.splitlines() for each in _paragraph(text, Tone.PLAIN)]
    if len(lines) > _DETAIL_LINES:
        lines[_DETAIL_LINES:] = [put("the rest is in the file", Tone.WARN)]
    return Row(detail=lines)


def _paragraph(text: str, tone: Tone) -> list[Line]:
    """A text in pieces that are short enough to be drawn whole."""
    return [put(text[start : start + LONGEST], tone) for start in range(0, len(text), LONGEST)] or [put("")]
