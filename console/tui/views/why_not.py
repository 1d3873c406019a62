"""Why nothing was traded: how many markets reach each step towards an order, and what stops the rest."""

from __future__ import annotations

from console.engine.log_views import FunnelStep
from console.tui.cells import Line, Span, Tone, bar, left, put, right
from console.tui.pane import Content, Query, View
from console.tui.picture import Picture
from console.tui.table import Cell
from console.tui.views.common import WAITING, data_age

_LABEL, _COUNT, _SHARE = 16, 7, 6
_MOST_REASONS = 3


def _step_row(step: FunnelStep, first: int) -> Cell:
    share = step.reached / first if first else 0.0

    def drawn(width: int) -> Line:
        room = width - _LABEL - _COUNT - _SHARE - 1
        drop = bar(share, share, room, Tone.ACCENT, ()) if room > 0 else ()
        count = right(put(f"{step.reached:,}", Tone.STRONG), _COUNT)
        of_all = right(put(_percent(share), Tone.MUTED), _SHARE)
        return (*left(put(step.label, Tone.STRONG), _LABEL), *count, *of_all, Span(" ", Tone.PLAIN), *drop)

    return drawn


def _percent(share: float) -> str:
    """Of all that were scanned; the fewest are told from none."""
    return f"{share:.0%}" if share >= 0.01 or not share else f"{share:.1%}" if share >= 0.001 else "<0.1%"


def _reason_row(reason: str, count: int) -> Cell:
    return lambda width: (*left(put(f"  {-count:,}", Tone.WARN), 11), *put(reason, Tone.MUTED))


def _content(picture: Picture, width: int, height: int, query: Query) -> Content:
    if picture.snapshot is None:
        return Content(message=WAITING, age=data_age(None))
    steps = picture.snapshot.funnel
    first = steps[0].reached if steps else 0
    rows: list[tuple[str, Cell]] = []
    for step in steps:
        rows.append((step.label, _step_row(step, first)))
        commonest = step.stopped[:_MOST_REASONS]
        rows.extend((f"{step.label} {reason}", _reason_row(reason, n)) for reason, n in commonest)
    return Content(
        summary=[put("from scan to fill")],
        age=data_age(picture.age_ns),
        keys=[key for key, _ in rows],
        cells=lambda index: [rows[index][1]],
        message="no scan has run yet",
    )


VIEW = View(action="why_not", name="Why not", content=_content)
