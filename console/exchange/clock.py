"""The exchange's clock, as far as its answers tell it."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from console.domain.ports import Clock

_MS_PER_S = 1000
_NS_PER_MS = 1_000_000
# A Date header has whole seconds, so a smaller difference cannot be told from none.
_SMALLEST_SKEW_MS = 2000


class ServerClock:
    """Stamps requests with the exchange's time when ours is clearly another."""

    def __init__(self, wall_ns: Clock) -> None:
        self._wall_ns = wall_ns
        self._skew_ms: int | None = None

    @property
    def skew_ms(self) -> int | None:
        """How far our clock is ahead of the exchange's, to about a second; None before an answer."""
        return self._skew_ms

    def now_ms(self) -> int:
        """The time for a signature, Unix milliseconds."""
        ours = self._wall_ns() // _NS_PER_MS
        if self._skew_ms is None or abs(self._skew_ms) < _SMALLEST_SKEW_MS:
            return ours
        return ours - self._skew_ms

    def learn(self, date_ms: int | None, took_ms: int) -> None:
        """Take the ``Date`` of a fresh answer that took ``took_ms``; None when it had none."""
        if date_ms is None:
            return
        theirs = date_ms + _MS_PER_S // 2
        self._skew_ms = self._wall_ns() // _NS_PER_MS - took_ms // 2 - theirs


def date_ms(headers: Mapping[str, str]) -> int | None:
    """The ``Date`` of an answer as Unix milliseconds; None when there is none.

    An answer with an ``Age`` comes from a cache, with the date at which it was made.
    """
    if "Age" in headers or "Date" not in headers:
        return None
    try:
        return int(parsedate_to_datetime(headers["Date"]).timestamp() * _MS_PER_S)
    except (ValueError, OverflowError):
        return None
