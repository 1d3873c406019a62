"""Risk days: where each begins, and that it is the one by which losses are limited."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.monitoring.days import Days
from console.risk.risk_day import RiskDays

SECOND = 1_000_000_000
ZONES = ("UTC", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns")


def ns(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND


@pytest.mark.parametrize(
    ("day", "hour", "begins"),
    [
        ("2026-03-07", 17, "2026-03-07T22:00"),
        ("2026-03-08", 17, "2026-03-08T21:00"),
        ("2026-03-08", 2, "2026-03-08T07:00"),  # the hour is skipped
        ("2026-11-01", 1, "2026-11-01T05:00"),  # the hour comes twice
    ],
)
def test_a_day_begins_at_its_hour_on_the_clock_of_its_zone(day: str, hour: int, begins: str) -> None:
    days = Days("America/New_York", hour)
    assert days.start_ns(date.fromisoformat(day)) == ns(begins)


@given(
    st.sampled_from(ZONES),
    st.integers(0, 23),
    st.integers(ns("2024-01-01") // SECOND, ns("2028-01-01") // SECOND),
)
def test_a_moment_is_of_the_risk_day_that_limits_its_losses(zone: str, hour: int, at_s: int) -> None:
    days, at_ns = Days(zone, hour), at_s * SECOND
    day = days.day_of(at_ns)
    assert day.isoformat() == RiskDays(zone, hour).day_of(at_ns)
    assert days.number_of(at_ns) == day.toordinal()
    begins = days.start_ns(day)
    assert begins <= at_ns < days.start_ns(date.fromordinal(day.toordinal() + 1))
    assert days.day_of(begins) == day
    assert days.day_of(begins - 1) < day
