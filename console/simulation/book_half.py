"""One side of a book: what others display there, what we took of it, and our orders among them."""

from __future__ import annotations

from collections.abc import Iterable

from console.domain.book import BookSide, Level
from console.domain.money import PRICE_PER_DOLLAR, Count, Price
from console.simulation.price_queue import PriceQueue, Resting


class BookHalf:
    """The bids or the asks of a market.

    ``left`` is what others display less what we took. What we took stays gone until its level is displayed
    with another size or known to be away. Of levels behind the best one nothing may be known.
    """

    def __init__(self, side: BookSide, *, in_proportion: bool) -> None:
        self.sign = side.sign
        self.left: dict[Price, Count] = {}
        self.queues: dict[Price, PriceQueue] = {}
        self._is_bid = side is BookSide.BID
        self._in_proportion = in_proportion
        self._taken: dict[Price, tuple[Count, Count]] = {}
        self._known_to: Price | None = None

    @property
    def is_touched(self) -> bool:
        """Whether we rest here or what we took is still gone."""
        return bool(self.queues or self._taken)

    @property
    def residue(self) -> list[Level]:
        """What others displayed where something that we took is still gone."""
        return [Level(price, of) for price, (of, _) in self._taken.items()]

    @property
    def best(self) -> Level | None:
        """The best price of others with what we left of it."""
        if not self.left:
            return None
        price = max(self.left) if self._is_bid else min(self.left)
        return Level(price, self.left[price])

    @property
    def front(self) -> Price | None:
        """The best price at which we rest."""
        if not self.queues:
            return None
        return max(self.queues) if self._is_bid else min(self.queues)

    def reaches(self, price: Price, limit: Price) -> bool:
        """Whether ``price`` is at ``limit`` or better (higher for bids, lower for asks)."""
        return self.sign * (price - limit) >= 0

    def prices_to(self, limit: Price) -> list[Price]:
        """Prices at which somebody stands, ourselves included, best first, down to ``limit``."""
        prices = [price for price in self.left if self.sign * (price - limit) >= 0]
        prices += [price for price in self.queues if self.reaches(price, limit) and price not in self.left]
        if len(prices) > 1:
            prices.sort(reverse=self._is_bid)
        return prices

    def ours(self, price: Price) -> list[Resting]:
        """Our orders at a price in order of time."""
        queue = self.queues.get(price)
        return [] if queue is None else [*queue.orders]

    def ours_to(self, limit: Price) -> list[Resting]:
        """Our orders at a price or better, in price-time priority."""
        prices = sorted((p for p in self.queues if self.reaches(p, limit)), reverse=self._is_bid)
        return [order for price in prices for order in self.queues[price].orders]

    # --- others ---------------------------------------------------------------------------------

    def show_all(self, levels: Iterable[Level]) -> None:
        """Others display these levels and no other."""
        self._known_to = Price(0 if self._is_bid else PRICE_PER_DOLLAR)
        self._show({level.price: level.size for level in levels if level.size > 0})

    def show_best(self, level: Level | None) -> None:
        """Others display nothing better than this level; what is behind it is not known.

        Without a level nothing is known, and of one without a size only its price.
        """
        if level is None:
            self._known_to = None
            self._show({})
        elif level.size > 0:
            self._known_to = level.price
            self._show({level.price: level.size})
        else:
            self._known_to = Price(level.price + self.sign)
            self._show({})

    def _show(self, displayed: dict[Price, Count]) -> None:
        for price, queue in self.queues.items():
            if self._knows(price):
                queue.show(displayed.get(price, Count(0)))
        if self._taken:
            displayed = self._less_taken(displayed)
        self.left = displayed

    def _less_taken(self, displayed: dict[Price, Count]) -> dict[Price, Count]:
        for price, (of, count) in [*self._taken.items()]:
            if displayed.get(price) != of:
                if self._knows(price):
                    del self._taken[price]
            elif count < of:
                displayed[price] = Count(of - count)
            else:
                del displayed[price]
        return displayed

    def _knows(self, price: Price) -> bool:
        return self._known_to is not None and self.reaches(price, self._known_to)

    def forget_taken(self) -> None:
        self._taken.clear()

    def sweep(self, price: Price) -> None:
        """What others display at a price and better is consumed."""
        for levels in (self.left, self._taken):
            for gone in [p for p in levels if self.reaches(p, price)]:
                del levels[gone]

    # --- ours -----------------------------------------------------------------------------------

    def take(self, price: Price, count: Count) -> None:
        """We took ``count`` of others; it stood in front of our orders there."""
        left = self.left[price]
        of, before = self._taken.get(price, (left, Count(0)))
        self._taken[price] = of, Count(before + count)
        if count < left:
            self.left[price] = Count(left - count)
        else:
            del self.left[price]
        if price in self.queues:
            self.queues[price].take(count)

    def rest(self, order: Resting) -> None:
        """Put an order behind what is displayed at its price."""
        is_known = self._knows(order.price)
        left = self.left.get(order.price, Count(0))
        queue = self.queues.get(order.price)
        if queue is None:
            of, _ = self._taken.get(order.price, (left, Count(0)))
            queue = PriceQueue(of if is_known else None, in_proportion=self._in_proportion)
            self.queues[order.price] = queue
        queue.join(order, left if is_known else None)

    def remove(self, order: Resting) -> None:
        queue = self.queues[order.price]
        queue.orders.remove(order)
        if not queue.orders:
            del self.queues[order.price]
