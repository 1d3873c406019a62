"""Whether anything that was decided depended on what came later: the future is cut off, and changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING

import msgspec

from console.backtest.other_futures import NoFuture, OtherFuture
from console.backtest.run import run
from console.backtest.setup import Latency, Setup
from console.history.timeline import Timeline
from console.monitoring.records import Decision

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Begin = Callable[[str], None]
Progress = Callable[[int, int], None]


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """A decision that the future changed; None where none was made in its place."""

    future: str
    at_ns: int
    with_future: Decision | None
    without: Decision | None


class Moment(msgspec.Struct, frozen=True):
    """A row's time after which the future is another, and until when nothing of it can be known."""

    at_ns: int
    until_ns: int


class Lookahead(msgspec.Struct, frozen=True, kw_only=True):
    """What comparing showed: ``decisions`` were compared, each once for each other future it was before.

    ``differences`` holds the first of each comparison that had any.
    """

    made: int
    moments: tuple[int, ...]
    decisions: int
    changed: int
    differences: tuple[Difference, ...]


def lookahead(setup: Setup, timeline: Timeline, moments: int, begin: Begin, progress: Progress) -> Lookahead:
    """Run again with no future and with another after some of the moments of decision, and compare.

    ``begin`` is told the name of each run and ``progress`` how far it is. Raises HistoryError.
    """
    begin("as recorded")
    made = run(setup, timeline, progress).decisions
    chosen = _moments(timeline, made, moments, setup.latency) if made else []
    compared = changed = 0
    differences = []
    for number, moment in enumerate(chosen, 1):
        for name, future in (("cut off", NoFuture), ("changed", OtherFuture)):
            begin(f"{name} at moment {number} of {len(chosen)}")
            again = run(setup, future(timeline, moment.at_ns), progress).decisions
            different = _differences(name, made, again, moment.until_ns)
            compared += sum(each.at_ns <= moment.until_ns for each in made)
            changed += len(different)
            differences += different[:1]
    return Lookahead(
        made=len(made),
        moments=tuple(moment.at_ns for moment in chosen),
        decisions=compared,
        changed=changed,
        differences=tuple(differences),
    )


def _differences(
    future: str, made: Sequence[Decision], again: Sequence[Decision], until_ns: int
) -> list[Difference]:
    """Decisions up to a time that are not the same, one by one in their order."""
    known = [[each for each in decisions if each.at_ns <= until_ns] for decisions in (made, again)]
    return [
        Difference(future=future, at_ns=(one or other).at_ns, with_future=one, without=other)
        for one, other in zip_longest(*known)
        if one != other
    ]


def _moments(timeline: Timeline, made: Sequence[Decision], number: int, latency: Latency) -> list[Moment]:
    """The rows on which evenly spread decisions rest, each with the time of what it alone can lead to.

    A row is known to us after the feed's latency, and what it does to our orders after the response's.
    """
    import numpy as np

    places = np.unique(np.linspace(0, len(made) - 1, number).round().astype(np.int64))
    wanted = np.array([made[place].at_ns - latency.feed_ns for place in places])
    hidden_ns = min(latency.feed_ns, latency.response_ns)
    rows_ns = sorted(set(_rows_before(timeline, wanted).tolist()))
    return [Moment(at_ns, at_ns + hidden_ns) for at_ns in rows_ns]


def _rows_before(timeline: Timeline, wanted_ns: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The time of the last row at or before each time, or of the first of all."""
    import numpy as np

    found = np.full(len(wanted_ns), -1)
    for each in timeline.slices():
        for rows in (each.trades, each.books, each.quotes):
            if len(rows.ts_ns):
                place = np.searchsorted(rows.ts_ns, wanted_ns, side="right") - 1
                found = np.maximum(found, np.where(place >= 0, rows.ts_ns[place], -1))
    return found
