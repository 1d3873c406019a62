"""The edge table: measured edges drawn towards the published ones as far as few events ask for."""

from __future__ import annotations

import math
from collections.abc import Iterator

from console.backtest.calibrate import by_category_and_bucket
from console.backtest.estimates import Estimate
from console.backtest.observations import NO_CATEGORY, Observations, observe, time_of
from console.backtest.published import CATEGORY_SPREAD
from console.backtest.timeline_parts import Stretch, TimelinePart
from console.domain.money import PRICE_PER_CENT
from console.history.timeline import Timeline
from console.monitoring.buckets import BUCKETS
from console.monitoring.statistics import Z_95
from console.strategies.edge import PUBLISHED_MARKS, Role
from console.strategies.edge_table import VERSION, EdgeCell, EdgeTable


def prior_events(price: float) -> float:
    """How many events the published mark counts for, at a mean price of 1.

    So many that a sample of them is as unsure as the published marks of nine categories lie apart, which is
    how wrong the mark of all may be for one.
    """
    return price * (1 - price) / (CATEGORY_SPREAD / 100) ** 2


def shrunk(published: float, estimate: Estimate) -> float:
    """The edge to use, in points: of the estimate drawn to the published mark, the lower end at 95 %.

    The deviation of one event is that of a bet at the mean price, so that a sample in which every event won
    is not taken for sure. Without events it is the published mark, with ever more the measured lower end.
    """
    price = estimate.mean_price / 100
    n = estimate.effective_events
    share = n / (n + prior_events(price))
    error = 100 * math.sqrt(price * (1 - price) / n)
    return published + share * (estimate.edge - published) - Z_95 * share * error


def fit(observations: Observations, data: str) -> EdgeTable | None:
    """The table that a recording supports, of announced results only; None when it has none.

    Where quotes and trades both tell of a cell, the one of more events does.
    """
    announced = observations.announced()
    best: dict[tuple[str, int, Role], Estimate] = {}
    for key, estimate in _estimates(announced):
        if key not in best or estimate.effective_events > best[key].effective_events:
            best[key] = estimate
    if not best:
        return None
    rows = [panel.ts_ns for panel in announced.panels if len(panel.ts_ns)]
    return EdgeTable(
        version=VERSION,
        data=data,
        data_from=time_of(min(int(each.min()) for each in rows)),
        data_to=time_of(int(announced.settles_ns[announced.markets_seen].max())),
        prior_points=round(CATEGORY_SPREAD, 4),
        cells=tuple(_cell(*key, best[key]) for key in sorted(best)),
    )


def fit_to(timeline: Timeline, stretch: Stretch, data: str) -> EdgeTable:
    """The table that a stretch supports, of no cells where that is none; raises HistoryError."""
    fitted = fit(observe(TimelinePart(timeline, stretch)), data)
    if fitted is not None:
        return fitted
    return EdgeTable(
        version=VERSION,
        data=data,
        data_from=time_of(stretch.since_ns or 0),
        data_to=time_of(stretch.until_ns or 0),
        prior_points=round(CATEGORY_SPREAD, 4),
        cells=(),
    )


def _estimates(announced: Observations) -> Iterator[tuple[tuple[str, int, Role], Estimate]]:
    for panel in announced.panels:
        for category, bucket, estimate in by_category_and_bucket(announced, panel):
            if category != NO_CATEGORY:
                yield (category, bucket, panel.role), estimate


def _cell(category: str, index: int, role: Role, estimate: Estimate) -> EdgeCell:
    bucket = BUCKETS[index].name
    published = PUBLISHED_MARKS[bucket].of(role)
    low, high = estimate.ci or (None, None)
    return EdgeCell(
        category=category,
        bucket=bucket,
        role=role,
        published=published,
        measured=round(PRICE_PER_CENT * estimate.edge),
        low=None if low is None else round(PRICE_PER_CENT * low),
        high=None if high is None else round(PRICE_PER_CENT * high),
        events=round(estimate.effective_events, 2),
        used=math.floor(PRICE_PER_CENT * shrunk(published / PRICE_PER_CENT, estimate)),
    )
