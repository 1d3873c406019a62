"""``kconsole collect``: the history of series from the exchange as a folder that backtests read."""

from __future__ import annotations

import argparse
import asyncio
import re
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from console.commands.collect_asked import OPEN_END_NS, asked_for, ended, utc_text, where_to_read
from console.commands.common import (
    add_common_arguments,
    add_json_argument,
    home_of,
    load_settings,
    print_json,
    visible,
)
from console.commands.errors import ExitCode, UserError
from console.commands.history_arguments import add_period_arguments, period_of
from console.commands.progress import Bar
from console.commands.signals import run_until_signalled
from console.domain.ports import VenueError
from console.exchange.hosts import Connection, ConnectionDataError, Hosts

if TYPE_CHECKING:
    from console.config.schema import Settings
    from console.exchange.clock import ServerClock
    from console.exchange.signing import Signer
    from console.history.collect import Collector
    from console.history.collect_files import Written
    from console.history.collect_rows import Asked
    from console.history.collect_store import CollectStore

_SERIES = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_CANDLE_MINUTES = (1, 60, 1440)
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _Done(NamedTuple):
    """What a run did: ``had`` is how many rows there were before it, None in a new folder."""

    asked: Asked
    markets: int
    had: int | None
    requests: int
    without_candles: int
    files: dict[str, Written]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--series", metavar="SERIES", type=_series, action="append", required=True, help="may be repeated"
    )
    add_period_arguments(parser)
    parser.add_argument("--out", metavar="DIR", type=Path, required=True, help="folder of the collection")
    parser.add_argument(
        "--candles",
        metavar="MINUTES",
        type=int,
        choices=_CANDLE_MINUTES,
        default=1,
        help="length of the candles: 1, 60 or 1440 (default 1)",
    )
    parser.add_argument(
        "--record",
        action="store_true",
        help="first record whole books from the live feed, until --to or an interrupt",
    )
    parser.add_argument(
        "--attach", metavar="FILE", type=Path, help="practice exchange; FILE holds its first line"
    )
    add_common_arguments(parser)
    add_json_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Raises UserError, ConfigError and LockHeldError; what was read before stays for the next run."""
    settings = load_settings(arguments).settings
    period_of(arguments)
    if arguments.attach is not None and arguments.env != "practice":
        raise UserError("--attach is for the practice environment", ExitCode.USAGE)
    from console.history.collect_store import CollectError, CollectStore

    try:
        hosts, connection = where_to_read(arguments, settings)
        with Bar("markets") as bar, CollectStore(arguments.out) as store:
            done = run_until_signalled(_collect(arguments, settings, hosts, connection, store, bar))
    except CollectError as error:
        raise UserError(str(error)) from None
    except VenueError as error:
        raise UserError(f"{error}; what was read is kept: the same command goes on from there") from None
    except ConnectionDataError as error:
        raise UserError(str(error), ExitCode.USAGE) from None
    except OSError as error:
        raise UserError(f"{error.filename or arguments.out} cannot be written: {error.strerror}") from None
    _remember(arguments, done)
    _report(arguments, done)
    return ExitCode.DONE


async def _collect(
    arguments: argparse.Namespace,
    settings: Settings,
    hosts: Hosts,
    connection: Connection | None,
    store: CollectStore,
    bar: Bar,
) -> _Done:
    from console.history.collect import Collector
    from console.history.collect_files import write_files
    from console.history.patient import PatientReader

    had = None if store.asked is None else store.rows()
    asked = asked_for(arguments, store.asked)
    reader = PatientReader(
        hosts.rest, deadline_s=float(settings.exchange.request_timeout_seconds), tell=bar.begin
    )
    try:
        bar.begin("asking the exchange")
        await reader.keep_pace()
        store.ask(asked)
        if connection is not None:
            await _record(connection, settings, store, Collector(reader, store, asked), bar)
            asked = ended(asked)
            store.ask(asked)
        collector = Collector(reader, store, asked)
        bar.begin("collecting")
        markets = await collector.collect(bar.count)
        if not markets:
            raise UserError(
                f"{', '.join(asked.series)} had no market from {utc_text(asked.since_ns)} "
                f"to {utc_text(asked.until_ns)}"
            )
        files = write_files(arguments.out, store, bar.begin)
    finally:
        await reader.close()
    return _Done(asked, len(markets), had, reader.requests, collector.without_candles, files)


async def _record(
    connection: Connection, settings: Settings, store: CollectStore, collector: Collector, bar: Bar
) -> None:
    """Record until --to or a signal; another one interrupts what follows. Raises UserError, VenueError."""
    from console.app.parts import signer_of
    from console.exchange.clock import ServerClock
    from console.exchange.feed import KalshiFeed
    from console.history.collect_books import BookRecorder

    signer, clock = signer_of(connection), ServerClock(time.time_ns)
    await _check_key(connection, settings, signer, clock)
    asked = store.asked
    assert asked is not None
    recorder = BookRecorder(
        store,
        collector,
        lambda on_book: KalshiFeed(connection, signer, clock, wall_ns=time.time_ns, on_book=on_book),
        _say,
    )
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in _ENDING:
        loop.add_signal_handler(number, stop.set)
    try:
        _say(f"recording {', '.join(asked.series)}; interrupt it to end")
        await recorder.record(stop, None if asked.until_ns == OPEN_END_NS else asked.until_ns)
    finally:
        for number in _ENDING:
            loop.remove_signal_handler(number)
    _say(f"recorded {recorder.rows:,} changes of books; reading trades, candles and results")


async def _check_key(connection: Connection, settings: Settings, signer: Signer, clock: ServerClock) -> None:
    """Raises VenueError: the feed itself would ask again for ever."""
    from console.exchange.http import Transport
    from console.exchange.rest import account_limits

    deadline_s = float(settings.exchange.request_timeout_seconds)
    transport = Transport(connection.rest, signer, clock, deadline_s=deadline_s)
    try:
        await transport.send(account_limits())
    finally:
        await transport.close()


def _remember(arguments: argparse.Namespace, done: _Done) -> None:
    """Offer the folder to the console's replay."""
    from console.history.collected import Collected, register

    asked = done.asked
    folder = str(arguments.out.absolute())
    try:
        register(home_of(arguments).root, Collected(folder, asked.series, asked.since_ns, asked.until_ns))
    except OSError as error:
        _say(f"the console will not list it: {error.filename}: {error.strerror}")


def _report(arguments: argparse.Namespace, done: _Done) -> None:
    asked, files = done.asked, done.files
    trades, candles = files["trades"].rows, files["candles"].rows
    changes = sum(files[name].rows for name in ("snapshots", "deltas") if name in files)
    if done.without_candles:
        _say(f"{done.without_candles} markets have no candles at the exchange any more")
    if arguments.json:
        print_json(
            {
                "environment": asked.environment,
                "series": asked.series,
                "from": utc_text(asked.since_ns),
                "to": utc_text(asked.until_ns),
                "out": arguments.out.absolute(),
                "markets": done.markets,
                "rows": trades + candles + changes,
                "trades": trades,
                "candles": candles,
                "book_rows": changes,
                "resumed_from": None if done.had is None else {"rows": done.had},
                "requests": done.requests,
                "markets_without_candles": done.without_candles,
            }
        )
        return
    print(
        f"{done.markets:,} markets of {', '.join(asked.series)} from {utc_text(asked.since_ns)} "
        f"to {utc_text(asked.until_ns)}"
    )
    print(f"{trades:,} trades, {candles:,} candles, {changes:,} book rows")
    print(visible(f"kconsole backtest --data {arguments.out}"))


def _say(text: str) -> None:
    print(visible(f"kconsole: {text}"), file=sys.stderr, flush=True)


def _series(text: str) -> str:
    if not _SERIES.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a series ticker such as KXBTC15M")
    return text
