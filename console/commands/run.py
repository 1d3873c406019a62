"""``kconsole run``: the engine without a screen."""

from __future__ import annotations

import argparse
import sys
import threading

from console.commands.common import (
    add_common_arguments,
    add_json_argument,
    add_session_arguments,
    drop_output,
    print_json,
)
from console.commands.errors import ExitCode, UserError
from console.commands.session import engine_session, failure_error, failure_text, left_text
from console.engine.status import Document, final_document
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
    with engine_session(arguments) as session:
        worker, ending = session.worker, session.ending
        ending.tell(lambda _: ended.set())
        _wait(worker, ended, arguments.seconds)
        ended_itself = worker.failure() or worker.outage()
        left = ending.stop(worker, cancel_resting=True)
        # Before the parts are taken down: one of them may hang, and be ended by force.
        _report(final_document(worker), arguments, is_signalled=ending.exit_code is not None)
        if ending.failure is not None:
            raise UserError(failure_text(ending.failure, session.logs))
        if (failed := worker.failure()) is not None:
            raise failure_error(failed, left)
        if ended_itself is not None:
            raise UserError(ended_itself)
        if left != 0:
            raise UserError(left_text(left), ExitCode.UNCONFIRMED)
        return ending.exit_code or ExitCode.DONE


def _wait(worker: EngineWorker, ended: threading.Event, seconds: float | None) -> None:
    waited = 0.0
    while not (ended.wait(_LOOK_EVERY_S) or worker.failure() or worker.outage()):
        waited += _LOOK_EVERY_S
        if seconds is not None and waited >= seconds:
            return


def _report(document: Document, arguments: argparse.Namespace, *, is_signalled: bool) -> None:
    try:
        if arguments.json:
            print_json(document)
        else:
            simulated = " (dry run)" if arguments.dry_run else ""
            print(
                f"{document['environment']}{simulated}: {document['orders']} orders, "
                f"{document['fills']} fills, fees {document['fees']}, cash {document['cash']}, "
                f"{document['state']}"
            )
        sys.stdout.flush()
    except OSError:
        # Whoever read it may have ended with the signal; that is no failure of the run.
        if not is_signalled:
            raise
        drop_output()


def _duration(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not 0 < seconds < sys.maxsize:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return seconds
