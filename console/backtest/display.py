"""What the exchange displayed at any time: the rows of a recording, found by market."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from console.domain.book import Level, Quote
from console.domain.money import PRICE_PER_DOLLAR, Count, Price
from console.history.columns import Quotes

if TYPE_CHECKING:
    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]


class Shown(NamedTuple):
    """A quote and when it was recorded."""

    at_ns: int
    quote: Quote


class ByMarket:
    """The rows of each market, in their order."""

    def __init__(self, market: npt.NDArray[np.int32], markets: int) -> None:
        # A radix sort, which NumPy has for 16 bits alone.
        keys = market.astype(np.uint16) if markets <= 2**16 else market
        self.order = np.argsort(keys, kind="stable")
        self._ends = np.cumsum(np.bincount(market, minlength=markets)).tolist()

    def last_before(self, place: int, row: int) -> int | None:
        """The last row of a market before this one, of whichever market."""
        rows = self.rows(place)
        found = int(np.searchsorted(rows, row))
        return int(rows[found - 1]) if found else None

    def first_from(self, place: int, row: int) -> int | None:
        """The first row of a market from this one on."""
        rows = self.rows(place)
        found = int(np.searchsorted(rows, row))
        return int(rows[found]) if found < len(rows) else None

    def rows(self, place: int) -> Ints:
        return self.order[self._ends[place - 1] if place else 0 : self._ends[place]]


def quote_of(bid: Price, ask: Price, bid_size: Count, ask_size: Count) -> Quote:
    """A recorded quote, of which every size is known."""
    return Quote(
        Level(bid, bid_size) if bid else None,
        Level(ask, ask_size) if ask < PRICE_PER_DOLLAR else None,
    )


class Display:
    """The quotes of a stretch of the recording, and the last of each market before it."""

    def __init__(self, markets: int) -> None:
        self._markets = markets
        self._earlier: dict[int, Shown] = {}
        self._rows: Quotes | None = None
        self.by_market: ByMarket

    def enter(self, rows: Quotes) -> None:
        """Go on to the next stretch."""
        if self._rows is not None:
            before = self._rows
            last = np.full(self._markets, -1, dtype=np.int64)
            last[before.market] = np.arange(len(before.market))
            self._earlier |= {
                int(place): self.at_row(int(last[place])) for place in np.flatnonzero(last >= 0)
            }
        self._rows = rows
        self.by_market = ByMarket(rows.market, self._markets)

    def at_row(self, row: int) -> Shown:
        rows = self._rows
        assert rows is not None
        quote = quote_of(
            Price(int(rows.bid[row])),
            Price(int(rows.ask[row])),
            Count(int(rows.bid_size[row])),
            Count(int(rows.ask_size[row])),
        )
        return Shown(int(rows.ts_ns[row]), quote)

    def before_row(self, place: int, row: int) -> Shown | None:
        """The newest quote of a market among the rows before this one; None before its first."""
        found = self.by_market.last_before(place, row)
        return self._earlier.get(place) if found is None else self.at_row(found)

    def at(self, place: int, at_ns: int) -> Shown | None:
        """What the exchange displayed at a time, rows of that time included."""
        return self.before_row(place, self.rows_until(at_ns))

    def rows_until(self, at_ns: int) -> int:
        """How many of the stretch's rows have been by a time."""
        rows = self._rows
        return 0 if rows is None else int(np.searchsorted(rows.ts_ns, at_ns, side="right"))
