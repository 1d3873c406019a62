"""What a run's account was worth over time, at marks: drawdown and daily returns."""

from __future__ import annotations

import math
import statistics
from datetime import UTC, date, datetime
from itertools import pairwise

import msgspec

from console.domain.money import Cash
from console.monitoring.records import Records

DAYS_PER_YEAR = 365
"""These markets trade every day."""

NS_PER_DAY = 86_400_000_000_000
_NS_PER_S = 1_000_000_000


class Drawdown(msgspec.Struct, frozen=True, kw_only=True):
    """The deepest fall from a high of equity, in cash and as a share of that high; every mark counts."""

    fall: Cash
    of_high: float
    high_ns: int
    low_ns: int


class Day(msgspec.Struct, frozen=True):
    """A UTC day, equity when it ended, and by how much it had changed."""

    day: date
    equity: Cash
    profit: Cash


def curve(records: Records) -> list[tuple[int, Cash]]:
    """Equity from the first row to the end; without a last point when the end is not known."""
    points = [(records.first_ns, records.capital), *records.equity]
    if records.final_equity is not None:
        points.append((max(records.last_ns, points[-1][0]), records.final_equity))
    return points


def drawdown(records: Records) -> Drawdown:
    """The deepest of all marks that were known."""
    high_ns, high = records.first_ns, records.capital
    deepest = Drawdown(fall=Cash(0), of_high=0.0, high_ns=high_ns, low_ns=high_ns)
    for at_ns, equity in curve(records):
        if equity > high:
            high_ns, high = at_ns, equity
        if high - equity > deepest.fall:
            fall = Cash(high - equity)
            deepest = Drawdown(fall=fall, of_high=fall / high, high_ns=high_ns, low_ns=at_ns)
    return deepest


def days(records: Records) -> list[Day]:
    """Every UTC day of the run, the first against the capital; one without a change made nothing.

    The last day ends at the last mark, which is known or not.
    """
    points = curve(records)
    at_end = {at_ns // NS_PER_DAY: equity for at_ns, equity in points}
    found: list[Day] = []
    equity = records.capital
    for number in range(points[0][0] // NS_PER_DAY, points[-1][0] // NS_PER_DAY + 1):
        before, equity = equity, at_end.get(number, equity)
        found.append(Day(day_of(number * NS_PER_DAY), equity, Cash(equity - before)))
    return found


def sharpe_ratio(records: Records) -> float | None:
    """Mean over deviation of daily returns, by the root of 365.

    None with under two days, for returns that are all alike, without a final equity, and once it was lost.
    """
    values = [records.capital, *(day.equity for day in days(records))]
    if records.final_equity is None or len(values) < 3 or min(values) <= 0:
        return None
    returns = [after / before - 1 for before, after in pairwise(values)]
    deviation = statistics.stdev(returns)
    return statistics.mean(returns) / deviation * math.sqrt(DAYS_PER_YEAR) if deviation else None


def day_of(at_ns: int) -> date:
    """The UTC day of a time."""
    return datetime.fromtimestamp(at_ns // _NS_PER_S, UTC).date()
