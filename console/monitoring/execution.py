"""How orders were executed: slippage by role, and how old quotes were."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from console.domain.money import COUNT_PER_CONTRACT, PRICE_PER_CENT
from console.domain.time_units import NS_PER_S
from console.monitoring.records import FillRecord
from console.monitoring.slippage import (
    BIN_WIDTH_CENTIBPS,
    CENTIBPS_PER_BPS,
    END_OF_BINS_CENTIBPS,
    FIRST_BIN_CENTIBPS,
    RoleSummary,
    RoleSums,
    SlippageSample,
    percentile,
    slippage_of,
)

_CENTIBPS = 1_000_000
_TWICE_CENT = 2 * PRICE_PER_CENT
_BARS_PER_CENT = 10
_TWICE_BAR = _TWICE_CENT // _BARS_PER_CENT


class Bps(msgspec.Struct, frozen=True, kw_only=True):
    """Fills weighted by contracts, in basis points of the price they are measured against."""

    n: int
    n_contracts: float
    mean: float | None
    p50: float | None
    p95: float | None
    p99: float | None


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """Contracts whose slippage lay from ``low`` to below ``high``, bps or cents; None is without bound."""

    low: float | None
    high: float | None
    n_contracts: float


class Cents(msgspec.Struct, frozen=True, kw_only=True):
    """Fills weighted by contracts, in cents a contract; ``histogram`` has the bars of 0.1 cents in use."""

    n: int
    n_contracts: float
    mean: float | None
    p50: float | None
    p95: float | None
    p99: float | None
    histogram: tuple[Bar, ...]


class RoleSlippage(msgspec.Struct, frozen=True, kw_only=True):
    """One role's fills against the touch and against the mid, at the decision; what a model charged counts.

    A maker's fill is measured against the touch it would have crossed. ``histogram`` is of the bps of the
    touch.
    """

    touch: Bps
    mid: Bps
    histogram: tuple[Bar, ...]
    mid_histogram: tuple[Bar, ...]
    touch_cents: Cents
    mid_cents: Cents


class Slippage(msgspec.Struct, frozen=True, kw_only=True):
    """Takers and makers apart, and how many fills had no touch to be measured against."""

    taker: RoleSlippage
    maker: RoleSlippage
    unmeasured: int
    limit_bps: float


class QuoteAges(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds since a market's newest quote at the fills, and how many fills it was over the limit."""

    median_s: float
    p95_s: float
    oldest_s: float
    over_limit: int


class SlippageSums:
    """What a ``Slippage`` is made from, of fills that may be taken away again."""

    def __init__(self) -> None:
        self._taker, self._maker = _RoleSums(), _RoleSums()
        self._unmeasured = 0

    def add(self, record: FillRecord, sign: int = 1) -> None:
        sample = sample_of(record)
        if sample is None:
            self._unmeasured += sign
        else:
            (self._taker if sample.is_taker else self._maker).add(record, sample, sign)

    def slippage(self, limit_bps: float) -> Slippage:
        return Slippage(
            taker=self._taker.role(),
            maker=self._maker.role(),
            unmeasured=self._unmeasured,
            limit_bps=limit_bps,
        )


def slippage(fills: Iterable[FillRecord], limit_bps: float) -> Slippage:
    """Of every fill, closing ones too."""
    sums = SlippageSums()
    for record in fills:
        sums.add(record)
    return sums.slippage(limit_bps)


def quote_ages(ages_ns: Iterable[int | None], limit_ns: int) -> QuoteAges | None:
    """Of those that are known; None without any."""
    ordered = sorted(age_ns for age_ns in ages_ns if age_ns is not None)
    if not ordered:
        return None
    return QuoteAges(
        median_s=_nearest_rank(ordered, 50) / NS_PER_S,
        p95_s=_nearest_rank(ordered, 95) / NS_PER_S,
        oldest_s=ordered[-1] / NS_PER_S,
        over_limit=sum(age > limit_ns for age in ordered),
    )


def is_spread(histogram: Sequence[Bar]) -> bool:
    """Whether more than one bar holds something: one alone shows nothing."""
    return sum(bar.n_contracts > 0 for bar in histogram) > 1


def sample_of(record: FillRecord) -> SlippageSample | None:
    """The fill's slippage, with what the model charged on top as a share of the same reference.

    None when there was no touch to measure against.
    """
    sample, side = slippage_of(record.fill, record.intent.quote), record.fill.side
    if sample is None or not record.slippage:
        return sample
    touch, twice_mid = record.intent.quote.touch(side), record.intent.quote.twice_mid_of(side)
    assert touch is not None
    charged, count = record.slippage * _CENTIBPS, record.fill.count
    at_touch = round(charged / (side.price_paid(touch.price) * count))
    return msgspec.structs.replace(
        sample,
        touch_centibps=sample.touch_centibps + at_touch,
        mid_centibps=None
        if sample.mid_centibps is None or twice_mid is None
        else sample.mid_centibps + round(2 * charged / (twice_mid * count)),
    )


class _RoleSums:
    """Of one role's fills, against the touch and against the mid, in bps and in money."""

    def __init__(self) -> None:
        self._touch, self._mid = RoleSums(), RoleSums()
        self._touch_cents, self._mid_cents = _CentSums(), _CentSums()

    def add(self, record: FillRecord, sample: SlippageSample, sign: int) -> None:
        count = sample.contracts
        twice_of_touch, twice_of_mid = _excess(record)
        self._touch.add(sample.touch_centibps, count, sign)
        if twice_of_touch is not None:
            self._touch_cents.add(twice_of_touch, count, sign)
        if sample.mid_centibps is not None:
            self._mid.add(sample.mid_centibps, count, sign)
        if twice_of_mid is not None:
            self._mid_cents.add(twice_of_mid, count, sign)

    def role(self) -> RoleSlippage:
        touch, mid = self._touch.summary(0), self._mid.summary(0)
        return RoleSlippage(
            touch=_bps(touch),
            mid=_bps(mid),
            histogram=bars_of(touch),
            mid_histogram=bars_of(mid),
            touch_cents=self._touch_cents.cents(),
            mid_cents=self._mid_cents.cents(),
        )


def _excess(record: FillRecord) -> tuple[float | None, float | None]:
    """Twice what a contract cost above the touch and above the mid, in ten-thousandths of a dollar."""
    fill, quote = record.fill, record.intent.quote
    twice_paid: float = 2 * fill.side.price_paid(fill.price)
    if record.slippage:
        twice_paid += 2 * record.slippage / fill.count
    touch, twice_mid = quote.touch(fill.side), quote.twice_mid_of(fill.side)
    return (
        None if touch is None else twice_paid - 2 * fill.side.price_paid(touch.price),
        None if twice_mid is None else twice_paid - twice_mid,
    )


class _CentSums:
    """Contracts by twice their slippage."""

    def __init__(self) -> None:
        self._n = 0
        self._contracts: dict[float, int] = {}

    def add(self, twice: float, contracts: int, sign: int) -> None:
        self._n += sign
        held = self._contracts.get(twice, 0) + sign * contracts
        if held:
            self._contracts[twice] = held
        else:
            del self._contracts[twice]

    def cents(self) -> Cents:
        ordered = sorted(self._contracts.items())
        total = sum(count for _, count in ordered)
        bars: Counter[int] = Counter()
        for twice, count in ordered:
            bars[math.floor(twice / _TWICE_BAR)] += count
        p50, p95, p99 = (
            None if twice is None else twice / _TWICE_CENT
            for twice in (percentile(ordered, total, percent) for percent in (50, 95, 99))
        )
        return Cents(
            n=self._n,
            n_contracts=total / COUNT_PER_CONTRACT,
            mean=sum(twice * count for twice, count in ordered) / total / _TWICE_CENT if total else None,
            p50=p50,
            p95=p95,
            p99=p99,
            histogram=tuple(
                Bar(
                    low=place / _BARS_PER_CENT,
                    high=(place + 1) / _BARS_PER_CENT,
                    n_contracts=count / COUNT_PER_CONTRACT,
                )
                for place, count in sorted(bars.items())
            ),
        )


def _bps(it: RoleSummary) -> Bps:
    mean, p50, p95, p99 = (
        None if each is None else each / CENTIBPS_PER_BPS for each in (it.mean, it.p50, it.p95, it.p99)
    )
    return Bps(n=it.n, n_contracts=it.contracts / COUNT_PER_CONTRACT, mean=mean, p50=p50, p95=p95, p99=p99)


def bars_of(it: RoleSummary) -> tuple[Bar, ...]:
    """Its contracts by bps, the first and the last bar without bound."""
    edges = range(FIRST_BIN_CENTIBPS, END_OF_BINS_CENTIBPS + 1, BIN_WIDTH_CENTIBPS)
    bounds = [None, *(edge / CENTIBPS_PER_BPS for edge in edges), None]
    counts = (it.underflow, *it.bins, it.overflow)
    return tuple(
        Bar(low=low, high=high, n_contracts=count / COUNT_PER_CONTRACT)
        for low, high, count in zip(bounds, bounds[1:], counts, strict=False)
    )


def _nearest_rank(ordered: Sequence[int], percent: int) -> int:
    return ordered[-(-percent * len(ordered) // 100) - 1]
