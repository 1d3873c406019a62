"""Risk limits, urgent ones first: how much of each is used, and would be if every resting order filled."""

from __future__ import annotations

from collections.abc import Sequence

from console.engine.limit_views import Gauge
from console.tui import formatting as fmt
from console.tui.cells import Line, Tone, bar, put
from console.tui.pane import Content, Query, View
from console.tui.picture import Picture
from console.tui.table import Align, Cell, Column
from console.tui.views import details
from console.tui.views.common import WAITING, data_age

ALARM_SHARE = 0.90

_WIDE = (
    Column("", 14, rank=1, most=20),
    Column("", 8, rank=0, most=24),
    Column("used", 6, Align.RIGHT, rank=2),
    Column("+rest", 6, Align.RIGHT, rank=3),
    Column("limit", 8, Align.RIGHT, rank=4),
    Column("amount", 9, Align.DECIMAL, rank=5),
    Column("age", 5, Align.RIGHT, rank=6),
    Column("", 12, rank=7, most=30),
)
_NARROW = (
    Column("", 14, rank=0),
    Column("", 4, rank=2, most=12),
    Column("", 6, Align.RIGHT, rank=1),
)


_MOST_URGENT_FIRST = (Tone.LOSS, Tone.WARN, Tone.GAIN)


def _share(part: int | None, limit: int | None) -> float | None:
    """Of the limit; a limit of zero is used up by anything and by nothing."""
    if part is None or limit is None:
        return None
    if limit <= 0:
        return 1.0
    return max(0, part) / limit


def _warns_at(gauge: Gauge) -> float:
    return gauge.warn_percent / 100


def _tone(share: float, warns_at: float) -> Tone:
    if share >= ALARM_SHARE:
        return Tone.LOSS
    return Tone.WARN if share >= warns_at else Tone.GAIN


def _percent(share: float | None, warns_at: float) -> Line:
    """With ``!`` at the warn mark and ``!!`` at the alarm mark, so that colour is not needed."""
    if share is None:
        return put(fmt.UNKNOWN, Tone.WARN)
    sign = "!!" if share >= ALARM_SHARE else "!" if share >= warns_at else ""
    return put(f"{sign}{share:.0%}", _tone(share, warns_at) if sign else Tone.STRONG)


def _amount(value: int | None, gauge: Gauge) -> str:
    if gauge.unit == "cash" or value is None:
        return fmt.dollars(value)
    return f"{value:,}" if gauge.unit == "count" else f"{value / 100:g}%"


def _limit(gauge: Gauge) -> str:
    if gauge.unit == "cash" and gauge.limit is not None:
        return f"{fmt.short_dollars(gauge.limit)} $"
    return _amount(gauge.limit, gauge)


def _amounts(gauge: Gauge) -> tuple[str, str, str]:
    return _amount(gauge.used, gauge), _amount(gauge.with_resting, gauge), _limit(gauge)


def _cells(gauge: Gauge, picture: Picture) -> Sequence[Cell]:
    used, resting = _share(gauge.used, gauge.limit), _share(gauge.with_resting, gauge.limit)
    warns_at = _warns_at(gauge)

    def drawn(width: int) -> Line:
        if used is None:
            return put("n/a, refuses" if width >= 12 else "refuses" if width >= 7 else "stop", Tone.WARN)
        worst = used if resting is None else max(used, resting)
        return bar(used, worst, width, _tone(used, warns_at), (warns_at, ALARM_SHARE))

    age_ns = None if gauge.age_ns is None else gauge.age_ns + (picture.age_ns or 0)
    return (
        put(gauge.label),
        drawn,
        _percent(used, warns_at),
        _percent(resting, warns_at) if resting is not None else put("-", Tone.MUTED),
        put(_limit(gauge), Tone.MUTED),
        put(_amount(gauge.used, gauge), Tone.PLAIN if gauge.used is not None else Tone.WARN),
        put(fmt.age(age_ns), Tone.MUTED),
        put(gauge.detail, Tone.MUTED),
    )


def _summary(gauges: Sequence[Gauge]) -> list[Line]:
    unknown = sum(_share(gauge.used, gauge.limit) is None for gauge in gauges)
    if unknown:
        return [put(f"{unknown} unknown, refuses", Tone.WARN)]
    known = [(share, _warns_at(g)) for g in gauges if (share := _share(g.used, g.limit)) is not None]
    return [put(f"highest {max(known)[0]:.0%}", _tone(*max(known)))] if known else []


def _urgency(gauge: Gauge) -> Tone:
    """A limit that is not known belongs at the top like one beyond its alarm mark."""
    used = _share(gauge.used, gauge.limit)
    if used is None:
        return Tone.LOSS
    return _tone(max(used, _share(gauge.with_resting, gauge.limit) or 0), _warns_at(gauge))


def _content(picture: Picture, width: int, height: int, query: Query) -> Content:
    if picture.snapshot is None:
        return Content(message=WAITING, age=data_age(None))
    gauges = sorted(picture.snapshot.gauges, key=lambda gauge: _MOST_URGENT_FIRST.index(_urgency(gauge)))
    columns: Sequence[Column] = _WIDE if width >= 30 else _NARROW
    return Content(
        summary=_summary(gauges),
        age=data_age(picture.age_ns),
        columns=columns,
        keys=[gauge.key for gauge in gauges],
        cells=lambda index: _cells(gauges[index], picture)[: len(columns)],
        row=lambda index: details.of_gauge(gauges[index], _amounts(gauges[index]), picture),
        message="no limits are reported",
    )


VIEW = View(action="pane_2", name="Risk limits", content=_content)
