"""``kconsole groups``: which recorded markets moved together."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from console.commands.common import add_common_arguments, add_json_argument, options_of, print_json, visible
from console.commands.errors import ExitCode, UserError
from console.commands.history_arguments import add_history_arguments, open_history
from console.commands.progress import Steps
from console.config.load import load as load_settings
from console.risk.correlation import CORRELATED_ABOVE

if TYPE_CHECKING:
    from console.backtest.market_groups import MarketGroups


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_common_arguments(parser)
    add_json_argument(parser)
    add_history_arguments(parser)
    parser.add_argument(
        "--threshold",
        metavar="R",
        type=_correlation,
        default=CORRELATED_ABOVE,
        help=f"correlation above which two markets are joined; default: {CORRELATED_ABOVE}",
    )
    parser.add_argument(
        "--every",
        metavar="SECONDS",
        type=_seconds,
        help="steps at which prices are compared; default: by how long the markets were quoted",
    )


def run(arguments: argparse.Namespace) -> int:
    """Raises ConfigError, and UserError for a folder that cannot be used."""
    # No environment's file: what was recorded is the same in each of them.
    load_settings(arguments.env, config=arguments.config or Path(os.devnull), options=options_of(arguments))
    found = _find(arguments)
    if arguments.json:
        print_json(found.document())
    else:
        from console.backtest.market_groups_text import groups_text

        for line in groups_text(found):
            print(visible(line))
    return ExitCode.DONE


def _find(arguments: argparse.Namespace) -> MarketGroups:
    # They bring pyarrow and pandas, which a wrong option need not wait for.
    from console.backtest.market_groups import find_groups
    from console.history.schema import HistoryError

    with Steps() as steps:
        steps.begin(f"reading {arguments.data}")
        timeline = open_history(arguments, books=False)
        try:
            return find_groups(
                timeline, str(arguments.data), arguments.threshold, arguments.every, steps.begin
            )
        except HistoryError as error:
            raise UserError(f"{arguments.data}: {error}") from None


def _correlation(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not -1 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not a number from -1 to 1")
    return value


def _seconds(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 86_400:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number of seconds from 1 to 86400")
    return int(text)
