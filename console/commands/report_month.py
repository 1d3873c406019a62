"""The month's recording for ``kconsole report monthly``: the backtests and the groups it takes."""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from console.backtest.fee_schedules import FeeFileError, FeeSchedules
from console.backtest.setup import Setup
from console.backtest.shipped_setup import shipped_setup
from console.commands.backtest_arguments import at_other_latencies, run_on, with_depth
from console.commands.common import home_of
from console.commands.errors import ExitCode, UserError
from console.commands.preflight.recorded import in_recorded_time
from console.commands.progress import Bar
from console.config.schema import Settings
from console.domain.money import CASH_PER_DOLLAR, Cash
from console.risk.correlation import CORRELATED_ABOVE
from console.strategies.edge_table import edge_model_of, measured_table

if TYPE_CHECKING:
    from console.backtest.report import Context
    from console.backtest.routine import Reviewed
    from console.backtest.routine_monthly import Month
    from console.history.timeline import Timeline
    from console.monitoring.days import Days

_NOT_GIVEN = "name a folder of recorded markets with --data"


def month_of(arguments: argparse.Namespace, of: Reviewed) -> tuple[Month | None, str]:
    """What the recording shows of the period, and why nothing where it has none.

    Raises ConfigError, and UserError for a folder or a file that cannot be used.
    """
    if arguments.data is None:
        return None, _NOT_GIVEN
    from console.backtest.report import Context
    from console.history.folder import open_folder
    from console.history.schema import EmptyHistoryError, HistoryError
    from console.history.usable import Period

    setup = _setup(arguments, of)
    try:
        with Bar("rows") as bar:
            bar.begin(f"reading {arguments.data}")
            period = Period(of.first_ns, of.last_ns)
            timeline = open_folder(arguments.data, period)
            table = measured_table(setup.settings.edge, home_of(arguments).root, time.time_ns())
            context = Context(data=str(arguments.data), period=period, edge_table=table)
            return _month(timeline, setup, context, of.days, bar), ""
    except EmptyHistoryError:
        return None, f"{arguments.data} has no usable row of {of.period}"
    except HistoryError as error:
        raise UserError(str(error)) from None


def _month(timeline: Timeline, setup: Setup, context: Context, days: Days, bar: Bar) -> Month:
    from console.backtest.market_groups import find_groups
    from console.backtest.report import report_of
    from console.backtest.routine_monthly import Month
    from console.backtest.routine_sizing import Sized, unhardened
    from console.domain.fees import KalshiFees
    from console.monitoring.figures import figures_of

    bar.begin("running")
    result = run_on(timeline, setup, bar)
    others = at_other_latencies(timeline, setup, bar)
    bar.begin("without hardened sizing")
    settings = replace(setup.settings, risk=unhardened(setup.settings.risk))
    soft = run_on(timeline, replace(setup, settings=settings), bar)
    fee_model = setup.profit_fees or KalshiFees(setup.precision)
    return Month(
        data=context.data,
        report=report_of(result, setup, timeline.markets, replace(context, at_latency=others)),
        unhardened=Sized(result=soft, figures=figures_of(soft, fee_model, settings.quality, days)),
        groups=find_groups(timeline, context.data, CORRELATED_ABOVE, None, bar.begin),
        markets=timeline.markets,
    )


def _setup(arguments: argparse.Namespace, of: Reviewed) -> Setup:
    """The settings in force in the usual world, with what the account had when the month began."""
    settings: Settings = of.settings
    if arguments.env == "practice":
        settings = in_recorded_time(settings)
    try:
        fees = FeeSchedules.load(arguments.fee_schedule)
    except FeeFileError as error:
        raise UserError(str(error), ExitCode.USAGE) from None
    edge = edge_model_of(settings.edge, home_of(arguments).root, time.time_ns())
    usual = Cash(int(settings.practice.starting_cash_dollars * CASH_PER_DOLLAR))
    had = None if of.records is None else of.records.capital
    capital = had if had is not None and had > 0 else usual
    setup = shipped_setup(settings, edge, fees, capital)
    return with_depth(setup, arguments)
