"""``kconsole backtest``: one run on recorded markets, with what the report says against itself."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from console.commands.backtest_arguments import (
    add_backtest_arguments,
    at_other_latencies,
    context_from,
    run_on,
    setup_from,
)
from console.commands.common import print_json, visible
from console.commands.errors import ExitCode
from console.commands.history_arguments import open_history
from console.commands.outputs import check_output, check_picture, drawn, write_output
from console.commands.progress import Bar

if TYPE_CHECKING:
    from console.backtest.report import Report
    from console.backtest.result import Result


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_backtest_arguments(parser)
    parser.add_argument(
        "--quick", action="store_true", help="without the runs at no and at 3 times the latency"
    )
    parser.add_argument("--trades", metavar="FILE", type=Path, help="write every trade to this CSV file")
    parser.add_argument("--png", metavar="FOLDER", type=Path, help="draw the report's plots into this folder")


def run(arguments: argparse.Namespace) -> int:
    """Raises ConfigError, and UserError for a folder or a file that cannot be used."""
    report = _report(arguments)
    # First of all what took long to find out: a file may fail even now.
    if arguments.json:
        print_json(report.document())
    else:
        from console.backtest.report_text import report_text

        for line in report_text(report):
            print(visible(line))
    if arguments.trades is not None:
        _write_trades(arguments.trades, report.result)
    if arguments.png is not None:
        _draw(arguments.png, report)
    return ExitCode.DONE


def _report(arguments: argparse.Namespace) -> Report:
    setup = setup_from(arguments)
    if arguments.trades is not None:
        check_output("--trades", arguments.trades)
    if arguments.png is not None:
        check_picture(arguments.png / "equity.png")
    # They bring numpy and pyarrow, which a wrong option need not wait for.
    from console.backtest.report import report_of

    with Bar("rows") as bar:
        bar.begin(f"reading {arguments.data}")
        timeline = open_history(arguments)
        bar.begin("running")
        result = run_on(timeline, setup, bar)
        others = {} if arguments.quick else at_other_latencies(timeline, setup, bar)
        bar.begin("reporting")
        return report_of(result, setup, timeline.markets, context_from(arguments, setup, others))


def _write_trades(file: Path, result: Result) -> None:
    from console.monitoring.frames import trades_frame

    write_output("--trades", file, trades_frame(result).to_csv(index=False))
    print(f"trades written to {file}", file=sys.stderr)


def _draw(folder: Path, report: Report) -> None:
    from console.backtest.plots import save_plots

    with drawn(folder):
        for path in save_plots(report, folder):
            print(f"drawn: {path}", file=sys.stderr)
