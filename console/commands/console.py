"""``kconsole`` itself: the engine with its screen."""

from __future__ import annotations

import argparse
import sys

from console.commands.common import add_common_arguments, add_session_arguments
from console.commands.errors import ExitCode, UserError
from console.commands.session import engine_session, left_text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_common_arguments(parser)
    add_session_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the console until the operator quits."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UserError(
            "the console needs a terminal; use `kconsole run --headless` without one", ExitCode.USAGE
        )
    print("starting ...", file=sys.stderr, end="\r", flush=True)
    with engine_session(arguments) as (worker, loaded):
        from console.tui.app import ConsoleApp
        from console.tui.dialogs import QuitChoice

        app = ConsoleApp(worker, loaded.settings)
        choice = app.run()
        failure = worker.failure()
        cancels = choice is not QuitChoice.LEAVE_RESTING
        left = worker.stop(cancel_resting=cancels)
    if failure is not None:
        raise UserError(failure)
    if cancels and left != 0:
        raise UserError(left_text(left), ExitCode.UNCONFIRMED)
    return app.return_code or ExitCode.DONE
