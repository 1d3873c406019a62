"""Only what changed goes to the terminal."""

from __future__ import annotations

import asyncio

from rich.console import Console
from rich.control import Control
from rich.segment import Segment
from textual._compositor import ChopsUpdate, Compositor
from textual.screen import Screen
from textual.strip import Strip


class NarrowUpdate(ChopsUpdate):
    """Textual's update of some spans of the screen, each written from its own first cell on.

    Textual writes from the left edge of the widget that a span is in, which is ten times as much for a table
    in which a tenth of the values changed.
    """

    def render_segments(self, console: Console) -> str:
        written: list[str] = []
        for y, start, end in self.spans:
            for chop_end, (x, strip) in zip(self.chop_ends[y], self.chops[y].items(), strict=False):
                first, last = max(x, start), min(chop_end, end)
                if strip is not None and first < last:
                    written.append(Control.move_to(first, y).segment.text)
                    written.append(cut(strip, first - x, last - x).render(console))
        return "".join(written)


def cut(strip: Strip, start: int, end: int) -> Strip:
    """As ``Strip.crop``, without its caches: a value that changed is written once, and Rich keeps 16,384."""
    if sum(len(segment.text) for segment in strip) != strip.cell_length:
        # Something in it is not one cell wide.
        return strip.crop(start, end)
    kept, at = [], 0
    for text, style, control in strip:
        first, last = max(0, start - at), min(len(text), end - at)
        if first < last:
            kept.append(Segment(text[first:last], style, control))
        at += len(text)
    return Strip(kept, min(end, at) - start)


class NarrowCompositor(Compositor):
    """Textual's compositor, with narrow updates."""

    def render_partial_update(self) -> ChopsUpdate | None:
        update = super().render_partial_update()
        return None if update is None else NarrowUpdate(update.chops, update.spans, update.chop_ends)


class NarrowScreen(Screen[None]):
    """A screen that writes what changed, a widget in each turn of the loop, so that keys come in between."""

    def __init__(self) -> None:
        super().__init__()
        self._compositor = NarrowCompositor()

    def _on_timer_update(self) -> None:
        if self is not self.app.screen:
            super()._on_timer_update()
            # What changed is drawn, through the dialog above; Textual would draw it again at every message.
            self._repaint_required = False
            self._exchange_repaint_regions()
            return
        waiting = set(self._dirty_widgets)
        is_all = self._layout_required or self._scroll_required or self._repaint_required
        if is_all or len(waiting) < 2:
            super()._on_timer_update()
            return
        self._dirty_widgets = {waiting.pop()}
        super()._on_timer_update()
        self._dirty_widgets |= waiting
        self.call_later(self._update_next)

    async def _update_next(self) -> None:
        await asyncio.sleep(0)
        self._on_timer_update()
