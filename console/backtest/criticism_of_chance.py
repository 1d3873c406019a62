"""What chance, choice and hindsight may have made of a result."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

from console.backtest.in_sample import in_sample
from console.backtest.words import dollars, figure, percent, some
from console.domain.money import CASH_PER_DOLLAR
from console.monitoring.equity import DAYS_PER_YEAR
from console.monitoring.equity import days as days_of
from console.monitoring.statistics import FEW_OF_A_KIND

if TYPE_CHECKING:
    from console.backtest.report import Context, Report
    from console.backtest.setup import Setup
    from console.monitoring.hit_rates import HitRate

_MOST_OF_PROFIT = 0.5
_FEW_DAYS = 90
_LEVEL = 0.05


def chance(report: Report, setup: Setup, context: Context) -> Iterator[str]:
    """Too few events or losses, thresholds tried, one event, data seen before, few days."""
    if not report.trades:
        return
    if report.judged is not None:
        yield from _events(report.judged)
    yield from _tried(report, context.thresholds_tried)
    yield from _one_event(report)
    run = report.result
    yield from in_sample(setup.settings.edge, context.edge_table, run.first_ns, run.last_ns, "this run")
    yield from _sharpe(report)


def _sharpe(report: Report) -> Iterator[str]:
    ratio, days = report.performance.sharpe_ratio, report.performance.days
    moved = sum(day.profit != 0 for day in days_of(report.result))
    if ratio is not None and moved < _FEW_DAYS:
        error = math.sqrt(DAYS_PER_YEAR / days)
        yield (
            f"the Sharpe ratio of {ratio:.1f} rests on {some(moved, 'day')} on which equity changed, of "
            f"{days:,}, and one of nothing would vary by ±{2 * error:.1f}: compare none of less than "
            f"{_FEW_DAYS} days"
        )


def _events(it: HitRate) -> Iterator[str]:
    if it.expected <= it.break_even:
        yield (
            f"the strategy itself expected {percent(it.expected, 2)} of its contracts to win, and their "
            f"price and charges need {percent(it.break_even, 2)}: look at the minimum edge"
        )
    elif it.events_needed is not None and it.effective_events < it.events_needed:
        yield (
            f"{some(it.n_events, 'event')}, worth {it.effective_events:,.0f} equally large ones, are too "
            f"few: to show the expected edge of {100 * (it.expected - it.break_even):.2f} points over "
            f"break-even takes about {it.events_needed:,}; test a longer period"
        )
    if it.lost_events < FEW_OF_A_KIND and it.interval is not None:
        low = it.interval[0]
        lost = f"only {it.lost_events}" if it.lost_events else "none"
        made = round((low - it.break_even) * it.n_contracts * CASH_PER_DOLLAR)
        yield (
            f"{lost} of {some(it.n_events, 'event')} lost, which tells little of how rare losses are: at the "
            f"lower end of the hit rate, {percent(low)}, the same contracts would have made {dollars(made)}"
        )


def _tried(report: Report, tried: int) -> Iterator[str]:
    p_value = report.performance.p_value
    needed = _LEVEL / max(1, tried)
    if tried > 1 and (p_value is None or p_value > needed):
        yield (
            f"the best of {tried:,} thresholds tried must show a p-value below {needed:.4f} to beat chance, "
            f"and this one has {figure(p_value, '.4f')}: try fewer, or confirm it on data not used to choose "
            "it"
        )
    elif p_value is not None and p_value > _LEVEL:
        yield (
            f"chance alone makes or loses as much with a probability of {p_value:.2f}: this cannot be told "
            "from nothing, test a longer period"
        )


def _one_event(report: Report) -> Iterator[str]:
    total = report.performance.total_pnl
    by_event: defaultdict[str, int] = defaultdict(int)
    for trade in report.trades:
        by_event[trade.market.event_ticker] += trade.net or 0
    best = max(by_event, key=lambda event: (by_event[event], event))
    if total is not None and total > 0 and by_event[best] > _MOST_OF_PROFIT * total and len(by_event) > 1:
        yield (
            f"{best} alone made {dollars(by_event[best])} of {dollars(total)}: without it the rest of "
            f"{some(len(by_event) - 1, 'event')} made {dollars(total - by_event[best])}"
        )
