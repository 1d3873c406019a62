"""``kconsole walk-forward``: thresholds chosen on the past, traded in what came after."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping

from console.backtest.setup import Setup
from console.backtest.sweep import Pair, Row, best_of
from console.backtest.trials import Figures, Trial
from console.backtest.walk_forward import Window, lives_of, windows_of
from console.backtest.walk_forward_report import Walked, WalkForward
from console.commands.backtest_arguments import add_backtest_arguments, setup_from
from console.commands.common import print_json
from console.commands.errors import ExitCode, UserError
from console.commands.history_arguments import open_history
from console.commands.progress import Steps
from console.commands.trial_runs import TrialRuns, add_grid_argument, add_trial_arguments
from console.commands.workers import add_worker_arguments
from console.domain.time_units import NS_PER_DAY
from console.history.schema import HistoryError
from console.strategies.edge_table import EdgeTable

Tables = Mapping[int, EdgeTable]
"""The edges to trade a window by, by its number."""

_LENGTH = re.compile(r"([1-9]\d{0,4})([hdw])", re.ASCII)
_NS_PER_UNIT = {"h": NS_PER_DAY // 24, "d": NS_PER_DAY, "w": 7 * NS_PER_DAY}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_backtest_arguments(parser)
    for name, default in (("--train", "90d"), ("--test", "30d")):
        parser.add_argument(
            name,
            metavar="LENGTH",
            type=_length,
            default=default,
            help=f"such as 12h, 30d or 8w; default: {default}",
        )
    parser.add_argument(
        "--embargo",
        metavar="LENGTH",
        type=_length,
        default=0,
        help="a training ends so long before its test; default: none",
    )
    parser.add_argument(
        "--fit-edges",
        action="store_true",
        help="trade each window by an edge table measured in its training, not by the one in the home",
    )
    add_grid_argument(parser)
    add_worker_arguments(parser)
    add_trial_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Exit code 1 when a window traded nothing; raises ConfigError, and UserError for what cannot be used."""
    if arguments.embargo >= arguments.train:
        raise UserError(
            "--embargo is not shorter than --train, so that nothing is trained on", ExitCode.USAGE
        )
    runs = TrialRuns(arguments)
    setups = {pair: setup_from(arguments, *pair.settings) for pair in arguments.grid}
    if arguments.fit_edges and next(iter(setups.values())).settings.edge.model != "table":
        raise UserError("--fit-edges measures an edge table, which edge.model = constant does not trade by")
    windows = windows_in(arguments)
    found = walk(runs, setups, windows, edges_of(arguments, windows) if arguments.fit_edges else None)
    if arguments.json:
        print_json(found.document())
    else:
        for line in found.text():
            print(line)
    if found.failed:
        raise UserError(f"{found.failed} of {len(found.windows)} windows traded nothing")
    return ExitCode.DONE


def windows_in(arguments: argparse.Namespace) -> list[Window]:
    """The windows of the recording asked for; raises UserError where there is not one."""
    with Steps() as steps:
        steps.begin(f"reading {arguments.data}")
        try:
            lives = lives_of(open_history(arguments))
        except HistoryError as error:
            raise UserError(str(error)) from None
    windows = windows_of(lives, arguments.train, arguments.test, arguments.embargo)
    if not windows:
        ends = [at_ns for life in lives.values() for at_ns in (life.first_ns, life.settled_ns)]
        days = (max(ends) - min(ends)) / NS_PER_DAY
        raise UserError(
            f"{arguments.data} covers {days:.1f} days, which is less than --train and --test together"
        )
    return windows


def edges_of(arguments: argparse.Namespace, windows: list[Window]) -> Tables:
    """The edges of each training that is traded; raises UserError when a file was changed."""
    # It brings numpy, which a wrong option need not wait for.
    from console.backtest.edge_fit import fit_to

    tables = {}
    with Steps() as steps:
        steps.begin(f"reading {arguments.data}")
        timeline = open_history(arguments, books=False)
        for number, window in enumerate(windows):
            if window.can_trade:
                steps.begin(f"measuring the edges of training {number + 1} of {len(windows)}")
                try:
                    tables[number] = fit_to(timeline, window.train, str(arguments.data))
                except HistoryError as error:
                    raise UserError(str(error)) from None
    return tables


def walk(
    runs: TrialRuns, setups: dict[Pair, Setup], windows: list[Window], tables: Tables | None = None
) -> WalkForward:
    """Every training first, then each test once, with what its training chose.

    ``tables`` are the edges to trade the windows by, where they are not those of the setups.
    """
    table_of = (tables or {}).get
    trainings = {
        (number, pair): runs.trial(setup, window.train, fitted=table_of(number))
        for number, window in enumerate(windows)
        for pair, setup in setups.items()
        if window.can_trade
    }
    trained = runs.run("training", list(trainings.values()))
    chosen = {number: _chosen(number, trainings, trained) for number in range(len(windows))}
    tests = {
        number: runs.trial(setups[row.pair], windows[number].test, is_holdout=True, fitted=table_of(number))
        for number, row in chosen.items()
        if row is not None
    }
    seen = {number: runs.other_runs_of(trial) for number, trial in tests.items()}
    tested = runs.run("testing", list(tests.values()))
    walked = tuple(
        Walked(
            window=window,
            pair=None if (row := chosen[number]) is None else row.pair,
            trained=None if row is None else row.figures,
            tested=tested[tests[number].key] if number in tests else None,
            other_runs=seen.get(number, 0),
            fitted=table_of(number),
        )
        for number, window in enumerate(windows)
    )
    # The setups differ in thresholds alone.
    judged = list(tested.values()) or list(trained.values())
    setup = next(iter(setups.values()))
    against = runs.against(setup, judged, "the tests", is_fitted=tables is not None)
    return WalkForward(windows=walked, tried=len(setups), against=against)


def _chosen(number: int, trainings: dict[tuple[int, Pair], Trial], trained: dict[str, Figures]) -> Row | None:
    """The pair that made most after fees in a window's training."""
    return best_of(
        [
            Row(pair=pair, fees="", figures=trained[trial.key])
            for (window, pair), trial in trainings.items()
            if window == number
        ]
    )


def _length(text: str) -> int:
    match = _LENGTH.fullmatch(text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text} is not a length of time such as 12h, 30d or 8w")
    return int(match[1]) * _NS_PER_UNIT[match[2]]
