from __future__ import annotations

import pytest

from console.domain.time_units import NS_PER_S
from console.tui import formatting as fmt


@pytest.mark.parametrize(
    ("cash", "shown"),
    [(10_012_410_000, "10,012.41"), (-2_400_000, "-2.40"), (0, "0.00"), (-4_000, "0.00"), (None, "n/a")],
)
def test_money_has_commas_and_two_decimals(cash: int | None, shown: str) -> None:
    assert fmt.dollars(cash) == shown


def test_profit_carries_its_sign_and_nothing_is_neither() -> None:
    assert fmt.dollars(12_410_000, signed=True) == "+12.41"
    assert fmt.dollars(-12_410_000, signed=True) == "-12.41"
    assert fmt.dollars(0, signed=True) == "0.00"


@pytest.mark.parametrize(
    ("price", "shown"), [(9_400, "94"), (9_420, "94.2"), (9_425, "94.25"), (None, "n/a")]
)
def test_a_price_has_the_decimals_it_needs(price: int | None, shown: str) -> None:
    assert fmt.cents(price) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.25, "0.2s"),
        (9.99, "9.9s"),
        (41, "41s"),
        (240, "4m"),
        (7_500, "2h05"),
        (260_000, "3d"),
        (-5, "0.0s"),
    ],
)
def test_an_age_is_in_the_unit_a_person_reads(seconds: float, shown: str) -> None:
    assert fmt.age(int(seconds * NS_PER_S)) == shown


def test_exchange_time_follows_daylight_saving_and_utc_does_not() -> None:
    winter, summer = 1_772_039_071 * NS_PER_S, 1_783_000_000 * NS_PER_S
    assert (fmt.clock(winter), fmt.clock_utc(winter)) == ("12:04:31", "17:04:31Z")
    assert (fmt.clock(summer), fmt.clock_utc(summer)) == ("09:46:40", "13:46:40Z")


def test_a_share_of_an_unknown_or_empty_whole_is_not_a_number() -> None:
    assert fmt.percent(12_410_000, 10_000_000_000) == "+0.12%"
    assert fmt.percent(1, None) == fmt.percent(None, 1) == fmt.percent(1, 0) == "n/a"
