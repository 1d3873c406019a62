"""The report of one run as text of at most 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from console.backtest.histogram_text import histogram_text
from console.backtest.report import Report
from console.backtest.words import UNKNOWN, chance, counts, dollars, figure, percent, some, wrapped
from console.monitoring.clusters import ClusteredInterval
from console.monitoring.documents import iso
from console.monitoring.execution import Bps, is_spread
from console.monitoring.hit_rates import BucketRow
from console.monitoring.performance import Part
from console.monitoring.statistics import Interval

_MOST_PARTS = 12
_PART_WIDTH = 28


def report_text(report: Report) -> Iterator[str]:
    """The lines."""
    yield f"BACKTEST of {report.data}"
    for name, said in report.declared.items():
        yield from wrapped(f"{name}: ", said)
    yield from _counted(report)
    yield from ("", *_money(report), "", *_buckets(report.buckets))
    for name, rows in report.parts.items():
        if len(rows) > 1:
            yield from ("", *_parts(name, rows))
    yield from ("", *_slippage(report))
    yield from ("", *_edge(report))
    if report.mark_outs:
        yield from ("", *_mark_outs(report))
    yield from ("", *_worst(report))
    if len(report.latency) > 1:
        yield from ("", *_latency(report))
    yield from ("", *_why_not(report), "")
    yield from wrapped("journal hash: ", report.result.journal_hash)
    for warning in report.warnings:
        yield from wrapped("! ", warning)


def _counted(report: Report) -> Iterator[str]:
    it = report.result
    yield from wrapped(
        "period: ",
        f"{_minute(it.first_ns)} to {_minute(it.last_ns)} UTC, {some(report.performance.days, 'day')}; "
        f"{it.rows:,} rows, {it.dispatched:,} through the engine, {it.events:,} events; "
        f"{some(it.markets, 'market')}, {len(it.traded):,} traded",
    )
    yield from wrapped(
        "orders: ",
        f"{sum(it.orders.values()):,} ({counts(it.orders)}); {some(len(it.fills), 'fill')}; denied: "
        f"{counts(it.denied)}",
    )
    yield from wrapped("fees known from: ", counts(report.fills_by_fees))


def _money(report: Report) -> Iterator[str]:
    it, models = report.performance, report.fee_models
    fall = it.max_drawdown
    charged = "a share of profits" if models.charged == "profit" else "Kalshi's schedule"
    yield "RESULT"
    yield f"  {'net P&L at marks':26} {dollars(it.total_pnl):>14}  95 % {_money_interval(it.pnl_interval)}"
    yield f"  {'realised, before charges':26} {dollars(it.realised):>14}"
    yield f"  {'unrealised, at marks':26} {dollars(it.unrealised):>14}  {some(it.open_trades, 'open trade')}"
    yield f"  {'fees':26} {dollars(-it.total_fees):>14}  {charged}, {_points(it.fee_pct_of_pnl)} of gross"
    yield f"  {'slippage model':26} {dollars(-it.slippage_cost):>14}"
    yield f"  {'paid for contracts':26} {dollars(it.paid):>14}"
    yield (
        f"  {'net bps':26} {figure(it.net_bps, '+,.1f'):>14}  95 % {_interval(it.bps_interval)}; fees "
        f"{figure(it.fee_bps, ',.1f')}"
    )
    yield f"  {'p-value of no profit':26} {chance(it.p_value):>14}"
    drawn = sum(trade.is_drawn for trade in report.trades)
    yield (
        f"  {'trades ended':26} {it.trades:>14,}  {percent(it.win_rate)} won"
        + (f", {drawn:,} drawn left out" if drawn else "")
    )
    yield f"  {'deepest fall':26} {dollars(-fall.fall):>14}  {percent(fall.of_high, 2)} of the high"
    if fall.fall:
        yield f"  {'':41}  {_minute(fall.high_ns)} to {_minute(fall.low_ns)[5:]}"
    yield f"  {'Sharpe ratio':26} {figure(it.sharpe_ratio, '.2f'):>14}  of {some(it.days, 'daily return')}"
    yield (
        f"  {'fees for the same fills':26} {dollars(models.kalshi):>14}  Kalshi's; of profits "
        f"{dollars(models.profit)}"
    )
    if report.judged is not None:
        judged = report.judged
        yield from wrapped(
            "  losses in 100 contracts: ",
            f"{judged.losses_per_100:.2f}, expected {judged.expected_losses_per_100:.2f}, at most "
            f"{100 * (1 - judged.break_even):.2f} to break even; {some(judged.n_events, 'event')}, "
            f"{judged.lost_events:,} of them lost",
        )


def _buckets(rows: Sequence[BucketRow]) -> Iterator[str]:
    yield "BY PRICE OF THE OUTCOME BOUGHT"
    if not rows:
        yield "  nothing was bought"
        return
    yield (
        f"  {'cents':>6} {'contr.':>7} {'events':>6} {'price':>6} {'hit %':>6} {'95 % interval':>15} "
        f"{'needs':>6} {'exp.':>6} {'net bps':>8}"
    )
    for row in rows:
        it = row.judged
        hit, needs, expected = (it.hit_rate, it.break_even, it.expected) if it else (None, None, None)
        yield (
            f"  {f'{row.lo}-{row.hi}':>6} {row.n_contracts:>7,.0f} {row.money.events:>6,} "
            f"{row.mean_price:>6.2f} {_hundred(hit):>6} {_rates(it.interval if it else None):>15} "
            f"{_hundred(needs):>6} {_hundred(expected):>6} {figure(row.money.net_bps, '+,.0f'):>8}"
        )
    yield from wrapped(
        "  ",
        "hit % by contracts of recorded results; needs: at which price, fees and slippage come back; exp.: "
        "what the strategy expected",
    )


def _parts(name: str, rows: Sequence[Part]) -> Iterator[str]:
    yield f"BY {name.upper()}, worst first"
    yield f"  {'':{_PART_WIDTH}} {'trades':>7} {'events':>7} {'fees':>9} {'net P&L':>12} {'net bps':>9}"
    shown = rows if len(rows) <= _MOST_PARTS else [*rows[: _MOST_PARTS // 2], *rows[-_MOST_PARTS // 2 :]]
    for row in shown:
        is_long = len(row.name) > _PART_WIDTH
        if is_long:
            yield from wrapped("  ", row.name)
        yield (
            f"  {'' if is_long else row.name:{_PART_WIDTH}} {row.trades:>7,} {row.events:>7,} "
            f"{dollars(row.fees):>9} {dollars(row.net_pnl):>12} {figure(row.net_bps, '+,.0f'):>9}"
        )
    if len(shown) < len(rows):
        yield f"  and {len(rows) - len(shown):,} between them"


def _slippage(report: Report) -> Iterator[str]:
    it = report.slippage
    yield "SLIPPAGE, bps by contracts, positive is a cost"
    yield f"  {'':21} {'fills':>6} {'mean':>9} {'p50':>9} {'p95':>9} {'p99':>9}"
    for name, role in (("taker", it.taker), ("maker", it.maker)):
        if role.touch.n:
            yield _bps(f"{name}, of the touch", role.touch)
            yield _bps(f"{name}, of the mid", role.mid)
    if it.unmeasured:
        yield f"  {some(it.unmeasured, 'fill')} had no touch at the decision"
    for name, role in (("takers", it.taker), ("makers", it.maker)):
        if is_spread(role.histogram):
            yield from ("", f"  {name} against the touch", *histogram_text(role.histogram, it.limit_bps))


def _bps(name: str, it: Bps) -> str:
    cells = (f"{figure(each, '+,.1f'):>9}" for each in (it.mean, it.p50, it.p95, it.p99))
    return f"  {name:21} {it.n:>6,} {' '.join(cells)}"


def _edge(report: Report) -> Iterator[str]:
    it = report.edge
    yield "EDGE, cents a contract after fees, and what was filled"
    if it.total is not None:
        total = it.total
        yield (
            f"  realised {total.realised_cents:+.2f}, expected {total.expected_cents:+.2f}; 95 % "
            f"{_pair(total.interval, '+.2f')}, {some(total.n_events, 'event')}"
        )
        if drawn := sum(trade.is_drawn for trade in report.trades):
            yield f"  of recorded results alone: {some(drawn, 'drawn trade')} left out"
        trend = figure(it.trend_cents, "+.2f")
        yield f"  change in 30 days {trend}; 95 % {_pair(it.trend_interval, '+.2f')}"
    for ratio in report.fill_ratios:
        yield (
            f"  {ratio.role}: {percent(ratio.of_contracts)} of the contracts ordered, "
            f"{ratio.filled_orders:,} of {some(ratio.orders, 'order')}"
        )


def _mark_outs(report: Report) -> Iterator[str]:
    yield "MARK-OUTS of maker fills, cents a contract, against the mid later"
    yield f"  {'bought':7} {'after':>8} {'fills':>7} {'no mid':>7} {'mean':>8} {'95 % interval':>18}"
    for row in report.mark_outs:
        yield (
            f"  {row.outcome:7} {f'{row.after_s:,} s':>8} {row.fills:>7,} {row.unknown:>7,} "
            f"{figure(row.mean_cents, '+.2f'):>8} {_pair(row.interval, '+.2f'):>18}"
        )


def _worst(report: Report) -> Iterator[str]:
    it = report.correlated_loss
    yield "IF EVERYTHING OF A GROUP GOES WRONG AT ONCE"
    for peak in (it.peak, it.everything):
        if peak is not None:
            yield from wrapped(
                "  ",
                f"{dollars(-peak.loss)} ({percent(peak.of_capital)} of the capital) by {peak.group}, "
                f"{some(peak.markets, 'market')} held on {_minute(peak.at_ns)}",
            )
    if it.worst_day is not None:
        worst = it.worst_day
        yield from wrapped(
            "  ",
            f"worst day of a group: {dollars(worst.net)} on {worst.day}, {some(worst.trades, 'trade')} "
            f"of {worst.group}",
        )


def _latency(report: Report) -> Iterator[str]:
    yield "WITH EVERY LATENCY SO MANY TIMES AS LONG"
    for row in report.latency:
        yield (
            f"  {f'{row.factor}x':>4} {some(row.fills, 'fill'):>14} {dollars(row.total_pnl):>14} "
            f"{figure(row.net_bps, '+,.1f'):>10} bps"
        )


def _why_not(report: Report) -> Iterator[str]:
    yield "WHY NOT: looked at, and what stopped most on the way to each step"
    for step, passed, stopped in report.result.why_not:
        yield from wrapped(f"  {step:18} {passed:>12,}  ", counts(dict(stopped)) if stopped else "")


def _money_interval(it: ClusteredInterval | None) -> str:
    if it is None:
        return UNKNOWN
    return f"{it.low:+,.0f} to {it.high:+,.0f} by {it.by} ({it.clusters:,})"


def _interval(it: ClusteredInterval | None) -> str:
    return UNKNOWN if it is None else f"{it.low:+,.0f} to {it.high:+,.0f}"


def _pair(interval: Interval | None, form: str) -> str:
    return UNKNOWN if interval is None else f"{interval[0]:{form}} to {interval[1]:{form}}"


def _rates(interval: Interval | None) -> str:
    return UNKNOWN if interval is None else f"{100 * interval[0]:.1f} to {100 * interval[1]:.1f}"


def _hundred(rate: float | None) -> str:
    return figure(None if rate is None else 100 * rate, ".2f")


def _points(pct: float | None) -> str:
    """So short that its line keeps to 80 columns: of next to no profit any fee is a large part."""
    if pct is None:
        return UNKNOWN
    whole = round(pct)
    return f"{pct:.1f} %" if whole < 1_000 else f"{whole:,} %" if whole < 10_000 else ">9999 %"


def _minute(at_ns: int) -> str:
    return iso(at_ns)[:16].replace("T", " ")
