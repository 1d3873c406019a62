"""What a recording quoted some markets at, at any time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np

from console.backtest.display import quote_of
from console.backtest.recorded_books import RecordedBooks
from console.domain.book import Quote
from console.domain.market import Ticker
from console.domain.money import Count, Price

if TYPE_CHECKING:
    from console.history.timeline import Timeline


class RecordedTops:
    """The best prices of ``tickers`` throughout a recording; raises HistoryError when a file was changed."""

    def __init__(self, timeline: Timeline, tickers: Collection[Ticker]) -> None:
        places = {place: m.ticker for place, m in enumerate(timeline.markets) if m.ticker in tickers}
        pieces = defaultdict[Ticker, list[np.typing.NDArray[np.int64]]](list)
        books = RecordedBooks(len(timeline.markets))
        for rows in timeline.slices() if places else ():
            quotes = books.enter(rows)
            for place, ticker in places.items():
                own = quotes.market == place
                columns = (quotes.ts_ns, quotes.bid, quotes.ask, quotes.bid_size, quotes.ask_size)
                pieces[ticker].append(np.stack([column[own].astype(np.int64) for column in columns]))
        self._rows = {ticker: np.concatenate(each, axis=1) for ticker, each in pieces.items()}

    def at(self, ticker: Ticker, at_ns: int) -> Quote | None:
        """The newest quote by a time, None where none was recorded before it."""
        rows = self._rows.get(ticker)
        found = -1 if rows is None else int(np.searchsorted(rows[0], at_ns, side="right")) - 1
        if rows is None or found < 0:
            return None
        _, bid, ask, bid_size, ask_size = rows[:, found].tolist()
        return quote_of(Price(bid), Price(ask), Count(max(0, bid_size)), Count(max(0, ask_size)))
