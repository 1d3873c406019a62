"""The books of a recording: the quotes that their tops make for us, and their depth at the exchange."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from console.backtest.book_tops import SILENT_NS, BookTop
from console.backtest.display import ByMarket
from console.backtest.timeline_parts import rows_where
from console.domain.book import Level
from console.domain.money import Count, Price
from console.history.columns import BookUpdates, Quotes, Slice

if TYPE_CHECKING:
    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]
    Flags = npt.NDArray[np.bool_]

_BLOCK_ROWS = 65_536
_NEVER_NS = -(2**62)


class Depth(NamedTuple):
    """All levels of a book, in no order."""

    bids: list[Level]
    asks: list[Level]


class RecordedBooks:
    """Where a market has a book its quotes are the book's best prices, and orders meet all of it.

    What was recorded as quotes counts only before the book begins, and while it is silent for longer than
    ``SILENT_NS``, as recordings of books end without a word. ``noted`` counts what is odd by reason.
    """

    def __init__(self, markets: int) -> None:
        self.noted = Counter[str]()
        self._markets = markets
        self._tops: dict[int, BookTop] = {}
        self._shown: dict[int, _Shown] = {}
        self._earlier_ns = np.full(markets, _NEVER_NS, dtype=np.int64)
        self._rows: BookUpdates
        self._rows_of: ByMarket | None = None
        self._whole: Ints
        self._whole_ns: Ints
        self._whole_of: ByMarket

    def enter(self, rows: Slice) -> Quotes:
        """Go on to the next slice: its quotes, of either origin, in the order in which they count."""
        if not len(rows.books.ts_ns) and not self._tops:
            return rows.quotes
        self._leave()
        self._rows = rows.books
        self._rows_of = ByMarket(rows.books.market, self._markets)
        tops = self._follow(self._rows_of)
        counts = self._counts(rows.quotes)
        self.noted["quotes of markets whose book was recorded"] += int((~counts).sum())
        return _merged(tops, rows_where(rows.quotes, counts))

    # --- what the exchange displays -----------------------------------------------------------------

    def until(self, at_ns: int) -> int:
        """How many times in the slice a book was whole by a time."""
        return int(np.searchsorted(self._whole_ns, at_ns, side="right")) if self._tops else 0

    def first_from(self, place: int, number: int) -> tuple[int, int] | None:
        """The first of those times from a number on that is a market's: its number, and when."""
        found = self._whole_of.first_from(place, number) if place in self._tops else None
        return None if found is None else (found, int(self._whole_ns[found]))

    def has(self, place: int) -> bool:
        """Whether a market's book was recorded by the end of the slice."""
        return place in self._tops

    def was_whole(self, place: int, since_ns: int, until_ns: int) -> bool:
        """Whether a market's book was whole at one of two times or between: what came first is older then."""
        if place not in self._tops:
            return False
        found = self._whole_of.last_before(place, self.until(until_ns))
        whole_ns = self._earlier_ns[place] if found is None else self._whole_ns[found]
        return bool(whole_ns >= since_ns)

    def depth(self, place: int, at_ns: int) -> Depth:
        """A market's book as it last was whole by a time, which is before none asked for earlier."""
        found = self._whole_of.last_before(place, self.until(at_ns))
        if found is not None:
            self._show(place, int(self._whole[found]))
        return self._shown[place].depth

    # --- from slice to slice ------------------------------------------------------------------------

    def _follow(self, rows_of: ByMarket) -> Quotes:
        """Take every change of the slice; gives the tops."""
        books = self._rows
        columns = (
            books.ts_ns,
            books.is_bid,
            books.price,
            books.change,
            books.clears,
            _is_last(books, rows_of),
        )
        whole, tops = [np.zeros(0, dtype=np.int64)], [np.zeros((0, 5), dtype=np.int64)]
        for place in np.unique(books.market).tolist():
            self._shown.setdefault(place, _Shown())
            top, own = self._tops.setdefault(place, BookTop()), rows_of.rows(place)
            for start in range(0, len(own), _BLOCK_ROWS):
                block = own[start : start + _BLOCK_ROWS]
                values = (block.tolist(), *(column[block].tolist() for column in columns))
                new_whole, new_tops = top.take(zip(*values, strict=True))
                whole.append(np.array(new_whole, dtype=np.int64))
                tops.append(np.array(new_tops, dtype=np.int64).reshape(-1, 5))
        self._whole = np.sort(np.concatenate(whole))
        self._whole_ns = books.ts_ns[self._whole]
        self._whole_of = ByMarket(books.market[self._whole], self._markets)
        times = int(columns[-1].sum())
        self.noted["times at which a book was crossed or locked"] += times - len(self._whole)
        row, bid, ask, bid_size, ask_size = np.concatenate(tops).T
        order = np.argsort(row)
        return Quotes(
            books.ts_ns[row[order]],
            books.market[row[order]],
            bid[order].astype(np.int16),
            ask[order].astype(np.int16),
            bid_size[order].astype(np.int32),
            ask_size[order].astype(np.int32),
        )

    def _counts(self, quotes: Quotes) -> Flags:
        """Which recorded quotes count beside the books."""
        counts = np.ones(len(quotes.ts_ns), dtype=np.bool_)
        quotes_of = ByMarket(quotes.market, self._markets)
        for place in self._tops:
            rows = quotes_of.rows(place)
            whole_ns = np.append(self._earlier_ns[place], self._whole_ns[self._whole_of.rows(place)])
            before = whole_ns[np.searchsorted(whole_ns, quotes.ts_ns[rows], side="right") - 1]
            counts[rows] = quotes.ts_ns[rows] - before > SILENT_NS
        return counts

    def _leave(self) -> None:
        """Before the next slice bring what the exchange shows to where this one leaves it."""
        if self._rows_of is None:
            return
        for place in np.unique(self._rows.market).tolist():
            own = self._rows_of.rows(place)
            found = self._whole_of.last_before(place, len(self._whole))
            shown = self._shown[place]
            if found is not None:
                self._earlier_ns[place] = self._whole_ns[found]
                if self._whole[found] == own[-1]:
                    self._shown[place] = _Shown(self._tops[place])
                    continue
                self._show(place, int(self._whole[found]))
            shown.waiting += self._changes(own[shown.passed :])
            shown.passed = 0

    def _show(self, place: int, row: int) -> None:
        """Apply a market's changes up to a row of the slice."""
        assert self._rows_of is not None
        shown, own = self._shown[place], self._rows_of.rows(place)
        end = int(np.searchsorted(own, row, side="right"))
        if end > shown.passed:
            shown.apply([*shown.waiting, *self._changes(own[shown.passed : end])])
            shown.waiting, shown.passed = [], end

    def _changes(self, rows: Ints) -> list[_LevelChange]:
        books = self._rows
        columns = (books.is_bid, books.price, books.change, books.clears)
        return list(zip(*(column[rows].tolist() for column in columns), strict=True))


_LevelChange = tuple[bool, int, int, bool]
"""Whether a bid, price, change, whether it clears."""


class _Shown:
    """A market's book as the exchange last showed it.

    ``passed`` counts the market's rows of the slice in it, ``waiting`` are changes of earlier slices that
    left the book crossed.
    """

    def __init__(self, top: BookTop | None = None) -> None:
        self._bids = {} if top is None else dict(top.bids)
        self._asks = {} if top is None else dict(top.asks)
        self.waiting: list[_LevelChange] = []
        self.passed = 0

    @property
    def depth(self) -> Depth:
        return Depth(_levels(self._bids), _levels(self._asks))

    def apply(self, changes: list[_LevelChange]) -> None:
        for is_bid, price, change, clears in changes:
            if clears:
                self._bids.clear()
                self._asks.clear()
            levels = self._bids if is_bid else self._asks
            size = levels.get(price, 0) + change
            if size > 0:
                levels[price] = size
            else:
                levels.pop(price, None)


def _levels(sizes: dict[int, int]) -> list[Level]:
    return [Level(Price(price), Count(size)) for price, size in sizes.items()]


def _is_last(books: BookUpdates, rows_of: ByMarket) -> Flags:
    """Which changes are the last of their market at their time."""
    order = rows_of.order
    market, ts_ns = books.market[order], books.ts_ns[order]
    is_last = np.ones(len(order), dtype=np.bool_)
    is_last[order[:-1]] = (market[1:] != market[:-1]) | (ts_ns[1:] != ts_ns[:-1])
    return is_last


def _merged(tops: Quotes, quotes: Quotes) -> Quotes:
    """Of one time the books' come first."""
    if not len(quotes.ts_ns):
        return tops
    order = np.argsort(np.concatenate([tops.ts_ns, quotes.ts_ns]), kind="stable")
    both = zip(vars(tops).values(), vars(quotes).values(), strict=True)
    return Quotes(*(np.concatenate(columns)[order] for columns in both))
