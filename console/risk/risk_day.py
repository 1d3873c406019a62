"""The day of the daily-loss limit: where it begins, whatever the machine's zone and the clock's changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from console.domain.time_units import NS_PER_S


class RiskDays:
    """Names each risk day by the local date on which it began; the names sort as the days do.

    A day begins at ``starts_hour`` of the zone's wall clock: when the clock skips that hour, as soon as it is
    past it; when the hour comes twice, at the first.
    """

    def __init__(self, zone: str, starts_hour: int) -> None:
        self._zone = ZoneInfo(zone)
        self._starts = timedelta(hours=starts_hour)

    def day_of(self, at_ns: int) -> str:
        """The ISO date of the risk day at a moment."""
        local = datetime.fromtimestamp(at_ns // NS_PER_S, UTC).astimezone(self._zone)
        return (local.replace(tzinfo=None) - self._starts).date().isoformat()
