"""``kconsole calibrate``: how often each price won in recorded markets, beside what was published."""

from __future__ import annotations

import argparse
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from console.commands.common import (
    add_common_arguments,
    add_json_argument,
    home_of,
    options_of,
    print_json,
    visible,
)
from console.commands.errors import ExitCode, UserError
from console.commands.history_arguments import add_history_arguments, open_history
from console.commands.progress import Steps
from console.config.load import load as load_settings
from console.engine.durable_file import replace_durably
from console.strategies.edge_table import table_path

if TYPE_CHECKING:
    from console.backtest.calibration_report import Report
    from console.config.trading_settings import EdgeSettings
    from console.strategies.edge_table import EdgeTable


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_common_arguments(parser)
    add_json_argument(parser)
    add_history_arguments(parser)
    parser.add_argument("--by-cent", action="store_true", help="in the text, each cent by itself too")
    parser.add_argument(
        "--write",
        action="store_true",
        help="write the edge table to the home, for edge.model = table to trade by",
    )


def run(arguments: argparse.Namespace) -> int:
    """Raises ConfigError, and UserError for a folder that cannot be used."""
    # No environment's file: what was recorded is the same in each of them.
    loaded = load_settings(
        arguments.env, config=arguments.config or Path(os.devnull), options=options_of(arguments)
    )
    report = _report(arguments)
    written = _write(arguments, loaded.settings.edge, report.table) if arguments.write else None
    if arguments.json:
        print_json(report.document() | {"written": written})
    else:
        from console.backtest.calibration_text import report_text

        for line in report_text(report, by_cent=arguments.by_cent):
            print(visible(line))
    return ExitCode.DONE


def _report(arguments: argparse.Namespace) -> Report:
    # They bring pyarrow and numpy, which a wrong option need not wait for.
    from console.backtest.calibrate import calibrate
    from console.backtest.calibration_report import Report
    from console.backtest.edge_fit import fit
    from console.backtest.observations import observe
    from console.history.schema import HistoryError

    folder: Path = arguments.data
    with Steps() as steps:
        steps.begin(f"reading {folder}")
        timeline = open_history(arguments, books=False)
        try:
            observations = observe(timeline)
        except HistoryError as error:
            raise UserError(str(error)) from None
        calibration = calibrate(observations, steps.begin)
        steps.begin("fitting the edge table")
        table = fit(observations, str(folder.absolute()))
        return Report(data=str(folder), observations=observations, calibration=calibration, table=table)


def _write(arguments: argparse.Namespace, settings: EdgeSettings, table: EdgeTable | None) -> Path:
    """Put the table where the strategy looks for it; says so, and when it is too old to be traded by."""
    if table is None:
        raise UserError(
            f"{arguments.data}: no market has an announced result and a category; there is no edge to write"
        )
    now = datetime.now(UTC)
    if table.data_to > now:
        raise UserError(
            f"{arguments.data}: a market was paid out on {table.data_to:%Y-%m-%d}, which is yet to come; "
            "trading would refuse the edge table, so check the times"
        )
    home = home_of(arguments).root
    path = table_path(settings, home)
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_durably(path, msgspec.json.format(msgspec.json.encode(table), indent=1))
    except OSError as error:
        raise UserError(f"edge table {path} cannot be written: {error.strerror}") from None
    print(f"edge table written to {path}", file=sys.stderr)
    age = (now - table.data_to).days
    if age > settings.table_max_age_days:
        print(
            f"it rests on data up to {table.data_to:%Y-%m-%d}, {age} days ago: trading refuses it while "
            f"edge.table_max_age_days is {settings.table_max_age_days}",
            file=sys.stderr,
        )
    return path
