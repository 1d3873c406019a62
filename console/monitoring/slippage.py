"""What executions cost against the market at the moment of the decision."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from console.domain.book import Quote
from console.domain.money import Count
from console.domain.order import Fill

CENTIBPS_PER_BPS = 100
_CENTIBPS = 1_000_000
BIN_WIDTH_CENTIBPS = 5 * CENTIBPS_PER_BPS
FIRST_BIN_CENTIBPS = -10 * CENTIBPS_PER_BPS
END_OF_BINS_CENTIBPS = 60 * CENTIBPS_PER_BPS
_BINS = (END_OF_BINS_CENTIBPS - FIRST_BIN_CENTIBPS) // BIN_WIDTH_CENTIBPS


class SlippageSample(msgspec.Struct, frozen=True):
    """Slippage of one fill in hundredths of a basis point of the reference price; positive is a cost.

    Both references are prices of the outcome bought, at the decision. A maker's fill is measured against the
    touch it would have crossed, so what it saved of the spread is negative.
    """

    touch_centibps: int
    mid_centibps: int | None
    contracts: Count
    is_taker: bool


class RoleSummary(msgspec.Struct, frozen=True):
    """Slippage against the touch of all fills in one role, each fill weighted by its contracts.

    Figures are hundredths of a basis point, percentiles by nearest rank; None without fills. ``bins`` hold
    contracts from ``FIRST_BIN_CENTIBPS`` on, each ``BIN_WIDTH_CENTIBPS`` wide, its lower end included.
    """

    n: int
    contracts: Count
    mean: float | None
    p50: int | None
    p95: int | None
    p99: int | None
    underflow: Count
    bins: tuple[Count, ...]
    overflow: Count
    share_beyond: float | None


class SlippageSummary(msgspec.Struct, frozen=True):
    """Takers and makers apart: a maker's saved spread must not hide what takers pay."""

    taker: RoleSummary
    maker: RoleSummary
    limit_centibps: int


def slippage_of(fill: Fill, quote_at_decision: Quote) -> SlippageSample | None:
    """Measure one fill; None when there was no touch to measure against."""
    touch = quote_at_decision.touch(fill.side)
    if touch is None:
        return None
    paid = fill.side.price_paid(fill.price)
    twice_mid = quote_at_decision.twice_mid_of(fill.side)
    return SlippageSample(
        touch_centibps=_centibps(2 * paid, 2 * fill.side.price_paid(touch.price)),
        mid_centibps=None if twice_mid is None else _centibps(2 * paid, twice_mid),
        contracts=fill.count,
        is_taker=fill.is_taker,
    )


def summarise(samples: Sequence[SlippageSample], limit_centibps: int) -> SlippageSummary:
    """Describe fills by role; ``share_beyond`` is the share of contracts above the limit."""
    return SlippageSummary(
        taker=_summarise_role([s for s in samples if s.is_taker], limit_centibps),
        maker=_summarise_role([s for s in samples if not s.is_taker], limit_centibps),
        limit_centibps=limit_centibps,
    )


def _centibps(twice_paid: int, twice_reference: int) -> int:
    """The difference as a share of the reference, rounded half up."""
    excess = twice_paid - twice_reference
    return (2 * excess * _CENTIBPS + twice_reference) // (2 * twice_reference)


def _summarise_role(samples: list[SlippageSample], limit_centibps: int) -> RoleSummary:
    ordered = sorted(samples, key=lambda sample: sample.touch_centibps)
    total = sum(sample.contracts for sample in ordered)
    under = over = beyond = 0
    bins = [0] * _BINS
    for sample in ordered:
        index = (sample.touch_centibps - FIRST_BIN_CENTIBPS) // BIN_WIDTH_CENTIBPS
        if index < 0:
            under += sample.contracts
        elif index >= _BINS:
            over += sample.contracts
        else:
            bins[index] += sample.contracts
        if sample.touch_centibps > limit_centibps:
            beyond += sample.contracts
    weighted = sum(sample.touch_centibps * sample.contracts for sample in ordered)
    return RoleSummary(
        n=len(ordered),
        contracts=Count(total),
        mean=weighted / total if total else None,
        p50=_percentile(ordered, total, 50),
        p95=_percentile(ordered, total, 95),
        p99=_percentile(ordered, total, 99),
        underflow=Count(under),
        bins=tuple(Count(size) for size in bins),
        overflow=Count(over),
        share_beyond=beyond / total if total else None,
    )


def _percentile(ordered: list[SlippageSample], total: int, percent: int) -> int | None:
    """The smallest value that ``percent`` of the contracts do not exceed."""
    seen = 0
    for sample in ordered:
        seen += sample.contracts
        if 100 * seen >= percent * total:
            return sample.touch_centibps
    return None
