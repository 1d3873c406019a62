from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.domain.book import NO_QUOTE, BookSide, Level, Quote
from console.domain.money import Cash, Count, Price
from console.domain.order import Fill
from console.monitoring.slippage import (
    BIN_WIDTH_CENTIBPS,
    END_OF_BINS_CENTIBPS,
    FIRST_BIN_CENTIBPS,
    SlippageSample,
    slippage_of,
    summarise,
)

BID, ASK = BookSide.BID, BookSide.ASK
QUOTE = Quote(Level(Price(9_000), Count(100)), Level(Price(9_100), Count(100)))


def fill(side: BookSide, price: int, *, is_taker: bool = True, count: int = 300) -> Fill:
    return Fill("f", "o", "T", side, Price(price), Count(count), Cash(0), is_taker, 0)


def sample(centibps: int, contracts: int = 1, *, is_taker: bool = True) -> SlippageSample:
    return SlippageSample(centibps, None, Count(contracts * 100), is_taker)


# --- one fill ---------------------------------------------------------------------------------------


def test_a_taker_at_the_touch_slipped_nothing_and_paid_half_the_spread() -> None:
    # 0.5c of a 90.5c mid are 55.25 bps.
    assert slippage_of(fill(BID, 9_100), QUOTE) == SlippageSample(0, 5_525, Count(300), True)


def test_paying_more_than_the_touch_is_a_cost_on_either_side() -> None:
    bought = slippage_of(fill(BID, 9_200), QUOTE)
    sold = slippage_of(fill(ASK, 8_900), QUOTE)
    assert bought is not None
    assert sold is not None
    assert bought.touch_centibps == 10_989  # 1c of 91c
    assert sold.touch_centibps == 100_000  # NO at 11c instead of 10c


def test_a_better_price_is_negative() -> None:
    better = slippage_of(fill(BID, 9_050), QUOTE)
    assert better is not None
    assert better.touch_centibps == -5_495


def test_a_maker_shows_the_spread_it_saved_against_the_touch() -> None:
    rested = slippage_of(fill(BID, 9_000, is_taker=False), QUOTE)
    assert rested == SlippageSample(-10_989, -5_525, Count(300), False)


def test_without_a_touch_there_is_nothing_to_measure_against() -> None:
    assert slippage_of(fill(BID, 9_100), NO_QUOTE) is None
    one_sided = Quote(None, QUOTE.ask)
    assert slippage_of(fill(BID, 9_100), one_sided) == SlippageSample(0, None, Count(300), True)
    assert slippage_of(fill(ASK, 9_000), one_sided) is None


@given(st.integers(1, 9_999), st.integers(1, 9_999))
def test_yes_and_no_are_measured_alike(touch: int, paid: int) -> None:
    yes = Quote(None, Level(Price(touch), Count(1)))
    no = Quote(Level(Price(10_000 - touch), Count(1)), None)
    assert slippage_of(fill(BID, paid), yes) == slippage_of(fill(ASK, 10_000 - paid), no)


# --- many fills -------------------------------------------------------------------------------------


def test_without_fills_nothing_is_known() -> None:
    taker = summarise([], 5_000).taker
    assert (taker.n, taker.mean, taker.p50, taker.p95, taker.p99, taker.share_beyond) == (
        0, None, None, None, None, None,
    )  # fmt: skip
    assert sum(taker.bins) == taker.underflow == taker.overflow == 0


def test_takers_and_makers_are_kept_apart() -> None:
    summary = summarise([sample(1_000), sample(-9_000, is_taker=False)], 5_000)
    assert (summary.taker.n, summary.taker.mean) == (1, 1_000.0)
    assert (summary.maker.n, summary.maker.mean) == (1, -9_000.0)


def test_a_fill_weighs_as_much_as_its_contracts() -> None:
    taker = summarise([sample(0, 90), sample(6_000, 6), sample(9_000, 4)], 5_000).taker
    assert taker.n == 3
    assert taker.contracts == Count(10_000)
    assert taker.mean == 720.0
    assert (taker.p50, taker.p95, taker.p99) == (0, 6_000, 9_000)
    assert taker.share_beyond == 0.1


def test_the_median_of_two_equal_fills_is_the_lower() -> None:
    assert summarise([sample(900), sample(100)], 5_000).taker.p50 == 100


def test_a_fill_at_the_limit_is_not_beyond_it() -> None:
    assert summarise([sample(5_000)], 5_000).taker.share_beyond == 0.0
    assert summarise([sample(5_001)], 5_000).taker.share_beyond == 1.0


@pytest.mark.parametrize(
    ("centibps", "index"),
    [(-1_001, None), (-1_000, 0), (-501, 0), (-500, 1), (-1, 1), (0, 2), (5_999, 13), (6_000, None)],
)
def test_a_bin_holds_its_lower_end(centibps: int, index: int | None) -> None:
    taker = summarise([sample(centibps)], 5_000).taker
    filled = [number for number, count in enumerate(taker.bins) if count]
    assert filled == ([] if index is None else [index])
    assert bool(taker.underflow) == (centibps < FIRST_BIN_CENTIBPS)
    assert bool(taker.overflow) == (centibps >= END_OF_BINS_CENTIBPS)
    assert FIRST_BIN_CENTIBPS + len(taker.bins) * BIN_WIDTH_CENTIBPS == END_OF_BINS_CENTIBPS


@given(st.lists(st.builds(sample, st.integers(-20_000, 20_000), st.integers(1, 500))))
def test_no_contract_is_lost_and_percentiles_are_ordered(samples: list[SlippageSample]) -> None:
    taker = summarise(samples, 5_000).taker
    assert taker.underflow + sum(taker.bins) + taker.overflow == taker.contracts
    if not samples:
        return
    values = [s.touch_centibps for s in samples]
    assert taker.p50 is not None
    assert taker.p95 is not None
    assert taker.p99 is not None
    assert taker.mean is not None
    assert min(values) <= taker.p50 <= taker.p95 <= taker.p99 <= max(values)
    assert min(values) - 1e-6 <= taker.mean <= max(values) + 1e-6
