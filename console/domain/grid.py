"""The prices at which a market may trade."""

from __future__ import annotations

import msgspec

from console.domain.money import PRICE_PER_DOLLAR, Price


class PriceRange(msgspec.Struct, frozen=True):
    """Prices from ``start`` to ``end``, both included, every ``step``."""

    start: Price
    end: Price
    step: Price


class PriceGrid(msgspec.Struct, frozen=True):
    """A market's own price grid, from the exchange's ``price_ranges``; 0 and 1 dollar never trade."""

    ranges: tuple[PriceRange, ...]

    def __post_init__(self) -> None:
        if not self.ranges or any(r.step <= 0 or r.end <= r.start for r in self.ranges):
            raise ValueError("a price grid needs ranges with a positive step and a start below the end")

    def contains(self, price: Price) -> bool:
        """Whether an order may carry this price."""
        if not 0 < price < PRICE_PER_DOLLAR:
            return False
        for r in self.ranges:  # noqa: SIM110 - asked at every quote in a price zone, where any() takes twice as long
            if r.start <= price <= r.end and (price - r.start) % r.step == 0:
                return True
        return False

    def floor(self, price: Price) -> Price | None:
        """The highest tradable price not above ``price``, or None when there is none."""
        below = [
            candidate
            for r in self.ranges
            if r.start <= price
            and self.contains(candidate := Price(r.start + (min(price, r.end) - r.start) // r.step * r.step))
        ]
        edge = Price(PRICE_PER_DOLLAR - 1)
        if price >= PRICE_PER_DOLLAR:
            return self.floor(edge)
        return max(below, default=None)

    def ceil(self, price: Price) -> Price | None:
        """The lowest tradable price not below ``price``, or None when there is none."""
        if price <= 0:
            return self.ceil(Price(1))
        above = [
            candidate
            for r in self.ranges
            if price <= r.end
            and self.contains(
                candidate := Price(r.start + -(-(max(price, r.start) - r.start) // r.step) * r.step)
            )
        ]
        return min(above, default=None)


WHOLE_CENTS = PriceGrid((PriceRange(Price(0), Price(PRICE_PER_DOLLAR), Price(100)),))
"""Kalshi's ``linear_cent`` structure."""

TAPERED_DECI_CENTS = PriceGrid(
    (
        PriceRange(Price(0), Price(1_000), Price(10)),
        PriceRange(Price(1_000), Price(9_000), Price(100)),
        PriceRange(Price(9_000), Price(10_000), Price(10)),
    )
)
"""Kalshi's ``tapered_deci_cent`` structure: tenths of a cent below 10c and above 90c."""
