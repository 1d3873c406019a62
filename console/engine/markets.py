"""What the engine knows of the markets it follows: definitions, quotes, and the prices to sell at."""

from __future__ import annotations

import msgspec

from console.domain.book import NO_QUOTE, BookSide, Quote
from console.domain.market import Market, MarketStatus, Ticker
from console.domain.money import PRICE_PER_DOLLAR, Price
from console.risk.groups import group_of


class Markets:
    """Markets by ticker; quotes count as live until the feed is lost."""

    def __init__(self) -> None:
        self._markets: dict[Ticker, Market] = {}
        self._quotes: dict[Ticker, Quote] = {}
        self._live: set[Ticker] = set()
        self._exit_prices: dict[tuple[Ticker, BookSide], Price] = {}
        self.groups: dict[Ticker, str] = {}

    def list(self, market: Market) -> None:
        self._markets[market.ticker] = market
        self.groups[market.ticker] = group_of(market)

    def get(self, ticker: Ticker) -> Market | None:
        return self._markets.get(ticker)

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
        self.groups.pop(ticker, None)
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

    def exit_price(self, ticker: Ticker, held_side: BookSide) -> Price | None:
        """The YES price at which a position could last be closed; None if no quote was ever seen."""
        return self._exit_prices.get((ticker, held_side))

    @property
    def tickers(self) -> tuple[Ticker, ...]:
        return tuple(self._markets)
