"""The places of a recording as an operator types them."""

from __future__ import annotations

import datetime as dt
import re

from console.domain.time_units import NS_PER_DAY, NS_PER_S
from console.history.times import ns_of, read_time
from console.tui.views.replay_form import Field

SEEK = Field("seek", "go to", "UTC 04:52:10 or 2026-02-25T04:52, -5m or +30s from here, or 40%")

_UNITS_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_SHARE = re.compile(r"(\d{1,3}(?:\.\d+)?)\s?%", re.ASCII)
_AWAY = re.compile(r"([+-])(\d{1,6})([smhd])", re.ASCII)
_TIME_OF_DAY = re.compile(r"\d{1,2}:\d{2}(:\d{2})?", re.ASCII)


def read_place(text: str, at_ns: int, first_ns: int, end_ns: int) -> int:
    """The time meant, within the recording, seen from ``at_ns``; raises ValueError with one sentence."""
    if (share := _SHARE.fullmatch(text)) and float(share[1]) <= 100:
        return first_ns + int(float(share[1]) / 100 * (end_ns - first_ns))
    if away := _AWAY.fullmatch(text):
        meant = int(away[2]) * _UNITS_S[away[3]] * NS_PER_S
        return min(end_ns, max(first_ns, at_ns + (meant if away[1] == "+" else -meant)))
    meant_ns = _of_day(text, at_ns, first_ns, end_ns) if _TIME_OF_DAY.fullmatch(text) else _time(text)
    # A second that is begun at either end belongs to the recording.
    if not first_ns - NS_PER_S < meant_ns < end_ns + NS_PER_S:
        raise ValueError(f"{text} is not within {_utc(first_ns)} to {_utc(end_ns)} UTC")
    return min(end_ns, max(first_ns, meant_ns))


def _time(text: str) -> int:
    try:
        return ns_of(read_time(text))
    except ValueError:
        raise ValueError(
            f"{text or 'nothing'} is no place such as 04:52:10, 2026-02-25T04:52, -5m or 40%"
        ) from None


def _of_day(text: str, at_ns: int, first_ns: int, end_ns: int) -> int:
    """That time of the day we are in, else of the nearest day of the recording that has it."""
    try:
        parts = dt.time.fromisoformat(text.zfill(5) if len(text) < 6 else text.zfill(8))
    except ValueError:
        raise ValueError(f"{text} is not a time of day") from None
    into_ns = (parts.hour * 3_600 + parts.minute * 60 + parts.second) * NS_PER_S
    days = range(first_ns // NS_PER_DAY, end_ns // NS_PER_DAY + 1)
    today = at_ns // NS_PER_DAY
    held = [day for day in days if first_ns <= day * NS_PER_DAY + into_ns <= end_ns]
    return min(held, key=lambda day: abs(day - today), default=today) * NS_PER_DAY + into_ns


def _utc(at_ns: int) -> str:
    return f"{dt.datetime.fromtimestamp(at_ns // NS_PER_S, dt.UTC):%Y-%m-%dT%H:%M:%S}"
