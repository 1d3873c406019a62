"""A recording of which not everything is used: a timeline made of another one, and a stretch of one."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from console.domain.market import Market, Ticker
from console.history.columns import BookUpdates, Quotes, Slice, Trades
from console.history.timeline import Timeline

if TYPE_CHECKING:
    from console.history.columns import Flags

Rows = TypeVar("Rows", Quotes, Trades, BookUpdates)


@dataclass(frozen=True)
class Stretch:
    """Rows from ``since_ns`` on and before ``until_ns``, of all events or of those named."""

    since_ns: int | None = None
    until_ns: int | None = None
    events: frozenset[str] | None = None


class DerivedTimeline(Timeline, ABC):
    """A timeline whose rows are made from another's while they are read."""

    def __init__(self, whole: Timeline) -> None:
        self._whole = whole
        self.rows = whole.rows
        self.markets = whole.markets
        self.outcomes = whole.outcomes

    @property
    def dropped(self) -> dict[str, int]:
        return self._whole.dropped

    @property
    def noted(self) -> dict[str, int]:
        return self._whole.noted

    @property
    def is_held(self) -> bool:
        return self._whole.is_held

    @abstractmethod
    def slices(self) -> Iterator[Slice]: ...


class TimelinePart(DerivedTimeline):
    """The rows of a stretch, and only the markets that have any of them.

    A market's book begins with the first snapshot within the stretch.
    """

    def __init__(self, whole: Timeline, stretch: Stretch) -> None:
        """Goes through the rows once; raises HistoryError when a file was changed."""
        import numpy as np

        super().__init__(whole)
        self._stretch = stretch
        events = stretch.events
        self._is_asked = np.array([events is None or m.event_ticker in events for m in whole.markets])
        self._place = np.zeros(len(whole.markets), dtype=np.int32)
        has_rows = np.zeros(len(whole.markets), dtype=np.bool_)
        self.rows = 0
        for each in self._chosen():
            self.rows += each.rows
            for rows in (each.trades, each.books, each.quotes):
                has_rows[rows.market] = True
        self._place = (np.cumsum(has_rows) - 1).astype(np.int32)
        self.markets: tuple[Market, ...] = tuple(whole.markets[place] for place in np.flatnonzero(has_rows))
        self.outcomes = {market.ticker: whole.outcomes[market.ticker] for market in self.markets}

    def slices(self) -> Iterator[Slice]:
        """Everything from the beginning, in order of time; raises HistoryError when a file was changed."""
        for each in self._chosen():
            yield Slice(self._placed(each.trades), self._placed(each.books), self._placed(each.quotes))

    def _chosen(self) -> Iterator[Slice]:
        """The rows of the stretch, with the places of their markets in the whole."""
        import numpy as np

        is_shown = np.full(len(self._whole.markets), self._stretch.since_ns is None)
        for each in self._whole.slices():
            books = rows_where(each.books, self._is_within(each.books))
            chosen = Slice(
                rows_where(each.trades, self._is_within(each.trades)),
                rows_where(books, _is_of_shown(books, is_shown)),
                rows_where(each.quotes, self._is_within(each.quotes)),
            )
            if chosen.rows:
                yield chosen

    def _is_within(self, rows: Quotes | Trades | BookUpdates) -> Flags:
        within: Flags = self._is_asked[rows.market]
        if self._stretch.since_ns is not None:
            within &= rows.ts_ns >= self._stretch.since_ns
        if self._stretch.until_ns is not None:
            within &= rows.ts_ns < self._stretch.until_ns
        return within

    def _placed(self, rows: Rows) -> Rows:
        return dataclasses.replace(rows, market=self._place[rows.market])


def rows_where(rows: Rows, chosen: Flags) -> Rows:
    """Those of the rows for which a flag is set."""
    kept = {field.name: getattr(rows, field.name)[chosen] for field in dataclasses.fields(rows)}
    return dataclasses.replace(rows, **kept)


def _is_of_shown(books: BookUpdates, is_shown: Flags) -> Flags:
    """Which changes follow a snapshot of their book, without which they are of no use.

    ``is_shown`` tells which markets had one before, and is brought up to date.
    """
    import numpy as np

    never = len(books.market)
    first = np.full(len(is_shown), never)
    begins = np.flatnonzero(books.clears)
    np.minimum.at(first, books.market[begins], begins)
    result: Flags = is_shown[books.market] | (np.arange(never) >= first[books.market])
    is_shown |= first < never
    return result


def first_rows_ns(timeline: Timeline) -> dict[Ticker, int]:
    """When each market that has rows has its first; raises HistoryError when a file was changed."""
    import numpy as np

    never = np.iinfo(np.int64).max
    first = np.full(len(timeline.markets), never)
    for each in timeline.slices():
        for rows in (each.trades, each.books, each.quotes):
            np.minimum.at(first, rows.market, rows.ts_ns)
    firsts = zip(timeline.markets, first.tolist(), strict=True)
    return {market.ticker: at_ns for market, at_ns in firsts if at_ns != never}
