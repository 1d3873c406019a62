"""What a market's candles tell: best prices and trades by the minute, as long as the market is known."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy

import msgspec

from console.domain.book import Quote
from console.domain.money import PAYOUT, Count, Price
from console.domain.time_units import NS_PER_MINUTE

_S_PER_MINUTE = 60


class Range(msgspec.Struct):
    """Open, low, high and close of a price."""

    open: Price
    low: Price
    high: Price
    close: Price

    def see(self, price: Price) -> None:
        self.low, self.high, self.close = min(self.low, price), max(self.high, price), price

    def add(self, later: Range) -> None:
        self.low, self.high = min(self.low, later.low), max(self.high, later.high)
        self.close = later.close


class Bar(msgspec.Struct):
    """A period up to and with ``end_s``; ``volume`` and ``traded`` are None and 0 without a trade.

    An empty side counts as nothing or a dollar; ``total`` is all that was ever traded by its end.
    """

    end_s: int
    bid: Range
    ask: Range
    traded: Range | None
    volume: Count
    total: Count


class Candles:
    """Minutes in which a quote changed or something traded."""

    def __init__(self) -> None:
        self._minutes: list[Bar] = []
        self._bid, self._ask = Price(0), PAYOUT
        self._total = Count(0)

    def see_quote(self, at_ns: int, quote: Quote) -> None:
        minute = self._minute(at_ns)
        self._bid = Price(0) if quote.bid is None else quote.bid.price
        self._ask = PAYOUT if quote.ask is None else quote.ask.price
        minute.bid.see(self._bid)
        minute.ask.see(self._ask)

    def see_trade(self, at_ns: int, price: Price, count: Count) -> None:
        minute = self._minute(at_ns)
        self._total = Count(self._total + count)
        minute.volume, minute.total = Count(minute.volume + count), self._total
        if minute.traded is None:
            minute.traded = _flat(price)
        minute.traded.see(price)

    def bars(self, first_s: int, last_s: int, minutes: int) -> list[Bar]:
        """Those that end from ``first_s`` to ``last_s``, both included."""
        return [bar for bar in _joined(self._minutes, minutes) if first_s <= bar.end_s <= last_s]

    def _minute(self, at_ns: int) -> Bar:
        end_s = -(-at_ns // NS_PER_MINUTE) * _S_PER_MINUTE
        if not self._minutes or self._minutes[-1].end_s < end_s:
            bar = Bar(end_s, _flat(self._bid), _flat(self._ask), None, Count(0), self._total)
            self._minutes.append(bar)
        return self._minutes[-1]


def _flat(price: Price) -> Range:
    return Range(price, price, price, price)


def _joined(bars: Iterable[Bar], minutes: int) -> list[Bar]:
    """The bars as longer ones of so many minutes."""
    length_s = minutes * _S_PER_MINUTE
    found: list[Bar] = []
    for bar in map(deepcopy, bars):
        end_s = -(-bar.end_s // length_s) * length_s
        if found and found[-1].end_s == end_s:
            _join(found[-1], bar)
        else:
            bar.end_s = end_s
            found.append(bar)
    return found


def _join(whole: Bar, later: Bar) -> None:
    whole.bid.add(later.bid)
    whole.ask.add(later.ask)
    if whole.traded is None:
        whole.traded = later.traded
    elif later.traded is not None:
        whole.traded.add(later.traded)
    whole.volume, whole.total = Count(whole.volume + later.volume), later.total
