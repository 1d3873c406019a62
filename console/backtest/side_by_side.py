"""Two runs of one recording side by side: the thresholds in force, and those under test."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from console.backtest.clusters import ClusteredInterval, widest
from console.backtest.equity import curve, day_of
from console.backtest.words import dollars, some
from console.domain.market import Ticker
from console.domain.money import CASH_PER_DOLLAR, Cash, Count, Price

if TYPE_CHECKING:
    from console.backtest.report import Report
    from console.backtest.result import Result
    from console.backtest.trades import Trade

CURVE_POINTS = 400


class TradeLine(msgspec.Struct, frozen=True, kw_only=True):
    """A trade that only one of the runs made; ``entry`` is the price of the outcome bought."""

    opened_ns: int
    ticker: Ticker
    outcome: str
    contracts: Count
    entry: Price
    net: Cash | None


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """What one run made. Rates are of 1, None where nothing tells them; ``interval`` is of dollars.

    ``denied`` and ``latches`` count by limit and by kill switch. ``curve`` is equity at the ends of
    ``CURVE_POINTS`` equal parts of the time, None before the first mark.
    """

    trades: int
    open_trades: int
    fills: int
    fees: Cash
    net: Cash | None
    interval: ClusteredInterval | None
    win_rate: float | None
    hit_rate: float | None
    break_even: float | None
    events: int
    lost_events: int
    deepest_fall: Cash
    denied: dict[str, int]
    latches: dict[str, int]
    curve: tuple[Cash | None, ...]
    warnings: tuple[str, ...]


class SideBySide(msgspec.Struct, frozen=True, kw_only=True):
    """``under_test`` is None when it is what is in force, which then ran alone.

    ``changed`` counts trades that both made, with another size, price or profit. ``difference`` is of net
    P&L, tested against in force, with the interval of what the same events or days made otherwise.
    """

    first_ns: int
    last_ns: int
    rows: int
    capital: Cash
    in_force: Side
    under_test: Side | None = None
    added: tuple[TradeLine, ...] = ()
    removed: tuple[TradeLine, ...] = ()
    changed: int = 0
    difference: Cash | None = None
    difference_interval: ClusteredInterval | None = None
    warnings: tuple[str, ...] = ()


def compare(in_force: Report, under_test: Report | None) -> SideBySide:
    """Reports on the same recording, with the same capital."""
    reports = [report for report in (in_force, under_test) if report is not None]
    first = in_force.result.first_ns
    last = max(curve(report.result)[-1][0] for report in reports)
    alone = SideBySide(
        first_ns=first,
        last_ns=last,
        rows=in_force.result.rows,
        capital=in_force.result.capital,
        in_force=_side(in_force, first, last),
    )
    if under_test is None:
        return alone
    before, after = _by_key(in_force.trades), _by_key(under_test.trades)
    both = [(before[key], after[key]) for key in before.keys() & after.keys()]
    compared = msgspec.structs.replace(
        alone,
        under_test=_side(under_test, first, last),
        added=tuple(_line(trade) for key, trade in after.items() if key not in before),
        removed=tuple(_line(trade) for key, trade in before.items() if key not in after),
        changed=sum(_figures(one) != _figures(other) for one, other in both),
        difference=_difference(in_force.performance.total_pnl, under_test.performance.total_pnl),
        difference_interval=_interval(in_force, under_test),
    )
    return msgspec.structs.replace(compared, warnings=tuple(_criticism(compared)))


def _side(report: Report, first_ns: int, last_ns: int) -> Side:
    it, judged = report.performance, report.judged
    return Side(
        trades=it.trades,
        open_trades=it.open_trades,
        fills=len(report.result.fills),
        fees=it.total_fees,
        net=it.total_pnl,
        interval=it.pnl_interval,
        win_rate=it.win_rate,
        hit_rate=None if judged is None else judged.hit_rate,
        break_even=None if judged is None else judged.break_even,
        events=0 if judged is None else judged.n_events,
        lost_events=0 if judged is None else judged.lost_events,
        deepest_fall=it.max_drawdown.fall,
        denied=report.result.denied,
        latches=dict(Counter(latch.name for latch in report.result.latches)),
        curve=_sampled(report.result, first_ns, last_ns),
        warnings=report.warnings,
    )


def _sampled(result: Result, first_ns: int, last_ns: int) -> tuple[Cash | None, ...]:
    points = iter(curve(result))
    following = next(points, None)
    equity: Cash | None = None
    sampled = []
    for place in range(1, CURVE_POINTS + 1):
        end_ns = first_ns + (last_ns - first_ns) * place // CURVE_POINTS
        while following is not None and following[0] <= end_ns:
            equity = following[1]
            following = next(points, None)
        sampled.append(equity)
    return tuple(sampled)


_Key = tuple[Ticker, str, int]


def _by_key(trades: Sequence[Trade]) -> dict[_Key, Trade]:
    """The trades by market, outcome and their number among those."""
    seen: Counter[tuple[Ticker, str]] = Counter()
    keyed = {}
    for trade in trades:
        what = trade.market.ticker, trade.side.outcome
        keyed[*what, seen[what]] = trade
        seen[what] += 1
    return keyed


def _figures(trade: Trade) -> tuple[int, int, int | None]:
    return trade.contracts, trade.paid, trade.net


def _line(trade: Trade) -> TradeLine:
    return TradeLine(
        opened_ns=trade.opened_ns,
        ticker=trade.market.ticker,
        outcome=trade.side.outcome,
        contracts=trade.contracts,
        entry=trade.entry,
        net=trade.net,
    )


def _difference(before: Cash | None, after: Cash | None) -> Cash | None:
    return None if before is None or after is None else Cash(after - before)


def _interval(in_force: Report, under_test: Report) -> ClusteredInterval | None:
    """Of the total difference, None without trades or when the profit of one is not known."""
    trades = (*in_force.trades, *under_test.trades)
    if not trades or any(trade.net is None for trade in trades):
        return None
    last_ns = max(in_force.result.last_ns, under_test.result.last_ns)
    kinds: Mapping[str, Callable[[Trade], Hashable]] = {
        "event": lambda trade: trade.market.event_ticker,
        "day": lambda trade: day_of(trade.ended_ns or last_ns),
    }
    sums = {}
    for kind, cluster_of in kinds.items():
        made: defaultdict[Hashable, int] = defaultdict(int)
        for report, sign in ((in_force, -1), (under_test, 1)):
            for trade in report.trades:
                made[cluster_of(trade)] += sign * (trade.net or 0)
        sums[kind] = [each / CASH_PER_DOLLAR for each in made.values()], [1 / len(made)] * len(made)
    return widest(sums)


def _criticism(it: SideBySide) -> Iterator[str]:
    if it.difference is None:
        yield "the P&L of one run is not known, so neither is the difference"
        return
    interval = it.difference_interval
    if not (it.added or it.removed or it.changed):
        yield "both made the same trades: this recording cannot tell the thresholds apart"
    elif interval is None:
        yield f"too few events traded to tell whether the difference of {dollars(it.difference)} is chance"
    elif interval.low <= 0 <= interval.high:
        yield (
            f"the difference of {dollars(it.difference)} may be chance: the same {interval.by}s drawn again "
            f"make it {dollars(round(interval.low * CASH_PER_DOLLAR))} to "
            f"{dollars(round(interval.high * CASH_PER_DOLLAR))}, 95 % of the time"
        )
    if it.added or it.removed or it.changed:
        differing = len(it.added) + len(it.removed) + it.changed
        yield (
            f"the difference rests on {some(differing, 'trade')} of this one recording: thresholds that were "
            "chosen on it must be confirmed on another before they are trusted"
        )
