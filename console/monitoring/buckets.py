"""The price buckets by which hit rates and edges are reported."""

from __future__ import annotations

from bisect import bisect_right

import msgspec

from console.domain.money import PRICE_PER_CENT, PRICE_PER_DOLLAR, Price


class Bucket(msgspec.Struct, frozen=True):
    """Prices of the outcome bought with ``low <= price < high``."""

    name: str
    low: Price
    high: Price

    @property
    def cents(self) -> str:
        """The range in whole cents: ``"90-100"``."""
        return f"{self.low // PRICE_PER_CENT}-{self.high // PRICE_PER_CENT}"


def _bucket(name: str, low_cents: int, high_cents: int) -> Bucket:
    return Bucket(name, Price(low_cents * PRICE_PER_CENT), Price(high_cents * PRICE_PER_CENT))


BUCKETS = (
    _bucket("longshot_extreme", 0, 10),
    _bucket("longshot", 10, 20),
    _bucket("underdog", 20, 40),
    _bucket("tossup", 40, 60),
    _bucket("likely", 60, 80),
    _bucket("favorite", 80, 90),
    _bucket("favorite_extreme", 90, 100),
)
"""Every bucket, cheapest first; together they cover 0 up to, not including, 1 dollar."""

BUCKET_LOWS = tuple(bucket.low for bucket in BUCKETS)
"""Where each begins, to look up many prices at once: a price belongs to the last that is not above it."""


def bucket_of(price: Price) -> Bucket:
    """The bucket of a price of the outcome bought; raises ValueError outside 0 <= price < 1 dollar."""
    if not 0 <= price < PRICE_PER_DOLLAR:
        raise ValueError(
            f"price {price} is not from 0 to below {PRICE_PER_DOLLAR} ten-thousandths of a dollar"
        )
    return BUCKETS[bisect_right(BUCKET_LOWS, price) - 1]
