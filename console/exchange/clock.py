"""The exchange's clock, as far as its answers tell it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from console.domain.ports import Clock
from console.domain.time_units import MS_PER_S, NS_PER_MS

# A Date header has whole seconds, so a smaller difference cannot be told from none.
_SMALLEST_SKEW_MS = 2000
# Unlike time.monotonic, this clock goes on while the machine sleeps.
_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def steady_ns() -> int:
    """A clock that nobody sets and that does not stop; its zero means nothing."""
    return time.clock_gettime_ns(_STEADY)


class ServerClock:
    """Stamps requests with the exchange's time when ours is clearly another.

    Between two answers the exchange's time is carried on by a clock that nobody sets, so a step of ours is
    seen at once and spoils no signature.
    """

    def __init__(self, wall_ns: Clock, steady_ns: Clock = steady_ns) -> None:
        self._wall_ns = wall_ns
        self._steady_ns = steady_ns
        self._theirs_from_steady_ms: int | None = None

    @property
    def skew_ms(self) -> int | None:
        """How far our clock is ahead of the exchange's, to about a second; None before an answer."""
        if self._theirs_from_steady_ms is None:
            return None
        return _ms(self._wall_ns) - _ms(self._steady_ns) - self._theirs_from_steady_ms

    def now_ms(self) -> int:
        """The time for a signature, Unix milliseconds."""
        ours, skew_ms = _ms(self._wall_ns), self.skew_ms
        return ours if skew_ms is None or abs(skew_ms) < _SMALLEST_SKEW_MS else ours - skew_ms

    def learn(self, date_ms: int | None, took_ms: int) -> None:
        """Take the ``Date`` of a fresh answer that took ``took_ms``; None when it had none."""
        if date_ms is None:
            return
        theirs = date_ms + MS_PER_S // 2
        self._theirs_from_steady_ms = theirs + took_ms // 2 - _ms(self._steady_ns)


def date_ms(headers: Mapping[str, str]) -> int | None:
    """The ``Date`` of an answer as Unix milliseconds; None when there is none.

    An answer with an ``Age`` comes from a cache, with the date at which it was made.
    """
    if "Age" in headers or "Date" not in headers:
        return None
    try:
        return int(parsedate_to_datetime(headers["Date"]).timestamp() * MS_PER_S)
    except (ValueError, OverflowError):
        return None


def _ms(clock: Clock) -> int:
    return clock() // NS_PER_MS
