"""What a market does to our orders: price-time priority against the size everybody else displays.

Others are known only by what they display and trade. We stand behind the size displayed when we join and move
up when that queue trades, when less is displayed than stood before us and, if the queue model says so, by our
share of what others cancel. What our own takers took stays gone until the display of that level changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from console.domain.book import BookSide, Level, Quote
from console.domain.money import Count, Price
from console.domain.order import SelfTradePrevention, TimeInForce
from console.simulation.book_half import BookHalf
from console.simulation.execution import Cancellation, CancelReason, Execution, NewOrder, Outcome, QueueModel
from console.simulation.price_queue import Resting


class MatchingBook:
    """One market's book: the display of others and our resting orders.

    Where no trades are printed a resting order fills only when the other side's display comes to its price,
    as much of it as is displayed there.
    """

    def __init__(self, queue: QueueModel = QueueModel.PESSIMISTIC) -> None:
        in_proportion = queue is QueueModel.PROPORTIONAL
        self._bids = BookHalf(BookSide.BID, in_proportion=in_proportion)
        self._asks = BookHalf(BookSide.ASK, in_proportion=in_proportion)
        self._resting: dict[str, Resting] = {}

    def _half(self, side: BookSide) -> BookHalf:
        return self._bids if side.sign > 0 else self._asks

    # --- reading --------------------------------------------------------------------------------

    @property
    def is_touched(self) -> bool:
        """Whether the display matters to us now: we rest here, or what we took is still gone."""
        return self._bids.is_touched or self._asks.is_touched

    @property
    def has_resting(self) -> bool:
        """Whether an order of ours rests here."""
        return bool(self._resting)

    @property
    def residue(self) -> tuple[list[Level], list[Level]]:
        """Bids and asks of others of which what we took is still gone."""
        return self._bids.residue, self._asks.residue

    def forget_taken(self) -> None:
        """What we took is back; the next display says with how much."""
        self._bids.forget_taken()
        self._asks.forget_taken()

    @property
    def quote(self) -> Quote:
        """The best prices of others less what we took."""
        return Quote(self._bids.best, self._asks.best)

    def resting(self, order_id: str) -> Resting | None:
        """One of our orders, or None when it does not rest here."""
        return self._resting.get(order_id)

    def displayed(self, side: BookSide) -> Mapping[Price, Count]:
        """What others show less what we took of it."""
        return self._half(side).left

    def shown(self, side: BookSide) -> dict[Price, Count]:
        """The book as anybody sees it: others and our own resting orders together."""
        half = self._half(side)
        levels = dict(half.left)
        for price, queue in half.queues.items():
            levels[price] = Count(levels.get(price, 0) + sum(order.remaining for order in queue.orders))
        return levels

    def queue_ahead(self, order_id: str) -> Count:
        """Contracts known to be in front of a resting order, our own included; raises KeyError."""
        order = self._resting[order_id]
        ours = 0
        for other in self._half(order.side).queues[order.price].orders:
            if other is order:
                break
            ours += other.remaining
        return Count((order.ahead or 0) + ours)

    # --- others ---------------------------------------------------------------------------------

    def display(self, bids: Iterable[Level], asks: Iterable[Level]) -> list[Execution]:
        """Replace what others display; our resting orders that it crosses fill at their own price."""
        self._bids.show_all(bids)
        self._asks.show_all(asks)
        return self._fill_crossed()

    def display_best(self, quote: Quote) -> list[Execution]:
        """The same where only the best prices are known; a resting order behind them keeps its place."""
        self._bids.show_best(quote.bid)
        self._asks.show_best(quote.ask)
        return self._fill_crossed()

    def _fill_crossed(self) -> list[Execution]:
        if not self._resting:
            return []
        executions = []
        for half, others in ((self._bids, self._asks), (self._asks, self._bids)):
            front = half.front
            if front is None:
                continue
            for price in others.prices_to(front):
                for order in half.ours_to(price):
                    count = min(order.remaining, others.left.get(price, Count(0)))
                    if count > 0:
                        executions.append(self._execute(order, count, is_printed=False))
                        others.take(price, count)
        return executions

    def print(self, price: Price, count: Count, taker_side: BookSide) -> list[Execution]:
        """Somebody took ``count`` at ``price``: better orders of ours first, then the queue at the price."""
        half = self._half(taker_side.opposite)
        executions = []
        for order in half.ours_to(price):
            if order.price != price and count > 0:
                order.ahead = Count(0)
                filled = min(count, order.remaining)
                count = Count(count - filled)
                executions.append(self._execute(order, filled, is_printed=True))
        queue = half.queues.get(price)
        if queue is not None and count > 0:
            for order, filled in queue.trade(count):
                executions.append(self._execute(order, filled, is_printed=True))
        return executions

    def sweep(self, side: BookSide, price: Price) -> list[Execution]:
        """A level of others is consumed whole, and so is everything better: our orders there fill in full."""
        half = self._half(side)
        half.sweep(price)
        return [self._execute(order, order.remaining, is_printed=True) for order in half.ours_to(price)]

    # --- ours -----------------------------------------------------------------------------------

    def submit(self, order: NewOrder) -> Outcome:
        """Match an arriving order and rest what its time in force lets rest."""
        if order.post_only and self._half(order.side.opposite).prices_to(order.price):
            return _ended(order, CancelReason.POST_ONLY_CROSS)
        if order.time_in_force is TimeInForce.FILL_OR_KILL and not self._fills_whole(order):
            return _ended(order, CancelReason.UNFILLED)
        executions, cancellations, remaining = self._take_liquidity(order)
        rests = order.time_in_force is TimeInForce.GOOD_TILL_CANCELED
        stopped = any(c.order_id == order.order_id for c in cancellations)
        if remaining and not stopped and not rests:
            cancellations.append(Cancellation(order.order_id, remaining, CancelReason.UNFILLED))
        if remaining and not stopped and rests:
            resting = Resting(order.order_id, order.side, order.price, remaining, None)
            self._half(order.side).rest(resting)
            self._resting[order.order_id] = resting
            return Outcome(executions, cancellations, remaining)
        return Outcome(executions, cancellations, Count(0))

    def cancel(self, order_id: str) -> Count:
        """Take a resting order out and say what was left of it; raises KeyError."""
        order = self._resting[order_id]
        self._remove(order)
        return order.remaining

    def decrease(self, order_id: str, remaining: Count) -> None:
        """Make a resting order smaller; it keeps its place. Raises KeyError."""
        order = self._resting[order_id]
        assert 0 < remaining <= order.remaining
        order.remaining = remaining

    def _fills_whole(self, order: NewOrder) -> bool:
        """Whether others show enough, or a self-cross on the way makes fill-or-kill immediate-or-cancel."""
        opposite = self._half(order.side.opposite)
        available = 0
        for price in opposite.prices_to(order.price):
            if price in opposite.queues:
                return True
            available += opposite.left[price]
            if available >= order.count:
                return True
        return False

    def _take_liquidity(self, order: NewOrder) -> tuple[list[Execution], list[Cancellation], Count]:
        opposite, remaining = self._half(order.side.opposite), order.count
        executions: list[Execution] = []
        cancellations: list[Cancellation] = []

        def take(price: Price, count: Count) -> None:
            nonlocal remaining
            if count > 0:
                executions.append(Execution(order.order_id, price, count, is_taker=True))
                opposite.take(price, count)
                remaining = Count(remaining - count)

        for price in opposite.prices_to(order.price):
            for own in opposite.ours(price):
                left = opposite.left.get(price, Count(0))
                take(price, min(left if own.ahead is None else own.ahead, remaining, left))
                if not remaining:
                    return executions, cancellations, remaining
                if order.self_trade_prevention is SelfTradePrevention.TAKER_AT_CROSS:
                    cancellations.append(Cancellation(order.order_id, remaining, CancelReason.SELF_TRADE))
                    return executions, cancellations, remaining
                self._remove(own)
                cancellations.append(Cancellation(own.order_id, own.remaining, CancelReason.SELF_TRADE))
            take(price, min(remaining, opposite.left.get(price, Count(0))))
            if not remaining:
                break
        return executions, cancellations, remaining

    def _execute(self, order: Resting, count: Count, *, is_printed: bool) -> Execution:
        order.remaining = Count(order.remaining - count)
        if not order.remaining:
            self._remove(order)
        return Execution(order.order_id, order.price, count, is_taker=False, is_printed=is_printed)

    def _remove(self, order: Resting) -> None:
        del self._resting[order.order_id]
        self._half(order.side).remove(order)


def _ended(order: NewOrder, reason: CancelReason) -> Outcome:
    return Outcome([], [Cancellation(order.order_id, order.count, reason)], Count(0))
