"""A recording, and what running the settings in force on it shows."""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING

from console.backtest.fee_schedules import FeeFileError, FeeSchedules
from console.backtest.setup import Setup
from console.backtest.shipped_setup import shipped_setup
from console.backtest.sweep import GUIDES_GRID, Pair
from console.backtest.walk_forward import Life, lives_of
from console.backtest.walk_forward_report import WalkForward
from console.commands import walk_forward
from console.commands.backtest_arguments import at_other_latencies, run_on, with_depth
from console.commands.errors import UserError
from console.commands.history_arguments import open_history
from console.commands.progress import Bar, Steps
from console.commands.trial_runs import TrialRuns
from console.config.catalogue import CATALOGUE
from console.config.home import Home
from console.config.schema import Settings
from console.domain.time_units import NS_PER_DAY
from console.strategies.edge_table import edge_model_of

if TYPE_CHECKING:
    from console.backtest.report import Report
    from console.history.timeline import Timeline

_LONG_WINDOWS_DAYS = (90, 30)
_SHORT_WINDOWS_DAYS = (45, 15)
"""Training and test, where there is enough for the first, and where there is not."""

_NO_HISTORY = "no history: give a folder of recorded markets with --data; `kconsole collect` fills one"


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
            raise UserError(_NO_HISTORY)
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
        return with_depth(setup, self._given)

    @cached_property
    def report(self) -> Report:
        from console.backtest.report import Context, report_of

        setup, timeline = self.setup, self.timeline
        with Bar("rows") as bar:
            bar.begin("running")
            result = run_on(timeline, setup, bar)
            others = at_other_latencies(timeline, setup, bar)
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
        is_long = days_of_lives(self.lives) >= sum(_LONG_WINDOWS_DAYS)
        train, test = _LONG_WINDOWS_DAYS if is_long else _SHORT_WINDOWS_DAYS
        self._arguments.train, self._arguments.test = train * NS_PER_DAY, test * NS_PER_DAY
        windows = walk_forward.windows_in(self._arguments)
        return walk_forward.walk(self.runs, self.setups, windows)


def in_recorded_time(settings: Settings) -> Settings:
    """Practice plays recordings faster than they were, so that its scans come further apart in them."""
    strategy = settings.strategy_flb
    longest = CATALOGUE["strategy_flb.scan_interval"].high
    assert longest is not None
    apart = min(Decimal(longest), max(Decimal(1), strategy.scan_interval * settings.practice.speed))
    return replace(settings, strategy_flb=replace(strategy, scan_interval=apart))


def days_of_lives(lives: Mapping[str, Life]) -> float:
    """From the first life's begin to the last one's end."""
    first_ns = min(life.first_ns for life in lives.values())
    return (max(life.settled_ns for life in lives.values()) - first_ns) / NS_PER_DAY
