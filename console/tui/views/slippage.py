"""Slippage: what executions cost against the touch at the decision, takers and makers apart."""

from __future__ import annotations

from functools import lru_cache

from console.monitoring.slippage import (
    BIN_WIDTH_CENTIBPS,
    FIRST_BIN_CENTIBPS,
    RoleSummary,
    SlippageSample,
    SlippageSummary,
    summarise,
)
from console.tui import formatting as fmt
from console.tui.cells import Line, Span, Tone, fitting, put
from console.tui.pane import Content, Query, View
from console.tui.picture import Picture
from console.tui.views.common import WAITING, data_age

_HEIGHTS = " ▁▂▃▄▅▆▇█"
_LIMIT = "┊"
_WIDEST_BAR = 8
_MUCH_BEYOND = 0.05
_LABELLED_CENTIBPS = 1_000


@lru_cache(maxsize=4)
def _summary_of(samples: tuple[SlippageSample, ...], limit_centibps: int) -> SlippageSummary:
    return summarise(samples, limit_centibps)


def _statistics(name: str, role: RoleSummary, width: int) -> Line:
    """As many of the figures as fit, p95 and the count first."""
    if not role.n:
        return put(f"{name} no fills", Tone.MUTED)
    mean = None if role.mean is None else round(role.mean)
    beyond = role.share_beyond or 0.0
    parts = [
        (0, put(name, Tone.STRONG)),
        (1, put(f"n={role.n}", Tone.MUTED)),
        (3, put(f"mean {fmt.bps(mean)}")),
        (4, put(f"p50 {fmt.bps(role.p50)}")),
        (0, put(f"p95 {fmt.bps(role.p95)} bps")),
        (5, put(f"p99 {fmt.bps(role.p99)}")),
        (2, put(f"{beyond:.0%} beyond", Tone.LOSS if beyond > _MUCH_BEYOND else Tone.PLAIN)),
    ]
    return fitting(parts, width, "  " if width > 60 else " ")


def _bar_width(width: int, bins: int) -> int:
    return max(1, min(_WIDEST_BAR, width // bins))


def _limit_cell(limit_centibps: int, bar_width: int) -> int:
    """Where the limit stands; one bar of underflow comes first."""
    return bar_width + (limit_centibps - FIRST_BIN_CENTIBPS) * bar_width // BIN_WIDTH_CENTIBPS


def _tone_of_bin(index: int, limit_centibps: int) -> Tone:
    lower = FIRST_BIN_CENTIBPS + (index - 1) * BIN_WIDTH_CENTIBPS
    if lower >= limit_centibps:
        return Tone.LOSS
    return Tone.GAIN if lower < 0 else Tone.ACCENT


def _bars(role: RoleSummary, limit_centibps: int, width: int, rows: int) -> list[Line]:
    """Vertical bars of eighths, with the limit drawn through the free cells."""
    counts = (role.underflow, *role.bins, role.overflow)
    bar_width = _bar_width(width, len(counts))
    highest = max(counts)
    heights = [max(1, round(rows * 8 * n / highest)) if n else 0 for n in counts]
    limit_at = _limit_cell(limit_centibps, bar_width)
    lines: list[Line] = []
    for row in range(rows - 1, -1, -1):
        spans: list[Span] = []
        for index, height in enumerate(heights):
            glyph = _HEIGHTS[min(8, max(0, height - 8 * row))]
            drawn = glyph * max(1, bar_width - 1) + (" " if bar_width > 1 else "")
            spans.append(Span(drawn, _tone_of_bin(index, limit_centibps)))
        lines.append(_with_limit(tuple(spans), limit_at))
    return lines


def _with_limit(line: Line, cell: int) -> Line:
    """The limit's mark in a cell of a line, where nothing else is drawn."""
    spans: list[Span] = []
    start = 0
    for text, tone in line:
        at = cell - start
        if 0 <= at < len(text) and text[at] == " ":
            spans += [Span(text[:at], tone), Span(_LIMIT, Tone.WARN), Span(text[at + 1 :], tone)]
        else:
            spans.append(Span(text, tone))
        start += len(text)
    return tuple(spans)


def _axis(limit_centibps: int, bins: int, width: int) -> Line:
    bar_width = _bar_width(width, bins)
    cells = [" "] * width
    step = _LABELLED_CENTIBPS if 2 * bar_width >= 4 else 2 * _LABELLED_CENTIBPS
    for at_centibps in range(FIRST_BIN_CENTIBPS, FIRST_BIN_CENTIBPS + bins * BIN_WIDTH_CENTIBPS, step):
        label = fmt.bps(at_centibps)
        start = _limit_cell(at_centibps, bar_width) - (label.startswith("-"))
        if start + len(label) <= width and all(
            c == " " for c in cells[max(0, start - 1) : start + len(label)]
        ):
            cells[start : start + len(label)] = label
    label = " bps"
    if all(c == " " for c in cells[-len(label) :]):
        cells[-len(label) :] = label
    return put("".join(cells), Tone.MUTED)


def _lines(summary: SlippageSummary, width: int, height: int) -> list[Line]:
    roles = (("taker", summary.taker), ("maker", summary.maker))
    drawn = [(name, role) for name, role in roles if role.n]
    quiet = [_statistics(name, role, width) for name, role in roles if not role.n]
    rows = (height - len(drawn) - len(quiet) - 1) // max(1, len(drawn))
    if rows < 1 or not drawn:
        sparkline = (
            _bars(drawn[0][1], summary.limit_centibps, width, 1) if drawn and height > len(roles) else []
        )
        return [*(_statistics(name, role, width) for name, role in roles), *sparkline]
    lines: list[Line] = []
    for name, role in drawn:
        lines.append(_statistics(name, role, width))
        lines += _bars(role, summary.limit_centibps, width, rows)
    return [*lines, _axis(summary.limit_centibps, len(drawn[0][1].bins) + 2, width), *quiet]


def _content(picture: Picture, width: int, height: int, query: Query) -> Content:
    snapshot = picture.snapshot
    if snapshot is None:
        return Content(message=WAITING, age=data_age(None))
    summary = _summary_of(snapshot.slippage, snapshot.slippage_limit_centibps)
    lines = _lines(summary, width, height) if snapshot.slippage else []
    return Content(
        summary=[put(f"limit {fmt.bps(snapshot.slippage_limit_centibps)} bps")],
        age=data_age(picture.age_ns),
        keys=[str(index) for index in range(len(lines))],
        cells=lambda index: [lines[index]],
        message="no fills to measure yet",
    )


VIEW = View(action="pane_4", name="Slippage", content=_content)
