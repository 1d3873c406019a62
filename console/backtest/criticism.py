"""What a run says against itself: a sentence each, with its figures and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING

from console.backtest.criticism_of_chance import chance
from console.backtest.criticism_of_data import data
from console.backtest.words import counts, dollars, percent, some
from console.domain.time_units import NS_PER_S
from console.monitoring.performance import MOST_FEES_SHARE

if TYPE_CHECKING:
    from console.backtest.report import Context, Report
    from console.backtest.setup import Setup

_LATENCY_SHARE = 0.25


def criticise(report: Report, setup: Setup, context: Context) -> list[str]:
    """Every reason found to believe the run less; the gravest kind first."""
    return list(
        chain(
            _sums(report),
            data(report, setup, context),
            _fees(report),
            _fills(report, setup),
            _latency(report, setup),
            _switches(report),
            chance(report, setup, context),
        )
    )


def _sums(report: Report) -> Iterator[str]:
    total, nets = report.performance.total_pnl, [trade.net for trade in report.trades]
    unmarked = sum(net is None for net in nets)
    if not report.trades:
        yield "nothing was bought, so nothing was tested: look at why not, and at the period and the limits"
    if unmarked:
        yield (
            f"{some(unmarked, 'open position')} never had a quote to be marked at, so the P&L is not known: "
            "choose a period that ends after their settlement"
        )
    elif total is not None and total != sum(net or 0 for net in nets):
        yield (
            f"the account made {dollars(total)} and its records {dollars(sum(net or 0 for net in nets))}: "
            "these must be equal, do not use this run and report it"
        )
    if not unmarked and report.performance.open_trades:
        yield (
            f"{some(report.performance.open_trades, 'trade')} had not ended and count "
            f"{dollars(report.performance.unrealised)} at their marks: choose a period that ends after their "
            "settlement"
        )


def _fees(report: Report) -> Iterator[str]:
    it, fills = report.performance, len(report.result.fills)
    if report.assumed_fees:
        yield (
            f"the fees of {report.assumed_fees:,} of {some(fills, 'fill')} are assumed, not known "
            f"({counts(report.fills_by_fees)}): name their series in --fee-schedule"
        )
    if it.fee_share is not None and it.fee_share > MOST_FEES_SHARE:
        yield (
            f"fees take {percent(it.fee_share, 0)} of the profit before charges, over "
            f"{percent(MOST_FEES_SHARE, 0)}: "
            "an error of the fees' size in the edge turns the sign"
        )
    models = report.fee_models
    other = models.profit if models.charged == "kalshi" else models.kalshi
    if it.total_pnl is not None and other is not None:
        otherwise = it.total_pnl + it.total_fees - other
        if (otherwise > 0) != (it.total_pnl > 0) and report.trades:
            name = "7 % of profits" if models.charged == "kalshi" else "Kalshi's schedule"
            yield (
                f"the sign depends on the fee model: {dollars(it.total_pnl)}, and {dollars(otherwise)} for "
                f"the same fills by {name}; Kalshi charges by its schedule"
            )


def _fills(report: Report, setup: Setup) -> Iterator[str]:
    fills, limit = report.result.fills, setup.settings.quality.max_stale_book_seconds
    for ages, when in ((report.age_at_decision, "decision"), (report.age_at_fill, "fill")):
        if ages is not None and ages.over_limit:
            yield (
                f"{ages.over_limit:,} of {some(len(fills), 'fill')} rest on a quote over {limit} s old at "
                f"the {when} (median {ages.median_s:,.1f} s, oldest {ages.oldest_s:,.0f} s): such prices may "
                "have been gone; use a denser recording"
            )
    makers = [record for record in fills if not record.fill.is_taker]
    unprinted = sum(not record.is_printed for record in makers)
    if unprinted:
        yield (
            f"{unprinted:,} of {some(len(makers), 'maker fill')} have no recorded trade behind them, only a "
            "display that crossed the order: record trades before relying on maker results"
        )
    against = [row for row in report.mark_outs if row.interval is not None and row.interval[1] < 0]
    for outcome in dict.fromkeys(row.outcome for row in against):
        row = min((row for row in against if row.outcome == outcome), key=lambda row: row.mean_cents or 0)
        yield (
            f"prices went against makers of {row.outcome}: {row.mean_cents:+.2f} cents a contract "
            f"{row.after_s:,} s after the fill, so bad news is what fills them"
        )
    if report.result.renewals:
        yield (
            f"{some(report.result.renewals, 'resting order')} expired and lost the place in the queue: "
            "compare with a longer order_expiry_seconds"
        )


def _latency(report: Report, setup: Setup) -> Iterator[str]:
    if not report.trades:
        return
    latency = setup.latency
    if not latency.feed_ns + latency.entry_ns + latency.response_ns:
        yield "every message arrived at once: no live account has such latency, run it with --latency-ms"
    elif len(report.latency) == 1:
        yield "latency was not varied: run it at 0 and 3 times as much too, which leaving out --quick does"
    made = {row.factor: row.total_pnl for row in report.latency}
    known = [pnl for pnl in made.values() if pnl is not None]
    own = made[1]
    if own is None or len(known) < 2:
        return
    spread = max(known) - min(known)
    if spread > _LATENCY_SHARE * abs(own):
        each = ", ".join(f"{dollars(pnl)} at {factor}x" for factor, pnl in made.items())
        yield (
            f"the result hangs on latency: {each}, a spread of {dollars(spread)} "
            f"({percent(spread / abs(own), 0) if own else 'of nothing'} of it): measure yours before "
            "believing any of them"
        )


def _switches(report: Report) -> Iterator[str]:
    result = report.result
    waited = [latch for latch in result.latches if latch.by_operator]
    if waited:
        names = {latch.name: sum(each.name == latch.name for each in waited) for latch in waited}
        yield (
            f"{some(len(waited), 'kill switch')} waited for an operator ({counts(names)}), whom the run "
            "replaced at the next risk day: live they may wait longer; compare with --stop-on-halt"
        )
    # One that tripped when the last market paid out stopped nothing.
    standing = [
        latch for latch in result.latches if latch.cleared_ns is None and latch.at_ns < result.last_ns
    ]
    if result.stopped_by is not None:
        yield f"the run was ended early by {result.stopped_by}: what came after was not traded"
    elif standing:
        last = standing[-1]
        held_s = (result.last_ns - last.at_ns) // NS_PER_S
        yield (
            f"trading ended under {some(len(standing), 'kill switch')} that still stood, the last of them "
            f"{last.name} for {held_s / 3_600:,.1f} h ({last.reason}): that time was not traded"
        )
