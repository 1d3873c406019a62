"""``kconsole run``: the engine without a screen."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from types import FrameType

from console.commands.common import add_common_arguments, add_json_argument, add_session_arguments, print_json
from console.commands.errors import ExitCode, UserError
from console.commands.session import engine_session, left_text
from console.engine.status import final_document
from console.engine.worker import EngineWorker

_LOOK_EVERY_S = 0.2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--headless", action="store_true", required=True, help="without a screen")
    parser.add_argument("--for", dest="seconds", metavar="SECONDS", type=_duration, help="then end")
    add_common_arguments(parser)
    add_session_arguments(parser)
    add_json_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Trade until the time is up or a signal comes, then cancel what rests and report."""
    ended = threading.Event()
    _end_on_signals(ended)
    with engine_session(arguments) as (worker, _):
        _wait(worker, ended, arguments.seconds)
        failure = worker.failure() or worker.outage()
        left = worker.stop(cancel_resting=True)
        document = final_document(worker)
    if arguments.json:
        print_json(document)
    else:
        simulated = " (dry run)" if arguments.dry_run else ""
        print(
            f"{document['environment']}{simulated}: {document['orders']} orders, {document['fills']} fills, "
            f"fees {document['fees']}, cash {document['cash']}, {document['state']}"
        )
    if failure is not None:
        raise UserError(failure, ExitCode.FAILED)
    if left != 0:
        raise UserError(left_text(left), ExitCode.UNCONFIRMED)
    return ExitCode.DONE


def _wait(worker: EngineWorker, ended: threading.Event, seconds: float | None) -> None:
    waited = 0.0
    while not (ended.wait(_LOOK_EVERY_S) or worker.failure() or worker.outage()):
        waited += _LOOK_EVERY_S
        if seconds is not None and waited >= seconds:
            return


def _end_on_signals(ended: threading.Event) -> None:
    def end(_number: int, _frame: FrameType | None) -> None:
        ended.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)


def _duration(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not 0 < seconds < sys.maxsize:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return seconds
