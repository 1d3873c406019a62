"""How sure a profit is when the trades of an event, or of a day, are one draw."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence

import msgspec

from console.domain.money import CASH_PER_DOLLAR
from console.monitoring.days import UTC_DAYS, Days
from console.monitoring.records import Records
from console.monitoring.statistics import Interval, clustered_interval, student_p_value, where_few_differ
from console.monitoring.trades import Trade

BPS = 10_000


class ClusteredInterval(msgspec.Struct, frozen=True, kw_only=True):
    """A 95 % bootstrap interval of whole clusters, by event or by day, whichever made it wider.

    That by event is made as wide as Wilson's of the share lost where too few events went either way to
    resample.
    """

    low: float
    high: float
    by: str
    clusters: int


class Sureness(msgspec.Struct, frozen=True, kw_only=True):
    """Of a run's net profit: intervals in dollars and in bps of what was paid, and a two-sided p-value.

    Each is None where there are fewer than two clusters of either kind.
    """

    pnl: ClusteredInterval | None
    bps: ClusteredInterval | None
    p_value: float | None


Sums = tuple[Sequence[float], Sequence[float]]
"""Net dollars and the weight of each cluster, such as the dollars paid."""


class ClusterSums:
    """Net and paid, by cluster, of trades that may be taken away again."""

    def __init__(self) -> None:
        self._of: dict[Hashable, list[int]] = {}

    def add(self, cluster: Hashable, net: int, paid: int, sign: int = 1) -> None:
        sums = self._of.get(cluster)
        if sums is None:
            sums = self._of[cluster] = [0, 0, 0]
        sums[0] += sign
        sums[1] += sign * net
        sums[2] += sign * paid
        if not sums[0]:
            del self._of[cluster]

    def sums(self, *, last: Hashable = None) -> Sums:
        """In dollars; the cluster None, of what is open, is that of ``last``."""
        of = self._of
        if None in of and last is not None:
            of = {**of}
            still_open, there = of.pop(None), of.get(last, (0, 0, 0))
            of[last] = [a + b for a, b in zip(still_open, there, strict=True)]
        return (
            [net / CASH_PER_DOLLAR for _, net, _ in of.values()],
            [paid / CASH_PER_DOLLAR for _, _, paid in of.values()],
        )


def sureness(records: Records, trades: Iterable[Trade], days: Days = UTC_DAYS) -> Sureness:
    """Of trades whose profit is known, every one; a trade is of the day on which it ended."""
    by_event, by_day = ClusterSums(), ClusterSums()
    for trade in trades:
        assert trade.net is not None
        by_event.add(trade.market.event_ticker, trade.net, trade.paid)
        by_day.add(days.number_of(trade.ended_ns or records.last_ns), trade.net, trade.paid)
    return sureness_of(by_event.sums(), by_day.sums())


def sureness_of(by_event: Sums, by_day: Sums) -> Sureness:
    """Of such sums, with something in them."""
    kinds = {"event": by_event, "day": by_day}
    p_values = [p for net, _ in kinds.values() if (p := _p_value(net)) is not None]
    pnl = widest({kind: (net, [1 / len(net)] * len(net)) for kind, (net, _) in kinds.items()})
    bps = widest({kind: ([BPS * each for each in net], paid) for kind, (net, paid) in kinds.items()})
    rare = where_few_differ(*by_event, lambda _gain: 1.0)
    if rare is not None:
        (low, high), p_value = rare
        events, paid = len(by_event[0]), math.fsum(by_event[1])
        pnl = _holding(pnl, (paid * low, paid * high), events)
        bps = _holding(bps, (BPS * low, BPS * high), events)
        p_values.append(p_value)
    return Sureness(pnl=pnl, bps=bps, p_value=max(p_values, default=None))


def _holding(it: ClusteredInterval | None, other: Interval, events: int) -> ClusteredInterval:
    """An interval made so wide that it holds another one, of events."""
    low, high = other
    if it is None:
        return ClusteredInterval(low=low, high=high, by="event", clusters=events)
    if it.low <= low and high <= it.high:
        return it
    return ClusteredInterval(low=min(it.low, low), high=max(it.high, high), by="event", clusters=events)


def widest(kinds: Mapping[str, Sums]) -> ClusteredInterval | None:
    """The wider of the intervals of sums over weights, by kind of cluster; None where none has two."""
    import numpy as np

    found = []
    for kind, (sums, weights) in kinds.items():
        interval = clustered_interval(np.array(sums), np.array(weights))
        if interval is not None:
            low, high = interval
            found.append(ClusteredInterval(low=low, high=high, by=kind, clusters=len(sums)))
    return max(found, key=lambda each: each.high - each.low, default=None)


def _p_value(net: Sequence[float]) -> float | None:
    """By Student's t, of clusters that profit as much as they lose."""
    n = len(net)
    if n < 2:
        return None
    mean = math.fsum(net) / n
    variance = math.fsum((each - mean) ** 2 for each in net) / (n - 1)
    if variance == 0:
        return None
    return student_p_value(mean / math.sqrt(variance / n), n - 1)
