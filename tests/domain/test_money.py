"""Amounts are exact, and anything that is not exact is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.domain.money import (
    Cash,
    Count,
    MoneyError,
    Price,
    complement,
    cost,
    format_cash,
    format_count,
    format_price,
    parse_cash,
    parse_count,
    parse_price,
)


@given(st.integers(-(10**15), 10**15))
def test_cash_survives_a_round_trip_through_text(units: int) -> None:
    assert parse_cash(format_cash(Cash(units))) == units


@given(st.integers(0, 10_000))
def test_prices_survive_a_round_trip_through_text(units: int) -> None:
    assert parse_price(format_price(Price(units))) == units


@given(st.integers(-(10**12), 10**12))
def test_counts_survive_a_round_trip_through_text(units: int) -> None:
    assert parse_count(format_count(Count(units))) == units


def test_trailing_zeros_beyond_the_unit_are_exact() -> None:
    assert parse_price("0.560000") == 5_600
    assert parse_count("13") == 1_300


@pytest.mark.parametrize(
    "text", ["", "NaN", "Infinity", "1e3", "0.56001", "1.0001", "-0.1", " 0.5", "0,5", "٠.٥", "0.5\n"]
)
def test_a_price_that_is_not_exact_is_refused(text: str) -> None:
    with pytest.raises(MoneyError):
        parse_price(text)


def test_an_amount_finer_than_a_millionth_is_refused() -> None:
    with pytest.raises(MoneyError, match="more than 6 decimals"):
        parse_cash("0.0000001")


@given(st.integers(0, 10_000), st.integers(0, 10**9))
def test_both_sides_of_a_contract_cost_one_dollar(price: int, count: int) -> None:
    both = cost(Price(price), Count(count)) + cost(complement(Price(price)), Count(count))
    assert both == count * 10_000
