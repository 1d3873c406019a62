"""Alerts, newest first: what happened and what to do about it, each on its own lines."""

from __future__ import annotations

from collections.abc import Sequence

from console.domain.actions import AlertLevel
from console.engine.snapshot import AlertView
from console.monitoring.responses import response_to
from console.tui import formatting as fmt
from console.tui.cells import Line, Span, Tone, join, put, wrapped
from console.tui.pane import Content, Query, Row, View
from console.tui.picture import Picture
from console.tui.views.common import WAITING, data_age

SIGNS = {
    AlertLevel.INFO: ("● info", Tone.MUTED),
    AlertLevel.WARNING: ("▲ warning", Tone.WARN),
    AlertLevel.CRITICAL: ("■ critical", Tone.LOSS),
}
_HOUR_NS = 3_600 * fmt.SECOND_NS


def _lines(alert: AlertView, width: int) -> list[Line]:
    """A heading, the text, and the response, as wide as the pane."""
    sign, tone = SIGNS[alert.level]
    head = join([put(fmt.clock(alert.at_ns), Tone.MUTED), put(sign, tone)])
    text = wrapped(alert.text, width, Tone.STRONG if alert.level is AlertLevel.CRITICAL else Tone.PLAIN)
    if alert.level is AlertLevel.INFO:
        return (
            [join([head, *text])] if len(text) == 1 and len(text[0][0].text) < width - 18 else [head, *text]
        )
    answer = wrapped(response_to(alert.kind), width - 2, Tone.ACCENT)
    marks = [Span("→ ", Tone.ACCENT), *[Span("  ", Tone.PLAIN)] * (len(answer) - 1)]
    return [head, *text, *((mark, *line) for mark, line in zip(marks, answer, strict=True))]


def _detail(alert: AlertView) -> Row:
    sign, tone = SIGNS[alert.level]
    head = join([put(fmt.clock(alert.at_ns) + " ET", Tone.MUTED), put(sign, tone), put(alert.kind)])
    return Row(detail=[head, put(alert.text), put("what to do", Tone.STRONG), put(response_to(alert.kind))])


def _summary(alerts: Sequence[AlertView], now_ns: int) -> list[Line]:
    """How many there are, and how often one came within the last hour."""
    grave = sum(alert.level is not AlertLevel.INFO for alert in alerts)
    recent = sum(now_ns - alert.at_ns < _HOUR_NS and alert.level is not AlertLevel.INFO for alert in alerts)
    return [put(f"{grave} to look at", Tone.WARN if grave else Tone.MUTED), put(f"{recent} in an hour")]


def _content(picture: Picture, width: int, height: int, query: Query) -> Content:
    if picture.snapshot is None:
        return Content(message=WAITING, age=data_age(None))
    alerts = [
        alert
        for alert in reversed(picture.snapshot.alerts)
        if query.admits(alert.text, alert.kind, SIGNS[alert.level][0])
    ]
    if query.order:
        alerts.sort(key=lambda alert: -alert.level)
    rows = [(alert, n, line) for alert in alerts for n, line in enumerate(_lines(alert, width))]
    return Content(
        summary=_summary(alerts, picture.now_ns),
        age=data_age(picture.age_ns),
        keys=[f"{alert.sequence} {n}" for alert, n, _ in rows],
        cells=lambda index: [rows[index][2]],
        row=lambda index: _detail(rows[index][0]),
        message="nothing matches the filter" if query.text else "no alerts",
    )


VIEW = View(number="a", name="Alerts", content=_content, orders=("newest", "gravest"), is_filtered=True)
