"""One matching book for each market that was shown or traded in."""

from __future__ import annotations

from collections.abc import Iterable

from console.domain.book import NO_QUOTE, Level, Quote
from console.domain.market import Ticker
from console.simulation.execution import QueueModel
from console.simulation.matching import MatchingBook


class MatchingBooks:
    """The books by market; of one that has none nothing is displayed and nothing of ours rests there."""

    def __init__(self, queue: QueueModel) -> None:
        self._queue = queue
        self._books: dict[Ticker, MatchingBook] = {}

    @property
    def tickers(self) -> Iterable[Ticker]:
        return self._books

    def find(self, ticker: Ticker) -> MatchingBook | None:
        return self._books.get(ticker)

    def of(self, ticker: Ticker) -> MatchingBook:
        """The book of a market, an empty one if it has none yet."""
        book = self._books.get(ticker)
        if book is None:
            book = self._books[ticker] = MatchingBook(self._queue)
        return book

    def drop(self, ticker: Ticker) -> None:
        """A market is no more."""
        self._books.pop(ticker, None)

    def is_touched(self, ticker: Ticker) -> bool:
        """Whether what others display there matters to us before our next order.

        It does while we rest there or what we took has not been displayed anew; else only the last display
        before an order arrives does.
        """
        book = self._books.get(ticker)
        return book is not None and book.is_touched

    def rests_in(self, ticker: Ticker) -> bool:
        """Whether an order of ours rests there; else only what brings back something that we took matters."""
        book = self._books.get(ticker)
        return book is not None and book.has_resting

    def residue(self, ticker: Ticker) -> tuple[list[Level], list[Level]]:
        """Bids and asks that were displayed where what we took is still gone.

        Until one of them is displayed with another size or known to be away no other display changes that.
        """
        book = self._books.get(ticker)
        return ([], []) if book is None else book.residue

    def displayed(self, ticker: Ticker) -> Quote:
        """The best prices of others less what we took."""
        book = self._books.get(ticker)
        return NO_QUOTE if book is None else book.quote
