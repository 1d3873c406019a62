"""``kconsole resume``: clears one named latch while no console runs."""

from __future__ import annotations

import argparse
import sys
import time

from console.app import UncleanError, offline_engine
from console.commands.common import (
    add_account_arguments,
    add_common_arguments,
    add_json_argument,
    print_json,
)
from console.commands.errors import ExitCode, UserError
from console.commands.offline_launch import offline_launch
from console.domain.ports import VenueError
from console.engine.journal import JournalError
from console.engine.offline import OfflineEngine
from console.engine.status import latch_document


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("latch", metavar="LATCH", help="its name as `kconsole status` shows it")
    parser.add_argument("--reason", metavar="TEXT", required=True, help="why it may go; kept in the journal")
    add_common_arguments(parser)
    add_account_arguments(parser)
    add_json_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Raises LockHeldError while a console runs in that home, UserError when the latch stays."""
    if not arguments.reason.strip():
        raise UserError("--reason is empty: say why the latch may go", ExitCode.USAGE)
    if not sys.stdin.isatty():
        raise UserError("resume needs a terminal, where the latch's name is typed", ExitCode.REFUSED)
    launch = offline_launch(arguments, nothing_live="nothing is latched")
    try:
        with offline_engine(launch) as offline:
            _clear(offline, arguments)
            _report(offline, arguments)
    except (JournalError, UncleanError, VenueError) as error:
        raise UserError(str(error), ExitCode.REFUSED) from None
    return ExitCode.DONE


def _clear(offline: OfflineEngine, arguments: argparse.Namespace) -> None:
    name = arguments.latch
    latch = next((latch for latch in offline.latches if latch.id == name), None)
    if latch is None:
        known = ", ".join(latch.id for latch in offline.latches) or "none"
        raise UserError(f"no latch named {name!r} is in force; in force: {known}", ExitCode.USAGE)
    refusal = offline.refusal(name, time.time_ns())
    if refusal is not None:
        raise UserError(f"{name} was not cleared: {refusal}", ExitCode.REFUSED)
    said = f"{latch.level.name} {name}, by {latch.source}: {latch.reason}"
    print(f"{said}\ntype {name} to clear it: ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip() != name:
        raise UserError(f"{name} was not cleared: its name was not typed", ExitCode.REFUSED)
    # A shell may pass bytes that are no text, and the journal keeps text.
    reason = arguments.reason.encode(errors="backslashreplace").decode()
    if not offline.resume(name, reason, time.time_ns()):
        raise UserError(f"{name} was not cleared: {offline.refusal(name, time.time_ns())}", ExitCode.REFUSED)


def _report(offline: OfflineEngine, arguments: argparse.Namespace) -> None:
    state = offline.engine.account.latches.state.name
    if arguments.json:
        latches = [latch_document(latch) for latch in offline.latches]
        print_json({"environment": arguments.env, "state": state, "latches": latches})
    else:
        left = ", ".join(latch.id for latch in offline.latches)
        print(f"{arguments.latch} cleared; {state}{f', held by {left}' if left else ''}")
