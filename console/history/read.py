"""One file of a history folder as typed columns, Parquet or CSV."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from console.history.schema import ColumnSpec, HistoryError, Kind

if TYPE_CHECKING:
    import pyarrow as pa

    Column = pa.Array[Any]

_EARLIEST_NS = 1_420_070_400_000_000_000  # 2015: a time before it was written in another unit


def find_file(folder: Path, name: str) -> Path:
    """``name`` in the folder as CSV when that is there and Parquet is not, else as Parquet."""
    parquet, csv = folder / f"{name}.parquet", folder / f"{name}.csv"
    return csv if csv.is_file() and not parquet.is_file() else parquet


def refuse(path: Path, row: int, column: str, problem: str) -> HistoryError:
    """The error for one value; ``row`` counts from 0 here and from 1, without the header, in the text."""
    return HistoryError(f"{path}: row {row + 1}, column {column}: {problem}")


def read_columns(path: Path, columns: tuple[ColumnSpec, ...]) -> dict[str, Column]:
    """The file's columns by name: text as string, numbers as double, times as nanoseconds UTC in int64.

    An optional column that is absent comes as nulls, an absent file as no rows; raises HistoryError.
    """
    import pyarrow as pa

    if not path.exists():
        return {column.name: pa.array([], _target(column.kind)) for column in columns}
    table = _read(path, columns)
    typed: dict[str, Column] = {}
    for column in columns:
        if table.column_names.count(column.name) > 1:
            raise HistoryError(f"{path}: column {column.name} stands twice")
        if column.name in table.column_names:
            raw = table.column(column.name).combine_chunks()
            typed[column.name] = _typed(raw, column, path)
        elif column.required:
            raise HistoryError(f"{path}: column {column.name} is missing; it must hold {column.kind.value}")
        else:
            typed[column.name] = pa.array([None] * table.num_rows, _target(column.kind))
    return typed


def _read(path: Path, columns: tuple[ColumnSpec, ...]) -> pa.Table:
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet

    try:
        if path.suffix == ".parquet":
            return pyarrow.parquet.read_table(path)
        options = pyarrow.csv.ConvertOptions(
            column_types={column.name: pa.string() for column in columns},
            strings_can_be_null=True,
            null_values=[""],
        )
        return pyarrow.csv.read_csv(path, convert_options=options)
    except (pa.ArrowException, OSError) as error:
        raise HistoryError(f"{path}: cannot be read as {path.suffix[1:]}: {error}") from error


def _target(kind: Kind) -> pa.DataType:
    import pyarrow as pa

    types: dict[Kind, pa.DataType] = {
        Kind.TEXT: pa.string(),
        Kind.TIME: pa.int64(),
        Kind.NUMBER: pa.float64(),
    }
    return types[kind]


def _typed(raw: Column, column: ColumnSpec, path: Path) -> Column:
    import pyarrow as pa
    import pyarrow.compute as pc

    if not _is_readable_as(column.kind, raw.type):
        raise HistoryError(f"{path}: column {column.name} holds {raw.type}; it must hold {column.kind.value}")
    try:
        typed = _cast(raw, column.kind)
    except pa.ArrowInvalid:
        row, value = _first_misfit(raw, column.kind)
        raise refuse(path, row, column.name, f"{value!r} is not {column.kind.value}") from None
    if not column.nullable and typed.null_count:
        row = pc.index(pc.is_null(typed), True).as_py()
        raise refuse(path, row, column.name, f"is empty; it must hold {column.kind.value}")
    bad = _first_implausible(typed, column.kind)
    if bad is not None:
        expected = "a number" if column.kind is Kind.NUMBER else "a time of 2015 or later: check its unit"
        raise refuse(path, bad, column.name, f"{raw[bad]} is not {expected}")
    return typed


def _is_readable_as(kind: Kind, have: pa.DataType) -> bool:
    import pyarrow.types as pt

    if pt.is_dictionary(have):
        have = have.value_type
    if pt.is_string(have) or pt.is_large_string(have) or pt.is_null(have):
        return True
    if kind is Kind.TIME:
        return pt.is_timestamp(have)
    return kind is Kind.NUMBER and (pt.is_floating(have) or pt.is_integer(have) or pt.is_decimal(have))


def _cast(raw: Column, kind: Kind) -> Column:
    import pyarrow as pa
    import pyarrow.compute as pc

    if kind is not Kind.TIME:
        return pc.cast(raw, _target(kind))
    zoned = pa.timestamp("ns", tz="UTC")
    try:
        times = pc.cast(raw, zoned)
    except pa.ArrowInvalid:
        # Text without a zone is UTC, as a timestamp without one is.
        times = pc.cast(raw, pa.timestamp("ns"))
    return pc.cast(times, pa.int64())


def _first_misfit(raw: Column, kind: Kind) -> tuple[int, object]:
    """The first value that does not cast, found by halving."""
    import pyarrow as pa

    low, high = 0, len(raw)
    while high - low > 1:
        middle = (low + high) // 2
        try:
            _cast(raw.slice(low, middle - low), kind)
        except pa.ArrowInvalid:
            high = middle
        else:
            low = middle
    return low, raw[low].as_py()


def _first_implausible(typed: Column, kind: Kind) -> int | None:
    import pyarrow as pa
    import pyarrow.compute as pc

    if kind is Kind.TEXT:
        return None
    good = pc.greater_equal(typed, pa.scalar(_EARLIEST_NS)) if kind is Kind.TIME else pc.is_finite(typed)
    row: int = pc.index(good, pa.scalar(False)).as_py()
    return None if row < 0 else row
