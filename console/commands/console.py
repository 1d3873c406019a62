"""``kconsole`` itself: the engine with its screen."""

from __future__ import annotations

import argparse
import os
import sys

from console.commands.common import add_common_arguments, add_console_arguments
from console.commands.errors import ExitCode, UserError
from console.commands.session import Session, engine_session, failure_error, failure_text, left_text

_STARTING = "starting ..."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_common_arguments(parser)
    add_console_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the console until the operator quits, a signal ends it, or it fails."""
    _check_terminal(is_ascii=arguments.ascii)
    print(_STARTING, file=sys.stderr, end="\r", flush=True)
    with engine_session(arguments) as session:
        print(" " * len(_STARTING), file=sys.stderr, end="\r", flush=True)
        return _show(session, is_readonly=arguments.readonly, is_ascii=arguments.ascii)


def _show(session: Session, *, is_readonly: bool, is_ascii: bool) -> int:
    from console.tui.quit_choice import QuitChoice
    from console.tui.start import make_app
    from console.tui.terminal import TerminalState

    worker, ending = session.worker, session.ending
    terminal = TerminalState()
    app = make_app(worker, session.loaded, home=session.home, is_readonly=is_readonly, is_ascii=is_ascii)
    ending.restore_terminal = terminal.leave_screen
    ending.tell(app.end)
    # From here on it is noticed when the screen is never drawn.
    worker.note_screen()
    try:
        choice = app.run()
    finally:
        terminal.restore()
    failure = app.failure or ending.failure
    ended = worker.failure() or worker.outage()
    cancels = choice is not QuitChoice.LEAVE_RESTING
    left = ending.stop(worker, cancel_resting=cancels)
    if failure is not None:
        raise UserError(failure_text(failure, session.logs))
    if (failed := worker.failure()) is not None:
        raise failure_error(failed, left)
    if ended is not None:
        raise UserError(ended)
    if cancels and left != 0:
        raise UserError(left_text(left), ExitCode.UNCONFIRMED)
    return ending.exit_code or app.return_code or ExitCode.DONE


def _check_terminal(*, is_ascii: bool) -> None:
    """Raise UserError where the console could not be drawn or its keys not be read."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UserError(
            "the console needs a terminal; use `kconsole run --headless` without one", ExitCode.USAGE
        )
    if os.environ.get("TERM") == "dumb":
        raise UserError(
            "this terminal cannot place what is drawn (TERM=dumb); use another, or `kconsole run --headless`",
            ExitCode.USAGE,
        )
    if not (is_ascii or sys.stdout.encoding.lower().startswith("utf")):
        raise UserError(
            f"the console is drawn in UTF-8, and this terminal's is {sys.stdout.encoding}; "
            "set LANG to a UTF-8 locale such as C.UTF-8, or use --ascii",
            ExitCode.USAGE,
        )
    if not sys.stderr.isatty():
        raise UserError(
            "the console is drawn on standard error, which is not a terminal here; do not redirect it",
            ExitCode.USAGE,
        )
    if _is_in_background():
        raise UserError(
            "the console needs the foreground; use `kconsole run --headless` in the background",
            ExitCode.USAGE,
        )


def _is_in_background() -> bool:
    """Whether the terminal would stop the console, with its orders alone at the exchange."""
    try:
        return os.tcgetpgrp(sys.stdin.fileno()) != os.getpgrp()
    except OSError:
        # It is not the controlling terminal, which alone has a foreground.
        return False
