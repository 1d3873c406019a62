"""``kconsole sweep``: pairs of thresholds on recorded markets, after the fees of both models."""

from __future__ import annotations

import argparse

from console.backtest.sweep import Row, best_of, document, text, warnings_of
from console.commands.backtest_arguments import FEE_MODELS, add_backtest_arguments, setup_from
from console.commands.common import print_json
from console.commands.errors import ExitCode
from console.commands.trial_runs import TrialRuns, add_grid_argument, add_trial_arguments
from console.commands.workers import add_worker_arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_backtest_arguments(parser)
    add_grid_argument(parser)
    add_worker_arguments(parser)
    add_trial_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Raises ConfigError, and UserError for a folder or a file that cannot be used."""
    runs = TrialRuns(arguments)
    trials = {
        (pair, fees): runs.trial(setup_from(arguments, *pair.settings, ("--fees", f"fees.model={fees}")))
        for pair in arguments.grid
        for fees in FEE_MODELS
    }
    figures = runs.run("sweep", list(trials.values()))
    rows = [Row(pair=pair, fees=fees, figures=figures[trial.key]) for (pair, fees), trial in trials.items()]
    best = best_of([row for row in rows if row.fees == (arguments.fees or FEE_MODELS[0])])
    judged = best or rows[0]
    against = runs.against(trials[judged.pair, judged.fees].setup, [judged.figures], "this run")
    warnings = warnings_of(rows, best, against)
    if arguments.json:
        print_json(document(rows, best, warnings))
    else:
        for line in text(rows, best, warnings):
            print(line)
    return ExitCode.DONE
