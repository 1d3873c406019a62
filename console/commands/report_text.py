"""A routine review as plain text, 80 columns wide unless the terminal is wider."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence

from console.backtest.routine import Review, Step, Table, Verdict
from console.commands.common import visible_line

_LEAST, _MOST = 80, 120
_MOST_ROWS = 40
_SHORTEST_CELL = 12
_GAP = "  "
_INDENT = "   "


def review_text(review: Review) -> Iterator[str]:
    """The lines; a long table is cut, and says so."""
    width = _width()
    yield visible_line(review.title)
    for note in review.notes:
        yield from _wrapped("", note, width)
    yield ""
    yield from _verdicts(review.steps, width)
    for number, step in enumerate(review.steps, 1):
        yield ""
        yield from _step(number, step, width)


def _width() -> int:
    if sys.stdout is None or not sys.stdout.isatty():
        return _LEAST
    return min(_MOST, max(_LEAST, shutil.get_terminal_size().columns))


def _verdicts(steps: Sequence[Step], width: int) -> Iterator[str]:
    """Each step's verdict on a line, so that what needs a look is seen first."""
    longest = max(len(verdict.value) for verdict in Verdict)
    for number, step in enumerate(steps, 1):
        yield from _wrapped(f"{number}. {step.verdict.value.upper():{longest}}{_GAP}", step.task, width)


def _step(number: int, step: Step, width: int) -> Iterator[str]:
    yield f"{number}. {step.task.upper()}"
    yield from _wrapped(f"{_INDENT}{step.verdict.value.upper()}: ", step.found, width)
    for table in step.tables:
        yield ""
        yield from _table(table, width)
    if step.drawn:
        yield ""
        yield from (f" {line}" for line in step.drawn)
    for note in step.notes:
        yield from _wrapped(f"{_INDENT}! ", note, width)


def _table(table: Table, width: int) -> Iterator[str]:
    if table.title:
        yield f"{_INDENT}{table.title}"
    shown = [tuple(visible_line(cell) for cell in row) for row in table.rows[:_MOST_ROWS]]
    widths = _widths([table.headings, *shown], table.words, width - len(_INDENT))
    for row in (table.headings, *shown):
        cells = (
            f"{_cut(cell, wide):{'<' if place in table.words else '>'}{wide}}"
            for place, (cell, wide) in enumerate(zip(row, widths, strict=True))
        )
        yield f"{_INDENT}{_GAP.join(cells)}".rstrip()
    if len(table.rows) > _MOST_ROWS:
        yield f"{_INDENT}and {len(table.rows) - _MOST_ROWS:,} more: --html and --json have all of them"


def _widths(rows: Sequence[tuple[str, ...]], words: tuple[int, ...], room: int) -> list[int]:
    """As wide as the longest cell; where that is too much, the longest columns of words give way."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    room -= len(_GAP) * (len(widths) - 1)
    while sum(widths) > room:
        widest = max(range(len(widths)), key=lambda place: (place in words, widths[place]))
        if widths[widest] <= _SHORTEST_CELL:
            break
        widths[widest] -= 1
    return widths


def _cut(text: str, width: int) -> str:
    """Without its middle: tickers differ at their ends."""
    tail = (width - 1) // 2
    return text if len(text) <= width else f"{text[: width - 1 - tail]}…{text[-tail:]}"


def _wrapped(head: str, text: str, width: int) -> list[str]:
    return textwrap.wrap(
        head + visible_line(text),
        width,
        subsequent_indent=" " * len(head),
        break_on_hyphens=False,
    )
