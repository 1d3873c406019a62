"""One file of a history folder as typed columns, Parquet or CSV, whole or by row group."""

from __future__ import annotations

import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from console.history.arrow import prepare_arrow
from console.history.schema import ColumnSpec, HistoryError, Kind
from console.history.typed import Part, as_typed, nulls, refuse, shortened

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from console.history.typed import Column

MAX_FILE_BYTES = {".parquet": 64 * 2**30, ".csv": 4 * 2**30}
"""A CSV is read whole, Parquet by row group."""

MAX_GROUP_ROWS = 4_000_000
_ROW = re.compile(r"Row #(\d+)")
"""Rows as pyarrow counts them, from the heading on."""


@dataclass(frozen=True)
class Piece:
    """A part's columns by name."""

    part: Part
    columns: dict[str, Column]

    def __getitem__(self, name: str) -> Column:
        return self.columns[name]

    def names(self, column: str) -> tuple[list[str], pa.Array[pa.Int32Scalar]]:
        """A column of names as the names and, for each row, which of them."""
        array: Any = self.columns[column]
        return array.dictionary.to_pylist(), array.indices

    def texts(self, column: str) -> list[str]:
        """A column without gaps as Python's texts."""
        values: list[Any] = self.columns[column].to_pylist()
        return values

    def refuse(self, row: int, column: str, problem: str) -> HistoryError:
        """The error for one value; ``row`` counts from 0 within the part."""
        return refuse(self.part, row, column, problem)


def find_file(folder: Path, name: str) -> Path:
    """``name`` in the folder as CSV when that is there and Parquet is not, else as Parquet.

    Raises HistoryError for a link that leads nowhere.
    """
    parquet, csv = folder / f"{name}.parquet", folder / f"{name}.csv"
    return csv if not is_there(parquet) and is_there(csv) else parquet


def is_there(path: Path) -> bool:
    """Whether there is such a file; raises HistoryError for a link that leads nowhere."""
    if path.is_symlink() and not path.exists():
        raise HistoryError(f"{path} is a link that leads nowhere; put the file itself there")
    return path.exists()


def parts_of(path: Path, columns: tuple[ColumnSpec, ...]) -> list[Part]:
    """The file's parts in its order, none when it is absent; raises HistoryError."""
    if not is_there(path):
        return []
    stamp = _stamp(path)
    if path.suffix == ".csv":
        return [Part(path, stamp=stamp)]
    metadata = _open(path, columns).metadata
    parts, first_row = [], 0
    for group in range(metadata.num_row_groups):
        rows = metadata.row_group(group).num_rows
        if rows > MAX_GROUP_ROWS:
            raise HistoryError(
                f"{path}: row group {group} holds {rows:,} rows; write at most {MAX_GROUP_ROWS:,} into one"
            )
        parts.append(Part(path, group, first_row, stamp))
        first_row += rows
    return parts or [Part(path, stamp=stamp)]


def read_part(part: Part, columns: tuple[ColumnSpec, ...]) -> Piece:
    """The part's columns: text as string, names as dictionary, numbers as double, times as int64.

    Times are nanoseconds UTC. An optional column that is absent comes as nulls. Raises HistoryError, also
    when the file is no longer that of the part.
    """
    prepare_arrow()
    _check_unchanged(part)
    table = _read(part, columns)
    _check_unchanged(part)
    typed: dict[str, Column] = {}
    for column in columns:
        if column.name in table.column_names:
            typed[column.name] = as_typed(table.column(column.name).combine_chunks(), column, part)
        elif column.required:
            raise HistoryError(
                f"{part.path}: column {column.name} is missing; it must hold {column.kind.value}"
            )
        else:
            typed[column.name] = nulls(table.num_rows, column.kind)
    return Piece(part, typed)


def no_rows(path: Path, columns: tuple[ColumnSpec, ...]) -> Piece:
    """What a file that is absent holds."""
    return Piece(Part(path), {column.name: nulls(0, column.kind) for column in columns})


def _stamp(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


def _check_unchanged(part: Part) -> None:
    if part.stamp is not None and (not part.path.exists() or _stamp(part.path) != part.stamp):
        raise HistoryError(f"{part.path} was changed while it was read; start again once it is complete")


def _check_file(path: Path) -> None:
    """Refuse what is not a plain file of bearable size within its folder, before it is opened."""
    if not path.resolve().is_relative_to(path.parent.resolve()):
        raise HistoryError(f"{path} leads out of its folder, to {path.resolve()}; put the file itself there")
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise HistoryError(f"{path} is not a regular file")
    cap = MAX_FILE_BYTES[path.suffix]
    if found.st_size > cap:
        raise HistoryError(f"{path} has {found.st_size:,} bytes; at most {cap:,} are read")


def _open(path: Path, columns: tuple[ColumnSpec, ...]) -> pq.ParquetFile:
    import pyarrow as pa
    import pyarrow.parquet as pq
    import pyarrow.types as pt

    wanted = {each.name for each in columns if each.kind is Kind.NAME}
    try:
        _check_file(path)
        schema = pq.read_schema(path)
        names = [each.name for each in schema if each.name in wanted and not pt.is_nested(each.type)]
        return pq.ParquetFile(path, read_dictionary=names)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> HistoryError:
    told = shortened(_ROW.sub(r"line \1", " ".join(str(error).split())))
    return HistoryError(f"{path}: cannot be read as {path.suffix[1:]}: {told}")


def _read(part: Part, columns: tuple[ColumnSpec, ...]) -> pa.Table:
    import pyarrow as pa

    if part.path.suffix == ".csv":
        return _read_csv(part.path, columns)
    file = _open(part.path, columns)
    present = _present(part.path, file.schema_arrow.names, columns)
    groups = range(file.num_row_groups) if part.group is None else [part.group]
    try:
        table = file.read_row_groups(list(groups), columns=present)
        # Of damaged texts some are found only by looking.
        table.validate(full=True)
        return table
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise _unreadable(part.path, error) from error


def _read_csv(path: Path, columns: tuple[ColumnSpec, ...]) -> pa.Table:
    import pyarrow as pa
    import pyarrow.csv

    options = pyarrow.csv.ConvertOptions(
        column_types={column.name: pa.string() for column in columns},
        strings_can_be_null=True,
        null_values=[""],
    )
    # Fields in quotes may hold line ends.
    parsing = pyarrow.csv.ParseOptions(newlines_in_values=True)
    try:
        _check_file(path)
        try:
            table = pyarrow.csv.read_csv(path, parse_options=parsing, convert_options=options)
        except pa.ArrowInvalid:
            # Only a single thread knows the row.
            reading = pyarrow.csv.ReadOptions(use_threads=False)
            table = pyarrow.csv.read_csv(path, reading, parsing, options)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, error) from error
    return table.select(_present(path, table.column_names, columns))


def _present(path: Path, names: list[str], columns: tuple[ColumnSpec, ...]) -> list[str]:
    """Which of the columns the file has."""
    for column in columns:
        if names.count(column.name) > 1:
            raise HistoryError(f"{path}: column {column.name} stands twice")
    return [column.name for column in columns if column.name in names]
