"""Realised against expected edge, as a routine reviews it."""

from __future__ import annotations

from functools import partial

from console.backtest.routine import (
    FEWEST_EVENTS,
    Chart,
    Reviewed,
    Step,
    Table,
    Verdict,
    between,
    nothing,
    too_few,
)
from console.backtest.routine_plots import edge_figure
from console.backtest.words import some
from console.monitoring.documents import document_of
from console.monitoring.edge import Edge


def edge_step(of: Reviewed, name: str, task: str) -> Step:
    """Of any period."""
    it = of.figures
    if it is None or it.edge.total is None:
        return nothing(name, task, "no trade ended with a known result")
    verdict, found = edge_verdict(it.edge)
    rows = tuple(
        (
            str(each.since),
            f"{each.trades:,}",
            f"{each.n_events:,}",
            f"{each.expected_cents:+.2f}",
            f"{each.realised_cents:+.2f}",
            between(each.interval, "+.2f"),
        )
        for each in it.edge.over_time
    )
    return Step(
        id=name,
        task=task,
        verdict=verdict,
        found=found,
        tables=(
            Table(
                title="cents a contract after fees; 95 % by event or by group, the wider one",
                headings=("since", "trades", "events", "expected", "realised", "95 %"),
                rows=rows,
            ),
        ),
        figures=document_of(it.edge),
        charts=(Chart(name="edge", draw=partial(edge_figure, it.edge)),),
    )


def edge_verdict(it: Edge) -> tuple[Verdict, str]:
    """What realised against expected edge says, and whether it decays."""
    total = it.total
    assert total is not None
    said = (
        f"realised {total.realised_cents:+.2f}c a contract after fees, expected "
        f"{total.expected_cents:+.2f}c; 95 % {between(total.interval, '+.2f')}, "
        f"{some(total.n_events, 'event')}"
    )
    if total.n_events < FEWEST_EVENTS or total.interval is None:
        return Verdict.UNSURE, f"{said}: {too_few(total.n_events)}"
    low, high = total.interval
    if high < 0:
        return Verdict.LOOK, f"{said}: it loses, beyond chance"
    if high < total.expected_cents:
        return Verdict.LOOK, f"{said}: less than expected, beyond chance"
    if it.trend_interval is not None and it.trend_interval[1] < 0:
        return Verdict.LOOK, f"{said}: it falls by {-(it.trend_cents or 0):.2f}c in 30 days, beyond chance"
    if low > 0:
        return Verdict.FINE, f"{said}: an edge, beyond chance"
    return Verdict.FINE, f"{said}: what was expected may be true, and so may nothing"
