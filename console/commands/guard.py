"""``kconsole guard``: the process that a run starts to watch it; not for use by hand."""

from __future__ import annotations

import argparse
import os
import sys

from console.commands.common import add_home_argument, folder_of
from console.commands.errors import ExitCode, UserError
from console.config.load import ENVIRONMENTS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_home_argument(parser)
    parser.add_argument("--env", choices=ENVIRONMENTS, required=True)


def run(arguments: argparse.Namespace) -> int:
    """Watch the run whose pipe is standard input until nothing is left to guard."""
    if sys.stdin is None or sys.stdin.isatty():
        raise UserError("a run starts its guard itself", ExitCode.USAGE)
    from console.app.guard_duty import READY, GuardDuty
    from console.config.logs import GUARD_LOG, start_logging

    folder = folder_of(arguments)
    handler = start_logging(folder.logs, GUARD_LOG)
    try:
        duty = GuardDuty(folder, is_practice=arguments.env == "practice", line=sys.stdin.fileno())
        os.write(sys.stdout.fileno(), READY)
        duty.serve()
    finally:
        handler.close()
    return ExitCode.DONE
