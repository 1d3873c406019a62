"""What executions cost against the market at the moment of the decision."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

import msgspec

from console.domain.book import Quote
from console.domain.money import Count
from console.domain.order import Fill

_Value = TypeVar("_Value", int, float)

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


class RoleSums:
    """What a ``RoleSummary`` is made from: fills by their slippage, which may be taken away again."""

    def __init__(self) -> None:
        self._n = 0
        self._contracts: dict[int, int] = {}

    def add(self, centibps: int, contracts: int, sign: int = 1) -> None:
        self._n += sign
        held = self._contracts.get(centibps, 0) + sign * contracts
        if held:
            self._contracts[centibps] = held
        else:
            del self._contracts[centibps]

    def summary(self, limit_centibps: int) -> RoleSummary:
        ordered = sorted(self._contracts.items())
        total = sum(contracts for _, contracts in ordered)
        under = over = 0
        bins = [0] * _BINS
        for centibps, contracts in ordered:
            index = (centibps - FIRST_BIN_CENTIBPS) // BIN_WIDTH_CENTIBPS
            if index < 0:
                under += contracts
            elif index >= _BINS:
                over += contracts
            else:
                bins[index] += contracts
        weighted = sum(centibps * contracts for centibps, contracts in ordered)
        beyond = sum(contracts for centibps, contracts in ordered if centibps > limit_centibps)
        p50, p95, p99 = (percentile(ordered, total, percent) for percent in (50, 95, 99))
        return RoleSummary(
            n=self._n,
            contracts=Count(total),
            mean=weighted / total if total else None,
            p50=p50,
            p95=p95,
            p99=p99,
            underflow=Count(under),
            bins=tuple(Count(size) for size in bins),
            overflow=Count(over),
            share_beyond=beyond / total if total else None,
        )


def summarise(samples: Iterable[SlippageSample], limit_centibps: int) -> SlippageSummary:
    """Describe fills by role; ``share_beyond`` is the share of contracts above the limit."""
    taker, maker = RoleSums(), RoleSums()
    for sample in samples:
        (taker if sample.is_taker else maker).add(sample.touch_centibps, sample.contracts)
    return SlippageSummary(
        taker=taker.summary(limit_centibps),
        maker=maker.summary(limit_centibps),
        limit_centibps=limit_centibps,
    )


def percentile(ordered: Sequence[tuple[_Value, int]], total: int, percent: int) -> _Value | None:
    """The smallest value that ``percent`` of the contracts do not exceed."""
    seen = 0
    for value, contracts in ordered:
        seen += contracts
        if 100 * seen >= percent * total:
            return value
    return None


def _centibps(twice_paid: int, twice_reference: int) -> int:
    """The difference as a share of the reference, rounded half up."""
    excess = twice_paid - twice_reference
    return (2 * excess * _CENTIBPS + twice_reference) // (2 * twice_reference)
