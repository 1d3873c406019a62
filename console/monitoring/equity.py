"""What a run's account was worth over time, at marks: drawdown and daily returns."""

from __future__ import annotations

import math
import statistics
from copy import copy
from datetime import date
from itertools import pairwise

import msgspec

from console.domain.money import Cash
from console.monitoring.days import UTC_DAYS, Days
from console.monitoring.records import Records

DAYS_PER_YEAR = 365
"""These markets trade every day."""


class Drawdown(msgspec.Struct, frozen=True, kw_only=True):
    """The deepest fall from a high of equity, in cash and as a share of that high; every mark counts."""

    fall: Cash
    of_high: float
    high_ns: int
    low_ns: int


class Day(msgspec.Struct, frozen=True):
    """A day, equity when it ended, and by how much it had changed."""

    day: date
    equity: Cash
    profit: Cash


class Curve:
    """Equity from a first moment on, mark by mark in order of time."""

    def __init__(self, first_ns: int, capital: Cash, days: Days = UTC_DAYS) -> None:
        self.capital = capital
        self.drawdown = Drawdown(fall=Cash(0), of_high=0.0, high_ns=first_ns, low_ns=first_ns)
        self._days = days
        self._high_ns, self._high, self._last_ns = first_ns, capital, first_ns
        self._first = self._last = days.number_of(first_ns)
        self._at_end = {self._first: capital}

    def mark(self, at_ns: int, equity: Cash) -> None:
        if equity > self._high:
            self._high_ns, self._high = at_ns, equity
        elif self._high - equity > self.drawdown.fall:
            fall = Cash(self._high - equity)
            self.drawdown = Drawdown(
                fall=fall, of_high=fall / self._high, high_ns=self._high_ns, low_ns=at_ns
            )
        self._last_ns, self._last = at_ns, self._days.number_of(at_ns)
        self._at_end[self._last] = equity

    def ended(self, at_ns: int, equity: Cash | None) -> Curve:
        """The same with a last mark, which may be one that is not known."""
        curve = copy(self)
        curve._at_end = dict(self._at_end)
        if equity is not None:
            curve.mark(max(at_ns, self._last_ns), equity)
        return curve

    def days(self) -> list[Day]:
        """Every day, the first against the capital; one without a change made nothing."""
        found: list[Day] = []
        equity = self.capital
        for number in range(self._first, self._last + 1):
            before, equity = equity, self._at_end.get(number, equity)
            found.append(Day(date.fromordinal(number), equity, Cash(equity - before)))
        return found

    def sharpe_ratio(self) -> float | None:
        """Mean over deviation of daily returns, by the root of 365.

        None with under two days, for returns that are all alike, and once it was lost.
        """
        values = [self.capital, *(day.equity for day in self.days())]
        if len(values) < 3 or min(values) <= 0:
            return None
        returns = [after / before - 1 for before, after in pairwise(values)]
        deviation = statistics.stdev(returns)
        return statistics.mean(returns) / deviation * math.sqrt(DAYS_PER_YEAR) if deviation else None


def curve_of(records: Records, days: Days = UTC_DAYS) -> Curve:
    """Of all marks of a period, and how it ended."""
    curve = Curve(records.first_ns, records.capital, days)
    for at_ns, equity in records.equity:
        curve.mark(at_ns, equity)
    return curve.ended(records.last_ns, records.final_equity)


def curve(records: Records) -> list[tuple[int, Cash]]:
    """Equity from the first row to the end; without a last point when the end is not known."""
    points = [(records.first_ns, records.capital), *records.equity]
    if records.final_equity is not None:
        points.append((max(records.last_ns, points[-1][0]), records.final_equity))
    return points


def days(records: Records, of: Days = UTC_DAYS) -> list[Day]:
    """Every day of the run; the last one ends at the last mark, which is known or not."""
    return curve_of(records, of).days()
