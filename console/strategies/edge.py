"""How likely the outcome bought is to win."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal, Protocol

import msgspec

from console.domain.book import BookSide, Quote
from console.domain.money import PAYOUT, PRICE_PER_CENT, Price
from console.monitoring.buckets import BUCKETS, bucket_of
from console.strategies.base import Style, level_traded

MAX_WIN_PROBABILITY = Price(9_900)
"""No outcome is taken to be surer than this: the measured advantage fades above 98c."""


class EdgeModel(Protocol):
    """Estimates the probability, as a price, that the outcome bought wins; None when it cannot."""

    def win_probability(self, category: str, quote: Quote, side: BookSide, style: Style) -> Price | None: ...


class ConstantEdge:
    """The middle of the side bought plus ``points`` (hundredths of a dollar), rounded down."""

    def __init__(self, points: Decimal) -> None:
        self._twice_added = int(2 * points * PRICE_PER_CENT)

    def win_probability(self, category: str, quote: Quote, side: BookSide, style: Style) -> Price | None:
        twice_mid = quote.twice_mid_of(side)
        if twice_mid is None:
            return None
        return _capped((twice_mid + self._twice_added) // 2)


Role = Literal["taker", "maker_yes", "maker_no"]
"""Who pays a price: a taker, or a maker who bought YES or NO."""


class Marks(msgspec.Struct, frozen=True):
    """Win probability less price paid in one price bucket, by role, in ten-thousandths of a dollar."""

    taker: int
    maker_yes: int
    maker_no: int

    def of(self, role: Role) -> int:
        mark: int = getattr(self, role)
        return mark


MarksByBucket = Mapping[str, Marks]

PUBLISHED_MARKS: MarksByBucket = {
    "longshot_extreme": Marks(-159, 18, 54),
    "longshot": Marks(-192, -2, 9),
    "underdog": Marks(-91, 62, 163),
    "tossup": Marks(-128, 76, 146),
    "likely": Marks(-125, 135, 82),
    "favorite": Marks(-30, 206, 176),
    "favorite_extreme": Marks(-30, 165, 167),
}
"""Becker (2026), "The microstructure of wealth transfer in prediction markets": 72.1 million Kalshi trades,
June 2021 to November 2025, in percentage points per 1 $ contract, gross of fees, each trade weighted once,
averaged over the cents of each bucket. 1 point is 100 ten-thousandths."""


class TableEdge:
    """The price paid plus the mark of its category, bucket and role.

    ``measured`` holds the categories that have marks of their own; in every other ``marks`` apply.
    """

    def __init__(
        self, marks: MarksByBucket = PUBLISHED_MARKS, measured: Mapping[str, MarksByBucket] | None = None
    ) -> None:
        self._marks = marks
        self._measured = measured or {}
        for table in (marks, *self._measured.values()):
            missing = [bucket.name for bucket in BUCKETS if bucket.name not in table]
            if missing:
                raise ValueError(f"the edge table has no row for {', '.join(missing)}")

    def win_probability(self, category: str, quote: Quote, side: BookSide, style: Style) -> Price | None:
        level = level_traded(quote, side, style)
        if level is None or not 0 < level.price < PAYOUT:
            return None
        paid = side.price_paid(level.price)
        marks = self._measured.get(category, self._marks)[bucket_of(paid).name]
        return _capped(paid + marks.of(_role(side, style)))


def _role(side: BookSide, style: Style) -> Role:
    if style == "taker":
        return "taker"
    return "maker_yes" if side is BookSide.BID else "maker_no"


def _capped(probability: int) -> Price:
    return MAX_WIN_PROBABILITY if probability > MAX_WIN_PROBABILITY else Price(max(probability, 0))
