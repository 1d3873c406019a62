"""The edge that was expected when contracts were bought against what they made, and whether it decays."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date

import msgspec

from console.domain.money import COUNT_PER_CONTRACT, PRICE_PER_CENT
from console.monitoring.equity import NS_PER_DAY, day_of
from console.monitoring.statistics import Z_95, Interval, clustered_interval
from console.monitoring.trades import Ending, Trade

_DAYS_SHOWN = 31
_WEEK = 7
_MONDAY = 4
"""The first Monday of the days counted from 1970-01-01."""
_DAYS_OF_TREND = 30


class EdgeOver(msgspec.Struct, frozen=True, kw_only=True):
    """Trades that ended from a day on, for so many days; cents a contract, after fees and slippage.

    ``expected`` is by the probability of winning at which each was entered. The interval is a bootstrap of
    whole events, None with one event.
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


def edge(trades: Iterable[Trade]) -> Edge:
    """Of trades that ended; what a draw decided says nothing."""
    ended = [each for each in trades if each.ending is not Ending.OPEN and not each.is_drawn]
    if not ended:
        return Edge(total=None, over_time=[], trend_cents=None, trend_interval=None)
    day_of_trade = [(_end(trade) // NS_PER_DAY, trade) for trade in ended]
    first, last = min(day for day, _ in day_of_trade), max(day for day, _ in day_of_trade)
    step = 1 if last - first < _DAYS_SHOWN else _WEEK
    periods: defaultdict[int, list[Trade]] = defaultdict(list)
    for day, trade in day_of_trade:
        periods[day if step == 1 else day - (day - _MONDAY) % _WEEK].append(trade)
    slope, interval = _trend(ended)
    return Edge(
        total=_over(first, last - first + 1, ended),
        over_time=[_over(day, step, members) for day, members in sorted(periods.items())],
        trend_cents=slope,
        trend_interval=interval,
    )


def _end(trade: Trade) -> int:
    assert trade.ended_ns is not None
    return trade.ended_ns


def _realised(trade: Trade) -> int:
    assert trade.net is not None
    return trade.net


def _over(day: int, days: int, trades: Sequence[Trade]) -> EdgeOver:
    import numpy as np

    contracts = sum(trade.contracts for trade in trades)
    expected = sum(trade.expected - trade.paid - trade.buying_charges for trade in trades)
    net: defaultdict[str, float] = defaultdict(float)
    weight: defaultdict[str, float] = defaultdict(float)
    for trade in trades:
        net[trade.market.event_ticker] += _realised(trade) / PRICE_PER_CENT
        weight[trade.market.event_ticker] += trade.contracts
    return EdgeOver(
        since=day_of(day * NS_PER_DAY),
        days=days,
        trades=len(trades),
        n_events=len(net),
        n_contracts=contracts / COUNT_PER_CONTRACT,
        expected_cents=expected / contracts / PRICE_PER_CENT,
        realised_cents=sum(net.values()) / contracts,
        interval=clustered_interval(np.array(list(net.values())), np.array(list(weight.values()))),
    )


def _trend(trades: Sequence[Trade]) -> tuple[float | None, Interval | None]:
    """Least squares by contracts, with errors clustered by event."""
    import numpy as np

    at = np.array([_end(trade) for trade in trades], dtype=np.float64) / (NS_PER_DAY * _DAYS_OF_TREND)
    weight = np.array([trade.contracts for trade in trades], dtype=np.float64)
    cents = np.array([_realised(trade) for trade in trades], dtype=np.float64) / PRICE_PER_CENT / weight
    names, event = np.unique([trade.market.event_ticker for trade in trades], return_inverse=True)
    since = at - np.average(at, weights=weight)
    spread = float((weight * since * since).sum())
    n = len(names)
    if n < 3 or np.ptp(at) * _DAYS_OF_TREND < _WEEK:
        return None, None
    slope = float((weight * since * cents).sum()) / spread
    residual = cents - np.average(cents, weights=weight) - slope * since
    scores = np.bincount(event, weights=weight * since * residual)
    error = math.sqrt(n / (n - 1) * float((scores * scores).sum())) / spread
    return slope, (slope - Z_95 * error, slope + Z_95 * error)
