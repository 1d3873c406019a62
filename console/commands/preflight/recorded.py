"""Checks on recorded markets, with the settings in force: is there an edge, and does it survive."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING

from console.backtest.fee_schedules import FeeFileError, FeeSchedules
from console.backtest.setup import Setup
from console.backtest.shipped_setup import shipped_setup
from console.backtest.sweep import GUIDES_GRID, Pair, Row, best_of, warnings_of
from console.backtest.walk_forward import Life, lives_of
from console.backtest.walk_forward_report import WalkForward
from console.backtest.words import dollars, figure, percent, some
from console.commands import walk_forward
from console.commands.backtest_arguments import OTHER_LATENCIES, run_on
from console.commands.errors import UserError
from console.commands.history_arguments import open_history
from console.commands.preflight.outcome import Outcome, failed, passed
from console.commands.progress import Bar, Steps
from console.commands.trial_runs import TrialRuns
from console.config.catalogue import CATALOGUE
from console.config.home import Home
from console.config.schema import Settings
from console.domain.time_units import NS_PER_DAY
from console.risk.correlation import CORRELATED_ABOVE
from console.risk.groups import Grouping
from console.strategies.edge_table import edge_model_of

if TYPE_CHECKING:
    from console.backtest.report import Report
    from console.history.timeline import Timeline

LEAST_DAYS = 90
"""The guide asks for three to six months."""

_LONG_WINDOWS_DAYS = (90, 30)
_SHORT_WINDOWS_DAYS = (45, 15)
"""Training and test, where there is enough for the first, and where there is not."""

_MOMENTS = 3
_DAYS_A_MONTH = 30.44
NO_HISTORY = "no history: give a folder of recorded markets with --data; `kconsole collect` fills one"


class Recorded:
    """A recording, and what running the settings in force on it shows; each is worked out once.

    Everything raises UserError, ConfigError or HistoryError for what cannot be used.
    """

    def __init__(self, arguments: argparse.Namespace, settings: Settings, home: Home) -> None:
        self._given = arguments
        self.settings = in_recorded_time(settings) if arguments.env == "practice" else settings
        self._home = home

    @cached_property
    def _arguments(self) -> argparse.Namespace:
        """As of the commands that run backtests, with their defaults."""
        if self._given.data is None:
            raise UserError(NO_HISTORY)
        parser = argparse.ArgumentParser()
        walk_forward.add_arguments(parser)
        arguments = parser.parse_args(["--data", str(self._given.data), "--home", str(self._home.root)])
        arguments.fee_schedule = self._given.fee_schedule
        arguments.workers, arguments.cluster = self._given.workers, self._given.cluster
        return arguments

    @cached_property
    def evidence(self) -> str:
        """Names the recording, the setup with its settings, fees and edges, and the program."""
        return self.runs.trial(self.setup).key

    @cached_property
    def timeline(self) -> Timeline:
        with Steps() as steps:
            steps.begin(f"reading {self._arguments.data}")
            return open_history(self._arguments)

    @cached_property
    def lives(self) -> dict[str, Life]:
        return lives_of(self.timeline)

    @cached_property
    def setup(self) -> Setup:
        """What trades live, with ten thousand dollars in the usual world."""
        return self._setup_of(self.settings)

    def _setup_of(self, settings: Settings) -> Setup:
        edge = edge_model_of(settings.edge, self._home.root, time.time_ns())
        try:
            fees = FeeSchedules.load(self._arguments.fee_schedule)
        except FeeFileError as error:
            raise UserError(str(error)) from None
        setup = shipped_setup(settings, edge, fees, self._arguments.capital)
        return replace(setup, assumed_depth=self._given.assume_depth)

    @cached_property
    def report(self) -> Report:
        from console.backtest.report import Context, report_of

        setup, timeline = self.setup, self.timeline
        with Bar("rows") as bar:
            bar.begin("running")
            result = run_on(timeline, setup, bar)
            others = {}
            for factor in OTHER_LATENCIES:
                bar.begin(f"at {factor} times the latency")
                others[factor] = run_on(timeline, setup.with_latency(factor), bar)
        context = Context(data=str(self._arguments.data), at_latency=others)
        return report_of(result, setup, timeline.markets, context)

    @cached_property
    def runs(self) -> TrialRuns:
        return TrialRuns(self._arguments)

    @property
    def pair(self) -> Pair:
        """The thresholds in force."""
        strategy = self.settings.strategy_flb
        return Pair(strategy.favorite_threshold, strategy.longshot_threshold)

    @cached_property
    def setups(self) -> dict[Pair, Setup]:
        """The run at each pair of the guide's grid and at the one in force."""
        return {pair: self._at(pair) for pair in dict.fromkeys((*GUIDES_GRID, self.pair))}

    def _at(self, pair: Pair) -> Setup:
        strategy = replace(
            self.settings.strategy_flb,
            favorite_threshold=pair.favourite,
            longshot_threshold=pair.longshot,
        )
        return self._setup_of(replace(self.settings, strategy_flb=strategy))

    def walked(self) -> WalkForward:
        """Thresholds chosen in each training and traded in the test after it."""
        is_long = _days(self.lives) >= sum(_LONG_WINDOWS_DAYS)
        train, test = _LONG_WINDOWS_DAYS if is_long else _SHORT_WINDOWS_DAYS
        self._arguments.train, self._arguments.test = train * NS_PER_DAY, test * NS_PER_DAY
        windows = walk_forward.windows_in(self._arguments)
        walked = walk_forward.walk(self.runs, self.setups, windows)
        return WalkForward(windows=tuple(walked), tried=len(self.setups))


def in_recorded_time(settings: Settings) -> Settings:
    """Practice plays recordings faster than they were, so that its scans come further apart in them."""
    strategy = settings.strategy_flb
    longest = CATALOGUE["strategy_flb.scan_interval"].high
    assert longest is not None
    apart = min(Decimal(longest), max(Decimal(1), strategy.scan_interval * settings.practice.speed))
    return replace(settings, strategy_flb=replace(strategy, scan_interval=apart))


def data_coverage(recorded: Recorded) -> Outcome:
    lives = recorded.lives
    days, covered = _days(lives), _covered_days(lives)
    found = (
        f"{some(len(recorded.timeline.markets), 'market')} of {some(len(lives), 'event')} over "
        f"{days:.0f} days ({days / _DAYS_A_MONTH:.1f} months), markets lived on {covered} of them; "
        f"{recorded.timeline.rows:,} rows"
    )
    if min(days, covered) < LEAST_DAYS:
        return failed(f"{found}; {LEAST_DAYS} days are asked for: collect more")
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
    against = [f"against it: {warning}" for warning in warnings_of(rows, best)]
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
        f"above {CORRELATED_ABOVE} and {pairs.below_negative_threshold:,} below -{CORRELATED_ABOVE}, "
        f"which is what chance makes; "
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


def _days(lives: Mapping[str, Life]) -> float:
    first_ns = min(life.first_ns for life in lives.values())
    return (max(life.settled_ns for life in lives.values()) - first_ns) / NS_PER_DAY


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
