"""Two equity curves on one canvas of block characters."""

from __future__ import annotations

from collections.abc import Sequence

from console.domain.money import CASH_PER_CENT
from console.tui import formatting as fmt
from console.tui.cells import Line, Span, Tone, join, put, right

_LABEL = 9

Curve = Sequence[int | None]
"""Equity at the ends of equal parts of the time, None where it is not known."""

_Grid = list[list[Span]]


def legend(*, has_test: bool) -> Line:
    """What the two curves look like."""
    test = put("■ under test", Tone.ACCENT) if has_test else ()
    return join([test, put("─ in force", Tone.STRONG), put("┄ the capital", Tone.MUTED)])


def curves(in_force: Curve, under_test: Curve | None, capital: int, width: int, height: int) -> list[Line]:
    """So many lines, with the profit at top and bottom at the left; the curve under test is in front."""
    known = [equity for equity in (*in_force, *(under_test or ()), capital) if equity is not None]
    low, high = min(known), max(known)
    high = max(high, low + CASH_PER_CENT)
    columns = max(1, width - _LABEL - 1)
    grid: _Grid = [[Span(" ", Tone.PLAIN)] * columns for _ in range(height)]
    grid[_level(capital, low, high, height)] = [Span("┄", Tone.TRACK)] * columns
    _draw_thin(grid, _levels(in_force, columns, low, high, height))
    if under_test is not None:
        _draw_thick(grid, _levels(under_test, columns, low, high, 2 * height))
    labels = {height - 1: high, 0: low}
    return [_line(grid[row], labels.get(row), capital) for row in range(height - 1, -1, -1)]


def _level(equity: int, low: int, high: int, levels: int) -> int:
    return min(levels - 1, (equity - low) * levels // (high - low))


def _levels(curve: Curve, columns: int, low: int, high: int, levels: int) -> list[int | None]:
    """The level in each column, counted from below."""
    places = (curve[len(curve) * (column + 1) // columns - 1] for column in range(columns))
    return [None if equity is None else _level(equity, low, high, levels) for equity in places]


def _draw_thin(grid: _Grid, levels: Sequence[int | None]) -> None:
    before: int | None = None
    for column, level in enumerate(levels):
        if level is not None:
            for row in _passed(before, level):
                grid[row][column] = Span("│", Tone.STRONG)
            grid[level][column] = Span("─", Tone.STRONG)
        before = level


def _draw_thick(grid: _Grid, levels: Sequence[int | None]) -> None:
    """In half rows."""
    before: int | None = None
    for column, level in enumerate(levels):
        if level is not None:
            halves = {level, *_passed(before, level)}
            for row in {half // 2 for half in halves}:
                lower, upper = 2 * row in halves, 2 * row + 1 in halves
                grid[row][column] = Span("█" if lower and upper else "▄" if lower else "▀", Tone.ACCENT)
        before = level


def _passed(before: int | None, level: int) -> range:
    """The levels between two columns, so that a jump is drawn as one."""
    if before is None:
        return range(0)
    return range(min(before, level) + 1, max(before, level))


def _line(cells: Sequence[Span], label: int | None, capital: int) -> Line:
    text = "" if label is None else fmt.dollars(label - capital, signed=True)
    spans: list[Span] = [*right(put(text, Tone.MUTED), _LABEL), Span(" ", Tone.PLAIN)]
    for cell in cells:
        if spans and spans[-1].tone is cell.tone:
            spans[-1] = Span(spans[-1].text + cell.text, cell.tone)
        else:
            spans.append(cell)
    return tuple(spans)
