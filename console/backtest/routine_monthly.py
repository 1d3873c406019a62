"""The monthly routine: a backtest of the month, groups, Kelly, kill switches, limits, and sizing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from console.backtest.plots import equity_figure
from console.backtest.routine import Chart, Reviewed, Step, Table, Verdict
from console.backtest.routine_limits import capital_step, kelly_step
from console.backtest.routine_sizing import Sized, sizing
from console.backtest.routine_switches import kill_switches
from console.backtest.words import dollars, figure, percent, some
from console.config.risk_settings import RiskSettings
from console.risk.groups import Grouping

if TYPE_CHECKING:
    from console.backtest.market_groups import MarketGroups
    from console.backtest.report import Report
    from console.domain.market import Market, Ticker

_MOST_GROUPS = 20


@dataclass(frozen=True, kw_only=True)
class Month:
    """What the month's recording shows: the run in force, the same without hardened sizing, the groups."""

    data: str
    report: Report
    unhardened: Sized
    groups: MarketGroups
    markets: tuple[Market, ...]


def monthly(of: Reviewed, month: Month | None, no_history: str) -> tuple[Step, ...]:
    """The guide's five monthly tasks, and hardened sizing beside unhardened.

    Without a month's recording ``no_history`` says why.
    """
    return (
        _recorded("backtest", "Full backtest on last month's data", _backtest, month, no_history),
        _recorded(
            "groups", "Recalculate correlated groups", partial(_groups, of.settings.risk), month, no_history
        ),
        kelly_step(of, None if month is None else month.report.result),
        replace(kill_switches(of), task="Review all kill-switch triggers"),
        capital_step(of),
        _recorded("sizing", "Hardened sizing beside unhardened", _sizing, month, no_history),
    )


def _recorded(
    name: str, task: str, found: Callable[[str, str, Month], Step], month: Month | None, no_history: str
) -> Step:
    if month is None:
        return Step(id=name, task=task, verdict=Verdict.NO_HISTORY, found=no_history, figures={})
    return found(name, task, month)


def _backtest(name: str, task: str, month: Month) -> Step:
    report = month.report
    it = report.performance
    if not report.result.fills:
        verdict, found = Verdict.UNSURE, "the settings in force traded nothing in it, so nothing is shown"
    else:
        interval = it.bps_interval
        found = (
            f"net {dollars(it.total_pnl)} after fees of {dollars(it.total_fees)}, "
            f"{some(it.trades, 'trade')}, {figure(it.net_bps, '+,.1f')} bps"
        )
        if interval is None:
            verdict = Verdict.UNSURE
        else:
            found += f", 95 % {interval.low:+,.1f} to {interval.high:+,.1f} by {interval.by}"
            verdict = (
                Verdict.LOOK if interval.high < 0 else Verdict.FINE if interval.low > 0 else Verdict.UNSURE
            )
    rows = (
        ("net P&L at marks", dollars(it.total_pnl)),
        ("fees", dollars(-it.total_fees)),
        ("fees of gross profit", percent(it.fee_share)),
        ("trades ended", f"{it.trades:,}"),
        ("of which made money", percent(it.win_rate)),
        ("net bps", figure(it.net_bps, "+,.1f")),
        ("deepest fall", dollars(-it.max_drawdown.fall)),
        ("Sharpe ratio", figure(it.sharpe_ratio, ".2f")),
    )
    return Step(
        id=name,
        task=task,
        verdict=verdict,
        found=found,
        tables=(Table(title=f"{month.data}, by the settings in force", headings=("", "figure"), rows=rows),),
        notes=tuple(f"against it: {warning}" for warning in report.warnings),
        figures=report.document(),
        charts=(Chart(name="backtest", draw=partial(equity_figure, report.result)),),
    )


def _groups(risk: RiskSettings, name: str, task: str, month: Month) -> Step:
    found, pairs = month.groups, month.groups.pairs
    grouping = Grouping(risk.groups)
    in_use = {market.ticker: grouping.place(market).group for market in month.markets}
    apart = {
        group: members for group, members in found.groups.items() if len({in_use[e] for e in members}) > 1
    }
    split = _split(in_use, found.groups, set(risk.groups))
    verdict, said = _groups_verdict(found, len(apart))
    rows = [
        (", ".join(members[:3]) + (f" and {len(members) - 3} more" if len(members) > 3 else ""), "+", use)
        for members in list(apart.values())[:_MOST_GROUPS]
        for use in [f"{len({in_use[each] for each in members})} groups in use"]
    ]
    rows += [(group, "-", f"pinned, measured as {count} groups") for group, count in split.items()]
    return Step(
        id=name,
        task=task,
        verdict=verdict,
        found=said,
        tables=(
            Table(
                title="what changed", headings=("markets", "", "in use"), words=(0, 1, 2), rows=tuple(rows)
            ),
        )
        if rows
        else (),
        notes=(
            f"{pairs.measured:,} pairs measured, {pairs.above_threshold:,} above {found.threshold:g} and "
            f"{pairs.below_negative_threshold:,} below -{found.threshold:g}; kconsole groups prints them as "
            "pins; nothing is changed by this report",
        ),
        figures={
            "measured": found.document(),
            "apart_in_use": {group: sorted({in_use[each] for each in e}) for group, e in apart.items()},
            "pinned_and_not_together": split,
        },
    )


def _groups_verdict(found: MarketGroups, apart: int) -> tuple[Verdict, str]:
    if not found.pairs.measured:
        return Verdict.UNSURE, "no two markets were quoted together for long enough to measure"
    said = f"{some(len(found.groups), 'group')} measured, {apart:,} of them not one group of those in use"
    is_chance = found.pairs.above_threshold <= 2 * found.pairs.below_negative_threshold
    if is_chance and apart:
        return Verdict.UNSURE, f"{said}, but as many pairs moved against each other: it may be chance"
    return Verdict.LOOK if apart else Verdict.FINE, said


def _split(
    in_use: Mapping[Ticker, str], measured: Mapping[str, list[Ticker]], pinned: set[str]
) -> dict[str, int]:
    """The pinned groups whose markets were measured to be in several groups, and in how many."""
    places: defaultdict[str, set[str]] = defaultdict(set)
    for group, members in measured.items():
        for ticker in members:
            places[in_use[ticker]].add(group)
    return {group: len(places[group]) for group in sorted(pinned) if len(places[group]) > 1}


def _sizing(name: str, task: str, month: Month) -> Step:
    hardened = Sized(result=month.report.result, figures=month.report)
    return sizing(name, task, hardened, month.unhardened)
