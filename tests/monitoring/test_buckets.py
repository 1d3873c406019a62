from __future__ import annotations

import itertools

import pytest

from console.domain.money import Price
from console.monitoring.buckets import BUCKETS, bucket_of


def test_the_buckets_cover_every_price_once() -> None:
    assert BUCKETS[0].low == 0
    assert BUCKETS[-1].high == 10_000
    assert all(below.high == above.low for below, above in itertools.pairwise(BUCKETS))


@pytest.mark.parametrize(
    ("price", "name", "cents"),
    [
        (0, "longshot_extreme", "0-10"),
        (999, "longshot_extreme", "0-10"),
        (1_000, "longshot", "10-20"),
        (2_000, "underdog", "20-40"),
        (4_000, "tossup", "40-60"),
        (6_000, "likely", "60-80"),
        (8_000, "favorite", "80-90"),
        (8_999, "favorite", "80-90"),
        (9_000, "favorite_extreme", "90-100"),
        (9_999, "favorite_extreme", "90-100"),
    ],
)
def test_a_price_belongs_to_the_bucket_that_begins_at_or_below_it(price: int, name: str, cents: str) -> None:
    bucket = bucket_of(Price(price))
    assert (bucket.name, bucket.cents) == (name, cents)


@pytest.mark.parametrize("price", [-1, 10_000])
def test_a_price_outside_has_no_bucket(price: int) -> None:
    with pytest.raises(ValueError, match=f"price {price} is not"):
        bucket_of(Price(price))
