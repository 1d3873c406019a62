"""What a run's account was worth over time, at marks: drawdown and daily returns."""

from __future__ import annotations

import math
import statistics
from datetime import UTC, date, datetime
from itertools import pairwise

import msgspec

from console.backtest.result import Result
from console.domain.money import Cash

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


def curve(result: Result) -> list[tuple[int, Cash]]:
    """Equity from the first row to the end; without a last point when the end is not known."""
    points = [(result.first_ns, result.capital), *result.equity]
    if result.final_equity is not None:
        points.append((max(result.last_ns, points[-1][0]), result.final_equity))
    return points


def drawdown(result: Result) -> Drawdown:
    """The deepest of all marks that were known."""
    high_ns, high = result.first_ns, result.capital
    deepest = Drawdown(fall=Cash(0), of_high=0.0, high_ns=high_ns, low_ns=high_ns)
    for at_ns, equity in curve(result):
        if equity > high:
            high_ns, high = at_ns, equity
        if high - equity > deepest.fall:
            fall = Cash(high - equity)
            deepest = Drawdown(fall=fall, of_high=fall / high, high_ns=high_ns, low_ns=at_ns)
    return deepest


def days(result: Result) -> list[Day]:
    """Every UTC day of the run, the first against the capital; one without a change made nothing.

    The last day ends at the last mark, which is known or not.
    """
    points = curve(result)
    at_end = {at_ns // NS_PER_DAY: equity for at_ns, equity in points}
    found: list[Day] = []
    equity = result.capital
    for number in range(points[0][0] // NS_PER_DAY, points[-1][0] // NS_PER_DAY + 1):
        before, equity = equity, at_end.get(number, equity)
        found.append(Day(day_of(number * NS_PER_DAY), equity, Cash(equity - before)))
    return found


def sharpe_ratio(result: Result) -> float | None:
    """Mean over deviation of daily returns, by the root of 365.

    None with under two days, for returns that are all alike, without a final equity, and once it was lost.
    """
    values = [result.capital, *(day.equity for day in days(result))]
    if result.final_equity is None or len(values) < 3 or min(values) <= 0:
        return None
    returns = [after / before - 1 for before, after in pairwise(values)]
    deviation = statistics.stdev(returns)
    return statistics.mean(returns) / deviation * math.sqrt(DAYS_PER_YEAR) if deviation else None


def day_of(at_ns: int) -> date:
    """The UTC day of a time."""
    return datetime.fromtimestamp(at_ns // _NS_PER_S, UTC).date()
