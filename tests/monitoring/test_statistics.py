from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.monitoring.statistics import (
    clustered_interval,
    effective_number,
    events_needed,
    student_p_value,
    wilson,
)


@pytest.mark.parametrize(
    ("rate", "n", "low", "high"),
    [
        (0.5, 10, 0.2366, 0.7634),
        (1.0, 60, 0.9398, 1.0),
        (0.0, 20, 0.0, 0.1611),
        (0.95, 3_400, 0.9422, 0.9568),
    ],
)
def test_wilsons_interval_is_that_of_the_textbook(rate: float, n: float, low: float, high: float) -> None:
    assert wilson(rate, n) == pytest.approx((low, high), abs=1e-4)


@pytest.mark.parametrize(
    ("t", "freedom"), [(12.706, 1), (4.303, 2), (3.182, 3), (-2.776, 4), (2.228, 10), (1.980, 120)]
)
def test_two_events_prove_less_than_many(t: float, freedom: int) -> None:
    """Student's table: these are the five per cent."""
    assert student_p_value(t, freedom) == pytest.approx(0.05, abs=5e-5)
    assert student_p_value(0.0, freedom) == 1


def test_nothing_seen_has_no_interval() -> None:
    assert wilson(0.5, 0) is None
    assert clustered_interval(np.array([1.0]), np.array([1.0])) is None


@given(st.floats(0, 1), st.integers(1, 100_000))
def test_wilsons_interval_holds_the_rate_and_stays_between_nothing_and_one(rate: float, n: int) -> None:
    interval = wilson(rate, n)
    assert interval is not None
    low, high = interval
    assert 0 <= low <= rate + 1e-12
    assert rate - 1e-12 <= high <= 1


@pytest.mark.parametrize(("price", "two_errors", "power_80"), [(0.95, 3_400, 6_600), (0.92, 5_200, 10_300)])
def test_the_events_needed_are_those_of_the_published_power_calculation(
    price: float, two_errors: int, power_80: int
) -> None:
    assert events_needed(price, 0.0075) == pytest.approx(two_errors, rel=0.01)
    assert events_needed(price, 0.0075, power_80=True) == pytest.approx(power_80, rel=0.01)


def test_no_edge_is_never_seen() -> None:
    assert events_needed(0.5, 0.0) is None


def test_a_thousand_trades_of_one_event_are_worth_little_more_than_one_event() -> None:
    assert effective_number(np.array([1_000.0, 1.0])) == pytest.approx(1.002, abs=1e-3)
    assert effective_number(np.full(7, 13.0)) == pytest.approx(7)


def test_an_interval_is_the_same_each_time_and_holds_the_mean() -> None:
    sums, counts = np.array([5.0, -95.0, 10.0, 4.0]), np.array([1.0, 1.0, 2.0, 1.0])
    first = clustered_interval(sums, counts)
    assert first is not None
    assert first == clustered_interval(sums, counts)
    assert first[0] < sums.sum() / counts.sum() < first[1]


def test_rows_of_one_event_do_not_make_it_surer() -> None:
    events = np.array([5.0, -95.0, 5.0, 5.0, -95.0, 5.0])
    once = clustered_interval(events, np.ones(6))
    often = clustered_interval(100 * events, np.full(6, 100.0))
    apart = clustered_interval(np.repeat(events, 100), np.ones(600))
    assert once is not None
    assert apart is not None
    assert often == pytest.approx(once)
    assert apart[1] - apart[0] < (once[1] - once[0]) / 5


def test_the_bootstrap_of_many_events_is_the_normal_interval() -> None:
    won = np.random.default_rng(1).random(4_000) < 0.9
    interval = clustered_interval(won.astype(np.float64), np.ones(4_000))
    assert interval is not None
    error = 1.96 * (won.mean() * (1 - won.mean()) / 4_000) ** 0.5
    assert interval == pytest.approx((won.mean() - error, won.mean() + error), abs=0.1 * error)
