"""The arguments of commands that trade recorded markets, and the run that they ask for."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING

from console.backtest.fee_schedules import FeeFileError, FeeSchedules
from console.backtest.setup import ClockSkew, Latency, Setup
from console.backtest.shipped_setup import USUAL_LATENCY, shipped_setup
from console.commands.common import add_common_arguments, add_json_argument, home_of, options_of
from console.commands.errors import ExitCode, UserError
from console.commands.history_arguments import add_history_arguments, period_of
from console.commands.progress import Bar
from console.config.load import load
from console.config.schema import Settings
from console.config.setting import MOST_CONTRACTS, MOST_DOLLARS
from console.domain.fees import AccountPrecision
from console.domain.money import CASH_PER_DOLLAR, COUNT_PER_CONTRACT, Cash, Count, MoneyError, parse_cash
from console.domain.time_units import NS_PER_MS
from console.simulation.execution import QueueModel
from console.strategies.edge_table import edge_model_of, measured_table

if TYPE_CHECKING:
    from console.backtest.report import Context
    from console.backtest.result import Result
    from console.history.timeline import Timeline

FEE_MODELS = ("kalshi", "profit")

_OTHER_LATENCIES = (0, 3)
"""What every latency is multiplied by, for the slope."""

_MOST_MS = 3_600_000
_USUAL_LATENCY_MS = ",".join(
    f"{ns / NS_PER_MS:g}" for ns in (USUAL_LATENCY.feed_ns, USUAL_LATENCY.entry_ns, USUAL_LATENCY.response_ns)
)
_MOST_PPM = 10_000


def add_backtest_arguments(parser: argparse.ArgumentParser) -> None:
    """Those of every command that runs backtests."""
    add_common_arguments(parser)
    add_json_argument(parser)
    add_history_arguments(parser)
    add = parser.add_argument
    add("--fees", choices=FEE_MODELS, help="the exchange's schedule (default), or a share of profits")
    add("--style", choices=("maker", "taker"), help="same as --set strategy_flb.style=STYLE")
    add("--capital", metavar="DOLLARS", type=_dollars, default="10000", help="default: 10000")
    _add_world_arguments(parser)
    add("--stop-on-halt", action="store_true", help="end at a halt, which else is cleared the next day")
    add("--no-skip-ahead", action="store_true", help="look at rows too that can change nothing; slower")
    chance = "of chance: jitter, modelled sizes, results that were not recorded"
    add("--seed", metavar="N", type=_seed, default=0, help=chance)


def _add_world_arguments(parser: argparse.ArgumentParser) -> None:
    """What becomes of orders, and what they cost."""
    add = parser.add_argument
    add(
        "--latency-ms",
        dest="latency_ns",
        metavar="FEED,ENTRY,RESPONSE",
        type=_latencies,
        default=_USUAL_LATENCY_MS,
        help=f"from the exchange to us, from us to it, and of its answer; default: {_USUAL_LATENCY_MS}",
    )
    jitter = "up to so much more, by chance"
    add("--jitter-ms", dest="jitter_ns", metavar="MS", type=_delay, default="0", help=jitter)
    skew = "how far our clock is ahead"
    add("--skew-ms", dest="skew_ns", metavar="MS", type=_skew, default="0", help=skew)
    add("--drift-ppm", metavar="PPM", type=_drift, default="0", help="how fast it gains")
    add(
        "--queue",
        choices=("pessimistic", "proportional"),
        default="pessimistic",
        help="how a resting order moves up: by trades alone (default), or by its share of cancels too",
    )
    add(
        "--slippage-model",
        choices=("on", "off"),
        help="cost beyond the book, by the settings of [slippage]; default: off, but on with --fees profit "
        "and for kconsole slippage",
    )
    add_depth_arguments(parser)
    add(
        "--fee-schedule", metavar="FILE", type=Path, help="CSV of fees by series and date, over those shipped"
    )
    step = "the step of the balance: 0.0001 $ (default), or a cent"
    add("--precision", choices=("direct", "broker"), default="direct", help=step)


def add_depth_arguments(parser: argparse.ArgumentParser, *, only_for: str = "") -> None:
    """What is displayed where no size was recorded; ``only_for`` goes before the help."""
    depth = parser.add_mutually_exclusive_group()
    depth.add_argument(
        "--assume-depth",
        metavar="N",
        type=contracts,
        help=f"{only_for}contracts displayed where no size was recorded; else nothing fills there",
    )
    depth.add_argument(
        "--modelled-depth",
        action="store_true",
        help=f"{only_for}draw what was displayed there, by the laws of the practice exchange",
    )


def with_depth(setup: Setup, arguments: argparse.Namespace) -> Setup:
    """The setup with the depth that was asked for."""
    return replace(setup, assumed_depth=arguments.assume_depth, modelled_depth=arguments.modelled_depth)


def setup_from(arguments: argparse.Namespace, *options: tuple[str, str]) -> Setup:
    """The run asked for, with more settings as pairs of an option and its ``section.key=value``.

    Raises ConfigError, and UserError for a file of fees that cannot be used.
    """
    settings = _settings(arguments, options)
    try:
        fees = FeeSchedules.load(arguments.fee_schedule)
    except FeeFileError as error:
        raise UserError(str(error), ExitCode.USAGE) from None
    is_broker = arguments.precision == "broker"
    usual = shipped_setup(
        settings,
        edge_model_of(settings.edge, home_of(arguments).root, time.time_ns()),
        fees,
        arguments.capital,
        precision=AccountPrecision.BROKER_CLEARED if is_broker else AccountPrecision.DIRECT_MEMBER,
        has_slippage=None if arguments.slippage_model is None else arguments.slippage_model == "on",
    )
    return replace(
        with_depth(usual, arguments),
        latency=_latency(arguments),
        skew=ClockSkew(offset_ns=arguments.skew_ns, drift_ppm=arguments.drift_ppm),
        queue=QueueModel(arguments.queue),
        stop_on_halt=arguments.stop_on_halt,
        skip_ahead=not arguments.no_skip_ahead,
        seed=arguments.seed,
    )


def context_from(arguments: argparse.Namespace, setup: Setup, at_latency: Mapping[int, Result]) -> Context:
    """What a report needs to know besides the run; raises ConfigError."""
    from console.backtest.report import Context

    return Context(
        data=str(arguments.data),
        period=period_of(arguments),
        at_latency=at_latency,
        edge_table=measured_table(setup.settings.edge, home_of(arguments).root, time.time_ns()),
    )


def run_on(timeline: Timeline, setup: Setup, bar: Bar) -> Result:
    """Run, showing how far it is; raises UserError when a file was changed meanwhile."""
    from console.backtest.run import run
    from console.history.schema import HistoryError

    try:
        return run(setup, timeline, bar.count)
    except HistoryError as error:
        raise UserError(str(error)) from None


def at_other_latencies(timeline: Timeline, setup: Setup, bar: Bar) -> dict[int, Result]:
    """The same run where every latency is that many times as long; raises UserError."""
    found = {}
    for factor in _OTHER_LATENCIES:
        bar.begin(f"at {factor} times the latency")
        found[factor] = run_on(timeline, setup.with_latency(factor), bar)
    return found


def _settings(arguments: argparse.Namespace, options: tuple[tuple[str, str], ...]) -> Settings:
    """The built-in defaults, or those of ``--config``, with what the command line states."""
    stated = options_of(arguments)
    if arguments.fees is not None:
        stated.append(("--fees", f"fees.model={arguments.fees}"))
    if arguments.style is not None:
        stated.append(("--style", f"strategy_flb.style={arguments.style}"))
    config = arguments.config or Path(os.devnull)
    return load(arguments.env, config=config, options=[*stated, *options]).settings


def _latency(arguments: argparse.Namespace) -> Latency:
    feed_ns, entry_ns, response_ns = arguments.latency_ns
    return Latency(feed_ns=feed_ns, entry_ns=entry_ns, response_ns=response_ns, jitter_ns=arguments.jitter_ns)


def _ns(text: str, least_ms: int) -> int:
    try:
        ms = Decimal(text)
        is_right = least_ms <= ms <= _MOST_MS
    except InvalidOperation:
        is_right = False
    if not is_right:
        raise argparse.ArgumentTypeError(
            f"{text} is not a number of milliseconds from {least_ms} to {_MOST_MS}"
        )
    return int(ms * NS_PER_MS)


def _delay(text: str) -> int:
    return _ns(text, 0)


def _skew(text: str) -> int:
    return _ns(text, -_MOST_MS)


def _latencies(text: str) -> tuple[int, int, int]:
    parts = text.split(",")
    if len(parts) != 3:
        raise argparse.ArgumentTypeError(f"{text} is not three numbers such as 50,100,50")
    feed, entry, response = (_delay(part) for part in parts)
    return feed, entry, response


def _drift(text: str) -> int:
    return whole(text, -_MOST_PPM, _MOST_PPM, "parts per million")


def _seed(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text} is not a whole number from 0 on")
    return int(text)


def contracts(text: str) -> Count:
    """A number of contracts, for an argument's type."""
    return Count(whole(text, 1, MOST_CONTRACTS, "contracts") * COUNT_PER_CONTRACT)


def _dollars(text: str) -> Cash:
    try:
        cash = parse_cash(text)
    except MoneyError:
        cash = Cash(0)
    if not 0 < cash <= MOST_DOLLARS * CASH_PER_DOLLAR:
        raise argparse.ArgumentTypeError(f"{text} is not an amount of dollars such as 10000")
    return cash


def whole(text: str, least: int, most: int, unit: str) -> int:
    """A whole number in a range, for an argument's type."""
    try:
        number = int(text)
    except ValueError:
        number = least - 1
    if not least <= number <= most:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number of {unit} from {least} to {most}")
    return number
