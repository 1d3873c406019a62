"""When a market was to close, as far as that was known before it did."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from console.domain.time_units import NS_PER_DAY, NS_PER_MINUTE, NS_PER_S

if TYPE_CHECKING:
    from console.history.typed import Column

UNKNOWN_CLOSE = "markets left out, as it was not known when they would close"
"""What a backtest calls those whose guessed close would decide from when on they are traded."""

_DATE = re.compile(r"-(\d{2}[A-Z]{3}\d{2})", re.ASCII)
_NOON_NS = NS_PER_DAY // 2


def scheduled(close: Column, told: Column, series: Column, event: Column) -> tuple[Column, Column]:
    """When each market was to close, and whether that is a guess made of when it did.

    Where it is not told: a close on a whole minute was scheduled, if most of its series are; in a series of
    games some end on one by chance. Any other was early and would betray the end of a game: the market was to
    close on the day that its event's ticker names, at the noon after it (UTC), when the night's games are
    over all over America. Where the ticker names no day, or one that was over, it is the noon after the
    close, and a guess.
    """
    import pyarrow as pa

    closes: list[Any] = close.to_pylist()
    names: list[Any] = series.to_pylist()
    on_minute = Counter(name for name, at in zip(names, closes, strict=True) if at % NS_PER_MINUTE == 0)
    is_timed = {name: 2 * on_minute[name] > markets for name, markets in Counter(names).items()}
    found = [
        (when, False)
        if when is not None
        else (at, False)
        if is_timed[name] and at % NS_PER_MINUTE == 0
        else _by_ticker(event_ticker, at)
        for at, when, name, event_ticker in zip(
            closes, told.to_pylist(), names, event.to_pylist(), strict=True
        )
    ]
    whens, are_guessed = zip(*found, strict=True)
    return pa.array(whens, pa.int64()), pa.array(are_guessed, pa.bool_())


def _by_ticker(event_ticker: str | None, close_ns: int) -> tuple[int, bool]:
    match = _DATE.search(event_ticker or "")
    try:
        day = None if match is None else datetime.strptime(match[1].title(), "%y%b%d").replace(tzinfo=UTC)
    except ValueError:
        day = None
    named_ns = None if day is None else int(day.timestamp()) * NS_PER_S + NS_PER_DAY + _NOON_NS
    if named_ns is not None and named_ns >= close_ns:
        return named_ns, False
    return (close_ns + _NOON_NS) // NS_PER_DAY * NS_PER_DAY + _NOON_NS, True
