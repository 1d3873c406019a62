"""What the recording leaves in doubt."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from console.backtest.doubts import doubts_of, in_words
from console.backtest.words import counts, percent, some
from console.domain.time_units import NS_PER_DAY
from console.monitoring.documents import iso

if TYPE_CHECKING:
    from console.backtest.report import Context, Report
    from console.backtest.setup import Setup

_FEW_DAYS = 30
_MISSING_SHARE = 0.02
_ODD = "results against the last quote"


def data(report: Report, setup: Setup, context: Context) -> Iterator[str]:
    """Coverage, rows left out, sizes and results that were not recorded."""
    yield from _coverage(report, context)
    yield from _days(report)
    yield from _rows(report)
    yield from in_words(doubts_of(report.result, report.trades), setup)


def _coverage(report: Report, context: Context) -> Iterator[str]:
    result, period = report.result, context.period
    since = result.first_ns if period.since_ns is None else period.since_ns
    until = result.last_ns if period.until_ns is None else period.until_ns
    missing = max(0, result.first_ns - since) + max(0, until - result.last_ns)
    if until > since and missing > _MISSING_SHARE * (until - since):
        yield (
            f"the recording covers {percent(1 - missing / (until - since))} of the period asked for, from "
            f"{_minute(result.first_ns)} to {_minute(result.last_ns)}: choose a period that it covers"
        )


def _days(report: Report) -> Iterator[str]:
    result = report.result
    traded = {record.fill.at_ns // NS_PER_DAY for record in result.fills}
    idle = report.performance.days - len(traded)
    if traded and idle:
        yield (
            f"nothing was filled on {idle:,} of {some(report.performance.days, 'day')}: figures by day count "
            "them as nothing, look whether the recording has gaps there"
        )
    if 0 < len(traded) < _FEW_DAYS:
        yield (
            f"everything was filled on {some(len(traded), 'day')}, and events of one day may move together, "
            "so intervals by event are too narrow: test a longer period"
        )


def _rows(report: Report) -> Iterator[str]:
    result = report.result
    dropped = sum(result.dropped.values())
    if dropped:
        yield (
            f"{dropped:,} of {some(result.rows + dropped, 'row')} "
            f"({percent(dropped / (result.rows + dropped))}) cannot be used and were left out: "
            f"{counts(result.dropped)}; look for the cause in the recording"
        )
    if odd := result.noted.get(_ODD):
        yield (
            f"{some(odd, 'result')} of the recording contradict the market's last quote: check them against "
            "the exchange before believing hit rates"
        )


def _minute(at_ns: int) -> str:
    return iso(at_ns)[:16].replace("T", " ")
