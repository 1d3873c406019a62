"""Where a risk day begins, around the changes of the clock in New York of 2026."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.risk.risk_day import RiskDays

NEW_YORK = ZoneInfo("America/New_York")
NS = 1_000_000_000
SPRING, AUTUMN = datetime(2026, 3, 8, 7, tzinfo=UTC), datetime(2026, 11, 1, 6, tzinfo=UTC)
"""02:00 becomes 03:00, and 02:00 becomes 01:00."""


def ns(moment: datetime) -> int:
    return int(moment.timestamp()) * NS


def local(day: int, hour: int, minute: int = 0, *, month: int = 3, fold: int = 0) -> int:
    return ns(datetime(2026, month, day, hour, minute, tzinfo=NEW_YORK, fold=fold))


@pytest.mark.parametrize(
    ("zone", "hour", "at", "day"),
    [
        ("UTC", 0, datetime(2026, 3, 7, 23, 59, 59, tzinfo=UTC), "2026-03-07"),
        ("UTC", 0, datetime(2026, 3, 8, tzinfo=UTC), "2026-03-08"),
        ("UTC", 17, datetime(2026, 3, 8, 16, 59, 59, tzinfo=UTC), "2026-03-07"),
        ("UTC", 17, datetime(2026, 3, 8, 17, tzinfo=UTC), "2026-03-08"),
        ("Asia/Kolkata", 0, datetime(2026, 3, 7, 18, 30, tzinfo=UTC), "2026-03-08"),
        ("Asia/Kolkata", 0, datetime(2026, 3, 7, 18, 29, 59, tzinfo=UTC), "2026-03-07"),
    ],
)
def test_a_day_begins_at_its_hour_of_its_zone(zone: str, hour: int, at: datetime, day: str) -> None:
    assert RiskDays(zone, hour).day_of(ns(at)) == day


def test_an_hour_that_the_clock_skips_begins_the_day_as_soon_as_it_is_past() -> None:
    days = RiskDays("America/New_York", 2)
    assert days.day_of(local(8, 1, 59)) == "2026-03-07"
    assert days.day_of(local(8, 3, 0)) == "2026-03-08"
    assert local(8, 3, 0) - local(8, 1, 59) == 60 * NS


def test_an_hour_that_comes_twice_begins_the_day_at_its_first() -> None:
    days = RiskDays("America/New_York", 1)
    assert days.day_of(local(1, 0, 59, month=11)) == "2026-10-31"
    assert days.day_of(local(1, 1, 0, month=11, fold=0)) == "2026-11-01"
    assert days.day_of(local(1, 1, 0, month=11, fold=1)) == "2026-11-01"


around_a_change = st.builds(
    lambda change, seconds: ns(change + timedelta(seconds=seconds)),
    st.sampled_from([SPRING, AUTUMN]),
    st.integers(-3 * 86_400, 3 * 86_400),
)
zones = st.sampled_from(["UTC", "America/New_York", "Europe/London", "Australia/Lord_Howe", "Asia/Kathmandu"])
hours = st.integers(0, 23)


@given(zones, hours, around_a_change, st.integers(0, 3 * 86_400))
def test_as_time_passes_days_only_advance(zone: str, hour: int, at_ns: int, later_s: int) -> None:
    days = RiskDays(zone, hour)
    assert days.day_of(at_ns) <= days.day_of(at_ns + later_s * NS)


@given(zones, hours, around_a_change)
def test_a_day_lasts_twenty_three_to_twenty_five_hours(zone: str, hour: int, at_ns: int) -> None:
    days = RiskDays(zone, hour)
    today = days.day_of(at_ns)
    # Quarters of an hour are fine enough: no zone's offset is anything else.
    quarter = 900 * NS
    first = at_ns // quarter * quarter
    start = next(t for t in range(first, first - 120 * quarter, -quarter) if days.day_of(t - quarter) < today)
    end = next(t for t in range(first, first + 120 * quarter, quarter) if days.day_of(t) > today)
    assert 23 * 4 <= (end - start) // quarter <= 25 * 4


@given(hours, around_a_change)
def test_the_machines_own_zone_changes_nothing(hour: int, at_ns: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "Pacific/Kiritimati")
        away = RiskDays("America/New_York", hour).day_of(at_ns)
    assert away == RiskDays("America/New_York", hour).day_of(at_ns)
