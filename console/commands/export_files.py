"""The files of ``kconsole export``: rows as CSV or JSON, each file in one step."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, TextIO, get_type_hints

import msgspec

from console.commands.common import visible_line
from console.config.files import open_private
from console.monitoring.documents import document_of

_FORMULA_STARTS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""Some spreadsheets read the wide forms as the narrow ones."""


class RowFile(Protocol):
    """Rows of one kind on their way to a file; ``count`` is how many there were."""

    count: int

    def __init__(self, row: type[msgspec.Struct], file: TextIO) -> None: ...

    def write(self, row: msgspec.Struct) -> None:
        """Raises OSError."""

    def end(self) -> None:
        """After the last row; raises OSError."""


class CsvFile:
    """A line a row, for spreadsheets."""

    def __init__(self, row: type[msgspec.Struct], file: TextIO) -> None:
        self.count = 0
        hints = get_type_hints(row)
        self._texts = [kind in (str, str | None) for kind in hints.values()]
        self._writer = csv.writer(file, lineterminator="\n")
        self._writer.writerow(name.removesuffix("_ns") for name in hints)

    def write(self, row: msgspec.Struct) -> None:
        self.count += 1
        # In the order of the heading: both are that of the declaration.
        self._writer.writerow(map(_cell, document_of(row).values(), self._texts))

    def end(self) -> None:
        pass


class JsonFile:
    """One array, a row a line."""

    def __init__(self, row: type[msgspec.Struct], file: TextIO) -> None:
        self.count = 0
        self._file = file

    def write(self, row: msgspec.Struct) -> None:
        # Everything but DEL is escaped already.
        text = json.dumps(document_of(row)).replace("\x7f", "\\u007f")
        self._file.write(f"{',' if self.count else '['}\n{text}")
        self.count += 1

    def end(self) -> None:
        self._file.write("\n]\n" if self.count else "[]\n")


FORMATS: Mapping[str, type[RowFile]] = {"csv": CsvFile, "json": JsonFile}


@contextmanager
def in_one_step(path: Path) -> Iterator[TextIO]:
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


def _cell(value: object, is_text: bool) -> str:
    """A cell; a text that a spreadsheet would take for a formula begins with an apostrophe."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    text = visible_line(str(value)) if is_text else str(value)
    return f"'{text}" if is_text and text.lstrip().startswith(_FORMULA_STARTS) else text
