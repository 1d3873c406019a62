"""The weekly routine: does the edge persist, what fees take, groups, systematic losses, thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from console.backtest.plots import hit_rate_figure
from console.backtest.routine import (
    FEWEST_EVENTS,
    Chart,
    Reviewed,
    Step,
    Table,
    Verdict,
    between,
    nothing,
    worst,
)
from console.backtest.routine_edge import edge_step
from console.backtest.routine_fees import fees
from console.backtest.routine_groups import groups
from console.backtest.routine_thresholds import thresholds
from console.backtest.words import dollars, figure
from console.domain.money import format_cash
from console.monitoring.buckets import bucket_of
from console.monitoring.clusters import ClusteredInterval, sureness
from console.monitoring.hit_rates import BucketRow, HitRate
from console.monitoring.records import Records
from console.monitoring.statistics import Interval
from console.monitoring.trades import Trade


def weekly(of: Reviewed) -> tuple[Step, ...]:
    """The guide's five weekly tasks, and the edge by day beside the first."""
    return (
        buckets(of),
        edge_step(of, "edge", "Does the edge persist: realised against expected"),
        fees(of),
        groups(of),
        systematic_losses(of),
        thresholds(of),
    )


def buckets(of: Reviewed) -> Step:
    name, task = "buckets", "Check by bucket whether the edge persists"
    it = of.figures
    if it is None or not it.buckets:
        return nothing(name, task)
    told = [(row, *_bucket_verdict(row)) for row in it.buckets]
    rows = tuple(
        (
            f"{row.lo}-{row.hi}c",
            f"{row.n_contracts:,.0f}",
            f"{row.money.events:,}",
            _hundred(row.judged.hit_rate if row.judged else None),
            _rates(row.judged),
            _hundred(row.judged.break_even if row.judged else None),
            figure(row.money.net_bps, "+,.0f"),
            said,
        )
        for row, _, said in told
    )
    return Step(
        id=name,
        task=task,
        verdict=worst(verdict for _, verdict, _ in told),
        found="; ".join(f"{row.lo}-{row.hi}c: {said}" for row, _, said in told),
        tables=(
            Table(
                headings=("price", "contr.", "events", "won %", "95 %", "needs", "net bps", "edge"),
                words=(0, 7),
                rows=rows,
            ),
        ),
        notes=tuple(
            f"{row.lo}-{row.hi}c: {row.judged.events_needed:,} events would show the edge expected, four "
            "times of five"
            for row in it.buckets
            if row.judged is not None and row.judged.events_needed is not None
        ),
        figures={"buckets": it.document()["buckets"]},
        charts=(Chart(name="hit-rate", draw=partial(hit_rate_figure, it.buckets)),)
        if any(row.judged for row in it.buckets)
        else (),
    )


def _bucket_verdict(row: BucketRow) -> tuple[Verdict, str]:
    it = row.judged
    if it is None or it.interval is None:
        return Verdict.UNSURE, "no result yet"
    if it.n_events < FEWEST_EVENTS:
        return Verdict.UNSURE, "too few events"
    low, high = it.interval
    if high < it.break_even:
        return Verdict.LOOK, "loses"
    return (Verdict.FINE, "shown") if low > it.break_even else (Verdict.UNSURE, "not shown")


def systematic_losses(of: Reviewed) -> Step:
    name, task = "losses", "Verify that no bucket loses systematically"
    it, records = of.figures, of.records
    if it is None or records is None or not it.buckets:
        return nothing(name, task)
    rows, losing, unsure, documents = [], [], [], []
    for row in it.buckets:
        trades = [each for each in it.trades if bucket_of(each.entry).name == row.name]
        interval = _interval(of, records, trades)
        verdict, said = _loss_verdict(row, interval)
        if verdict is Verdict.LOOK:
            losing.append(f"{row.lo}-{row.hi}c")
        elif verdict is Verdict.UNSURE:
            unsure.append(f"{row.lo}-{row.hi}c")
        bounds = None if interval is None else (interval.low, interval.high)
        rows.append(_loss_row(row, bounds, said))
        documents.append(
            {
                "bucket": row.name,
                "net_pnl": None if row.money.net_pnl is None else format_cash(row.money.net_pnl),
                "net_bps": row.money.net_bps,
                "interval": bounds,
                "loss": said,
            }
        )
    found = f"systematic: {', '.join(losing)}" if losing else "no bucket loses beyond chance"
    if unsure:
        found += f"; too little to tell of {', '.join(unsure)}"
    return Step(
        id=name,
        task=task,
        verdict=Verdict.LOOK if losing else Verdict.UNSURE if unsure else Verdict.FINE,
        found=found,
        tables=(
            Table(
                title="net bps of what was paid; 95 % by event or by day, whichever is wider",
                headings=("price", "trades", "events", "net", "net bps", "95 %", "a loss?"),
                words=(0, 6),
                rows=tuple(rows),
            ),
        ),
        figures={"buckets": documents},
    )


def _loss_row(row: BucketRow, bounds: Interval | None, said: str) -> tuple[str, ...]:
    return (
        f"{row.lo}-{row.hi}c",
        f"{row.money.trades:,}",
        f"{row.money.events:,}",
        dollars(row.money.net_pnl),
        figure(row.money.net_bps, "+,.0f"),
        between(bounds, "+,.0f"),
        said,
    )


def _interval(of: Reviewed, records: Records, trades: Sequence[Trade]) -> ClusteredInterval | None:
    known = [trade for trade in trades if trade.net is not None]
    return sureness(records, known, of.days).bps if known else None


def _loss_verdict(row: BucketRow, interval: ClusteredInterval | None) -> tuple[Verdict, str]:
    net = row.money.net_pnl
    if net is None or interval is None or row.money.events < FEWEST_EVENTS:
        return Verdict.UNSURE, "too few events"
    if interval.high < 0:
        return Verdict.LOOK, "systematic"
    return Verdict.FINE, "may be chance" if net < 0 else "no"


def _hundred(rate: float | None) -> str:
    return figure(None if rate is None else 100 * rate, ".1f")


def _rates(it: HitRate | None) -> str:
    if it is None or it.interval is None:
        return "-"
    low, high = it.interval
    return f"{100 * low:.1f} to {100 * high:.1f}"
