"""What the backtester gets: rows in order of time as NumPy columns, and the order in which they count.

The order of what happens at one time, in whichever markets, to the nanosecond:

1. trades: they happened against the book as it was before;
2. what is due then: closes, determinations, settlements, whose cash an entry may use;
3. book updates;
4. quotes;
5. decisions, once, after the last row of that time.

Rows of one kind keep the order of their file. A candle counts as a quote at its end.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Times = npt.NDArray[np.int64]
    Indices = npt.NDArray[np.int32]
    Prices = npt.NDArray[np.int16]
    Counts = npt.NDArray[np.int32]
    Flags = npt.NDArray[np.bool_]

UNKNOWN_SIZE = -1
"""A size that was not recorded; a size of 0 is an empty side."""


class RowKind(enum.IntEnum):
    """The kinds of rows in the order in which they count at one time."""

    TRADE = 0
    BOOK = 1
    QUOTE = 2


@dataclass(frozen=True)
class Quotes:
    """Best prices; ``market`` is a place in the timeline's markets. Prices are Price, sizes Count.

    A bid of 0 and an ask of one dollar are empty sides. 24 bytes a row.
    """

    ts_ns: Times
    market: Indices
    bid: Prices
    ask: Prices
    bid_size: Counts
    ask_size: Counts


@dataclass(frozen=True)
class Trades:
    """Prints at a YES price; ``buys_yes`` tells the side that crossed."""

    ts_ns: Times
    market: Indices
    price: Prices
    count: Counts
    buys_yes: Flags


@dataclass(frozen=True)
class BookUpdates:
    """Changes of a level on the YES scale: ``change`` is added to its size.

    A row that ``clears`` empties the market's book first: it begins a snapshot, whose rows share its time.
    """

    ts_ns: Times
    market: Indices
    is_bid: Flags
    price: Prices
    change: Counts
    clears: Flags


@dataclass(frozen=True)
class Slice:
    """The rows of a stretch of time, which no other slice of the timeline shares."""

    trades: Trades
    books: BookUpdates
    quotes: Quotes

    @property
    def rows(self) -> int:
        return len(self.trades.ts_ns) + len(self.books.ts_ns) + len(self.quotes.ts_ns)

    def sequence(self) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.int64]]:
        """For each row, in the order in which they count, its kind and its row among those of the kind."""
        import numpy as np

        times = [self.trades.ts_ns, self.books.ts_ns, self.quotes.ts_ns]
        kinds = np.repeat(np.array(RowKind, dtype=np.int8), [len(each) for each in times])
        rows = np.concatenate([np.arange(len(each), dtype=np.int64) for each in times])
        # Stable, so that at one time kinds come in their order and rows in that of their file.
        order = np.argsort(np.concatenate(times), kind="stable")
        return kinds[order], rows[order]
