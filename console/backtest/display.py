"""What the exchange displayed at any time: the rows of a recording, found by market."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from console.domain.book import Level, Quote
from console.domain.money import PRICE_PER_DOLLAR, Count, Price
from console.history.columns import Quotes

if TYPE_CHECKING:
    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]


_PRICES = np.array(range(PRICE_PER_DOLLAR + 1), dtype=object)
"""Each price as one number in memory, however many quotes have it."""


class Shown(NamedTuple):
    """A quote and when it was recorded."""

    at_ns: int
    quote: Quote


class ByMarket:
    """The rows of each market in their order, which are those of ``order`` between two of its ``ends``."""

    def __init__(self, market: npt.NDArray[np.int32], markets: int) -> None:
        # A radix sort, which NumPy has for 16 bits alone.
        keys = market.astype(np.uint16) if markets <= 2**16 else market
        self.order = np.argsort(keys, kind="stable")
        self.ends = np.concatenate([[0], np.cumsum(np.bincount(market, minlength=markets))])
        # One number is found and read faster through a view of the memory than through the array.
        self._order = self.order.data
        self._ends: list[int] = self.ends.tolist()

    def last_before(self, place: int, row: int) -> int | None:
        """The last row of a market before this one, of whichever market."""
        begin, end = self._ends[place], self._ends[place + 1]
        found = bisect_left(self._order, row, begin, end)
        return self._order[found - 1] if found > begin else None

    def first_from(self, place: int, row: int) -> int | None:
        """The first row of a market from this one on."""
        end = self._ends[place + 1]
        found = bisect_left(self._order, row, self._ends[place], end)
        return self._order[found] if found < end else None

    def rows(self, place: int) -> Ints:
        return self.order[self._ends[place] : self._ends[place + 1]]

    def between(self, place: int, row: int, until: int) -> Iterable[int]:
        """The rows of a market from this one on and before another."""
        begin, end = self._ends[place], self._ends[place + 1]
        begin = bisect_left(self._order, row, begin, end)
        return self._order[begin : bisect_left(self._order, until, begin, end)]

    def last_before_all(self, places: Ints, rows: Ints) -> Ints:
        """For many at once what ``last_before`` tells; -1 for None."""
        found = np.searchsorted(self._keys, places * len(self.order) + rows) - 1
        is_own = found >= self.ends[places]
        return np.where(is_own, self.order[found], -1)

    @cached_property
    def _keys(self) -> Ints:
        """Ascending: the market, then the row."""
        market = np.repeat(np.arange(len(self.ends) - 1), np.diff(self.ends))
        return market * len(self.order) + self.order


def quote_of(bid: Price, ask: Price, bid_size: Count, ask_size: Count) -> Quote:
    """A recorded quote, of which every size is known."""
    return Quote(
        Level(bid, bid_size) if bid else None,
        Level(ask, ask_size) if ask < PRICE_PER_DOLLAR else None,
    )


def quotes_of(quotes: Quotes, rows: Ints) -> Iterator[Quote]:
    """The same for many rows, in half the time."""
    bid, ask = quotes.bid[rows], quotes.ask[rows]
    bids: Iterable[Level | None] = map(Level, _PRICES[bid].tolist(), quotes.bid_size[rows].tolist())
    asks: Iterable[Level | None] = map(Level, _PRICES[ask].tolist(), quotes.ask_size[rows].tolist())
    if not bid.all():
        bids = [level if level and level.price else None for level in bids]
    if ask.max(initial=0) >= PRICE_PER_DOLLAR:
        asks = [level if level and level.price < PRICE_PER_DOLLAR else None for level in asks]
    return map(Quote, bids, asks)


class Display:
    """The quotes of a stretch of the recording, and the last of each market before it."""

    def __init__(self, markets: int) -> None:
        self._markets = markets
        self._earlier: dict[int, Shown] = {}
        self._rows: Quotes | None = None
        self._ts_ns: memoryview
        self._sizes: tuple[memoryview, memoryview]
        self._prices: tuple[memoryview, memoryview]
        self._asked_ns, self._rows_then = -1, 0
        self._made_row = -1
        self._made: Shown
        self.by_market: ByMarket

    def enter(self, rows: Quotes, by_market: ByMarket | None = None, told_again: int = 0) -> None:
        """Go on to the next stretch, and find its rows by what may have been made of them already.

        It begins with the last rows of the one before that are ``told_again``.
        """
        if self._rows is not None:
            end = len(self._ts_ns) - told_again
            self._earlier |= {
                place: self.at_row(row)
                for place in range(self._markets)
                if (row := self.by_market.last_before(place, end)) is not None
            }
        self._rows = rows
        self._ts_ns = rows.ts_ns.data
        self._prices = rows.bid.data, rows.ask.data
        self._sizes = rows.bid_size.data, rows.ask_size.data
        self._asked_ns = self._made_row = -1
        self.by_market = by_market or ByMarket(rows.market, self._markets)

    def at_row(self, row: int) -> Shown:
        if row != self._made_row:
            # A decision, the order's arrival and its fill ask for the same one.
            (bid, ask), (bid_size, ask_size) = self._prices, self._sizes
            quote = quote_of(Price(bid[row]), Price(ask[row]), Count(bid_size[row]), Count(ask_size[row]))
            self._made_row, self._made = row, Shown(self._ts_ns[row], quote)
        return self._made

    def before_row(self, place: int, row: int) -> Shown | None:
        """The newest quote of a market among the rows before this one; None before its first."""
        found = self.by_market.last_before(place, row)
        return self._earlier.get(place) if found is None else self.at_row(found)

    def at(self, place: int, at_ns: int) -> Shown | None:
        """What the exchange displayed at a time, rows of that time included."""
        return self.before_row(place, self.rows_until(at_ns))

    def twice_mids(self, places: list[int], at_ns: list[int]) -> list[int | None]:
        """Twice the middle of what each of these markets displayed at its time; None without two sides."""
        rows = self._rows
        if rows is None or not len(rows.ts_ns):
            return [self._twice_mid_before(place) for place in places]
        until = np.searchsorted(rows.ts_ns, at_ns, side="right")
        found = self.by_market.last_before_all(np.array(places, dtype=np.int64), until)
        bid, ask = rows.bid[found], rows.ask[found]
        twice_mids = np.where((bid > 0) & (ask < PRICE_PER_DOLLAR), bid + ask, -1)
        return [
            self._twice_mid_before(place) if row < 0 else None if twice_mid < 0 else twice_mid
            for place, row, twice_mid in zip(places, found.tolist(), twice_mids.tolist(), strict=True)
        ]

    def _twice_mid_before(self, place: int) -> int | None:
        """The same of what was displayed before the stretch."""
        shown = self._earlier.get(place)
        return None if shown is None else shown.quote.twice_mid

    def rows_until(self, at_ns: int) -> int:
        """How many of the stretch's rows have been by a time."""
        if self._rows is None:
            return 0
        if at_ns != self._asked_ns:
            # What happens at one time asks again and again.
            self._asked_ns, self._rows_then = at_ns, bisect_right(self._ts_ns, at_ns)
        return self._rows_then

    def first_other(
        self, place: int, rows: tuple[int, int], bids: Iterable[Level], asks: Iterable[Level]
    ) -> int | None:
        """The first row in this range at which a level has another size than this or is known to be away.

        Away is what would be better than the best price; of a best price without a size nothing is known.
        """
        (bid, ask), (bid_size, ask_size) = self._prices, self._sizes
        watched = [(*_numbers(level), bid, bid_size, 1, 0) for level in bids]
        watched += [(*_numbers(level), ask, ask_size, -1, PRICE_PER_DOLLAR) for level in asks]
        for row in self.by_market.between(place, *rows) if watched else ():
            for price, size, prices, sizes, sign, none in watched:
                shown = prices[row]
                ahead = sign * (price - shown)
                if shown != none and (ahead > 0 or (not ahead and 0 < sizes[row] != size)):
                    return row
        return None


def _numbers(level: Level) -> tuple[int, int]:
    return level.price, level.size
