"""The best prices of a recorded book, change by change."""

from __future__ import annotations

from collections.abc import Iterable

from console.domain.money import PRICE_PER_DOLLAR

SILENT_NS = 10_000_000_000
"""A book that did not change for longer than this may have been recorded no further."""

Change = tuple[int, int, bool, int, int, bool, bool]
"""A row, its time, whether a bid, price, change, whether it clears, whether last of its market and time."""

Top = tuple[int, int, int, int, int]
"""The row after which it was new, bid, ask and their sizes, an empty side as in a row of quotes."""


class BookTop:
    """A market's book as sizes by price.

    It is whole after the last change of a time, unless it is crossed or locked then: what makes it so is
    half told.
    """

    def __init__(self) -> None:
        self.bids: dict[int, int] = {}
        self.asks: dict[int, int] = {}
        self._bid, self._ask = 0, PRICE_PER_DOLLAR
        self._told: tuple[int, int, int, int] | None = None
        self._whole_ns = 0

    def take(self, changes: Iterable[Change]) -> tuple[list[int], list[Top]]:
        """The rows after which the book was whole, and those of its tops then that were new.

        After a silence the top is told anew, whatever it was.
        """
        bids, asks, bid, ask = self.bids, self.asks, self._bid, self._ask
        told, whole_ns = self._told, self._whole_ns
        whole: list[int] = []
        tops: list[Top] = []
        for row, at_ns, is_bid, price, change, clears, is_last in changes:
            if clears:
                bids.clear()
                asks.clear()
                bid, ask = 0, PRICE_PER_DOLLAR
            if is_bid:
                size = bids.get(price, 0) + change
                if size > 0:
                    bids[price] = size
                    if price > bid:
                        bid = price
                elif bids.pop(price, None) is not None and price == bid:
                    bid = max(bids, default=0)
            else:
                size = asks.get(price, 0) + change
                if size > 0:
                    asks[price] = size
                    if price < ask:
                        ask = price
                elif asks.pop(price, None) is not None and price == ask:
                    ask = min(asks, default=PRICE_PER_DOLLAR)
            if is_last and bid < ask:
                whole.append(row)
                top = bid, ask, bids.get(bid, 0), asks.get(ask, 0)
                if top != told or at_ns - whole_ns > SILENT_NS:
                    tops.append((row, *top))
                    told = top
                whole_ns = at_ns
        self._bid, self._ask, self._told, self._whole_ns = bid, ask, told, whole_ns
        return whole, tops
