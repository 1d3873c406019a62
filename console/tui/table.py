"""Columns of fixed width, chosen by the room there is, numbers aligned on their decimal point."""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence

import msgspec

from console.tui.cells import EMPTY, Line, Span, Tone, left, put, right

_WIDEST_GAP = 3


class Align(enum.Enum):
    LEFT = enum.auto()
    RIGHT = enum.auto()
    DECIMAL = enum.auto()


class Column(msgspec.Struct, frozen=True):
    """One column; a lower ``rank`` stays longer as room gets short, ``most`` lets it grow that wide."""

    heading: str
    width: int
    align: Align = Align.LEFT
    rank: int = 0
    most: int = 0


Cell = Line | Callable[[int], Line]
"""What stands in a column; a function is given the column's width."""


def choose(columns: Sequence[Column], width: int) -> tuple[list[int], list[int]]:
    """Which columns fit ``width`` cells, and how wide each of them is; one cell stands between two."""
    by_rank = sorted(range(len(columns)), key=lambda index: columns[index].rank)
    widths: dict[int, int] = {}
    room = width + 1
    for index in by_rank:
        needed = columns[index].width + 1
        if widths and needed > room:
            break
        widths[index] = columns[index].width
        room -= needed
    for index in by_rank[: len(widths)]:
        extra = min(max(0, room), max(0, columns[index].most - columns[index].width))
        widths[index] += extra
        room -= extra
    chosen = sorted(widths)
    return chosen, [widths[index] for index in chosen]


def _decimals(line: Line) -> int:
    """Cells from the decimal point on."""
    text = "".join(span.text for span in line)
    _, point, fraction = text.rpartition(".")
    return len(fraction) + 1 if point and fraction.isdigit() else 0


def _is_number(line: Line) -> bool:
    return any(character.isdigit() for span in line for character in span.text)


def _padded(line: Line, decimals: int) -> Line:
    missing = decimals - _decimals(line) if _is_number(line) else 0
    return (*line, Span(" " * missing, Tone.PLAIN)) if missing else line


def lay_out(columns: Sequence[Column], rows: Sequence[Sequence[Cell]], width: int) -> tuple[Line, list[Line]]:
    """The heading and the rows as lines of exactly ``width`` cells.

    The last cell of a row that has fewer than there are columns takes the room of all that follow.
    """
    chosen, widths = choose(columns, width)
    gap = min(_WIDEST_GAP, (width - sum(widths)) // max(1, len(chosen) - 1))
    filler = Span(" " * gap, Tone.PLAIN)
    lines: list[list[Span]] = [[] for _ in rows]
    heading: list[Span] = []
    for place, (index, cells) in enumerate(zip(chosen, widths, strict=True)):
        column = columns[index]
        rest = sum(widths[place:]) + gap * (len(widths) - 1 - place)
        rooms = [rest if index == len(row) - 1 else cells for row in rows]
        drawn = [
            _draw(row[index], room) if index < len(row) else EMPTY
            for row, room in zip(rows, rooms, strict=True)
        ]
        decimals = max(map(_decimals, drawn), default=0) if column.align is Align.DECIMAL else 0
        fit = left if column.align is Align.LEFT else right
        before = [filler] if place else []
        heading += [*before, *fit(put(column.heading, Tone.MUTED), cells)]
        for row, line, content, room in zip(rows, lines, drawn, rooms, strict=True):
            if index < len(row):
                line += [*before, *fit(_padded(content, decimals), room)]
    return left(tuple(heading), width), [left(tuple(line), width) for line in lines]


def _draw(cell: Cell, width: int) -> Line:
    return cell(width) if callable(cell) else cell
