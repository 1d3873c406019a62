"""``kconsole export``: what a journal tells, as tables for other programs; works while a console runs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple, TextIO

from console.commands.common import (
    add_common_arguments,
    add_json_argument,
    folder_of,
    print_json,
    visible_line,
)
from console.commands.errors import ExitCode, UserError
from console.commands.export_files import FORMATS, RowFile, in_one_step
from console.commands.export_tables import TABLES, Collector
from console.commands.history_arguments import add_period_arguments, period_of
from console.commands.progress import Bar
from console.commands.signals import ended_by_signals
from console.config.files import sync_folder
from console.domain.account_events import AccountOpened
from console.engine.journal_chain import JournalError
from console.engine.journal_copy import JournalCopy, Progress, journal_copy, tell_nobody
from console.history.usable import Period
from console.monitoring.documents import Document

_ALL = "all"
_STANDARD_OUTPUT = Path("-")
_EVENTS_BETWEEN_TELLS = 1_000


class _Output(NamedTuple):
    collector: Collector
    file: RowFile


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--what", choices=(*TABLES, _ALL), default=_ALL, help=f"default: {_ALL}")
    parser.add_argument("--format", choices=FORMATS, default="csv", help="default: csv")
    parser.add_argument(
        "--out",
        metavar="DIR",
        type=Path,
        help="folder of the files (default: exports in the environment's); - prints one table",
    )
    parser.add_argument("--dry-run", action="store_true", help="of the journal of dry runs")
    add_period_arguments(parser)
    add_common_arguments(parser)
    add_json_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write the tables, each file in one step; raises UserError."""
    names = list(TABLES) if arguments.what == _ALL else [arguments.what]
    is_printed = arguments.out == _STANDARD_OUTPUT
    if is_printed and (len(names) > 1 or arguments.json):
        fault = "--json prints what was written" if arguments.json else "name one table with --what"
        raise UserError(f"--out - prints one table to standard output: {fault}", ExitCode.USAGE)
    if is_printed and sys.stdout is None:
        raise UserError("--out - prints to standard output, which is closed", ExitCode.USAGE)
    period, folder = period_of(arguments), folder_of(arguments)
    path = folder.dry_run_journal if arguments.dry_run else folder.journal
    try:
        if is_printed:
            with ended_by_signals(), journal_copy(path) as copy:
                _write([_output(names[0], period, arguments.format, sys.stdout)], copy)
            return ExitCode.DONE
        with ended_by_signals(), Bar("events") as bar:
            bar.begin("checking")
            with journal_copy(path, bar.count) as copy:
                bar.begin("exporting")
                written = _export(names, copy, period, arguments.out or folder.exports, arguments.format, bar)
    except FileNotFoundError:
        raise UserError(f"no console has run here yet: {path} does not exist") from None
    except JournalError as error:
        raise UserError(str(error), ExitCode.REFUSED) from None
    _report(arguments, written)
    return ExitCode.DONE


def _export(
    names: Sequence[str], copy: JournalCopy, period: Period, folder: Path, form: str, bar: Bar
) -> list[Document]:
    """Write each table to a file of its own; what was written. Raises JournalError, UserError."""
    paths = {name: folder / f"{name}.{form}" for name in names}
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with ExitStack() as files:
            outputs = {
                name: _output(name, period, form, files.enter_context(in_one_step(path)))
                for name, path in paths.items()
            }
            _write(list(outputs.values()), copy, bar.count)
        sync_folder(folder)
    except OSError as error:
        raise UserError(
            f"{error.filename2 or error.filename or folder} cannot be written: {error.strerror}"
        ) from None
    return [
        {"table": name, "file": str(path.absolute()), "rows": outputs[name].file.count}
        for name, path in paths.items()
    ]


def _output(name: str, period: Period, form: str, file: TextIO) -> _Output:
    table = TABLES[name]
    return _Output(table.collector(period), FORMATS[form](table.row, file))


def _write(outputs: Sequence[_Output], copy: JournalCopy, progress: Progress = tell_nobody) -> None:
    """Write every row of every table in one pass through the events; raises JournalError, OSError."""
    account: str | None = None
    for number, event in enumerate(copy.events(), 1):
        if isinstance(event, AccountOpened):
            account = event.account
        for collector, file in outputs:
            for row in collector.take(event, account):
                file.write(row)
        if number % _EVENTS_BETWEEN_TELLS == 0:
            progress(number, copy.count)
    for collector, file in outputs:
        for row in collector.rest():
            file.write(row)
        file.end()


def _report(arguments: argparse.Namespace, written: list[Document]) -> None:
    if arguments.json:
        print_json({"environment": arguments.env, "dry_run": arguments.dry_run, "written": written})
        return
    for each in written:
        print(visible_line(f"{each['file']}  {each['rows']} rows"))
