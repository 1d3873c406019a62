"""``kconsole`` itself: the engine with its screen."""

from __future__ import annotations

import argparse
import sys

from console.commands.common import add_common_arguments, add_console_arguments
from console.commands.errors import ExitCode, UserError
from console.commands.session import engine_session, left_text

_STARTING = "starting ..."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_common_arguments(parser)
    add_console_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the console until the operator quits."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UserError(
            "the console needs a terminal; use `kconsole run --headless` without one", ExitCode.USAGE
        )
    if not sys.stdout.encoding.lower().startswith("utf"):
        raise UserError(
            f"the console is drawn in UTF-8, and this terminal's is {sys.stdout.encoding}; "
            "set LANG to a UTF-8 locale such as C.UTF-8",
            ExitCode.USAGE,
        )
    print(_STARTING, file=sys.stderr, end="\r", flush=True)
    with engine_session(arguments) as (worker, loaded):
        print(" " * len(_STARTING), file=sys.stderr, end="\r", flush=True)
        from console.tui.app import ConsoleApp
        from console.tui.dialogs import QuitChoice

        app = ConsoleApp(worker, loaded.settings, is_readonly=arguments.readonly)
        choice = app.run()
        failure = worker.failure() or worker.outage()
        cancels = choice is not QuitChoice.LEAVE_RESTING
        left = worker.stop(cancel_resting=cancels)
    if failure is not None:
        raise UserError(failure)
    if cancels and left != 0:
        raise UserError(left_text(left), ExitCode.UNCONFIRMED)
    return app.return_code or ExitCode.DONE
