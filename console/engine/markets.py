"""What the engine knows of the markets it follows: definitions, quotes, and the prices to sell at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from console.domain.book import NO_QUOTE, BookSide, Quote
from console.domain.market import Market, MarketStatus, Ticker
from console.domain.money import PRICE_PER_DOLLAR, Cash, Price
from console.domain.position import Position
from console.risk.groups import Grouping, Place


@dataclass(slots=True)
class Followed:
    """One market: its definition once it is listed, and its newest quote, which counts only while live.

    ``priced`` is the newest quote with a price in it: a book that is empty on both sides says nothing of
    what a position is worth, so the last price stands.
    """

    market: Market | None = None
    quote: Quote = NO_QUOTE
    is_live: bool = False
    priced: Quote | None = None


@dataclass(slots=True)
class _Books:
    """How many books are followed and dark, from one time on until another, at which a market may change."""

    followed: int
    dark: int
    since_ns: int
    until_ns: int


_NEVER_NS = 2**63

_CLOSED_FOR_GOOD = frozenset(MarketStatus) - {
    MarketStatus.INITIALIZED,
    MarketStatus.ACTIVE,
    MarketStatus.INACTIVE,
}


class Markets:
    """Markets by ticker; quotes count as live until the feed is lost.

    ``listings`` counts what was listed, changed or forgotten.
    """

    def __init__(self, grouping: Grouping) -> None:
        self._grouping = grouping
        self._followed: dict[Ticker, Followed] = {}
        self._listed_of = Counter[str]()
        self._counted: _Books | None = None
        self.listings = 0
        self.places: dict[Ticker, Place] = {}

    def list(self, market: Market) -> None:
        followed = self._followed.get(market.ticker)
        if followed is None or followed.market is None:
            # What was quoted before it was listed takes its turn by the listing.
            followed = self._followed[market.ticker] = self._followed.pop(market.ticker, Followed())
            self._count_one_more(market, followed.is_live)
        else:
            self._counted = None
        followed.market = market
        self.listings += 1
        before = self.places.get(market.ticker)
        place = self.places[market.ticker] = self._grouping.place(market)
        self._listed_of[place.event] += 1
        if before is not None:
            self._unlist(before.event)

    def regroup(self, pins: Mapping[str, Sequence[str]]) -> None:
        """Group every market anew, by other pins."""
        self._grouping.pin(pins)
        for followed in self.listed:
            if followed.market is not None:
                self.list(followed.market)

    def get(self, ticker: Ticker) -> Market | None:
        followed = self._followed.get(ticker)
        return None if followed is None else followed.market

    def group(self, ticker: Ticker) -> str:
        """The correlated group of a market; its own ticker while it is not listed."""
        return (self.places.get(ticker) or Place.alone(ticker)).group

    def change_status(self, ticker: Ticker, status: MarketStatus, close_ns: int | None) -> None:
        market = self.get(ticker)
        if market is None:
            return
        self.list(
            msgspec.structs.replace(
                market, status=status, close_ns=market.close_ns if close_ns is None else close_ns
            )
        )

    def forget(self, ticker: Ticker) -> None:
        """Drop a market that is over."""
        self._followed.pop(ticker, None)
        self.listings += 1
        self._counted = None
        place = self.places.pop(ticker, None)
        if place is not None:
            self._unlist(place.event)

    def _unlist(self, event_ticker: str) -> None:
        self._listed_of[event_ticker] -= 1
        if not self._listed_of[event_ticker]:
            del self._listed_of[event_ticker]
            self._grouping.forget(event_ticker)

    def take_quote(self, ticker: Ticker, quote: Quote) -> Followed:
        """Take the newest quote, and return what is known of its market."""
        followed = self._followed.get(ticker)
        if followed is None:
            followed = self._followed[ticker] = Followed()
        followed.quote = quote
        if not followed.is_live:
            followed.is_live = True
            counted = self._counted
            if counted is not None and followed.market is not None:
                counted.dark -= followed.market.is_open(counted.since_ns)
        if quote.bid is not None or quote.ask is not None:
            followed.priced = quote
        return followed

    def has_closed(self, ticker: Ticker, now_ns: int) -> bool:
        """Whether a market trades no more, by the clock or by what the exchange says of it."""
        market = self.get(ticker)
        return market is not None and (now_ns >= market.close_ns or market.status in _CLOSED_FOR_GOOD)

    def lose_quotes(self) -> None:
        """No book may be used until it is sent anew."""
        self._counted = None
        for followed in self._followed.values():
            followed.is_live = False

    def quote(self, ticker: Ticker) -> Quote:
        followed = self._followed.get(ticker)
        return NO_QUOTE if followed is None else followed.quote

    def is_live(self, ticker: Ticker) -> bool:
        followed = self._followed.get(ticker)
        return followed is not None and followed.is_live

    def books(self, now_ns: int) -> tuple[int, int]:
        """How many open markets are followed, and how many of them have no live book."""
        counted = self._counted
        if counted is None or not counted.since_ns <= now_ns < counted.until_ns:
            counted = self._counted = self._count_books(now_ns)
        return counted.followed, counted.dark

    def are_to_change(self, now_ns: int) -> bool:
        """Whether a market that is followed has its opening or its close before it."""
        self.books(now_ns)
        return self._counted is not None and self._counted.until_ns != _NEVER_NS

    def _count_one_more(self, market: Market, is_live: bool) -> None:
        """A market was listed: thousands may be, one after the other, so that all are not counted anew."""
        counted = self._counted
        if counted is None:
            return
        if market.is_open(counted.since_ns):
            counted.followed += 1
            counted.dark += not is_live
        bounds = (ns for ns in (market.open_ns, market.close_ns) if ns > counted.since_ns)
        counted.until_ns = min([counted.until_ns, *bounds])

    def _count_books(self, now_ns: int) -> _Books:
        """Good until the next market opens or closes."""
        markets = [(each.market, each.is_live) for each in self._followed.values() if each.market]
        are_live = [is_live for market, is_live in markets if market.is_open(now_ns)]
        bounds = (ns for market, _ in markets for ns in (market.open_ns, market.close_ns) if ns > now_ns)
        return _Books(len(are_live), are_live.count(False), now_ns, min(bounds, default=_NEVER_NS))

    def exit_price(self, ticker: Ticker, held_side: BookSide) -> Price | None:
        """The YES price at which a position could last be closed; None if no quote was ever seen.

        With one side left the other has no buyer, which is a price of nothing.
        """
        followed = self._followed.get(ticker)
        if followed is None or followed.priced is None:
            return None
        is_yes = held_side.sign > 0
        level = followed.priced.bid if is_yes else followed.priced.ask
        if level is not None:
            return level.price
        return Price(0) if is_yes else Price(PRICE_PER_DOLLAR)

    def worth(self, held: Mapping[Ticker, Position]) -> Cash | None:
        """What positions could last be sold for; None if one of them was never quoted."""
        worth, followed_of = 0, self._followed
        for ticker, position in held.items():
            followed = followed_of.get(ticker)
            if followed is None or followed.priced is None:
                return None
            # What ``exit_price`` and ``Position.value_at`` say, spelled out: all that is held, at every mark.
            contracts, priced = position.contracts, followed.priced
            if contracts > 0 and priced.bid is not None:
                worth += priced.bid.price * contracts
            elif contracts < 0 and priced.ask is not None:
                worth -= (PRICE_PER_DOLLAR - priced.ask.price) * contracts
        return Cash(worth)

    @property
    def listed(self) -> tuple[Followed, ...]:
        """Every market that is listed, in the order of their listing."""
        return tuple(each for each in self._followed.values() if each.market is not None)

    def those(self, tickers: Iterable[Ticker]) -> Iterator[Followed]:
        """Those of these markets that are listed."""
        found = (self._followed.get(ticker) for ticker in tickers)
        return (each for each in found if each is not None and each.market is not None)

    @property
    def tickers(self) -> tuple[Ticker, ...]:
        return tuple(ticker for ticker, each in self._followed.items() if each.market is not None)
