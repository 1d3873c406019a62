from __future__ import annotations

from fractions import Fraction

import pytest

from console.domain.money import Cash
from console.risk.text import dollars, percent, seconds


@pytest.mark.parametrize(
    ("cash", "signed", "text"),
    [
        (1_250_000_000, False, "1,250.00 $"),
        (1_250_000_000, True, "+1,250.00 $"),
        (-12_345_678, True, "-12.35 $"),
        (-4_999, True, "0.00 $"),
        (-5_000, False, "-0.01 $"),
        (0, True, "0.00 $"),
    ],
)
def test_dollars_carry_two_decimals_and_no_sign_on_nothing(cash: int, signed: bool, text: str) -> None:
    assert dollars(Cash(cash), signed=signed) == text


@pytest.mark.parametrize(
    ("part", "text"),
    [
        (Fraction(4, 100), "4 %"),
        (Fraction(43, 1_000), "4.3 %"),
        (Fraction(40_001, 1_000_000), "4.01 %"),
        (Fraction(1, 5), "20 %"),
        (Fraction(0), "0 %"),
        (Fraction(-1, 100), "-1 %"),
    ],
)
def test_what_exceeds_a_percentage_never_reads_as_equal_to_it(part: Fraction, text: str) -> None:
    assert percent(part) == text


def test_an_age_is_not_rounded_up() -> None:
    assert seconds(299_999_999) == "0.2 s"
    assert seconds(30_000_000_000) == "30.0 s"
