"""``kconsole exchange``: the practice exchange alone, for a console elsewhere or a program of one's own."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import secrets
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING

from console.commands.common import add_home_argument, home_of
from console.commands.errors import ExitCode, UserError
from console.config.program_settings import PracticeSettings
from console.domain.money import Cash, MoneyError, parse_cash

if TYPE_CHECKING:
    from console.practice.server import Address, PracticeServer
    from console.practice.session import Tape

_SPEED_LEAST, _SPEED_MOST = Decimal("0.1"), Decimal(100)
_SEED_BITS = 32
_PORT_MOST = 65_535


def add_arguments(parser: argparse.ArgumentParser) -> None:
    defaults = PracticeSettings()
    parser.add_argument("--port", metavar="N", type=_port, default=0, help="port on 127.0.0.1 (0: any free)")
    parser.add_argument(
        "--speed",
        metavar="X",
        type=_speed,
        default=defaults.speed,
        help=f"how much faster than recorded (default {defaults.speed})",
    )
    parser.add_argument(
        "--data", metavar="DIR", type=Path, help="history folder to replay (default: the shipped session)"
    )
    parser.add_argument("--seed", metavar="N", type=int, help="of what is modelled (default: drawn)")
    parser.add_argument(
        "--cash",
        metavar="DOLLARS",
        type=_cash,
        default=parse_cash(str(defaults.starting_cash_dollars)),
        help=f"of the new account (default {defaults.starting_cash_dollars})",
    )
    parser.add_argument(
        "--until-stdin-closes", action="store_true", help="end when standard input does, for a parent process"
    )
    add_home_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print one JSON line when ready; serve until SIGINT, SIGTERM or the end of standard input."""
    from console.history.schema import HistoryError
    from console.practice.server import AddressError, GeneratedKey, PracticeServer, listen
    from console.practice.session import play

    seed = secrets.randbits(_SEED_BITS) if arguments.seed is None else arguments.seed
    try:
        listening = listen(arguments.port)
        with ThreadPoolExecutor(1) as worker:
            made = worker.submit(GeneratedKey, home_of(arguments).environment("practice").keys)
            try:
                tape = play(arguments.data, seed=seed, speed=arguments.speed, start_ns=time.time_ns())
            except BaseException:
                made.result().remove()
                raise
            key = made.result()
    except (AddressError, HistoryError) as error:
        raise UserError(str(error)) from error
    except OSError as error:
        raise UserError(f"{error.filename or 'the key file'} cannot be written: {error.strerror}") from error
    try:
        server = PracticeServer(listening, key, arguments.cash)
        asyncio.run(_serve(server, tape, arguments.until_stdin_closes))
    finally:
        key.remove()
    return ExitCode.DONE


async def _serve(server: PracticeServer, tape: Tape, until_stdin_closes: bool) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if until_stdin_closes:
        threading.Thread(target=_watch_stdin, args=(loop, stop), daemon=True).start()
    await server.run(tape, stop, _print_address)


def _print_address(address: Address) -> None:
    line = {name: getattr(address, name) for name in address.__struct_fields__}
    print(json.dumps(line), flush=True)


def _watch_stdin(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    # The file object's lock, held by a daemon thread at exit, would abort the interpreter.
    while sys.stdin is not None and os.read(sys.stdin.fileno(), 4096):
        pass
    with contextlib.suppress(RuntimeError):  # the loop ended first
        loop.call_soon_threadsafe(stop.set)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= _PORT_MOST):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 0 to {_PORT_MOST}")
    return int(text)


def _speed(text: str) -> Decimal:
    try:
        speed = Decimal(text)
    except InvalidOperation:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
    if not (speed.is_finite() and _SPEED_LEAST <= speed <= _SPEED_MOST):
        raise argparse.ArgumentTypeError(f"{text} is not from {_SPEED_LEAST} to {_SPEED_MOST}")
    return speed


def _cash(text: str) -> Cash:
    try:
        cash = parse_cash(text)
    except MoneyError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if cash <= 0:
        raise argparse.ArgumentTypeError(f"{text} is not a positive amount")
    return cash
