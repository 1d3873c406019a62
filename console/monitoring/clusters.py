"""How sure a profit is when the trades of an event, or of a day, are one draw."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence

import msgspec

from console.domain.money import CASH_PER_DOLLAR
from console.monitoring.equity import day_of
from console.monitoring.records import Records
from console.monitoring.statistics import clustered_interval, student_p_value
from console.monitoring.trades import Trade

BPS = 10_000


class ClusteredInterval(msgspec.Struct, frozen=True, kw_only=True):
    """A 95 % bootstrap interval of whole clusters, by event or by day, whichever made it wider."""

    low: float
    high: float
    by: str
    clusters: int


class Sureness(msgspec.Struct, frozen=True, kw_only=True):
    """Of a run's net profit: intervals in dollars and in bps of what was paid, and a two-sided p-value.

    Each is None where there are fewer than two clusters of either kind; the p-value also where all profited
    alike.
    """

    pnl: ClusteredInterval | None
    bps: ClusteredInterval | None
    p_value: float | None


Sums = tuple[list[float], list[float]]
"""Net dollars and the weight of each cluster, such as the dollars paid."""


def sureness(records: Records, trades: Sequence[Trade]) -> Sureness:
    """Of trades whose profit is known, every one; a trade is of the day on which it ended."""
    kinds: Mapping[str, Sums] = {
        "event": _sums(trades, lambda trade: trade.market.event_ticker),
        "day": _sums(trades, lambda trade: day_of(trade.ended_ns or records.last_ns)),
    }
    p_values = [p for net, _ in kinds.values() if (p := _p_value(net)) is not None]
    return Sureness(
        pnl=widest({kind: (net, [1 / len(net)] * len(net)) for kind, (net, _) in kinds.items()}),
        bps=widest({kind: ([BPS * each for each in net], paid) for kind, (net, paid) in kinds.items()}),
        p_value=max(p_values, default=None),
    )


def _sums(trades: Sequence[Trade], key: Callable[[Trade], Hashable]) -> Sums:
    net: defaultdict[Hashable, int] = defaultdict(int)
    paid: defaultdict[Hashable, int] = defaultdict(int)
    for trade in trades:
        assert trade.net is not None
        net[key(trade)] += trade.net
        paid[key(trade)] += trade.paid
    return [each / CASH_PER_DOLLAR for each in net.values()], [
        each / CASH_PER_DOLLAR for each in paid.values()
    ]


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
    mean = sum(net) / n
    variance = sum((each - mean) ** 2 for each in net) / (n - 1)
    if variance == 0:
        return None
    return student_p_value(mean / math.sqrt(variance / n), n - 1)
