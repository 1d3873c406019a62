"""Slippage that a routine reviews."""

from __future__ import annotations

from functools import partial

from console.backtest.histogram_text import histogram_text
from console.backtest.plots import slippage_figure
from console.backtest.routine import (
    Chart,
    Reviewed,
    Step,
    Table,
    Verdict,
    between,
    nothing,
)
from console.backtest.words import figure, percent, some
from console.monitoring.documents import document_of
from console.monitoring.execution import Bps, Slippage, is_spread, sample_of
from console.monitoring.figures import Figures
from console.monitoring.records import FillRecord
from console.monitoring.slippage import CENTIBPS_PER_BPS


def slippage_step(of: Reviewed) -> Step:
    name, task = "slippage", "Monitor the slippage distribution"
    it, records = of.figures, of.records
    if it is None or records is None or not records.fills_in_period:
        return nothing(name, task)
    slip, quality = it.slippage, of.settings.quality
    samples = [each for record in records.fills_in_period if (each := _taken(record)) is not None]
    limit = float(quality.max_slippage_bps)
    beyond = sum(each > limit for each in samples) / len(samples) if samples else None
    verdict, found = _slippage_verdict(slip, beyond, quality.slippage_min_fills, quality.max_slippage_share)
    roles = [(role, each) for role, each in (("taker", slip.taker), ("maker", slip.maker)) if each.touch.n]
    return Step(
        id=name,
        task=task,
        verdict=verdict,
        found=found,
        tables=(
            Table(
                title="bps by contracts, positive is a cost",
                headings=("", "fills", "mean", "p50", "p95", "p99"),
                rows=tuple(
                    row
                    for role, each in roles
                    for row in (_bps(f"{role}, of touch", each.touch), _bps(f"{role}, of mid", each.mid))
                ),
            ),
            *_mark_outs(it),
        ),
        notes=(f"{some(slip.unmeasured, 'fill')} had no touch at the decision",) if slip.unmeasured else (),
        drawn=tuple(
            line
            for role, each in roles
            if is_spread(each.histogram)
            for line in (f"{role} against the touch", *histogram_text(each.histogram, slip.limit_bps))
        ),
        figures={
            "limit_bps": limit,
            "share_beyond_limit": beyond,
            **document_of(slip),
            "mark_outs": [document_of(row) for row in it.mark_outs],
        },
        charts=(Chart(name="slippage", draw=partial(slippage_figure, slip)),) if roles else (),
    )


def _taken(record: FillRecord) -> float | None:
    """A taker's slippage against the touch in bps."""
    sample = sample_of(record) if record.fill.is_taker else None
    return None if sample is None else sample.touch_centibps / CENTIBPS_PER_BPS


def _slippage_verdict(
    slip: Slippage, beyond: float | None, fewest: int, most_share: object
) -> tuple[Verdict, str]:
    touch, limit = slip.taker.touch, slip.limit_bps
    if beyond is None:
        return Verdict.FINE, f"makers alone ({some(slip.maker.touch.n, 'fill')}), who cross no spread"
    said = (
        f"takers paid {figure(touch.mean, '+.1f')} bps over the touch on average, p95 "
        f"{figure(touch.p95, '+.1f')}; {percent(beyond)} of {some(touch.n, 'fill')} over the limit of "
        f"{limit:g}"
    )
    if touch.n < fewest:
        return Verdict.UNSURE, f"{said}; fewer fills than the {fewest} to judge by"
    is_high = beyond > float(str(most_share)) or (touch.p95 or 0) > limit
    return Verdict.LOOK if is_high else Verdict.FINE, said


def _bps(name: str, it: Bps) -> tuple[str, ...]:
    return (name, f"{it.n:,}", *(figure(each, "+,.1f") for each in (it.mean, it.p50, it.p95, it.p99)))


def _mark_outs(it: Figures) -> tuple[Table, ...]:
    known = [row for row in it.mark_outs if row.mean_cents is not None]
    if not known:
        return ()
    rows = (
        (
            f"maker {row.outcome}, {row.after_s:,} s later",
            f"{row.fills - row.unknown:,}",
            figure(row.mean_cents, "+.2f"),
            between(row.interval, "+.2f"),
        )
        for row in known
    )
    return (
        Table(
            title="mark-outs, cents a contract against the mid later",
            headings=("", "fills", "mean", "95 %"),
            rows=tuple(rows),
        ),
    )
