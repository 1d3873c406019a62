"""The arguments of commands that read a history folder, and what they stand for."""

from __future__ import annotations

import argparse
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from console.commands.errors import ExitCode, UserError
from console.history.times import ns_of, read_time

if TYPE_CHECKING:
    from console.history.timeline import Timeline
    from console.history.usable import Period


def add_history_arguments(parser: argparse.ArgumentParser) -> None:
    """``--data --from --to --series``."""
    parser.add_argument("--data", metavar="DIR", type=Path, required=True, help="folder of recorded markets")
    add_period_arguments(parser)
    parser.add_argument(
        "--series", metavar="SERIES", action="append", default=[], help="only this one; may be repeated"
    )


def add_period_arguments(parser: argparse.ArgumentParser) -> None:
    """``--from --to``."""
    parser.add_argument(
        "--from", dest="since", metavar="TIME", type=_time, help="first time, such as 2026-03-01 (UTC)"
    )
    parser.add_argument("--to", dest="until", metavar="TIME", type=_time, help="time before which to end")


def open_history(arguments: argparse.Namespace, *, books: bool = True) -> Timeline:
    """The timeline that was asked for, with the recorded books where they are of use; raises UserError."""
    # They bring pyarrow, which a wrong option need not wait for.
    from console.history.folder import open_folder
    from console.history.schema import HistoryError

    try:
        return open_folder(arguments.data, period_of(arguments), arguments.series, books=books)
    except HistoryError as error:
        raise UserError(str(error)) from None


def period_of(arguments: argparse.Namespace) -> Period:
    """The period that was asked for; raises UserError."""
    from console.history.usable import Period

    since, until = arguments.since, arguments.until
    if since is not None and until is not None and since >= until:
        raise UserError("--from is not before --to", ExitCode.USAGE)
    return Period(_ns(since), _ns(until))


def _time(text: str) -> datetime:
    try:
        return read_time(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _ns(time: datetime | None) -> int | None:
    return None if time is None else ns_of(time)
