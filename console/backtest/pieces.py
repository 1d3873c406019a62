"""A recording handed out in small pieces, so that a run can be heard to go on."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from console.backtest.timeline_parts import DerivedTimeline, Rows, rows_where
from console.history.columns import Slice
from console.history.timeline import Timeline

_PIECES = 100


class Pieces(DerivedTimeline):
    """The same rows in ``_PIECES`` times as many slices; ``tell`` hears how many were handed out and used."""

    def __init__(self, whole: Timeline, tell: Callable[[int], None]) -> None:
        super().__init__(whole)
        self._tell = tell

    def slices(self) -> Iterator[Slice]:
        """Everything from the beginning, in order of time; raises HistoryError when a file was changed."""
        # Whoever asks for a piece still holds the one before.
        used = held = 0
        for each in self._whole.slices():
            for piece in _cut(each):
                self._tell(used)
                used += held
                held = piece.rows
                yield piece


def _cut(whole: Slice) -> Iterator[Slice]:
    """At equal steps of time, none of which parts rows of one time."""
    kinds = (whole.trades, whole.books, whole.quotes)
    times = [(int(rows.ts_ns[0]), int(rows.ts_ns[-1])) for rows in kinds if len(rows.ts_ns)]
    first, last = min(first for first, _ in times), max(last for _, last in times)
    for place in range(_PIECES):
        since_ns = first + (last + 1 - first) * place // _PIECES
        until_ns = first + (last + 1 - first) * (place + 1) // _PIECES
        piece = Slice(
            _between(whole.trades, since_ns, until_ns),
            _between(whole.books, since_ns, until_ns),
            _between(whole.quotes, since_ns, until_ns),
        )
        if piece.rows:
            yield piece


def _between(rows: Rows, since_ns: int, until_ns: int) -> Rows:
    return rows_where(rows, (rows.ts_ns >= since_ns) & (rows.ts_ns < until_ns))
