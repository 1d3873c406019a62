from __future__ import annotations

import math
import statistics
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.domain.book import BookSide
from console.domain.grid import TAPERED_DECI_CENTS, WHOLE_CENTS, PriceGrid
from console.domain.money import Price
from console.practice.model import Scales, SideRun, draw_result, generator, scales_of, size_law

S = 1_000_000_000
GRIDS = st.sampled_from([WHOLE_CENTS, TAPERED_DECI_CENTS])
BTC = scales_of("KXBTC15M")


@st.composite
def tradable(draw: st.DrawFn) -> tuple[PriceGrid, Price]:
    grid = draw(GRIDS)
    price = grid.floor(Price(draw(st.integers(100, 9_990))))
    assert price is not None
    return grid, price


@given(where=tradable(), side=st.sampled_from(BookSide), seed=st.integers(0, 2**32))
def test_a_side_stands_on_the_grid_best_first_in_whole_contracts(
    where: tuple[PriceGrid, Price], side: BookSide, seed: int
) -> None:
    grid, price = where
    run = SideRun(generator(seed), side, price, grid, BTC)
    levels = run.levels(run.best_size)
    owns = [side.price_paid(level.price) for level in levels]
    assert levels[0].price == price
    assert owns == sorted(set(owns), reverse=True)
    assert all(grid.contains(level.price) for level in levels)
    assert all(level.size >= 100 and level.size % 100 == 0 for level in levels)


@pytest.mark.parametrize(
    ("price", "grid", "mu", "sigma"),
    [
        (200, WHOLE_CENTS, 7.6, 1.5),
        (900, WHOLE_CENTS, 6.5, 1.7),
        (5_000, WHOLE_CENTS, 5.7, 1.75),
        (8_900, WHOLE_CENTS, 6.1, 1.7),
        (9_500, WHOLE_CENTS, 6.5, 1.55),
        (9_900, WHOLE_CENTS, 8.1, 1.8),
        (500, TAPERED_DECI_CENTS, 5.1, 1.95),
        (9_500, TAPERED_DECI_CENTS, 5.2, 2.05),
        (9_000, TAPERED_DECI_CENTS, 6.5, 1.55),
    ],
)
def test_best_sizes_follow_the_fitted_law_of_their_price(
    price: int, grid: PriceGrid, mu: float, sigma: float
) -> None:
    logs = []
    for seed in range(1_500):
        run = SideRun(generator(seed), BookSide.BID, Price(price), grid, BTC)
        run.churn(1.0)
        logs.append(math.log(run.best_size / 100))
    assert statistics.median(logs) == pytest.approx(mu, abs=0.2)
    assert statistics.stdev(logs) == pytest.approx(sigma, abs=0.2)


def test_log_size_is_remembered_over_a_second_as_fitted() -> None:
    run = SideRun(generator(3), BookSide.ASK, Price(5_000), WHOLE_CENTS, BTC)
    logs = []
    for _ in range(6_000):
        logs.append(math.log(run.best_size))
        run.churn(1.0)
    assert statistics.correlation(logs[:-1], logs[1:]) == pytest.approx(0.65, abs=0.05)


def test_prints_come_at_the_fitted_rate_of_the_coin() -> None:
    counts = []
    for seed in range(300):
        run = SideRun(generator(seed), BookSide.BID, Price(8_000), WHOLE_CENTS, BTC)
        found = run.prints(0, 60 * S)
        assert all(0 <= at < 60 * S and count >= 100 for at, count in found)
        assert found == sorted(found, key=lambda print_: print_[0])
        counts.append(len(found) / 60)
    assert statistics.mean(counts) == pytest.approx(3.6 * 0.42, rel=0.1)


@pytest.mark.parametrize(("steps", "step_s"), [(240, 1), (48, 5)])
def test_prints_are_bursty_from_second_to_second_and_not_from_hold_to_hold(steps: int, step_s: int) -> None:
    """Tails: Gamma(1.5) makes the variance of a second's count its mean plus mean squared / 1.5."""
    seconds: list[int] = []
    holds = []
    for seed in range(60):
        run = SideRun(generator(seed), BookSide.BID, Price(9_500), TAPERED_DECI_CENTS, Scales(1.0, 1.0))
        found = Counter(
            at // S for i in range(steps) for at, _ in run.prints(i * step_s * S, (i + 1) * step_s * S)
        )
        counts = [found[second] for second in range(240)]
        seconds += counts
        holds.append(statistics.mean(counts))
    assert statistics.mean(seconds) == pytest.approx(2.75, rel=0.05)
    assert statistics.variance(seconds) == pytest.approx(2.75 + 2.75**2 / 1.5, rel=0.15)
    assert statistics.stdev(holds) < 0.3


def test_prints_end_early_only_before_a_better_price() -> None:
    run = SideRun(generator(1), BookSide.BID, Price(9_000), WHOLE_CENTS, BTC)
    assert run.prints_end_ns(0, 10 * S, Price(8_900)) == 10 * S
    assert run.prints_end_ns(0, 10 * S, None) == 10 * S
    assert 0 <= run.prints_end_ns(0, 10 * S, Price(9_100)) < 10 * S


def test_levels_give_way_by_print_as_often_as_fitted() -> None:
    runs = [
        SideRun(generator(seed), BookSide.BID, Price(8_000), WHOLE_CENTS, BTC).is_swept_by_print()
        for seed in range(3_000)
    ]
    assert sum(runs) / len(runs) == pytest.approx(0.42, abs=0.04)


def test_smaller_coins_show_smaller_sizes_and_strangers_get_a_guess() -> None:
    order = ["BTC", "BNB", "HYPE", "ETH", "SOL", "XRP", "DOGE", "ZEC", "NEAR"]
    depths = [scales_of(f"KX{coin}15M").depth for coin in order]
    assert depths == sorted(depths, reverse=True)
    assert 0 < scales_of("KXHIGHNY").depth < 1


def test_draws_do_not_depend_on_the_process() -> None:
    # A golden value: the hash must be stable from machine to machine.
    assert generator(7, "KXBTC15M-1", BookSide.BID, 0).randrange(10**9) == 328266278


def test_a_drawn_result_is_as_likely_as_the_last_middle() -> None:
    drawn = [draw_result(seed, "KXA", Price(9_000), Price(9_200)) for seed in range(4_000)]
    assert drawn.count("yes") / len(drawn) == pytest.approx(0.91, abs=0.02)
    assert draw_result(5, "KXA", Price(10_000 - 10), Price(10_000)) in ("yes", "no")


def test_the_law_covers_every_price() -> None:
    for price in range(1, 10_000):
        assert size_law(Price(price), TAPERED_DECI_CENTS).sigma > 0
        assert size_law(Price(price), WHOLE_CENTS).sigma > 0
