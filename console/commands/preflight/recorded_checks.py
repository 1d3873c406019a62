"""Checks on recorded markets, with the settings in force: is there an edge, and does it survive."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from console.backtest.sweep import Row, best_of, warnings_of
from console.backtest.walk_forward import Life
from console.backtest.words import dollars, figure, percent, some
from console.commands.preflight.outcome import Outcome, failed, passed
from console.commands.preflight.recorded import Recorded, days_of_lives
from console.commands.progress import Bar, Steps
from console.domain.time_units import NS_PER_DAY
from console.risk.correlation import CORRELATED_ABOVE
from console.risk.groups import Grouping

_LEAST_DAYS = 90
"""The guide asks for three to six months."""

_MOMENTS = 3
_DAYS_A_MONTH = 30.44


def data_coverage(recorded: Recorded) -> Outcome:
    lives = recorded.lives
    days, covered = days_of_lives(lives), _covered_days(lives)
    found = (
        f"{some(len(recorded.timeline.markets), 'market')} of {some(len(lives), 'event')} over "
        f"{days:.0f} days ({days / _DAYS_A_MONTH:.1f} months), markets lived on {covered} of them; "
        f"{recorded.timeline.rows:,} rows"
    )
    if min(days, covered) < _LEAST_DAYS:
        return failed(f"{found}; {_LEAST_DAYS} days are asked for: collect more")
    return passed(found)


def backtest(recorded: Recorded) -> Outcome:
    report = recorded.report
    it = report.performance
    money = f"net {dollars(it.total_pnl)} after fees of {dollars(it.total_fees)}"
    found = f"{some(len(report.result.fills), 'fill')}, {some(it.trades, 'trade')}, {money}"
    against = [f"against it: {warning}" for warning in report.warnings]
    model = recorded.settings.fees.model
    if model != "kalshi":
        said = f"{found}; fees.model = {model} is not what the exchange charges: kalshi is"
        return failed("\n".join([said, *against]))
    if report.assumed_fees:
        assumed = f"{found}; fees of {report.assumed_fees:,} fills are assumed: name them in --fee-schedule"
        return failed("\n".join([assumed, *against]))
    if not report.result.fills or it.total_pnl is None:
        return failed("\n".join([f"{found}: nothing is shown; `kconsole backtest` says why not", *against]))
    return passed("\n".join([found, *against]))


def edge_after_fees(recorded: Recorded) -> Outcome:
    it = recorded.report.performance
    if it.net_bps is None or it.bps_interval is None:
        return failed("no edge is known: too little was traded; `kconsole backtest` says why not")
    interval = it.bps_interval
    found = (
        f"{it.net_bps:+.1f} bps after fees, 95 % interval {interval.low:+.1f} to {interval.high:+.1f} by "
        f"{interval.clusters} {interval.by}s"
    )
    if interval.low > 0:
        return passed(found)
    return failed(f"{found}: not told from nothing, or a loss; collect more, or trade by what earns more")


def thresholds(recorded: Recorded) -> Outcome:
    setups, runs = recorded.setups, recorded.runs
    trials = {pair: runs.trial(setup) for pair, setup in setups.items()}
    figures = runs.run("sweep", list(trials.values()))
    rows = [Row(pair=pair, fees="", figures=figures[trial.key]) for pair, trial in trials.items()]
    best, own = best_of(rows), next(row for row in rows if row.pair == recorded.pair)
    said = runs.against(recorded.setup, [(best or own).figures], "this run")
    against = [f"against it: {warning}" for warning in warnings_of(rows, best, said)]
    if best is None:
        return failed("\n".join(["no pair traded anything: `kconsole backtest` says why not", *against]))
    made, most = own.figures.performance.total_pnl, best.figures.performance.total_pnl
    if made is not None and most is not None and made >= most:
        found = f"{own.pair} made most of {len(rows)} pairs, {dollars(most)}"
        return (passed if most > 0 else failed)("\n".join([found, *against]))
    found = (
        f"{own.pair} is in force and made {dollars(made)}; {best.pair} made {dollars(most)}: consider "
        f"strategy_flb.favorite_threshold = {best.pair.favourite}, longshot_threshold = {best.pair.longshot}"
    )
    return failed("\n".join([found, *against]))


def walk_forward_test(recorded: Recorded) -> Outcome:
    walked = recorded.walked()
    found = (
        f"{some(len(walked.windows), 'window')}, {walked.failed} without a trade; all tests: net "
        f"{dollars(walked.net_pnl)}"
    )
    against = [f"against it: {warning}" for warning in walked.warnings()]
    is_good = not walked.failed and walked.net_pnl is not None and walked.net_pnl > 0
    return (passed if is_good else failed)("\n".join([found, *against]))


def lookahead_test(recorded: Recorded) -> Outcome:
    from console.backtest.lookahead import lookahead

    with Bar("rows") as bar:
        found = lookahead(recorded.setup, recorded.timeline, _MOMENTS, bar.begin, bar.count)
    if not found.decisions:
        return failed("no order was sent, so nothing was compared: `kconsole backtest` says why not")
    said = f"{some(found.decisions, 'decision')} compared with the future cut off and changed: "
    return (failed if found.changed else passed)(f"{said}{found.changed} changed")


def expectations(recorded: Recorded) -> Outcome:
    it = recorded.report.performance
    fall = it.max_drawdown
    found = (
        f"expected: win rate {percent(it.win_rate)}, Sharpe ratio {figure(it.sharpe_ratio, '.2f')}, "
        f"largest drawdown {dollars(fall.fall)} ({percent(fall.of_high)}), "
        f"net {figure(it.net_bps, '+.1f')} bps, over {some(it.days, 'day')} with "
        f"{dollars(recorded.setup.capital)}"
    )
    return failed(found) if it.win_rate is None or it.sharpe_ratio is None else passed(found)


def groups(recorded: Recorded) -> Outcome:
    """Whether the groups in force hold together what moved together; the pairs that chance makes excepted."""
    from console.backtest.market_groups import find_groups

    with Steps() as steps:
        found = find_groups(recorded.timeline, "", CORRELATED_ABOVE, None, steps.begin)
    grouping = Grouping(recorded.settings.risk.groups)
    in_force = {market.ticker: grouping.place(market).group for market in recorded.timeline.markets}
    apart = sorted(
        name for name, members in found.groups.items() if len({in_force[each] for each in members}) > 1
    )
    pairs = found.pairs
    said = (
        f"{some(pairs.measured, 'pair')} measured: {pairs.above_threshold:,} correlate "
        f"above {CORRELATED_ABOVE}, and by chance about as many would as below -{CORRELATED_ABOVE}: "
        f"{pairs.below_negative_threshold:,}; "
        f"{some(len(recorded.settings.risk.groups), 'pinned group')}; of {some(len(found.groups), 'group')} "
        f"found, {len(apart)} are not in one group of those in force"
    )
    if not pairs.measured:
        return failed(f"{said}: with markets that never traded together nothing is known")
    is_chance = pairs.above_threshold <= 2 * pairs.below_negative_threshold
    if not apart or is_chance:
        return passed(said)
    return failed(
        f"{said}, such as {', '.join(found.groups[apart[0]][:3])}: `kconsole groups` prints the pins"
    )


def _covered_days(lives: Mapping[str, Life]) -> int:
    """On how many days something was alive."""
    covered: set[int] = set()
    for life in lives.values():
        covered.update(range(life.first_ns // NS_PER_DAY, life.settled_ns // NS_PER_DAY + 1))
    return len(covered)


CHECKS: Mapping[str, Callable[[Recorded], Outcome]] = {
    "data_coverage": data_coverage,
    "backtest": backtest,
    "edge_after_fees": edge_after_fees,
    "thresholds": thresholds,
    "walk_forward": walk_forward_test,
    "lookahead": lookahead_test,
    "expectations": expectations,
    "groups": groups,
}
