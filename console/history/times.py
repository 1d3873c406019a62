"""Times as an operator types them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# What a recording may hold.
_FIRST_YEAR, _LAST_YEAR = 2015, 2100


def read_time(text: str) -> datetime:
    """A time such as ``2026-03-01T14:30``, UTC unless it says so; raises ValueError with one sentence."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text} is not a time such as 2026-03-01T14:30") from None
    if not _FIRST_YEAR <= time.year < _LAST_YEAR:
        raise ValueError(f"{text} is not a time of {_FIRST_YEAR} to {_LAST_YEAR}")
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def ns_of(time: datetime) -> int:
    """UTC nanoseconds."""
    return (time - _EPOCH) // _MICROSECOND * 1_000
