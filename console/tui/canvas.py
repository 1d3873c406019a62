"""A widget that draws its own lines and repaints only the cells that changed."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from itertools import groupby, zip_longest

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from console.tui.cells import EMPTY, Line, Tone
from console.tui.themes import style_of

_BRIDGE = 4
"""Two changes nearer than this are repainted as one: moving the cursor costs as much."""


def _cells(line: Line) -> Iterator[tuple[str, Tone]]:
    for text, tone in line:
        for character in text:
            yield character, tone


def changed_regions(old: Sequence[Line], new: Sequence[Line]) -> list[Region]:
    """The places, in cells, where two drawings differ."""
    regions: list[Region] = []
    for y, (before, after) in enumerate(zip_longest(old, new, fillvalue=EMPTY)):
        if before == after:
            continue
        start: int | None = None
        end = 0
        for x, (was, now) in enumerate(zip_longest(_cells(before), _cells(after))):
            if was == now:
                continue
            if start is not None and x - end >= _BRIDGE:
                regions.append(Region(start, y, end - start, 1))
                start = None
            start = x if start is None else start
            end = x + 1
        if start is not None:
            regions.append(Region(start, y, end - start, 1))
    return regions


class Canvas(Widget):
    """Base of everything drawn at the refresh rate; subclasses say what to draw."""

    ALLOW_SELECT = False

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's
        super().__init__(id=id, classes=classes)
        self._lines: Sequence[Line] = ()
        self._drawn_size: Size | None = None
        self._styles_by_tone: dict[Tone, Style] = {}

    @abstractmethod
    def draw(self, width: int, height: int) -> Sequence[Line]:
        """The lines to show on an area of this size."""

    def redraw(self) -> int:
        """Draw again and ask for a repaint of what changed; returns in how many places."""
        if not self.size:
            return 0
        before = self._lines
        self._draw_all()
        regions = changed_regions(before, self._lines)
        if regions:
            self.refresh(*regions)
            # Textual forgets them only in widgets that do not draw their own lines.
            self._dirty_regions.clear()
        return len(regions)

    def _draw_all(self) -> None:
        self._drawn_size = self.size
        self._lines = self.draw(self.size.width, self.size.height)

    def notify_style_update(self) -> None:
        self._styles_by_tone.clear()
        super().notify_style_update()

    def _style(self, tone: Tone) -> Style:
        style = self._styles_by_tone.get(tone)
        if style is None:
            style = self.rich_style + style_of(tone, self.app.theme_variables)
            self._styles_by_tone[tone] = style
        return style

    def render_line(self, y: int) -> Strip:
        if self._drawn_size != self.size:
            # Textual tells of a new size only after it has drawn it.
            self._draw_all()
        line = self._lines[y] if y < len(self._lines) else EMPTY
        runs = groupby((span for span in line if span.text), key=lambda span: span.tone)
        segments = [Segment("".join(text for text, _ in run), self._style(tone)) for tone, run in runs]
        length = sum(len(segment.text) for segment in segments)
        return Strip(segments, length).adjust_cell_length(self.size.width, self._style(Tone.PLAIN))
