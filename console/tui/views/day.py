"""The risk day: profit and loss as a curve, what it is made of, and how often what was bought won."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from console.domain.money import PAYOUT, PRICE_PER_CENT, Cash
from console.engine.account_views import CurvePoint, Outcomes
from console.engine.snapshot import Snapshot
from console.monitoring.statistics import wilson
from console.tui import formatting as fmt
from console.tui.cells import Line, Tone, between, join, left, put, text_of
from console.tui.pane import Content, Query, View
from console.tui.picture import Picture
from console.tui.views.common import WAITING, data_age, signed
from console.tui.views.replay_curve import curves

_LABEL = 15
_LEAST_CURVE, _MOST_CURVE = 4, 16
_PARTS = 200
"""Of the time the curve covers; a pane has fewer columns."""


def _score(outcomes: Outcomes) -> list[Line]:
    """Losses per hundred trades beside what the entries expected and what would break even."""
    n = outcomes.trades
    if not n:
        return [put("no market that we held has settled yet", Tone.MUTED)]
    hit = 100 * outcomes.won / n
    lost = 100 - hit
    expected, even = (100 * (1 - total / n / PAYOUT) for total in (outcomes.expected, outcomes.paid))
    tone = Tone.LOSS if lost > even else Tone.PLAIN
    used = (outcomes.expected - outcomes.paid) / n / PRICE_PER_CENT
    measured = (PAYOUT * outcomes.won - outcomes.paid) / n / PRICE_PER_CENT
    within = wilson(outcomes.won / n, outcomes.effective_events)
    low, high = ((PAYOUT * rate - outcomes.paid / n) / PRICE_PER_CENT for rate in within or (0.0, 1.0))
    return [
        _labelled("hit rate", put(f"{hit:.1f}%  {outcomes.won} of {n}", Tone.STRONG)),
        _labelled("lost per 100", put(f"{lost:.1f}{'  over break-even' if lost > even else ''}", tone)),
        _labelled("  expected", put(f"{expected:.1f}  by the edge used", Tone.MUTED)),
        _labelled("  break-even", put(f"{even:.1f}  before fees", Tone.MUTED)),
        _labelled("edge used", put(f"{used:+.1f} c  before fees")),
        _labelled("  measured", put(f"{measured:+.1f} c  n={n} settled")),
        _labelled("  95 % between", put(f"{low:+.1f} and {high:+.1f} c", Tone.MUTED)),
    ]


def _labelled(label: str, line: Line) -> Line:
    return (*left(put(label, Tone.MUTED), _LABEL), *line)


def _in_dollars(amount: Line) -> Line:
    return amount if text_of(amount) == fmt.UNKNOWN else (*amount, *put(" $"))


def _money(snapshot: Snapshot) -> list[Line]:
    marks = [position.unrealised for position in snapshot.positions]
    known = [mark for mark in marks if mark is not None]
    unrealised = Cash(sum(known)) if len(known) == len(marks) else None
    return [
        _labelled("open at marks", _in_dollars(signed(unrealised))),
        _labelled("worst case", put(f"{fmt.dollars(-abs(snapshot.worst_case))} $")),
        _labelled("fees", put(f"{fmt.dollars(snapshot.fees)} $  since start", Tone.MUTED)),
    ]


def _at_parts(points: Sequence[CurvePoint]) -> list[int | None]:
    """The profit at the end of each equal part of the time."""
    times = [point.at_ns for point in points]
    first, last = times[0], times[-1]
    ends = (first + (last - first) * (part + 1) // _PARTS for part in range(_PARTS))
    return [points[bisect_right(times, end) - 1].profit for end in ends]


def _curve(points: Sequence[CurvePoint], width: int, height: int) -> list[Line]:
    if len(points) < 2:
        return [put("the curve begins with the second scan", Tone.MUTED)]
    start, end = (f"{fmt.clock(points[place].at_ns)[:5]} ET" for place in (0, -1))
    axis = between(put(" " * 10 + start, Tone.MUTED), put(end, Tone.MUTED), width)
    return [*curves([None], _at_parts(points), 0, width, height - 1), axis]


def _content(picture: Picture, width: int, height: int, query: Query) -> Content:
    snapshot = picture.snapshot
    if snapshot is None:
        return Content(message=WAITING, age=data_age(None))
    score, money = _score(snapshot.outcomes), _money(snapshot)
    room = min(_MOST_CURVE, height - len(score) - len(money))
    lines = [*(_curve(snapshot.curve, width, room) if room >= _LEAST_CURVE else []), *score, *money]
    share = fmt.percent(snapshot.day_pnl, snapshot.day_open_equity)
    return Content(
        summary=[join([_in_dollars(signed(snapshot.day_pnl)), put(share, Tone.MUTED)], " ")],
        age=data_age(picture.age_ns),
        keys=[str(index) for index in range(len(lines))],
        cells=lambda index: [lines[index]],
    )


VIEW = View(action="day", name="Day", content=_content)
