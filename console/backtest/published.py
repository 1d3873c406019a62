"""What others measured on Kalshi, to stand beside what a calibration measures; edges in points."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import stdev

BECKER_ALL: Mapping[str, float] = {
    "longshot_extreme": -0.71,
    "longshot": -1.01,
    "underdog": 0.16,
    "tossup": 0.00,
    "likely": -0.12,
    "favorite": 0.83,
    "favorite_extreme": 0.75,
}
"""Becker (2026) by bucket, win rate less price over both parties of 72.1 million trades, gross of fees, plain
mean over the cents of each bucket. By role: ``console.strategies.edge.PUBLISHED_MARKS``."""

BECKER_TAKER_BY_CATEGORY: Mapping[str, float] = {
    "Sports": -1.11,
    "Politics": -0.51,
    "Crypto": -1.34,
    "Financials": -0.08,
    "Climate and Weather": -1.29,
    "Entertainment": -2.40,
    "Media": -3.64,
    "World": -3.66,
    "Other": -1.19,
}
"""Becker (2026), the taker's edge over all prices of a category, by Kalshi's name of it."""

CATEGORY_SPREAD = stdev(BECKER_TAKER_BY_CATEGORY.values())
"""How far the edge of one category lies from that of all, in points."""

_REPLICATION_BANDS = (
    (56_003, 2.43, 3.22),
    (13_959, 12.99, 15.09),
    (8_379, 22.87, 25.08),
    (6_159, 34.56, 35.12),
    (4_450, 44.40, 45.53),
    (3_530, 57.01, 55.70),
    (3_649, 66.34, 65.78),
    (3_855, 78.44, 75.91),
    (5_590, 87.88, 86.12),
    (19_158, 97.86, 97.08),
)
"""Returns, win rate in per cent and mean price in cents of the bands 1-10c, 11-20c and so on: a replication
(2026) of Bürgi, Deng and Whelan's price panel, each price of a market and day once, gross of fees."""

_BANDS_OF: Mapping[str, tuple[int, ...]] = {
    "longshot_extreme": (0,),
    "longshot": (1,),
    "underdog": (2, 3),
    "tossup": (4, 5),
    "likely": (6, 7),
    "favorite": (8,),
    "favorite_extreme": (9,),
}


def _replication(bands: tuple[int, ...]) -> float:
    chosen = [_REPLICATION_BANDS[band] for band in bands]
    total = sum(n for n, _, _ in chosen)
    return round(sum(n * (won - price) for n, won, price in chosen) / total, 2)


REPLICATION: Mapping[str, float] = {name: _replication(bands) for name, bands in _BANDS_OF.items()}
"""The replication's win rate less price by bucket; its bands begin a cent above ours."""

OTHER_UNITS = (
    "Bürgi, Deng and Whelan (2026), % of stake after fees: all -20, takers -31.46, makers -9.64, makers at "
    "50c or more +2.6; at 95c 98 % win"
)
"""Figures in another unit and weight, which compare with nothing here without conversion."""
