"""A signed position in one market: cost, realised and unrealised profit, fees."""

from __future__ import annotations

import msgspec

from console.domain.book import BookSide
from console.domain.money import PRICE_PER_DOLLAR, Cash, Count, Price, complement, cost

_NO_FEE = Cash(0)


class Position(msgspec.Struct, frozen=True):
    """Contracts held, + for YES and - for NO, with what was paid for them.

    ``paid`` is the cost of the open contracts at the price of the outcome held. ``realised`` is profit of
    what was closed or settled, before fees.
    """

    contracts: Count = Count(0)
    paid: Cash = Cash(0)
    realised: Cash = Cash(0)
    fees: Cash = Cash(0)

    @property
    def side(self) -> BookSide:
        """The side that made the position."""
        return BookSide.ASK if self.contracts < 0 else BookSide.BID

    @property
    def average_price(self) -> Price | None:
        """Average entry of the outcome held, rounded half up; None when flat."""
        size = abs(self.contracts)
        return Price((2 * self.paid + size) // (2 * size)) if size else None

    def filled(self, side: BookSide, price: Price, count: Count, fee: Cash) -> Position:
        """The position after a fill; a fill through zero closes what there was and opens the rest."""
        closing = min(count, max(0, -side.sign * self.contracts))
        realised, paid, held = self.realised, self.paid, abs(self.contracts)
        if closing:
            released = Cash(self.paid * closing // held)
            proceeds = cost(side.opposite.price_paid(price), Count(closing))
            realised = Cash(realised + proceeds - released)
            paid = Cash(paid - released)
        opened = cost(side.price_paid(price), Count(count - closing))
        return Position(
            contracts=Count(self.contracts + side.sign * count),
            paid=Cash(paid + opened),
            realised=realised,
            fees=Cash(self.fees + fee),
        )

    def settled(self, yes_value: Price, fee: Cash = _NO_FEE) -> Position:
        """The position after the market paid out; nothing is held any more."""
        profit = self.value_at(yes_value) - self.paid
        return Position(realised=Cash(self.realised + profit), fees=Cash(self.fees + fee))

    def value_at(self, yes_price: Price) -> Cash:
        """What the contracts held are worth at a YES price."""
        # Asked for of all that is held at every mark, so spelled out.
        held = self.contracts
        return Cash(yes_price * held if held >= 0 else (PRICE_PER_DOLLAR - yes_price) * -held)

    def unrealised_at(self, yes_price: Price) -> Cash:
        return Cash(self.value_at(yes_price) - self.paid)


def cash_change_of_fill(held: Count, side: BookSide, price: Price, count: Count, fee: Cash) -> Cash:
    """What a fill does to cash when ``held`` contracts were held before it.

    Opening pays the price of the outcome bought; closing receives the price of the outcome sold
    (Kalshi pairs YES and NO off at one dollar).
    """
    closing = min(count, max(0, -side.sign * held))
    paid = cost(side.price_paid(price), Count(count - closing))
    received = cost(side.opposite.price_paid(price), Count(closing))
    return Cash(received - paid - fee)


def cash_change_of_settlement(held: Count, yes_value: Price) -> Cash:
    """What a payout of ``yes_value`` a YES contract brings for a signed position."""
    value = yes_value if held >= 0 else complement(yes_value)
    return cost(value, Count(abs(held)))
