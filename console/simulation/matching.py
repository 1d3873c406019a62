"""What a market does to our orders: price-time priority against the size everybody else displays.

Others are known only by what they display and trade; we stand behind the size displayed when we join, move up
when that queue trades (not when it cancels, unless less is displayed than stood before us), and what our own
takers took stays gone until the display of that level changes.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator

import msgspec

from console.domain.book import BookSide, Level
from console.domain.money import Count, Price
from console.domain.order import SelfTradePrevention, TimeInForce


class CancelReason(enum.StrEnum):
    """Why the matching ended an order; the values are Kalshi's ``last_update_reason``."""

    UNFILLED = ""
    POST_ONLY_CROSS = "PostOnlyCrossCancel"
    SELF_TRADE = "SelfTradeCancel"


class NewOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order as it arrives."""

    order_id: str
    side: BookSide
    price: Price
    count: Count
    time_in_force: TimeInForce = TimeInForce.GOOD_TILL_CANCELED
    self_trade_prevention: SelfTradePrevention = SelfTradePrevention.TAKER_AT_CROSS
    post_only: bool = False


class Execution(msgspec.Struct, frozen=True):
    """A trade of one of our orders at a YES price."""

    order_id: str
    price: Price
    count: Count
    is_taker: bool


class Cancellation(msgspec.Struct, frozen=True):
    """The matching ended an order with ``count`` unfilled."""

    order_id: str
    count: Count
    reason: CancelReason


class Resting(msgspec.Struct):
    """An order of ours in the book; ``ahead`` is what others have in front of it at its price."""

    order_id: str
    side: BookSide
    price: Price
    remaining: Count
    ahead: Count


class Outcome(msgspec.Struct, frozen=True):
    """What became of an arriving order: its trades, the orders it ended, what of it rests."""

    executions: list[Execution]
    cancellations: list[Cancellation]
    resting: Count


class MatchingBook:
    """One market's book: the display of others and our resting orders."""

    def __init__(self) -> None:
        self._told: dict[BookSide, dict[Price, Count]] = {side: {} for side in BookSide}
        self._left: dict[BookSide, dict[Price, Count]] = {side: {} for side in BookSide}
        self._resting: dict[str, Resting] = {}

    # --- reading --------------------------------------------------------------------------------

    def resting(self, order_id: str) -> Resting | None:
        """One of our orders, or None when it does not rest here."""
        return self._resting.get(order_id)

    def displayed(self, side: BookSide) -> dict[Price, Count]:
        """What others show less what we took of it."""
        return self._left[side]

    def shown(self, side: BookSide) -> dict[Price, Count]:
        """The book as anybody sees it: others and our own resting orders together."""
        levels = dict(self._left[side])
        for order in self._resting.values():
            if order.side is side:
                levels[order.price] = Count(levels.get(order.price, 0) + order.remaining)
        return levels

    def queue_ahead(self, order_id: str) -> Count:
        """Contracts in front of a resting order, our own earlier ones included; raises KeyError."""
        order = self._resting[order_id]
        ours = 0
        for other in self._at(order.side, order.price):
            if other.order_id == order_id:
                break
            ours += other.remaining
        return Count(order.ahead + ours)

    def _at(self, side: BookSide, price: Price) -> list[Resting]:
        """Our orders at a price in order of time."""
        return [o for o in self._resting.values() if o.side is side and o.price == price]

    def _at_or_better(self, side: BookSide, price: Price) -> list[Resting]:
        """Our orders at a price or better, in price-time priority."""
        orders = [o for o in self._resting.values() if o.side is side and _reaches(side, o.price, price)]
        return sorted(orders, key=lambda o: -side.sign * o.price)

    # --- others ---------------------------------------------------------------------------------

    def display(self, bids: Iterable[Level], asks: Iterable[Level]) -> list[Execution]:
        """Replace what others display; our resting orders that it crosses fill at their own price."""
        for side, levels in ((BookSide.BID, bids), (BookSide.ASK, asks)):
            told = {level.price: level.size for level in levels if level.size > 0}
            self._replace(side, told)
        executions = self._fill_crossed(BookSide.BID) + self._fill_crossed(BookSide.ASK)
        self._drop_filled()
        return executions

    def _replace(self, side: BookSide, told: dict[Price, Count]) -> None:
        before, left = self._told[side], self._left[side]
        kept = {p: (left.get(p, Count(0)) if before.get(p) == size else size) for p, size in told.items()}
        self._told[side] = told
        self._left[side] = {p: size for p, size in kept.items() if size > 0}
        for order in self._resting.values():
            if order.side is side:
                order.ahead = min(order.ahead, told.get(order.price, Count(0)))

    def _fill_crossed(self, side: BookSide) -> list[Execution]:
        executions = []
        others = self._left[side.opposite]
        for price in sorted(others, reverse=side.opposite is BookSide.BID):
            for order in self._at_or_better(side, price):
                count = min(order.remaining, others.get(price, Count(0)))
                if count > 0:
                    executions.append(self._execute(order, count))
                    self._take(side.opposite, price, count)
        return executions

    def print(self, price: Price, count: Count, taker_side: BookSide) -> list[Execution]:
        """Somebody took ``count`` at ``price``: better orders of ours first, then the queue at the price."""
        side = taker_side.opposite
        executions = []
        for order in self._at_or_better(side, price):
            if order.price != price and count > 0:
                order.ahead = Count(0)
                filled = min(count, order.remaining)
                count = Count(count - filled)
                executions.append(self._execute(order, filled))
        executions += self._advance_queue(side, price, count)
        self._drop_filled()
        return executions

    def _advance_queue(self, side: BookSide, price: Price, count: Count) -> list[Execution]:
        executions = []
        others_traded = 0
        orders = self._at(side, price)
        for order in orders:
            step = min(max(0, order.ahead - others_traded), count)
            others_traded += step
            count = Count(count - step)
            if count > 0:
                filled = min(count, order.remaining)
                count = Count(count - filled)
                executions.append(self._execute(order, filled))
        for order in orders:
            order.ahead = Count(max(0, order.ahead - others_traded))
        return executions

    def sweep(self, side: BookSide, price: Price) -> list[Execution]:
        """A level of others is consumed whole, and so is everything better: our orders there fill in full."""
        for levels in (self._told[side], self._left[side]):
            for gone in [p for p in levels if _reaches(side, p, price)]:
                del levels[gone]
        executions = [self._execute(order, order.remaining) for order in self._at_or_better(side, price)]
        self._drop_filled()
        return executions

    # --- ours -----------------------------------------------------------------------------------

    def submit(self, order: NewOrder) -> Outcome:
        """Match an arriving order and rest what its time in force lets rest."""
        if order.post_only and self._crosses(order):
            return _ended(order, CancelReason.POST_ONLY_CROSS)
        if order.time_in_force is TimeInForce.FILL_OR_KILL and not self._fills_whole(order):
            return _ended(order, CancelReason.UNFILLED)
        executions, cancellations, remaining = self._take_liquidity(order)
        rests = order.time_in_force is TimeInForce.GOOD_TILL_CANCELED
        stopped = any(c.order_id == order.order_id for c in cancellations)
        if remaining and not stopped and not rests:
            cancellations.append(Cancellation(order.order_id, remaining, CancelReason.UNFILLED))
        if remaining and not stopped and rests:
            self._resting[order.order_id] = Resting(
                order.order_id,
                order.side,
                order.price,
                remaining,
                self._left[order.side].get(order.price, Count(0)),
            )
            return Outcome(executions, cancellations, remaining)
        return Outcome(executions, cancellations, Count(0))

    def cancel(self, order_id: str) -> Count:
        """Take a resting order out and say what was left of it; raises KeyError."""
        return self._resting.pop(order_id).remaining

    def decrease(self, order_id: str, remaining: Count) -> None:
        """Make a resting order smaller; it keeps its place. Raises KeyError."""
        order = self._resting[order_id]
        assert 0 < remaining <= order.remaining
        order.remaining = remaining

    def _crosses(self, order: NewOrder) -> bool:
        return next(self._opposite_prices(order), None) is not None

    def _opposite_prices(self, order: NewOrder) -> Iterator[Price]:
        """Prices the order reaches, best first."""
        opposite = order.side.opposite
        prices = sorted(self.shown(opposite), reverse=opposite is BookSide.BID)
        return (price for price in prices if _reaches(opposite, price, order.price))

    def _fills_whole(self, order: NewOrder) -> bool:
        """Whether others show enough, or a self-cross on the way makes fill-or-kill immediate-or-cancel."""
        available = 0
        for price in self._opposite_prices(order):
            if self._at(order.side.opposite, price):
                return True
            available += self._left[order.side.opposite].get(price, 0)
            if available >= order.count:
                return True
        return False

    def _take_liquidity(self, order: NewOrder) -> tuple[list[Execution], list[Cancellation], Count]:
        opposite, remaining = order.side.opposite, order.count
        executions: list[Execution] = []
        cancellations: list[Cancellation] = []

        def take(price: Price, count: Count) -> None:
            nonlocal remaining
            if count > 0:
                executions.append(Execution(order.order_id, price, count, is_taker=True))
                self._take(opposite, price, count)
                remaining = Count(remaining - count)

        for price in self._opposite_prices(order):
            for own in self._at(opposite, price):
                take(price, min(own.ahead, remaining, self._left[opposite].get(price, Count(0))))
                if not remaining:
                    return executions, cancellations, remaining
                if order.self_trade_prevention is SelfTradePrevention.TAKER_AT_CROSS:
                    cancellations.append(Cancellation(order.order_id, remaining, CancelReason.SELF_TRADE))
                    return executions, cancellations, remaining
                del self._resting[own.order_id]
                cancellations.append(Cancellation(own.order_id, own.remaining, CancelReason.SELF_TRADE))
            take(price, min(remaining, self._left[opposite].get(price, Count(0))))
            if not remaining:
                break
        return executions, cancellations, remaining

    def _take(self, side: BookSide, price: Price, count: Count) -> None:
        """Others' size at a level was traded away; it stood in front of our orders there."""
        left = Count(self._left[side][price] - count)
        if left > 0:
            self._left[side][price] = left
        else:
            del self._left[side][price]
        for order in self._at(side, price):
            order.ahead = Count(max(0, order.ahead - count))

    def _execute(self, order: Resting, count: Count) -> Execution:
        order.remaining = Count(order.remaining - count)
        return Execution(order.order_id, order.price, count, is_taker=False)

    def _drop_filled(self) -> None:
        self._resting = {order_id: o for order_id, o in self._resting.items() if o.remaining > 0}


def _reaches(side: BookSide, price: Price, limit: Price) -> bool:
    """Whether ``price`` on ``side`` is at ``limit`` or better (higher for bids, lower for asks)."""
    return side.sign * (price - limit) >= 0


def _ended(order: NewOrder, reason: CancelReason) -> Outcome:
    return Outcome([], [Cancellation(order.order_id, order.count, reason)], Count(0))
