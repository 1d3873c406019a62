"""``kconsole export``: what a journal tells, as tables for other programs; works while a console runs."""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO, get_type_hints

from console.commands.common import (
    add_common_arguments,
    add_json_argument,
    folder_of,
    print_json,
    visible_line,
)
from console.commands.errors import ExitCode, UserError
from console.commands.export_tables import TABLES, Table
from console.commands.history_arguments import add_period_arguments, period_of
from console.config.files import open_private, sync_folder
from console.engine.journal_chain import JournalError
from console.engine.journal_copy import JournalCopy, journal_copy
from console.history.usable import Period
from console.monitoring.documents import Document, document_of

_ALL = "all"
_FORMATS = ("csv", "json")
_STANDARD_OUTPUT = Path("-")
_FORMULA_STARTS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""Some spreadsheets read the wide forms as the narrow ones."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--what", choices=(*TABLES, _ALL), default=_ALL, help=f"default: {_ALL}")
    parser.add_argument("--format", choices=_FORMATS, default=_FORMATS[0], help=f"default: {_FORMATS[0]}")
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
    period, folder = period_of(arguments), folder_of(arguments)
    path = folder.dry_run_journal if arguments.dry_run else folder.journal
    try:
        with journal_copy(path) as copy:
            if is_printed:
                _write(TABLES[names[0]], copy, period, arguments.format, sys.stdout)
            else:
                _report(arguments, _export(names, copy, period, arguments.out or folder.exports, arguments))
    except FileNotFoundError:
        raise UserError(f"no console has run here yet: {path} does not exist") from None
    except JournalError as error:
        raise UserError(str(error), ExitCode.REFUSED) from None
    return ExitCode.DONE


def _export(
    names: Iterable[str], copy: JournalCopy, period: Period, folder: Path, arguments: argparse.Namespace
) -> list[Document]:
    """Write each table to a file of its own; what was written. Raises UserError."""
    written: list[Document] = []
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in names:
            path = folder / f"{name}.{arguments.format}"
            with _in_one_step(path) as file:
                rows = _write(TABLES[name], copy, period, arguments.format, file)
            written.append({"table": name, "file": str(path.absolute()), "rows": rows})
        sync_folder(folder)
    except OSError as error:
        raise UserError(
            f"{error.filename2 or error.filename or folder} cannot be written: {error.strerror}"
        ) from None
    return written


@contextmanager
def _in_one_step(path: Path) -> Iterator[TextIO]:
    """A file that appears once it is whole and on disk; raises OSError."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        with io.TextIOWrapper(open_private(partial), encoding="utf-8", newline="") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _write(table: Table, copy: JournalCopy, period: Period, form: str, file: TextIO) -> int:
    """Write every row; how many there are. Raises JournalError, OSError."""
    rows = map(document_of, table.rows(copy.events(), period))
    return _write_csv(table, rows, file) if form == "csv" else _write_json(rows, file)


def _write_csv(table: Table, rows: Iterable[Document], file: TextIO) -> int:
    hints = get_type_hints(table.row)
    columns = [name.removesuffix("_ns") for name in hints]
    texts = {name for name, kind in hints.items() if kind in (str, str | None)}
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    count = 0
    for row in rows:
        writer.writerow(_cell(row[name], is_text=name in texts) for name in columns)
        count += 1
    return count


def _cell(value: object, *, is_text: bool) -> str:
    """A cell; a text that a spreadsheet would take for a formula begins with an apostrophe."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    text = visible_line(str(value)) if is_text else str(value)
    return f"'{text}" if is_text and text.lstrip().startswith(_FORMULA_STARTS) else text


def _write_json(rows: Iterable[Document], file: TextIO) -> int:
    """One array, a row a line."""
    count = 0
    for count, row in enumerate(rows, 1):
        # Everything but DEL is escaped already.
        text = json.dumps(row).replace("\x7f", "\\u007f")
        file.write(f"{'[' if count == 1 else ','}\n{text}")
    file.write("\n]\n" if count else "[]\n")
    return count


def _report(arguments: argparse.Namespace, written: list[Document]) -> None:
    if arguments.json:
        print_json({"environment": arguments.env, "dry_run": arguments.dry_run, "written": written})
        return
    for each in written:
        print(visible_line(f"{each['file']}  {each['rows']} rows"))
