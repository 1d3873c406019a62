"""How risk speaks of amounts in its readings and reasons."""

from __future__ import annotations

from fractions import Fraction

from console.domain.money import CASH_PER_CENT, CASH_PER_DOLLAR, Cash

_NS_PER_TENTH = 100_000_000


def dollars(cash: Cash, *, signed: bool = False) -> str:
    """Dollars with two decimals, rounded half away from zero: ``"1,250.00 $"``."""
    cents = (2 * abs(cash) + CASH_PER_CENT) // (2 * CASH_PER_CENT)
    whole, rest = divmod(cents, CASH_PER_DOLLAR // CASH_PER_CENT)
    sign = ("-" if cash < 0 else "+" if signed else "") if cents else ""
    return f"{sign}{whole:,}.{rest:02d} $"


def percent(part: Fraction) -> str:
    """At most two decimals, rounded up so that what exceeds a limit never reads as equal to it."""
    return percent_of(part.numerator, part.denominator)


def percent_of(part: int, whole: int) -> str:
    """The same of a part of something positive, without the work of a fraction."""
    hundredths = -(-part * 10_000 // whole)
    whole, rest = divmod(abs(hundredths), 100)
    decimals = f".{rest:02d}".rstrip("0").rstrip(".")
    return f"{'-' if hundredths < 0 else ''}{whole}{decimals} %"


def seconds(duration_ns: int) -> str:
    """Seconds with one decimal, rounded down: ``"0.2 s"``."""
    tenths = duration_ns // _NS_PER_TENTH
    return f"{tenths // 10}.{tenths % 10} s"
