"""To which day a moment belongs: the risk day, by which losses are limited and figures are told."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from console.config.risk_settings import RiskSettings
from console.domain.time_units import NS_PER_S
from console.risk.risk_day import RiskDays

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_QUARTER_NS = 900 * NS_PER_S
"""No zone begins a day or changes its clocks within a quarter of an hour."""


class Days:
    """Risk days, numbered as ``date.toordinal`` numbers the dates on which they began."""

    def __init__(self, zone: str = "UTC", starts_hour: int = 0) -> None:
        self.zone, self.starts_hour = zone, starts_hour
        self._zone = ZoneInfo(zone)
        self._days = RiskDays(zone, starts_hour)
        self._numbers: dict[int, int] = {}

    def number_of(self, at_ns: int) -> int:
        quarter = at_ns // _QUARTER_NS
        number = self._numbers.get(quarter)
        if number is None:
            number = date.fromisoformat(self._days.day_of(quarter * _QUARTER_NS)).toordinal()
            self._numbers[quarter] = number
        return number

    def day_of(self, at_ns: int) -> date:
        """The date on which the day of a moment began."""
        return date.fromordinal(self.number_of(at_ns))

    def start_ns(self, day: date) -> int:
        """When the day of a date begins."""
        # Of an hour that comes twice this is the first, and of one that is skipped the moment after it.
        begins = datetime(day.year, day.month, day.day, self.starts_hour, tzinfo=self._zone)
        return (begins.astimezone(UTC) - _EPOCH) // timedelta(seconds=1) * NS_PER_S

    def local(self, at_ns: int) -> datetime:
        """The wall clock of the zone."""
        return datetime.fromtimestamp(at_ns // NS_PER_S, UTC).astimezone(self._zone)

    def __str__(self) -> str:
        """``UTC``, or ``America/New_York, days from 17:00``."""
        return f"{self.zone}, days from {self.starts_hour:02}:00" if self.starts_hour else self.zone


UTC_DAYS = Days()


def days_of(risk: RiskSettings) -> Days:
    """The risk days of these limits, the same ones for the same settings."""
    return _days(risk.day_zone, risk.day_starts_hour)


@cache
def _days(zone: str, starts_hour: int) -> Days:
    return Days(zone, starts_hour)
