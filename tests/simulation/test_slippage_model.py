"""What the guide's slippage model charges: exact, rounded up, more for a larger part of the display."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.domain.money import Cash, Count, Price, cost, parse_cash, parse_count, parse_price
from console.simulation.slippage import SlippageModel

PRICES = st.integers(1, 9_999).map(Price)
COUNTS = st.integers(1, 10**6).map(Count)
PARAMETERS = st.decimals(0, 100, places=3)


@pytest.mark.parametrize(
    ("contracts", "displayed", "bps"), [("100", "100", 15), ("50", "100", 10), ("10", "1000", "5.1")]
)
def test_by_default_five_basis_points_and_ten_more_for_the_whole_display(
    contracts: str, displayed: str, bps: float
) -> None:
    assert SlippageModel().bps(parse_count(contracts), parse_count(displayed)) == Fraction(bps)


def test_the_cost_of_a_hundred_lot_at_ninety_cents() -> None:
    # 90 $ at 10 bps.
    charged = SlippageModel().cost(parse_price("0.90"), parse_count("100"), parse_count("200"))
    assert charged == parse_cash("0.09")


def test_a_display_of_unknown_size_counts_as_if_all_of_it_was_taken() -> None:
    model, price, count = SlippageModel(), parse_price("0.90"), parse_count("7")
    for unknown in (None, Count(0)):
        assert model.bps(count, unknown) == 15
        assert model.cost(price, count, unknown) == model.cost(price, count, count)


def test_a_model_of_nothing_costs_nothing() -> None:
    assert SlippageModel(0.0, 0.0).cost(Price(5_000), Count(100), None) == 0


def test_the_settings_decimals_do_as_well_as_floats() -> None:
    decimals = SlippageModel(Decimal("5.0"), Decimal("0.1"))
    assert decimals.cost(Price(9_123), Count(101), Count(707)) == SlippageModel().cost(
        Price(9_123), Count(101), Count(707)
    )


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
def test_a_parameter_that_is_no_cost_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match=r"base_slippage_bps is .*, not a number from 0 on"):
        SlippageModel(base_slippage_bps=value)
    with pytest.raises(ValueError, match=r"size_impact_factor is .*, not a number from 0 on"):
        SlippageModel(size_impact_factor=value)


@given(PARAMETERS, PARAMETERS, PRICES, COUNTS, COUNTS)
def test_the_cost_is_the_basis_points_rounded_up(
    base: Decimal, impact: Decimal, price: Price, count: Count, displayed: Count
) -> None:
    model = SlippageModel(base, impact)
    exact = cost(price, count) * model.bps(count, displayed) / 10_000
    charged: Cash = model.cost(price, count, displayed)
    assert exact <= charged < exact + 1


@given(PRICES, COUNTS, COUNTS)
def test_a_larger_display_never_costs_more(price: Price, count: Count, displayed: Count) -> None:
    model = SlippageModel()
    assert model.cost(price, count, Count(displayed + 1)) <= model.cost(price, count, displayed)
