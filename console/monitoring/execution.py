"""How orders were executed: slippage by role, what prices did after maker fills, how old quotes were."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import msgspec

from console.domain.book import BookSide
from console.domain.money import COUNT_PER_CONTRACT, PRICE_PER_CENT, PRICE_PER_DOLLAR, Count
from console.domain.order import Fill
from console.monitoring.records import MARK_OUT_NS, FillRecord, MarketRecord
from console.monitoring.slippage import (
    BIN_WIDTH_CENTIBPS,
    CENTIBPS_PER_BPS,
    END_OF_BINS_CENTIBPS,
    FIRST_BIN_CENTIBPS,
    RoleSummary,
    SlippageSample,
    slippage_of,
    summarise,
)
from console.monitoring.statistics import Interval, clustered_interval

_CENTIBPS = 1_000_000
_NS_PER_S = 1_000_000_000
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


class MarkOut(msgspec.Struct, frozen=True, kw_only=True):
    """What the outcome that makers bought was worth more at the mid after a time, in cents by contract.

    ``unknown`` fills had no mid then. The interval is a bootstrap of whole events.
    """

    outcome: str
    after_s: int
    fills: int
    unknown: int
    mean_cents: float | None
    interval: Interval | None


class QuoteAges(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds since a market's newest quote at the fills, and how many fills it was over the limit."""

    median_s: float
    p95_s: float
    oldest_s: float
    over_limit: int


def slippage(fills: Sequence[FillRecord], limit_bps: float) -> Slippage:
    """Of every fill, closing ones too."""
    measured = [record for record in fills if sample_of(record) is not None]
    return Slippage(
        taker=_role([record for record in measured if record.fill.is_taker]),
        maker=_role([record for record in measured if not record.fill.is_taker]),
        unmeasured=len(fills) - len(measured),
        limit_bps=limit_bps,
    )


def mark_outs(fills: Sequence[FillRecord], markets: Sequence[MarketRecord]) -> list[MarkOut]:
    """Of makers' fills, YES and NO apart, at each time; nothing for an outcome that no maker bought."""
    event_of = {market.ticker: market.event_ticker for market in markets}
    makers = [record for record in fills if not record.fill.is_taker]
    return [
        _mark_out(bought, event_of, horizon)
        for side in BookSide
        if (bought := [record for record in makers if record.fill.side is side])
        for horizon in range(len(MARK_OUT_NS))
    ]


def quote_ages(ages_ns: Iterable[int | None], limit_ns: int) -> QuoteAges | None:
    """Of those that are known; None without any."""
    ordered = sorted(age_ns for age_ns in ages_ns if age_ns is not None)
    if not ordered:
        return None
    return QuoteAges(
        median_s=_nearest_rank(ordered, 50) / _NS_PER_S,
        p95_s=_nearest_rank(ordered, 95) / _NS_PER_S,
        oldest_s=ordered[-1] / _NS_PER_S,
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


def mark_out_cents(record: FillRecord, twice_mid: int | None) -> float | None:
    """How much more than its price the outcome bought is worth at a mid; None without one."""
    if twice_mid is None:
        return None
    side = record.fill.side
    twice_worth = twice_mid if side is BookSide.BID else 2 * PRICE_PER_DOLLAR - twice_mid
    return (twice_worth - 2 * side.price_paid(record.fill.price)) / (2 * PRICE_PER_CENT)


def _role(fills: list[FillRecord]) -> RoleSlippage:
    samples = [sample for record in fills if (sample := sample_of(record)) is not None]
    touch = _summary(samples)
    at_mid = [
        msgspec.structs.replace(sample, touch_centibps=sample.mid_centibps)
        for sample in samples
        if sample.mid_centibps is not None
    ]
    mid = _summary(at_mid)
    return RoleSlippage(
        touch=_bps(touch),
        mid=_bps(mid),
        histogram=_bars(touch),
        mid_histogram=_bars(mid),
        touch_cents=_cents(
            [(twice, fill.count) for fill, twice, _ in map(_excess, fills) if twice is not None]
        ),
        mid_cents=_cents(
            [(twice, fill.count) for fill, _, twice in map(_excess, fills) if twice is not None]
        ),
    )


def _excess(record: FillRecord) -> tuple[Fill, float | None, float | None]:
    """Twice what a contract cost above the touch and above the mid, in ten-thousandths of a dollar."""
    fill, quote = record.fill, record.intent.quote
    twice_paid = 2 * (fill.side.price_paid(fill.price) + record.slippage / fill.count)
    touch, twice_mid = quote.touch(fill.side), quote.twice_mid_of(fill.side)
    return (
        fill,
        None if touch is None else twice_paid - 2 * fill.side.price_paid(touch.price),
        None if twice_mid is None else twice_paid - twice_mid,
    )


def _cents(measured: list[tuple[float, Count]]) -> Cents:
    """Of twice the slippage and the contracts of each fill."""
    ordered = sorted(measured)
    total = sum(count for _, count in ordered)
    bars: Counter[int] = Counter()
    for twice, count in ordered:
        bars[math.floor(twice / _TWICE_BAR)] += count
    p50, p95, p99 = (_percentile(ordered, total, percent) for percent in (50, 95, 99))
    return Cents(
        n=len(ordered),
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


def _percentile(ordered: list[tuple[float, Count]], total: int, percent: int) -> float | None:
    """The smallest value, in cents, that ``percent`` of the contracts do not exceed."""
    seen = 0
    for twice, count in ordered:
        seen += count
        if 100 * seen >= percent * total:
            return twice / _TWICE_CENT
    return None


def _summary(samples: list[SlippageSample]) -> RoleSummary:
    """All of them as if in one role."""
    return summarise([msgspec.structs.replace(sample, is_taker=True) for sample in samples], 0).taker


def _bps(it: RoleSummary) -> Bps:
    mean, p50, p95, p99 = (
        None if each is None else each / CENTIBPS_PER_BPS for each in (it.mean, it.p50, it.p95, it.p99)
    )
    return Bps(n=it.n, n_contracts=it.contracts / COUNT_PER_CONTRACT, mean=mean, p50=p50, p95=p95, p99=p99)


def _bars(it: RoleSummary) -> tuple[Bar, ...]:
    edges = range(FIRST_BIN_CENTIBPS, END_OF_BINS_CENTIBPS + 1, BIN_WIDTH_CENTIBPS)
    bounds = [None, *(edge / CENTIBPS_PER_BPS for edge in edges), None]
    counts = (it.underflow, *it.bins, it.overflow)
    return tuple(
        Bar(low=low, high=high, n_contracts=count / COUNT_PER_CONTRACT)
        for low, high, count in zip(bounds, bounds[1:], counts, strict=False)
    )


def _mark_out(bought: list[FillRecord], event_of: dict[str, str], horizon: int) -> MarkOut:
    import numpy as np

    cents: defaultdict[str, float] = defaultdict(float)
    contracts: defaultdict[str, float] = defaultdict(float)
    known = 0
    for record in bought:
        fill, gained = record.fill, mark_out_cents(record, record.twice_mids[horizon])
        if gained is not None:
            known += 1
            cents[event_of[fill.ticker]] += gained * fill.count
            contracts[event_of[fill.ticker]] += fill.count
    return MarkOut(
        outcome=bought[0].fill.side.outcome,
        after_s=MARK_OUT_NS[horizon] // _NS_PER_S,
        fills=len(bought),
        unknown=len(bought) - known,
        mean_cents=sum(cents.values()) / sum(contracts.values()) if known else None,
        interval=clustered_interval(np.array(list(cents.values())), np.array(list(contracts.values()))),
    )


def _nearest_rank(ordered: Sequence[int], percent: int) -> int:
    return ordered[-(-percent * len(ordered) // 100) - 1]
