"""Two runs of one recording side by side: the thresholds in force, and those under test."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from console.backtest.words import dollars, some
from console.domain.market import Ticker
from console.domain.money import CASH_PER_DOLLAR, Cash, Count, Price
from console.monitoring.clusters import ClusteredInterval, widest
from console.monitoring.days import UTC_DAYS
from console.monitoring.equity import curve

if TYPE_CHECKING:
    from console.backtest.report import Report
    from console.backtest.result import Result
    from console.monitoring.trades import Trade

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

    Both made a trade when both held an outcome of a market at one time; ``changed`` counts those that have
    another size, price or profit. ``difference`` is of net
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
    pairs = list(_pairs(in_force.trades, under_test.trades))
    added = [after for before, after in pairs if before is None and after is not None]
    removed = [before for before, after in pairs if after is None and before is not None]
    both = [(before, after) for before, after in pairs if before is not None and after is not None]
    compared = msgspec.structs.replace(
        alone,
        under_test=_side(under_test, first, last),
        added=tuple(map(_line, sorted(added, key=_opening))),
        removed=tuple(map(_line, sorted(removed, key=_opening))),
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


def _pairs(before: Sequence[Trade], after: Sequence[Trade]) -> Iterator[tuple[Trade | None, Trade | None]]:
    """Each trade with that of the other run in the same outcome at the same time, or with None."""
    ones, others = _by_outcome(before), _by_outcome(after)
    for what in {**ones, **others}:
        one, other = ones.get(what, deque()), others.get(what, deque())
        while one and other:
            is_earlier, is_later = _is_over_before(one[0], other[0]), _is_over_before(other[0], one[0])
            yield None if is_later else one.popleft(), None if is_earlier else other.popleft()
        yield from ((trade, None) for trade in one)
        yield from ((None, trade) for trade in other)


def _by_outcome(trades: Sequence[Trade]) -> dict[tuple[Ticker, str], deque[Trade]]:
    found: dict[tuple[Ticker, str], deque[Trade]] = {}
    for trade in sorted(trades, key=_opening):
        found.setdefault((trade.market.ticker, trade.side.outcome), deque()).append(trade)
    return found


def _opening(trade: Trade) -> tuple[int, Ticker]:
    return trade.opened_ns, trade.market.ticker


def _is_over_before(trade: Trade, other: Trade) -> bool:
    return trade.ended_ns is not None and trade.ended_ns < other.opened_ns


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
        "day": lambda trade: UTC_DAYS.number_of(trade.ended_ns or last_ns),
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
