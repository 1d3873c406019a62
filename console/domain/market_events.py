"""What the feed and the exchange tell of markets."""

from __future__ import annotations

from console.domain.book import BookSide, Quote
from console.domain.event import Event
from console.domain.market import Market, MarketStatus, Ticker
from console.domain.money import Count, Price


class MarketListed(Event, frozen=True):
    """A market of our universe is known, or its definition changed."""

    market: Market


class MarketStatusChanged(Event, frozen=True):
    """A market opened, paused, closed or was decided; a new close time comes with it, if any."""

    ticker: Ticker
    status: MarketStatus
    close_ns: int | None = None


class QuoteChanged(Event, frozen=True, gc=False):
    """The top of a market's book, from a book whose sequence is intact."""

    ticker: Ticker
    quote: Quote


class TradePrinted(Event, frozen=True):
    """Somebody traded; ``taker_side`` is the side that crossed."""

    ticker: Ticker
    price: Price
    count: Count
    taker_side: BookSide


class FeedProved(Event, frozen=True):
    """The subscription showed that it is alive and its sequence intact: a message, a ping or a read."""


class FeedLost(Event, frozen=True):
    """The subscription broke or skipped a message: no book may be used until it is sent anew."""

    reason: str


class ExchangeStatusRead(Event, frozen=True):
    """What the exchange says of itself; times are nanoseconds UTC."""

    exchange_active: bool
    trading_active: bool
    resumes_ns: int | None = None
    pause_starts_ns: int | None = None
