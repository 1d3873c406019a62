"""How often each price won and what buying at it returned, by role, category and time to close."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import msgspec

from console.backtest.estimates import Estimate, estimates_by
from console.backtest.observations import Observations
from console.backtest.panels import BANDS, Panel, PriceSource, band_rows
from console.backtest.published import BECKER_ALL, BECKER_TAKER_BY_CATEGORY, REPLICATION
from console.domain.money import PRICE_PER_CENT
from console.monitoring.buckets import BUCKET_LOWS, BUCKETS
from console.monitoring.statistics import events_needed
from console.strategies.edge import PUBLISHED_MARKS, Role

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """An estimate and what it is of: prices of the outcome bought, ``lo <= price < hi`` in cents.

    In a group by category or time ``category`` or ``time_to_close`` names it. ``published`` is Becker's mark
    of the bucket and role in points, ``events_needed`` how many independent events would show it. What is
    not published is None.
    """

    role: Role
    price_source: PriceSource
    lo: int
    hi: int
    bucket: str | None = None
    category: str | None = None
    time_to_close: str | None = None
    published: float | None = None
    published_all_parties: float | None = None
    published_replication: float | None = None
    published_category_all_prices: float | None = None
    events_needed: int | None = None
    events_needed_power_80: int | None = None
    estimate: Estimate


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """The rows by each axis, those by category and time for each bucket; groups without a price have none."""

    buckets: tuple[Row, ...]
    by_category: tuple[Row, ...]
    by_time_to_close: tuple[Row, ...]
    by_cent: tuple[Row, ...]


def calibrate(observations: Observations, begin: Callable[[str], None]) -> Calibration:
    """Estimate every group of every panel; ``begin`` is told the name of each step."""
    axes: dict[str, tuple[Row, ...]] = {}
    for name, rows_of in _AXES.items():
        begin(f"estimating {name.replace('_', ' ')}")
        axes[name] = tuple(row for panel in observations.panels for row in rows_of(observations, panel))
    return Calibration(**axes)


def bucket_rows(price: Ints) -> Ints:
    """The row in ``BUCKETS`` of each price, which must be at least 0 and below one dollar."""
    import numpy as np

    return np.searchsorted(np.asarray(BUCKET_LOWS), price, side="right").astype(np.int64) - 1


def by_category_and_bucket(observations: Observations, panel: Panel) -> Iterator[tuple[str, int, Estimate]]:
    """The estimates of a panel by name of category and row in ``BUCKETS``."""
    import numpy as np

    names, number = np.unique(observations.category, return_inverse=True)
    group = number[panel.market].astype(np.int64) * len(BUCKETS) + bucket_rows(panel.price)
    for index, estimate in estimates_by(panel, group, observations.event):
        category, bucket = divmod(index, len(BUCKETS))
        yield str(names[category]), bucket, estimate


def _by_bucket(observations: Observations, panel: Panel) -> Iterator[Row]:
    for index, estimate in estimates_by(panel, bucket_rows(panel.price), observations.event):
        yield _row(panel, index, estimate)


def _by_category(observations: Observations, panel: Panel) -> Iterator[Row]:
    for category, index, estimate in by_category_and_bucket(observations, panel):
        mark = BECKER_TAKER_BY_CATEGORY.get(category) if panel.role == "taker" else None
        row = _row(panel, index, estimate)
        yield msgspec.structs.replace(row, category=category, published_category_all_prices=mark)


def _by_time_to_close(observations: Observations, panel: Panel) -> Iterator[Row]:
    band = band_rows(observations.close_ns[panel.market] - panel.ts_ns)
    group = band * len(BUCKETS) + bucket_rows(panel.price)
    for index, estimate in estimates_by(panel, group, observations.event):
        number, bucket = divmod(index, len(BUCKETS))
        yield msgspec.structs.replace(_row(panel, bucket, estimate), time_to_close=BANDS[number][0])


def _by_cent(observations: Observations, panel: Panel) -> Iterator[Row]:
    for cent, estimate in estimates_by(panel, panel.price // PRICE_PER_CENT, observations.event):
        yield Row(role=panel.role, price_source=panel.source, lo=cent, hi=cent + 1, estimate=estimate)


def _row(panel: Panel, index: int, estimate: Estimate) -> Row:
    bucket = BUCKETS[index]
    published = PUBLISHED_MARKS[bucket.name].of(panel.role) / PRICE_PER_CENT
    price, edge = estimate.mean_price / 100, published / 100
    return Row(
        role=panel.role,
        price_source=panel.source,
        lo=bucket.low // PRICE_PER_CENT,
        hi=bucket.high // PRICE_PER_CENT,
        bucket=bucket.name,
        published=published,
        published_all_parties=BECKER_ALL[bucket.name],
        published_replication=REPLICATION[bucket.name],
        events_needed=events_needed(price, edge),
        events_needed_power_80=events_needed(price, edge, power_80=True),
        estimate=estimate,
    )


_AXES: dict[str, Callable[[Observations, Panel], Iterator[Row]]] = {
    "buckets": _by_bucket,
    "by_category": _by_category,
    "by_time_to_close": _by_time_to_close,
    "by_cent": _by_cent,
}
