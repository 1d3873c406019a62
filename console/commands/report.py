"""``kconsole report``: the guide's daily, weekly and monthly reviews; works while a console runs."""

from __future__ import annotations

import argparse
import sys
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from console.commands.backtest_arguments import add_depth_arguments
from console.commands.common import (
    add_common_arguments,
    add_json_argument,
    folder_of,
    load_settings,
    print_json,
    visible,
    visible_line,
)
from console.commands.errors import ExitCode, UserError
from console.commands.outputs import drawn, write_output
from console.commands.progress import Bar, Steps
from console.config.schema import Settings
from console.domain.market import Ticker
from console.domain.money import Price
from console.engine.journal_chain import JournalError
from console.engine.journal_copy import journal_copy
from console.history.times import ns_of, read_time

if TYPE_CHECKING:
    from console.backtest.routine import Review, Step
    from console.monitoring.days import Days
    from console.monitoring.ledger import MarkOuts
    from console.monitoring.period import PeriodRecords

_DAYS = {"daily": 1, "weekly": 7, "monthly": 30}


class _Exported(msgspec.Struct):
    """Of a run's metrics what no journal has: the YES price of each position, and when it was that."""

    at: str
    marks: dict[Ticker, Price]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("routine", choices=tuple(_DAYS), metavar="daily|weekly|monthly", help="which review")
    parser.add_argument(
        "--until",
        "--day",
        metavar="DATE",
        type=_date,
        help="last of the 1, 7 or 30 risk days, such as 2026-03-01; default: today",
    )
    parser.add_argument("--dry-run", action="store_true", help="of the journal of dry runs")
    parser.add_argument("--html", metavar="FILE", type=Path, help="write it as one page with its charts")
    parser.add_argument("--png", metavar="FOLDER", type=Path, help="draw its charts into this folder")
    parser.add_argument(
        "--data", metavar="DIR", type=Path, help="monthly: recorded markets of the month, to test on"
    )
    add_depth_arguments(parser, only_for="monthly: ")
    parser.add_argument(
        "--fee-schedule",
        metavar="FILE",
        type=Path,
        help="monthly: CSV of fees by series and date, over those shipped",
    )
    add_common_arguments(parser)
    add_json_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Raises ConfigError, and UserError for a journal, a folder or a file that cannot be used."""
    _refuse_misused(arguments)
    settings = load_settings(arguments).settings
    review = _review(arguments, settings)
    # First of all what was found out: a file may fail.
    if arguments.json:
        print_json(review.document())
    else:
        from console.commands.report_text import review_text

        for line in review_text(review):
            print(visible(line))
    if arguments.html is not None:
        _write_page(arguments.html, review)
    if arguments.png is not None:
        _draw(arguments.png, review)
    return ExitCode.DONE


def _refuse_misused(arguments: argparse.Namespace) -> None:
    """Raises UserError for a page without a file, and an option of a test on recorded markets without one."""
    if arguments.routine != "monthly" and arguments.data is not None:
        raise UserError("--data is for report monthly, which tests on it", ExitCode.USAGE)
    if arguments.html == Path("-"):
        raise UserError("--html takes a file; to standard output the report goes as text", ExitCode.USAGE)
    stated = {
        "--assume-depth": arguments.assume_depth is not None,
        "--modelled-depth": arguments.modelled_depth,
        "--fee-schedule": arguments.fee_schedule is not None,
    }
    for option, is_stated in stated.items():
        if is_stated and arguments.data is None:
            raise UserError(f"{option} is for report monthly with --data, which tests on it", ExitCode.USAGE)


def _review(arguments: argparse.Namespace, settings: Settings) -> Review:
    # They bring numpy, which a wrong option need not wait for.
    from console.app.parts import fees_of
    from console.backtest.routine import Review, notes_of, reviewed
    from console.backtest.routine_daily import daily
    from console.backtest.routine_weekly import weekly
    from console.monitoring.days import days_of

    period = _period(arguments, days_of(settings.risk))
    traded, missing = _traded(arguments, settings, period)
    environment = f"{arguments.env}, dry run" if arguments.dry_run else arguments.env
    with Steps() as shown:
        shown.begin("making the figures")
        of = reviewed(environment, period, settings, fees_of(settings.fees), traded, missing)
    steps: tuple[Step, ...]
    if arguments.routine == "daily":
        steps = daily(of)
    elif arguments.routine == "weekly":
        steps = weekly(of)
    else:
        from console.backtest.routine_monthly import monthly
        from console.commands.report_month import month_of

        steps = monthly(of, *month_of(arguments, of))
    return Review(routine=arguments.routine, of=of, steps=steps, notes=notes_of(of, time.time_ns()))


def _period(arguments: argparse.Namespace, days: Days) -> tuple[int, int]:
    """From the first of its risk days to before the day after the last."""
    last = arguments.until or datetime.now(UTC)
    if isinstance(last, datetime):
        last = days.day_of(ns_of(last))
    after = last + timedelta(days=1)
    return days.start_ns(after - timedelta(days=_DAYS[arguments.routine])), days.start_ns(after)


def _traded(
    arguments: argparse.Namespace, settings: Settings, period: tuple[int, int]
) -> tuple[PeriodRecords | None, str]:
    """What the journal has of the period, and why nothing where it has nothing; raises UserError."""
    from console.app.launch import Launch
    from console.app.metrics import metrics_folder
    from console.monitoring.period import records_between

    folder = folder_of(arguments)
    path = folder.dry_run_journal if arguments.dry_run else folder.journal
    metrics = metrics_folder(Launch(arguments.env, settings, folder, None, dry_run=arguments.dry_run))
    marked_ns, marks = _marks(metrics) if period[1] > time.time_ns() else (None, {})
    try:
        with Bar("events") as bar, journal_copy(path, bar.count) as copy:
            bar.begin("reading the journal")
            traded = records_between(
                copy.events(period[1]), period[0], marks=marks, mark_outs=_mark_outs(metrics)
            )
    except FileNotFoundError:
        return None, f"nothing was traded: no console has run here yet, {path} does not exist"
    except JournalError as error:
        raise UserError(str(error), ExitCode.REFUSED) from None
    if traded is None:
        return None, "nothing was traded: no account was open by then"
    return msgspec.structs.replace(traded, marked_ns=marked_ns), ""


def _marks(metrics: Path) -> tuple[int | None, dict[Ticker, Price]]:
    """YES prices of what is held, as the run exported them last, and when; none where it did not."""
    from console.monitoring.metric_files import METRICS_JSON

    try:
        exported = msgspec.json.decode((metrics / METRICS_JSON).read_bytes(), type=_Exported)
        return ns_of(read_time(exported.at)), exported.marks
    except (OSError, ValueError, RecursionError):
        # An export is a convenience: without it what is open has no mark, and the report says so.
        return None, {}


def _mark_outs(metrics: Path) -> MarkOuts:
    """What was noted of where prices went; without the file what it would tell is not known."""
    from console.monitoring.mark_outs import FILE_NAME, read_mark_outs

    try:
        return read_mark_outs(metrics)
    except OSError as error:
        print(visible_line(f"{metrics / FILE_NAME} is passed over: {error.strerror}"), file=sys.stderr)
        return {}


def _write_page(file: Path, review: Review) -> None:
    from console.commands.report_html import page

    content, has_charts = page(review)
    write_output("--html", file, content)
    if not has_charts:
        print("the page has no charts: they need matplotlib: pip install 'kconsole[report]'", file=sys.stderr)
    print(f"written: {file}", file=sys.stderr)


def _draw(folder: Path, review: Review) -> None:
    charts = [chart for step in review.steps for chart in step.charts]
    with drawn(folder):
        from console.backtest.plots import blank_figure, save

        blank_figure()
        folder.mkdir(parents=True, exist_ok=True)
        for chart in charts:
            print(f"drawn: {save(chart.draw(), folder / f'{chart.name}.png')}", file=sys.stderr)
    if not charts:
        print("nothing to draw: no step of this report has figures for a chart", file=sys.stderr)


def _date(text: str) -> date | datetime:
    """A risk day by its date, or a moment in it."""
    try:
        time = read_time(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return time.date() if len(text) <= len("2026-03-01") else time
