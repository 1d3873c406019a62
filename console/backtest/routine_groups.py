"""Correlation groups that a routine reviews."""

from __future__ import annotations

from bisect import bisect_right
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
from console.config.risk_settings import RiskSettings
from console.domain.money import Cash
from console.monitoring.correlated_loss import Peak, WorstDay
from console.monitoring.documents import document_of
from console.monitoring.performance import Part
from console.monitoring.records import Records
from console.risk.switches.daily_loss import daily_loss_limit


def groups(of: Reviewed) -> Step:
    name, task = "groups", "Check the performance of correlation groups"
    it, records, risk = of.figures, of.records, of.settings.risk
    if it is None or records is None or not it.trades:
        return nothing(name, task)
    parts, peak = it.parts["group"], it.correlated_loss.peak
    losing = [part for part in parts if part.net_pnl is not None and part.net_pnl < 0]
    unknown = sum(part.net_pnl is None for part in parts)
    worst_day = it.correlated_loss.worst_day
    cap = float(risk.max_correlated_group_pct)
    # Of equity at that time, as sizing reads the cap: an account that grew may stake more than at first.
    stake = None if peak is None else peak.loss / _equity_at(records, peak.at_ns)
    faults = [
        *(["above the cap"] if stake is not None and stake > cap else []),
        *(["one lost half of what a day may"] if _loses_much(records, worst_day, risk) else []),
    ]
    results = f"{some(len(parts), 'group')}, {len(losing):,} at a loss"
    if unknown:
        results += f", {unknown:,} whose result is not known"
    found = "; ".join([results, _peak(peak, stake, cap), *faults])
    return Step(
        id=name,
        task=task,
        verdict=Verdict.LOOK if faults else Verdict.UNSURE if unknown else Verdict.FINE,
        found=found,
        tables=(
            Table(
                title="the groups that lost most first",
                headings=("group", "trades", "events", "fees", "net", "net bps"),
                rows=tuple(_row(part) for part in parts),
            ),
        ),
        notes=() if worst_day is None else (_worst(worst_day),),
        figures={
            "groups": [document_of(part) for part in parts],
            "correlated_loss": document_of(it.correlated_loss),
            "stake_of_equity": stake,
            "cap": cap,
        },
        charts=(Chart(name="groups", draw=partial(groups_figure, parts)),)
        if any(part.net_pnl is not None for part in parts)
        else (),
    )


def _row(part: Part) -> tuple[str, ...]:
    return (
        part.name,
        f"{part.trades:,}",
        f"{part.events:,}",
        dollars(part.fees),
        dollars(part.net_pnl),
        figure(part.net_bps, "+,.0f"),
    )


def _worst(day: WorstDay) -> str:
    return (
        f"worst day of a group: {dollars(day.net)} on {day.day}, {some(day.trades, 'trade')} of {day.group}"
    )


def _peak(peak: Peak | None, stake: float | None, cap: float) -> str:
    if peak is None:
        return "nothing was at stake"
    return (
        f"at most {dollars(peak.loss)} was at stake in one, {percent(stake, 2)} of equity then, {peak.group} "
        f"(cap {percent(cap, 2)})"
    )


def _equity_at(records: Records, at_ns: int) -> Cash:
    """At the newest mark until then."""
    marked = records.equity[: bisect_right(records.equity, at_ns, key=lambda mark: mark[0])]
    return marked[-1][1] if marked else records.capital


def _loses_much(records: Records, day: WorstDay | None, risk: RiskSettings) -> bool:
    """Whether one group lost half of what a whole day may."""
    return day is not None and -2 * day.net >= daily_loss_limit(risk, records.capital)
