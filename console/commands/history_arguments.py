"""The arguments of commands that read a history folder, and what they stand for."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from console.commands.errors import ExitCode, UserError

if TYPE_CHECKING:
    from console.history.timeline import Timeline

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def add_history_arguments(parser: argparse.ArgumentParser) -> None:
    """``--data --from --to --series``."""
    parser.add_argument("--data", metavar="DIR", type=Path, required=True, help="folder of recorded markets")
    parser.add_argument(
        "--from", dest="since", metavar="TIME", type=_time, help="first time, such as 2026-03-01 (UTC)"
    )
    parser.add_argument("--to", dest="until", metavar="TIME", type=_time, help="time before which to end")
    parser.add_argument(
        "--series", metavar="SERIES", action="append", default=[], help="only this one; may be repeated"
    )


def open_history(arguments: argparse.Namespace) -> Timeline:
    """The timeline that was asked for; raises UserError."""
    # They bring pyarrow, which a wrong option need not wait for.
    from console.history.folder import open_folder
    from console.history.schema import HistoryError
    from console.history.usable import Period

    since, until = arguments.since, arguments.until
    if since is not None and until is not None and since >= until:
        raise UserError("--from is not before --to", ExitCode.USAGE)
    try:
        return open_folder(arguments.data, Period(_ns(since), _ns(until)), arguments.series)
    except HistoryError as error:
        raise UserError(str(error)) from None


def _time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is not a time such as 2026-03-01T14:30") from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _ns(time: datetime | None) -> int | None:
    return None if time is None else (time - _EPOCH) // _MICROSECOND * 1_000
