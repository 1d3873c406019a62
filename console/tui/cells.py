"""What is drawn, before it has a place: short runs of text with a tone, joined to lines of exact width.

``put`` is the only way from a string to the screen, so everything passes through ``inert``.
"""

from __future__ import annotations

import enum
import textwrap
from typing import NamedTuple

from console.tui.sanitize import inert


class Tone(enum.Enum):
    """What a run of text means; a theme says how it looks."""

    PLAIN = enum.auto()
    STRONG = enum.auto()
    MUTED = enum.auto()
    FRAME = enum.auto()
    ACCENT = enum.auto()
    GAIN = enum.auto()
    LOSS = enum.auto()
    WARN = enum.auto()
    TRACK = enum.auto()
    BADGE_GAIN = enum.auto()
    BADGE_WARN = enum.auto()
    BADGE_HALT = enum.auto()
    FOCUS = enum.auto()


class Span(NamedTuple):
    text: str
    tone: Tone


Line = tuple[Span, ...]
"""Also the content of a cell of a table."""

EMPTY: Line = ()


def put(text: str, tone: Tone = Tone.PLAIN) -> Line:
    """Text, made inert."""
    return (Span(inert(text), tone),)


def wrapped(text: str, width: int, tone: Tone = Tone.PLAIN) -> list[Line]:
    """Text, made inert, on as many lines of at most ``width`` cells as it takes; at least one."""
    return [put(line, tone) for line in textwrap.wrap(inert(text), max(8, width))] or [put("", tone)]


def text_of(line: Line) -> str:
    return "".join(span.text for span in line)


def width_of(line: Line) -> int:
    width = 0
    for text, _ in line:
        width += len(text)
    return width


def clip(line: Line, width: int) -> Line:
    """At most ``width`` cells, ended by an ellipsis when something was cut."""
    if width_of(line) <= width:
        return line
    kept: list[Span] = []
    room = width - 1
    for text, tone in line:
        kept.append(Span(text[:room], tone))
        room -= len(text)
        if room <= 0:
            break
    return (*kept, Span("…", kept[-1].tone)) if width > 0 else EMPTY


def left(line: Line, width: int) -> Line:
    """Exactly ``width`` cells, text at the left."""
    clipped = clip(line, width)
    return (*clipped, Span(" " * (width - width_of(clipped)), Tone.PLAIN))


def right(line: Line, width: int) -> Line:
    """Exactly ``width`` cells, text at the right."""
    clipped = clip(line, width)
    return (Span(" " * (width - width_of(clipped)), Tone.PLAIN), *clipped)


def middle(text: str, width: int) -> str:
    """At most ``width`` cells, with the middle left out: a ticker's ends tell markets apart."""
    if len(text) <= width:
        return text
    if width < 5:
        return text[: max(0, width - 1)] + "…"
    tail = (width - 1) // 2
    return f"{text[: width - 1 - tail]}…{text[len(text) - tail :]}"


def join(parts: list[Line], separator: str = "  ") -> Line:
    """The parts that are not empty, in a row."""
    spans: list[Span] = []
    for part in parts:
        if part:
            if spans:
                spans.append(Span(separator, Tone.MUTED))
            spans.extend(part)
    return tuple(spans)


def fitting(parts: list[tuple[int, Line]], width: int, separator: str = "  ") -> Line:
    """As many of the ranked parts as fit, in their order; the highest rank goes first."""
    kept = [part for part in parts if part[1]]
    while len(kept) > 1 and width_of(join([line for _, line in kept], separator)) > width:
        kept.remove(max(kept, key=lambda part: part[0]))
    return join([line for _, line in kept], separator)


def between(start: Line, end: Line, width: int) -> Line:
    """``start`` at the left and ``end`` at the right of ``width`` cells; ``start`` gives way."""
    end = clip(end, width)
    room = width - width_of(end)
    return (*left(start, room), *end)


def bar(share: float, share_with_resting: float, width: int, tone: Tone, marks: tuple[float, ...]) -> Line:
    """A horizontal gauge of ``width`` cells: used solid, resting orders hollow, marks on the free track."""
    used = min(width, round(max(0.0, share) * width))
    if share > 0:
        used = max(1, used)
    free = max(used, min(width, round(max(0.0, share_with_resting) * width)))
    ticks = {min(width - 1, int(mark * width)) for mark in marks}
    track = "".join("┆" if cell in ticks else "·" for cell in range(free, width))
    return (Span("■" * used, tone), Span("□" * (free - used), tone), Span(track, Tone.TRACK))
