"""Alerts, newest first: what happened and what to do about it, each on its own lines."""

from __future__ import annotations

from collections.abc import Sequence

from console.domain.actions import AlertLevel
from console.domain.time_units import NS_PER_HOUR
from console.engine.log_views import AlertView, DeliveryView
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


def _lines(alert: AlertView, picture: Picture, width: int) -> list[Line]:
    """A heading, the text, and the response, as wide as the pane."""
    sign, tone = SIGNS[alert.level]
    head = join([put(fmt.clock(alert.at_ns), Tone.MUTED), put(sign, tone)])
    text = wrapped(alert.text, width, Tone.STRONG if alert.level is AlertLevel.CRITICAL else Tone.PLAIN)
    if alert.level is AlertLevel.INFO:
        return (
            [join([head, *text])] if len(text) == 1 and len(text[0][0].text) < width - 18 else [head, *text]
        )
    answer = wrapped(response_to(alert.kind, picture.key), width - 2, Tone.ACCENT)
    marks = [Span("→ ", Tone.ACCENT), *[Span("  ", Tone.PLAIN)] * (len(answer) - 1)]
    return [head, *text, *((mark, *line) for mark, line in zip(marks, answer, strict=True))]


def _detail(alert: AlertView, picture: Picture) -> Row:
    sign, tone = SIGNS[alert.level]
    head = join([put(fmt.clock(alert.at_ns) + " ET", Tone.MUTED), put(sign, tone), put(alert.kind)])
    answer = put(response_to(alert.kind, picture.key))
    return Row(detail=[head, put(alert.text), put("what to do", Tone.STRONG), answer])


def _summary(alerts: Sequence[AlertView], deliveries: Sequence[DeliveryView], now_ns: int) -> list[Line]:
    """Who could not be told of them, how many there are, and how many came within the last hour."""
    grave = sum(alert.level is not AlertLevel.INFO for alert in alerts)
    recent = sum(
        now_ns - alert.at_ns < NS_PER_HOUR and alert.level is not AlertLevel.INFO for alert in alerts
    )
    untold = [
        put(f"{each.name}: {f'{each.lost} lost' if each.lost else each.trouble}", Tone.WARN)
        for each in deliveries
        if each.trouble or each.lost
    ]
    count = put(f"{grave} to look at", Tone.WARN if grave else Tone.MUTED)
    return [*untold, count, put(f"{recent} in an hour")]


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
    rows = [(alert, n, line) for alert in alerts for n, line in enumerate(_lines(alert, picture, width))]
    return Content(
        summary=_summary(alerts, picture.snapshot.deliveries, picture.now_ns),
        age=data_age(picture.age_ns),
        keys=[f"{alert.sequence} {n}" for alert, n, _ in rows],
        cells=lambda index: [rows[index][2]],
        row=lambda index: _detail(rows[index][0], picture),
        message="nothing matches the filter" if query.text else "no alerts",
    )


VIEW = View(action="alerts", name="Alerts", content=_content, orders=("newest", "gravest"), is_filtered=True)
