"""Many backtests for one command: what is kept of them, and how far they are."""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import time
from collections.abc import Sequence
from pathlib import Path

from console.backtest.doubts import in_words, summed
from console.backtest.in_sample import in_sample
from console.backtest.setup import Setup
from console.backtest.shipped_setup import by_edges
from console.backtest.sweep import GUIDES_GRID, Pair
from console.backtest.timeline_parts import Stretch
from console.backtest.trials import (
    Figures,
    FinishedTrials,
    Recording,
    Trial,
    digest,
    files_digest,
    program_digest,
    sweep,
)
from console.commands.common import home_of
from console.commands.errors import UserError
from console.commands.history_arguments import period_of
from console.commands.progress import Bar
from console.commands.workers import executor_of
from console.history.load import markets_file
from console.history.schema import HistoryError
from console.strategies.edge_table import EdgeTable, measured_table, table_path

FILE_NAME = "trials.jsonl"

_MADE_FROM_SETTINGS = {"make_strategy", "fees", "profit_fees"}
"""Parts of a setup that settings and files decide; the others are data."""


def add_grid_argument(parser: argparse.ArgumentParser) -> None:
    default = ",".join(map(str, GUIDES_GRID))
    parser.add_argument(
        "--grid",
        metavar="FAV:LONG,...",
        type=_grid,
        default=list(GUIDES_GRID),
        help=f"pairs of thresholds in cents; default: {default}",
    )


def add_trial_arguments(parser: argparse.ArgumentParser) -> None:
    """``--resume``."""
    parser.add_argument(
        "--resume",
        metavar="FILE",
        type=Path,
        help="where finished trials are kept, which are not run again after an interrupt, nor at all while "
        f"nothing changes; default: {FILE_NAME} in the home",
    )


class TrialRuns:
    """Makes trials of what the arguments ask for, and runs those that are not finished yet."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        """Raises UserError for a folder or a file that cannot be used."""
        period = period_of(arguments)
        # Whatever folder the workers start in.
        folder = arguments.data.absolute()
        self._arguments = arguments
        self._recording = Recording(folder, period.since_ns, period.until_ns, tuple(arguments.series))
        self._path = arguments.resume or home_of(arguments).root / FILE_NAME
        try:
            markets_file(folder)
            self._finished = FinishedTrials(self._path)
            self._data = digest(files_digest(folder), period.since_ns, period.until_ns, arguments.series)
        except HistoryError as error:
            raise UserError(str(error)) from None
        except OSError as error:
            raise UserError(f"{error.filename} cannot be read: {error.strerror}") from None

    def trial(
        self,
        setup: Setup,
        stretch: Stretch | None = None,
        *,
        is_holdout: bool = False,
        fitted: EdgeTable | None = None,
    ) -> Trial:
        """One run on all of the recording or on a stretch, perhaps one on which nothing may be chosen.

        ``fitted`` are its edges where they are not those of the setup.
        """
        where = digest(self._data, _as_data(stretch))
        return Trial(
            key=digest(program_digest(), where, is_holdout, self._as_data(setup), fitted),
            setup=setup if fitted is None else by_edges(setup, fitted),
            recording=self._recording,
            stretch=stretch,
            holdout=where if is_holdout else None,
        )

    def run(self, name: str, trials: Sequence[Trial]) -> dict[str, Figures]:
        """The figures of each by its key; raises UserError when one cannot be run."""
        figures = {trial.key: kept for trial in trials if (kept := self._finished.of(trial)) is not None}
        left = [trial for trial in trials if trial.key not in figures]
        if not left:
            return figures
        did_before = len(figures)
        try:
            with Bar("trials") as bar, executor_of(self._arguments, len(left)) as executor:
                bar.begin(name)
                bar.count(did_before, len(trials), did_before=did_before)
                for trial, found in sweep(left, executor):
                    self._keep(trial, found)
                    figures[trial.key] = found
                    bar.count(len(figures), len(trials), did_before=did_before)
        except HistoryError as error:
            raise UserError(str(error)) from None
        return figures

    def against(
        self, setup: Setup, figures: Sequence[Figures], what: str, *, is_fitted: bool = False
    ) -> tuple[str, ...]:
        """What is said against runs of a setup, together called ``what``, by what they rest on.

        Edges that were fitted to what came before have seen no more than the published ones have.
        """
        if not figures:
            return ()
        settings, home = setup.settings.edge, home_of(self._arguments).root
        table = None if is_fitted else measured_table(settings, home, time.time_ns())
        first_ns, last_ns = min(it.first_ns for it in figures), max(it.last_ns for it in figures)
        return (
            *in_words(summed(it.doubts for it in figures), setup),
            *in_sample(settings, table, first_ns, last_ns, what),
        )

    def other_runs_of(self, trial: Trial) -> int:
        """How many other trials have been run on the holdout of this one."""
        return self._finished.other_runs_of(trial)

    def _keep(self, trial: Trial, figures: Figures) -> None:
        try:
            self._finished.add(trial, figures)
        except OSError as error:
            raise UserError(f"a finished trial cannot be kept in {self._path}: {error.strerror}") from None

    def _as_data(self, setup: Setup) -> list[object]:
        """All that decides what a setup does."""
        names = [each.name for each in dataclasses.fields(setup) if each.name not in _MADE_FROM_SETTINGS]
        edges = table_path(setup.settings.edge, home_of(self._arguments).root)
        files = [self._arguments.fee_schedule, edges]
        return [*(getattr(setup, name) for name in names), *map(_content, files)]


def _as_data(stretch: Stretch | None) -> object:
    if stretch is None:
        return None
    events = None if stretch.events is None else sorted(stretch.events)
    return stretch.since_ns, stretch.until_ns, events


def _content(file: Path | None) -> str | None:
    """A name for what a file holds, if there is one."""
    if file is None or not file.is_file():
        return None
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _grid(text: str) -> list[Pair]:
    pairs = [_pair(each) for each in text.split(",")]
    for pair in pairs:
        if pairs.count(pair) > 1:
            raise argparse.ArgumentTypeError(f"{pair} stands twice")
    return pairs


def _pair(text: str) -> Pair:
    favourite, separator, longshot = text.partition(":")
    if not (separator and favourite.isdecimal() and longshot.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text} is not a pair of cents such as 90:10")
    return Pair(int(favourite), int(longshot))
