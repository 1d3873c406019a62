"""Order books from the feed: pure, without a socket or a clock.

Both sides are on the YES scale, which our subscriptions ask for.
"""

from __future__ import annotations

from collections.abc import Iterable

from console.domain.book import NO_QUOTE, Book, BookSide, Quote
from console.domain.market import Ticker
from console.domain.money import Count, Price, parse_count, parse_price
from console.exchange.messages.market_data import PriceSize
from console.exchange.messages.ws import OrderbookDelta, OrderbookSnapshot

_SIDES = {"yes": BookSide.BID, "no": BookSide.ASK}


class BrokenBookError(Exception):
    """A message is missing or contradicts the book: no book of the subscription may be used."""


class FeedBooks:
    """The books of one connection, and the sequence numbers that prove them whole.

    A sequence is counted per subscription and shared by all its markets, so every message that carries a
    number must be counted, whatever it says.
    """

    def __init__(self) -> None:
        self._books: dict[Ticker, Book] = {}
        self._quotes: dict[Ticker, Quote] = {}
        self._sequences: dict[int, int] = {}

    def count(self, sid: int, seq: int) -> None:
        """Count a message; raises BrokenBookError when it is not the next one."""
        last = self._sequences.get(sid)
        if last is not None and seq != last + 1:
            raise BrokenBookError(f"subscription {sid} went from message {last} to {seq}")
        self._sequences[sid] = seq

    def book(self, ticker: Ticker) -> Book | None:
        return self._books.get(ticker)

    def snapshot(self, message: OrderbookSnapshot) -> Quote | None:
        """Take a whole book; the quote if it changed. Raises BrokenBookError or MoneyError."""
        ticker = message.market_ticker
        book = self._books[ticker] = Book()
        book.replace(_levels(message.yes_dollars_fp), _levels(message.no_dollars_fp))
        if book.quote.is_crossed:
            raise BrokenBookError(f"{ticker} was sent crossed: its prices may be on another scale")
        self._quotes.pop(ticker, None)
        return self._changed_quote(ticker, book)

    def delta(self, message: OrderbookDelta) -> Quote | None:
        """Take a change of one level; the quote if it changed. Raises BrokenBookError or MoneyError."""
        ticker = message.market_ticker
        book = self._books.get(ticker)
        side = _SIDES.get(message.side)
        if book is None:
            raise BrokenBookError(f"a change of {ticker} came before its book")
        if side is None:
            raise BrokenBookError(f"a change of {ticker} on side {message.side!r}")
        price, change = parse_price(message.price_dollars), parse_count(message.delta_fp)
        if book.size_at(side, price) + change < 0:
            raise BrokenBookError(f"a change takes more from {ticker} than was there")
        book.add(side, price, change)
        return self._changed_quote(ticker, book)

    def forget(self, tickers: Iterable[Ticker]) -> None:
        for ticker in tickers:
            self._books.pop(ticker, None)
            self._quotes.pop(ticker, None)

    def _changed_quote(self, ticker: Ticker, book: Book) -> Quote | None:
        # Between two changes of one match a book may stand crossed; such a quote is not one to trade on.
        quote = NO_QUOTE if book.quote.is_crossed else book.quote
        if self._quotes.get(ticker) == quote:
            return None
        self._quotes[ticker] = quote
        return quote


def _levels(pairs: list[PriceSize] | None) -> dict[Price, Count]:
    return {parse_price(price): parse_count(size) for price, size in pairs or ()}
