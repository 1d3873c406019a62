"""Which recorded markets moved together, and how much of that could be measured."""

from __future__ import annotations

import heapq
import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from console.backtest.returns import returns_together, sample_mids
from console.risk.correlation import MIN_OVERLAP, correlated_groups, correlations, numbered
from console.risk.groups import Grouping

if TYPE_CHECKING:
    import pandas as pd

    from console.history.timeline import Timeline

STRONGEST = 10
"""So many pairs are named."""


class Pair(msgspec.Struct, frozen=True):
    """Two markets, how their returns correlate, and in how many ticks both have one."""

    one: str
    other: str
    correlation: float
    returns: int


class Pairs(msgspec.Struct, kw_only=True):
    """Numbers of pairs of quoted markets.

    A pair is measured or has too little data. Of the latter those that share an event, or a category and
    close time, are assumed to move together, all others to be independent. As many pairs below the negative
    threshold as above the threshold are what chance makes of independent markets.
    """

    total: int = 0
    measured: int = 0
    above_threshold: int = 0
    below_negative_threshold: int = 0
    too_little_data: int = 0
    assumed_together: int = 0
    assumed_independent: int = 0


class Coverage(msgspec.Struct, kw_only=True):
    """Numbers of markets: of those with a quote, which had too few returns, or never moved."""

    quoted: int = 0
    without_quote: int = 0
    short: int = 0
    constant: int = 0


class MarketGroups(msgspec.Struct, frozen=True, kw_only=True):
    """What was found in one recording; ``dropped`` counts its unusable rows by reason."""

    data: str
    threshold: float
    every_s: int
    groups: dict[str, list[str]]
    pairs: Pairs
    markets: Coverage
    strongest: list[Pair]
    dropped: dict[str, int]

    def document(self) -> dict[str, Any]:
        """All of it for programs, with the groups as pins too."""
        document: dict[str, Any] = msgspec.to_builtins(self)
        return document | {"toml": "\n".join(self.pins())}

    def pins(self) -> Iterator[str]:
        """The lines of a configuration file that make these the groups of the risk limits."""
        yield "[risk.groups]"
        for name, tickers in self.groups.items():
            yield f"{name} = ["
            yield from (f"  {json.dumps(ticker)}," for ticker in tickers)
            yield "]"


def find_groups(
    timeline: Timeline,
    data: str,
    threshold: float,
    every_s: int | None,
    begin: Callable[[str], None] = lambda name: None,
) -> MarketGroups:
    """Groups by measured correlation alone; ``begin`` is told the name of each step. Raises HistoryError."""
    begin("sampling prices")
    mids = sample_mids(timeline, every_s)
    quoted = [timeline.markets[place] for place in mids.quoted().tolist()]
    grouping = Grouping({})
    rule = {market.ticker: grouping.place(market).group for market in quoted}
    coverage = Coverage(quoted=len(quoted), without_quote=len(timeline.markets) - len(quoted))
    pairs, groups, strongest, alike = Pairs(), [], list[Pair](), 0
    begin(f"comparing {len(quoted):,} markets")
    for returns in returns_together(mids, [market.ticker for market in timeline.markets]):
        usable = _usable(returns, coverage)
        matrix = correlations(usable)
        groups += correlated_groups(matrix, threshold)
        alike += _count(matrix, threshold, rule, pairs)
        strongest = heapq.nsmallest(STRONGEST, [*strongest, *_strongest(usable, matrix)], key=_rank)
    pairs.total = _pairs_of(len(quoted))
    pairs.too_little_data = pairs.total - pairs.measured
    pairs.assumed_together = sum(map(_pairs_of, Counter(rule.values()).values())) - alike
    pairs.assumed_independent = pairs.too_little_data - pairs.assumed_together
    return MarketGroups(
        data=data,
        threshold=threshold,
        every_s=mids.every_s,
        groups=numbered(groups),
        pairs=pairs,
        markets=coverage,
        strongest=strongest,
        dropped={reason: count for reason, count in timeline.dropped.items() if count},
    )


def _usable(returns: pd.DataFrame, coverage: Coverage) -> pd.DataFrame:
    """The markets of which a correlation can be known, with the others counted."""
    is_short = returns.count() < MIN_OVERLAP
    is_constant = ~is_short & (returns.max() == returns.min())
    coverage.short += int(is_short.sum())
    coverage.constant += int(is_constant.sum())
    return returns.loc[:, ~is_short & ~is_constant]


def _count(matrix: pd.DataFrame, threshold: float, rule: dict[str, str], pairs: Pairs) -> int:
    """Count the measured pairs of a table; returns how many of them the rule puts together."""
    import numpy as np
    import pandas as pd

    values = matrix.to_numpy()
    is_measured = np.tril(~np.isnan(values), -1)
    pairs.measured += int(is_measured.sum())
    pairs.above_threshold += int((is_measured & (values > threshold)).sum())
    pairs.below_negative_threshold += int((is_measured & (values < -threshold)).sum())
    group = pd.factorize(np.array([rule[ticker] for ticker in matrix.columns], dtype=object))[0]
    return int((is_measured & (group[:, np.newaxis] == group)).sum())


def _strongest(returns: pd.DataFrame, matrix: pd.DataFrame) -> Iterator[Pair]:
    """The pairs of a table with the largest correlations of either sign."""
    import numpy as np

    values = matrix.to_numpy()
    strength = np.nan_to_num(np.tril(np.abs(values), -1)).ravel()
    count = min(STRONGEST, len(strength))
    found = np.argpartition(-strength, count - 1)[:count] if count else np.zeros(0, dtype=np.int64)
    for place in found[strength[found] > 0].tolist():
        i, j = divmod(place, len(values))
        both = returns.iloc[:, i].notna() & returns.iloc[:, j].notna()
        one, other = sorted((str(matrix.columns[i]), str(matrix.columns[j])))
        yield Pair(one, other, float(values[i, j]), int(both.sum()))


def _rank(pair: Pair) -> tuple[float, int, str, str]:
    return -abs(pair.correlation), -pair.returns, pair.one, pair.other


def _pairs_of(members: int) -> int:
    return members * (members - 1) // 2
