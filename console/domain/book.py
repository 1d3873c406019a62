"""One order book a market, on the YES scale: bids buy YES, asks sell it."""

from __future__ import annotations

import enum

import msgspec

from console.domain.money import PRICE_PER_DOLLAR, Count, Price, complement


class BookSide(enum.StrEnum):
    """A bid buys YES; an ask sells YES, which buys NO."""

    BID = "bid"
    ASK = "ask"

    def __init__(self, name: str) -> None:
        # Asked for at every step of every order, and an attribute is found much faster than a member.
        self.sign = 1 if name == "bid" else -1
        """+1 for a bid, -1 for an ask: the direction of the position it makes."""

    @property
    def opposite(self) -> BookSide:
        return BookSide.ASK if self.sign > 0 else BookSide.BID

    @property
    def outcome(self) -> str:
        """The outcome a trade on this side buys."""
        return "YES" if self.sign > 0 else "NO"

    def price_paid(self, yes_price: Price) -> Price:
        """What the outcome bought costs at a YES price: an ask at 8c buys NO at 92c."""
        return yes_price if self.sign > 0 else complement(yes_price)


class Level(msgspec.Struct, frozen=True, gc=False):
    """A price and the size resting there."""

    price: Price
    size: Count


class Quote(msgspec.Struct, frozen=True, gc=False):
    """The best bid and ask with their sizes; an empty side is None."""

    bid: Level | None
    ask: Level | None

    @property
    def twice_mid(self) -> int | None:
        """Bid plus ask, so that the middle stays exact; None without two sides."""
        if self.bid is None or self.ask is None:
            return None
        return self.bid.price + self.ask.price

    def twice_mid_of(self, side: BookSide) -> int | None:
        """Twice the middle of the outcome that ``side`` buys."""
        twice = self.twice_mid
        return twice if twice is None or side.sign > 0 else 2 * PRICE_PER_DOLLAR - twice

    def touch(self, side: BookSide) -> Level | None:
        """The level that an order of ``side`` would take from."""
        return self.ask if side.sign > 0 else self.bid

    def join(self, side: BookSide) -> Level | None:
        """The level that a resting order of ``side`` would join."""
        return self.bid if side.sign > 0 else self.ask

    @property
    def is_crossed(self) -> bool:
        return self.bid is not None and self.ask is not None and self.bid.price >= self.ask.price


NO_QUOTE = Quote(None, None)


class Book:
    """A mutable book of aggregate sizes by price, rebuilt from a snapshot and deltas."""

    def __init__(self) -> None:
        self._sides: dict[BookSide, dict[Price, Count]] = {BookSide.BID: {}, BookSide.ASK: {}}

    def replace(self, bids: dict[Price, Count], asks: dict[Price, Count]) -> None:
        """Forget everything and take a snapshot."""
        self._sides = {
            BookSide.BID: {p: s for p, s in bids.items() if s > 0},
            BookSide.ASK: {p: s for p, s in asks.items() if s > 0},
        }

    def add(self, side: BookSide, price: Price, delta: Count) -> None:
        """Add ``delta`` to a level and drop the level when nothing is left."""
        levels = self._sides[side]
        size = Count(levels.get(price, 0) + delta)
        if size > 0:
            levels[price] = size
        else:
            levels.pop(price, None)

    def size_at(self, side: BookSide, price: Price) -> Count:
        return self._sides[side].get(price, Count(0))

    def levels(self, side: BookSide) -> list[Level]:
        """Every level of a side, best first."""
        prices = sorted(self._sides[side], reverse=side is BookSide.BID)
        return [Level(price, self._sides[side][price]) for price in prices]

    @property
    def quote(self) -> Quote:
        bids, asks = self._sides[BookSide.BID], self._sides[BookSide.ASK]
        bid = max(bids, default=None)
        ask = min(asks, default=None)
        return Quote(
            None if bid is None else Level(bid, bids[bid]),
            None if ask is None else Level(ask, asks[ask]),
        )
