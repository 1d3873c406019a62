"""What the engine knows of the markets it follows: definitions, quotes, and the prices to sell at."""

from __future__ import annotations

import msgspec

from console.domain.book import NO_QUOTE, BookSide, Quote
from console.domain.market import Market, MarketStatus, Ticker
from console.domain.money import PRICE_PER_DOLLAR, Price
from console.risk.groups import Grouping, Place


class Markets:
    """Markets by ticker; quotes count as live until the feed is lost."""

    def __init__(self, grouping: Grouping) -> None:
        self._grouping = grouping
        self._markets: dict[Ticker, Market] = {}
        self._quotes: dict[Ticker, Quote] = {}
        self._live: set[Ticker] = set()
        self._exit_prices: dict[tuple[Ticker, BookSide], Price] = {}
        self.places: dict[Ticker, Place] = {}

    def list(self, market: Market) -> None:
        self._markets[market.ticker] = market
        self.places[market.ticker] = self._grouping.place(market)

    def get(self, ticker: Ticker) -> Market | None:
        return self._markets.get(ticker)

    def group(self, ticker: Ticker) -> str:
        """The correlated group of a market; its own ticker while it is not listed."""
        return (self.places.get(ticker) or Place.alone(ticker)).group

    def change_status(self, ticker: Ticker, status: MarketStatus, close_ns: int | None) -> None:
        market = self._markets.get(ticker)
        if market is None:
            return
        self.list(
            msgspec.structs.replace(
                market, status=status, close_ns=market.close_ns if close_ns is None else close_ns
            )
        )

    def forget(self, ticker: Ticker) -> None:
        """Drop a market that is over."""
        self._markets.pop(ticker, None)
        self._quotes.pop(ticker, None)
        self._live.discard(ticker)
        place = self.places.pop(ticker, None)
        if place is not None and all(other.event != place.event for other in self.places.values()):
            self._grouping.forget(place.event)
        for side in BookSide:
            self._exit_prices.pop((ticker, side), None)

    def take_quote(self, ticker: Ticker, quote: Quote) -> None:
        self._quotes[ticker] = quote
        self._live.add(ticker)
        if quote.bid is None and quote.ask is None:
            return
        # With one side left the other has no buyer, which is a price of nothing; a book that is empty on
        # both sides says nothing, so the last price stands.
        bid = quote.bid.price if quote.bid else Price(0)
        ask = quote.ask.price if quote.ask else Price(PRICE_PER_DOLLAR)
        self._exit_prices[ticker, BookSide.BID] = bid
        self._exit_prices[ticker, BookSide.ASK] = ask

    def lose_quotes(self) -> None:
        """No book may be used until it is sent anew."""
        self._live.clear()

    def quote(self, ticker: Ticker) -> Quote:
        return self._quotes.get(ticker, NO_QUOTE)

    def is_live(self, ticker: Ticker) -> bool:
        return ticker in self._live

    def books(self, now_ns: int) -> tuple[int, int]:
        """How many open markets are followed, and how many of them have no live book."""
        opened = [ticker for ticker, market in self._markets.items() if market.is_open(now_ns)]
        return len(opened), sum(ticker not in self._live for ticker in opened)

    def exit_price(self, ticker: Ticker, held_side: BookSide) -> Price | None:
        """The YES price at which a position could last be closed; None if no quote was ever seen."""
        return self._exit_prices.get((ticker, held_side))

    @property
    def tickers(self) -> tuple[Ticker, ...]:
        return tuple(self._markets)
