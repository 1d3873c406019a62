"""Where our orders at one price stand among those of others, of whom only the sum is ever displayed."""

from __future__ import annotations

import msgspec

from console.domain.book import BookSide
from console.domain.money import Count, Price


class Resting(msgspec.Struct):
    """An order of ours in the book; ``ahead`` is what others have in front of it at its price.

    It is None until others at that price are displayed. By ``moved_up`` the queue's unexplained falls have
    lessened it.
    """

    order_id: str
    side: BookSide
    price: Price
    remaining: Count
    ahead: Count | None
    moved_up: Count = Count(0)


class PriceQueue:
    """Our orders at one price in order of time, and what others display there.

    A trade is told as a print and shows as a fall of the display, in either order; it moves us up once. What
    was printed explains falls that come later, and a fall that nothing explains may be explained by a print
    until the display rises.
    """

    __slots__ = ("_displayed", "_in_proportion", "_printed", "_unexplained", "orders")

    def __init__(self, displayed: Count | None, *, in_proportion: bool) -> None:
        """``displayed`` is None while unknown; ``in_proportion`` lets cancels of others move us up."""
        self.orders: list[Resting] = []
        self._displayed = displayed
        self._in_proportion = in_proportion
        self._printed = 0
        self._unexplained = 0

    def join(self, order: Resting, ahead: Count | None) -> None:
        """Put an order behind the others; what fell before it came is not ahead of it already."""
        order.ahead, order.moved_up = ahead, Count(self._unexplained)
        self.orders.append(order)

    def show(self, size: Count) -> None:
        """Others display ``size`` here now."""
        before, self._displayed = self._displayed, size
        cancelled, of = 0, 1
        if before is None:
            self._printed = 0
        elif size > before:
            self._forget_falls()
        elif size < before:
            explained = min(self._printed, before - size)
            cancelled, of = before - size - explained, before - self._printed
            self._printed -= explained
            self._unexplained += cancelled
        self._printed = min(self._printed, size)
        for order in self.orders:
            self._cancel_ahead(order, cancelled, of, size)

    def _forget_falls(self) -> None:
        self._unexplained = 0
        for order in self.orders:
            order.moved_up = Count(0)

    def _cancel_ahead(self, order: Resting, cancelled: int, of: int, size: Count) -> None:
        """No more stands ahead than is displayed, and of what was cancelled perhaps its share less."""
        if order.ahead is None:
            order.ahead, order.moved_up = size, Count(self._unexplained)
            return
        share = cancelled * order.ahead // of if self._in_proportion and cancelled else 0
        ahead = Count(min(order.ahead - share, size))
        order.moved_up = Count(order.moved_up + order.ahead - ahead)
        order.ahead = ahead

    def trade(self, count: Count) -> list[tuple[Resting, Count]]:
        """Others traded ``count`` at this price: which of our orders would have, and how much."""
        self._explain(count)
        fills = []
        others = 0
        for order in self.orders:
            step = count if order.ahead is None else min(max(0, order.ahead - others), count)
            others += step
            count = Count(count - step)
            if count > 0:
                filled = min(count, order.remaining)
                count = Count(count - filled)
                fills.append((order, filled))
        self.take(Count(others))
        return fills

    def _explain(self, count: Count) -> None:
        """Undo moves by what of earlier falls may have been this trade: it moves us up itself."""
        explained = min(count, self._unexplained)
        self._printed += count - explained
        if explained:
            for order in self.orders:
                undone = min(order.moved_up, explained)
                order.moved_up = Count(order.moved_up - undone)
                if order.ahead is not None:
                    order.ahead = Count(order.ahead + undone)
            self._unexplained -= explained

    def take(self, count: Count) -> None:
        """So much of others, who stand ahead, is gone."""
        for order in self.orders:
            if order.ahead is not None:
                order.ahead = Count(max(0, order.ahead - count))
