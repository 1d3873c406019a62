"""One listed market of the practice exchange: its book, what traded, and where it is in its life."""

from __future__ import annotations

import uuid

import msgspec

from console.domain.book import BookSide, Level, Quote
from console.domain.market import Market, MarketStatus, Outcome
from console.domain.money import PAYOUT, Cash, Count, Price, cost
from console.practice.candles import Candles
from console.practice.records import Trade
from console.practice.tape import Listed
from console.simulation.matching import MatchingBook


class Delta(msgspec.Struct, frozen=True):
    """A level of the shown book changed by ``change`` contracts."""

    side: BookSide
    price: Price
    change: Count


class ListedMarket:
    """A market and everything public about it."""

    def __init__(self, listed: Listed) -> None:
        self.definition: Market = listed.market
        self.strike = listed.strike
        self.market_id = str(uuid.uuid5(uuid.NAMESPACE_URL, listed.market.ticker))
        self.listed_ns = self.updated_ns = listed.at_ns
        self.matching = MatchingBook()
        self.volume = Count(0)
        self.turnover = Cash(0)
        self.last_trade: Trade | None = None
        self.candles = Candles()
        self.closed = False
        self.result: Outcome | None = None
        self.result_is_simulated = False
        self.settled_ns: int | None = None
        self._published: dict[BookSide, dict[Price, Count]] = {side: {} for side in BookSide}

    def status(self, now_ns: int) -> MarketStatus:
        """Where the market is in its life; the clock opens and closes it without an event."""
        if self.settled_ns is not None:
            return MarketStatus.FINALIZED
        if self.closed or now_ns >= self.definition.close_ns:
            return MarketStatus.CLOSED
        if now_ns < self.definition.open_ns:
            return MarketStatus.INITIALIZED
        return MarketStatus.ACTIVE

    @property
    def yes_value(self) -> Price | None:
        """What a YES contract paid, once known."""
        if self.result is None:
            return None
        return PAYOUT if self.result == "yes" else Price(0)

    def quote(self) -> Quote:
        """Best bid and ask of the published book."""
        bids, asks = self._published[BookSide.BID], self._published[BookSide.ASK]
        bid, ask = max(bids, default=None), min(asks, default=None)
        return Quote(
            None if bid is None else Level(bid, bids[bid]),
            None if ask is None else Level(ask, asks[ask]),
        )

    def levels(self, side: BookSide) -> list[Level]:
        """The published book of a side, worst level first, as Kalshi lists it."""
        levels = self._published[side]
        return [Level(price, levels[price]) for price in sorted(levels, reverse=side is BookSide.ASK)]

    def record(self, trade: Trade) -> None:
        self.volume = Count(self.volume + trade.count)
        self.turnover = Cash(self.turnover + cost(trade.price, trade.count))
        self.last_trade = trade
        self.updated_ns = trade.at_ns
        self.candles.see_trade(trade.at_ns, trade.price, trade.count)

    def publish(self) -> list[Delta]:
        """Bring the published book up to date and say what changed."""
        deltas = []
        for side in BookSide:
            before, after = self._published[side], self.matching.shown(side)
            for price in sorted(before.keys() | after.keys()):
                change = after.get(price, 0) - before.get(price, 0)
                if change:
                    deltas.append(Delta(side, price, Count(change)))
            self._published[side] = after
        return deltas
