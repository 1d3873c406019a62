"""The edge that was expected when contracts were bought against what they made, and whether it decays."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from fractions import Fraction
from itertools import chain
from typing import TYPE_CHECKING

import msgspec

from console.domain.money import COUNT_PER_CONTRACT, PRICE_PER_CENT, PRICE_PER_DOLLAR
from console.domain.time_units import NS_PER_DAY
from console.monitoring.days import UTC_DAYS, Days
from console.monitoring.statistics import Z_95, Interval, clustered_interval, where_few_differ
from console.monitoring.trades import Trade

if TYPE_CHECKING:
    from console.monitoring.statistics import Floats

_DAYS_SHOWN = 31
_WEEK = 7
_MONDAY = 1
"""The first Monday of the days that ``date.toordinal`` counts."""
_DAYS_OF_TREND = 30
_REFERENCE_NS = 1_767_225_600_000_000_000
"""2026: from near it sums of squares keep their small differences."""


class EdgeOver(msgspec.Struct, frozen=True, kw_only=True):
    """Trades that ended from a day on, for so many days; cents a contract, after fees and slippage.

    ``expected`` is by the probability of winning at which each was entered. The interval is a bootstrap of
    whole events, as wide as Wilson's where too few of them went either way to resample, or of whole
    correlated groups, whichever is wider, None with one event.
    """

    since: date
    days: int
    trades: int
    n_events: int
    n_contracts: float
    expected_cents: float
    realised_cents: float
    interval: Interval | None


class Edge(msgspec.Struct, frozen=True, kw_only=True):
    """All trades together, day by day (week by week over more than a month), and the trend.

    ``trend_cents`` is by how much the realised edge changed in 30 days, by contracts, with an interval in
    which the trades of an event are one draw; None with under three events, or ends within a week.
    """

    total: EdgeOver | None
    over_time: list[EdgeOver]
    trend_cents: float | None
    trend_interval: Interval | None


class EdgeSums:
    """What an ``Edge`` is made from, of trades that may be taken away again."""

    def __init__(self, days: Days = UTC_DAYS) -> None:
        self._day_of = days.number_of
        self._all = _Period()
        self._days: defaultdict[int, _Period] = defaultdict(_Period)
        self._total, self._events = _Moments(), dict[str, _Moments]()

    def add(self, trade: Trade, sign: int = 1) -> None:
        """Of one that is open, or that a draw decided, nothing."""
        ended_ns = trade.ended_ns
        if ended_ns is None or trade.is_drawn:
            return
        net, contracts, event = trade.net, trade.contracts, trade.market.event_ticker
        assert net is not None
        day = self._day_of(ended_ns)
        hoped = trade.expected - trade.paid - trade.buying_charges
        for period in (self._all, self._days[day]):
            period.add(event, trade.market.group, (sign, sign * net, sign * contracts), sign * hoped)
        if not self._days[day].trades:
            del self._days[day]
        moments = self._events.setdefault(event, _Moments())
        for each in (moments, self._total):
            each.add(ended_ns - _REFERENCE_NS, net, contracts, sign)
        if not moments.trades:
            del self._events[event]

    def edge(self, *, intervals: bool = True) -> Edge:
        """Without intervals where nobody shows them."""
        if not self._days:
            return Edge(total=None, over_time=[], trend_cents=None, trend_interval=None)
        first, last = min(self._days), max(self._days)
        periods, step = self._days, 1
        if last - first >= _DAYS_SHOWN:
            periods, step = self._weeks(), _WEEK
        slope, interval = self._trend(last - first, intervals=intervals)
        return Edge(
            total=self._all.over(first, last - first + 1, intervals=intervals),
            over_time=[it.over(day, step, intervals=intervals) for day, it in sorted(periods.items())],
            trend_cents=slope,
            trend_interval=interval,
        )

    def _trend(self, days: int, *, intervals: bool) -> tuple[float | None, Interval | None]:
        """Least squares by contracts; a draw is an event."""
        if len(self._events) < 3 or days < _WEEK:
            return None, None
        cents = _DAYS_OF_TREND / PRICE_PER_CENT
        slope = float(self._total.slope * NS_PER_DAY) * cents
        if not intervals:
            return slope, None
        low, high = _trend_interval(self._total, self._events)
        return slope, (low * cents, high * cents)

    def _weeks(self) -> defaultdict[int, _Period]:
        weeks: defaultdict[int, _Period] = defaultdict(_Period)
        for day, it in self._days.items():
            weeks[day - (day - _MONDAY) % _WEEK].join(it)
        return weeks


def edge(trades: Iterable[Trade], days: Days = UTC_DAYS) -> Edge:
    """Of trades that ended; what a draw decided says nothing."""
    sums = EdgeSums(days)
    for trade in trades:
        sums.add(trade)
    return sums.edge()


class _Period:
    """The trades that ended in it: all, and of each event and group the trades, their net and contracts."""

    def __init__(self) -> None:
        self.trades = self._hoped = self._net = self._contracts = 0
        self._events: _Clusters = {}
        self._groups: _Clusters = {}

    def add(self, event: str, group: str, change: Sequence[int], hoped: int) -> None:
        """``hoped`` is what they were expected to make."""
        self._add(change, hoped)
        _change(self._events, event, change)
        _change(self._groups, group, change)

    def join(self, other: _Period) -> None:
        """Take all of another in."""
        self._add((other.trades, other._net, other._contracts), other._hoped)
        for mine, theirs in ((self._events, other._events), (self._groups, other._groups)):
            for name, sums in theirs.items():
                _change(mine, name, sums)

    def _add(self, change: Sequence[int], hoped: int) -> None:
        self.trades += change[0]
        self._net += change[1]
        self._contracts += change[2]
        self._hoped += hoped

    def over(self, day: int, days: int, *, intervals: bool) -> EdgeOver:
        return EdgeOver(
            since=date.fromordinal(day),
            days=days,
            trades=self.trades,
            n_events=len(self._events),
            n_contracts=self._contracts / COUNT_PER_CONTRACT,
            expected_cents=self._hoped / (self._contracts * PRICE_PER_CENT),
            realised_cents=self._net / (self._contracts * PRICE_PER_CENT),
            interval=self._interval() if intervals else None,
        )

    def _interval(self) -> Interval | None:
        import numpy as np

        found = []
        for clusters in (self._events, self._groups):
            _, net, contracts = np.array(list(clusters.values()), dtype=np.float64).T
            if interval := clustered_interval(net / PRICE_PER_CENT, contracts):
                found.append(interval)
                if clusters is self._events:
                    found[-1] = _as_wide(interval, net / PRICE_PER_CENT, contracts)
        return max(found, key=lambda each: each[1] - each[0], default=None)


def _as_wide(interval: Interval, net: Floats, contracts: Floats) -> Interval:
    """The bootstrap's, made as wide as Wilson's where too few events went either way to resample."""
    rare = where_few_differ(
        net.tolist(), contracts.tolist(), lambda gain: PRICE_PER_DOLLAR // PRICE_PER_CENT - gain
    )
    return interval if rare is None else (min(interval[0], rare[0][0]), max(interval[1], rare[0][1]))


_Clusters = dict[str, list[int]]


def _change(clusters: _Clusters, name: str, change: Sequence[int]) -> None:
    sums = clusters.setdefault(name, [0, 0, 0])
    for place, each in enumerate(change):
        sums[place] += each
    if not sums[0]:
        del clusters[name]


class _Moments:
    """The sums by contracts of when trades ended and what they made: of all, and of those of an event."""

    __slots__ = ("sums", "trades")

    def __init__(self) -> None:
        self.trades = 0
        self.sums = [0] * 5

    def add(self, at_ns: int, net: int, contracts: int, sign: int) -> None:
        self.trades += sign
        sums, weight = self.sums, sign * contracts
        sums[0] += weight
        sums[1] += weight * at_ns
        sums[2] += weight * at_ns * at_ns
        sums[3] += sign * net
        sums[4] += sign * net * at_ns

    @property
    def slope(self) -> Fraction:
        """Of what a contract made, over when, by least squares."""
        weight, at, at_squared, net, net_at = self.sums
        return Fraction(weight * net_at - at * net, weight * at_squared - at * at)


def _trend_interval(total: _Moments, events: Mapping[str, _Moments]) -> Interval:
    """Of the slope a day, with errors clustered by event."""
    import numpy as np

    n = len(events)
    flat = np.fromiter(chain.from_iterable(it.sums for it in events.values()), np.float64, 5 * n)
    day = NS_PER_DAY
    rows = flat.reshape(n, 5) / np.array([1, day, day**2, 1, day], dtype=np.float64)
    w, wt, wtt, c, ct = rows[np.lexsort(rows.T)].T
    at, mean = wt.sum() / w.sum(), c.sum() / w.sum()
    slope = float(total.slope * day)
    squared = wtt - 2 * at * wt + at * at * w
    scores = ct - at * c - mean * (wt - at * w) - slope * squared
    error = math.sqrt(n / (n - 1) * float((scores * scores).sum())) / float(squared.sum())
    return slope - Z_95 * error, slope + Z_95 * error
