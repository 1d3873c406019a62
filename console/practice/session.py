"""The tape of a practice session: recorded markets on the wall clock, looping for ever under fresh tickers.

Every dataset of a history folder is a reel of its own. It starts with its first quote, runs to its last and
starts again; reels run side by side.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from console.domain.time_units import NS_PER_S
from console.history.clean import Defects, clean
from console.history.load import History, load
from console.history.schema import HistoryError
from console.practice.player import Part, Shift, play_market
from console.practice.recording import RecordedMarket, Window, recorded_markets
from console.practice.tape import TapeEntry

if TYPE_CHECKING:
    import pyarrow as pa

_SHORTEST_LOOP_NS = 60 * NS_PER_S


def _window(start: str, minutes: int, seconds: int) -> Window:
    start_ns = int(datetime.fromisoformat(start).timestamp()) * NS_PER_S
    return Window(start_ns, start_ns + (minutes * 60 + seconds) * NS_PER_S)


SHIPPED_WINDOWS = {
    "crypto15m_feb2026": _window("2026-02-25T04:22:45Z", 82, 23),
    "crypto15m_aug2026": _window("2026-08-17T06:07:45Z", 82, 23),
}
"""Both start 7:45 after a quarter of an hour, so that the closes of the two coincide."""


class Tape(Iterator[TapeEntry]):
    """An endless iterator of entries in order of time.

    ``defects`` tells what cleaning dropped of the rows played, ``labels`` what was not recorded.
    """

    def __init__(self, entries: Iterator[TapeEntry], defects: Defects, labels: tuple[str, ...]) -> None:
        self._entries = entries
        self.defects = defects
        self.labels = labels

    def __next__(self) -> TapeEntry:
        return next(self._entries)


def play(folder: Path | None, *, seed: int, speed: Decimal | float, start_ns: int) -> Tape:
    """The tape of a history folder, or of the shipped session, from ``start_ns`` (UTC) on.

    Raises HistoryError when the folder cannot be used.
    """
    if folder is None:
        with resources.as_file(resources.files("console.practice") / "data") as shipped:
            return _play(load(shipped), SHIPPED_WINDOWS, seed, Fraction(str(speed)), start_ns)
    history = load(folder)
    return _play(history, _whole_windows(history), seed, Fraction(str(speed)), start_ns)


def _play(history: History, windows: Mapping[str, Window], seed: int, speed: Fraction, start_ns: int) -> Tape:
    history = replace(history, quotes=_within(history, windows))
    quotes, defects = clean(history)
    if not quotes.num_rows:
        raise HistoryError(
            f"{history.folder}: there is no quote to play; a session needs quotes before a close"
        )
    markets = recorded_markets(history, quotes)
    serials = itertools.count(1)
    reels = [
        _reel([m for m in markets if m.dataset == dataset], window, speed, start_ns, serials)
        for dataset, window in windows.items()
    ]
    parts = heapq.merge(*reels, key=lambda started: started[0])
    return Tape(_merged(parts, seed), defects, _labels(markets))


def _labels(markets: list[RecordedMarket]) -> tuple[str, ...]:
    present = {
        "modelled sizes": any(not m.has_sizes for m in markets),
        "modelled depth": True,
        "modelled prints": any(m.trades is None for m in markets),
        "simulated result": any(m.result is None for m in markets),
    }
    return tuple(label for label, applies in present.items() if applies)


def _within(history: History, windows: Mapping[str, Window]) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    quotes = history.quotes
    dataset = pc.take(history.markets["dataset"], quotes["market"])
    kept = []
    for name, window in windows.items():
        rows = quotes.filter(pc.equal(dataset, pa.scalar(name)))
        late = pc.greater_equal(rows["ts_ns"], pa.scalar(window.end_ns))
        early = pc.less(rows["ts_ns"], pa.scalar(window.start_ns))
        kept.append(rows.filter(pc.invert(pc.or_(early, late))))
    return pa.concat_tables([quotes.slice(0, 0), *kept])


def _whole_windows(history: History) -> dict[str, Window]:
    import pyarrow.compute as pc

    dataset = pc.take(history.markets["dataset"], history.quotes["market"])
    windows: dict[str, Window] = {}
    for name in pc.unique(dataset):
        times = history.quotes["ts_ns"].filter(pc.equal(dataset, name))
        # Rows are in order of time within a dataset.
        first, last = times[0].as_py(), times[-1].as_py()
        windows[name.as_py()] = Window(first, max(last + 1, first + _SHORTEST_LOOP_NS))
    return windows


def _reel(
    markets: list[RecordedMarket], window: Window, speed: Fraction, start_ns: int, serials: Iterator[int]
) -> Iterator[tuple[int, Part, Shift]]:
    """The markets of a dataset, loop after loop, by the wall time of their listing."""
    listings = sorted(markets, key=lambda market: market.listed_ns(window))
    length = Shift(window.start_ns, 0, speed).wall(window.end_ns)
    for loop in itertools.count() if listings else ():
        shift = Shift(window.start_ns, start_ns + loop * length, speed)
        for market in listings:
            yield shift.wall(market.listed_ns(window)), market.part(window, loop, next(serials), shift), shift


def _merged(starts: Iterator[tuple[int, Part, Shift]], seed: int) -> Iterator[TapeEntry]:
    """The entries of all markets in order of time, each market begun when its listing is due."""
    playing: list[tuple[int, int, TapeEntry, Iterator[TapeEntry]]] = []
    begun = 0
    due_ns, part, shift = next(starts)
    while True:
        while not playing or due_ns <= playing[0][0]:
            entries = play_market(part, shift, seed)
            begun += 1
            first = next(entries)
            heapq.heappush(playing, (first.at_ns, begun, first, entries))
            due_ns, part, shift = next(starts)
        _, order, entry, entries = playing[0]
        yield entry
        following = next(entries, None)
        if following is None:
            heapq.heappop(playing)
        else:
            heapq.heapreplace(playing, (following.at_ns, order, following, entries))
