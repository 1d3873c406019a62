"""Correlation groups that a routine reviews."""

from __future__ import annotations

from functools import partial

from console.backtest.routine import (
    Chart,
    Reviewed,
    Step,
    Table,
    Verdict,
    nothing,
)
from console.backtest.routine_plots import groups_figure
from console.backtest.words import dollars, figure, percent, some
from console.config.schema import RiskSettings
from console.monitoring.correlated_loss import Peak, WorstDay
from console.monitoring.documents import document_of
from console.monitoring.records import Records


def groups(of: Reviewed) -> Step:
    name, task = "groups", "Check the performance of correlation groups"
    it, records, risk = of.figures, of.records, of.settings.risk
    if it is None or records is None or not it.trades:
        return nothing(name, task)
    parts, peak = it.parts["group"], it.correlated_loss.peak
    losing = [part for part in parts if (part.net_pnl or 0) < 0]
    worst_day = it.correlated_loss.worst_day
    cap = float(risk.max_correlated_group_pct)
    faults = [
        *(["above the cap"] if peak is not None and peak.of_capital > cap else []),
        *(["one lost half of what a day may"] if _loses_much(records, worst_day, risk) else []),
    ]
    found = "; ".join([f"{some(len(parts), 'group')}, {len(losing):,} at a loss", _peak(peak, cap), *faults])
    return Step(
        id=name,
        task=task,
        verdict=Verdict.LOOK if faults else Verdict.FINE,
        found=found,
        tables=(
            Table(
                title="the groups that lost most first",
                headings=("group", "trades", "events", "fees", "net", "net bps"),
                rows=tuple(
                    (
                        part.name,
                        f"{part.trades:,}",
                        f"{part.events:,}",
                        dollars(part.fees),
                        dollars(part.net_pnl),
                        figure(part.net_bps, "+,.0f"),
                    )
                    for part in parts
                ),
            ),
        ),
        notes=()
        if worst_day is None
        else (
            f"worst day of a group: {dollars(worst_day.net)} on {worst_day.day}, "
            f"{some(worst_day.trades, 'trade')} of {worst_day.group}",
        ),
        figures={
            "groups": [document_of(part) for part in parts],
            "correlated_loss": document_of(it.correlated_loss),
            "cap": cap,
        },
        charts=(Chart(name="groups", draw=partial(groups_figure, parts)),)
        if any(part.net_pnl is not None for part in parts)
        else (),
    )


def _peak(peak: Peak | None, cap: float) -> str:
    if peak is None:
        return "nothing was at stake"
    return (
        f"at most {percent(peak.of_capital, 2)} of the capital was at stake in one, {peak.group} (cap "
        f"{percent(cap, 2)} of equity)"
    )


def _loses_much(records: Records, day: WorstDay | None, risk: RiskSettings) -> bool:
    """Whether one group lost half of what a whole day may."""
    return day is not None and -2 * day.net >= float(risk.max_daily_loss_pct) * records.capital
