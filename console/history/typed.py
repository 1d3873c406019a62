"""Raw columns as columns of the kind that they must hold."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from console.history.schema import ColumnSpec, HistoryError, Kind

if TYPE_CHECKING:
    import pyarrow as pa

    Column = pa.Array[Any]

# 2015 and 2100: a time outside was written in another unit.
_EARLIEST_NS = 1_420_070_400_000_000_000
_LATEST_NS = 4_102_444_800_000_000_000
_MOST_SHOWN = 300


@dataclass(frozen=True)
class Part:
    """What is read at once: a row group of a Parquet file, or all of a file when ``group`` is None.

    ``first_row`` is where it begins in the file, from 0; ``stamp`` tells the file from another of its name.
    """

    path: Path
    group: int | None = None
    first_row: int = 0
    stamp: tuple[int, int, int] | None = None


def refuse(part: Part, row: int, column: str, problem: str) -> HistoryError:
    """The error for one value; rows count from 0 here and from 1, without the header, in the text."""
    told = f"row {part.first_row + row + 1}, column {column}: {shortened(problem)}"
    return HistoryError(f"{part.path}: {told}")


def shortened(text: str) -> str:
    """Enough of a text of any length to see what is meant."""
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}..."


def nulls(rows: int, kind: Kind) -> Column:
    import pyarrow as pa

    column: Column = pa.nulls(rows, target(kind))  # type: ignore[call-overload] # the type is not known
    return column


def target(kind: Kind) -> pa.DataType:
    """What Arrow calls a kind."""
    import pyarrow as pa

    types: dict[Kind, pa.DataType] = {
        Kind.TEXT: pa.string(),
        Kind.NAME: pa.dictionary(pa.int32(), pa.string()),
        Kind.TIME: pa.int64(),
        Kind.NANOSECONDS: pa.int64(),
        Kind.NUMBER: pa.float64(),
    }
    return types[kind]


def as_typed(raw: Column, column: ColumnSpec, part: Part) -> Column:
    """The column's values; raises HistoryError for the first that is not of its kind."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not _is_readable_as(column.kind, raw.type):
        raise HistoryError(
            f"{part.path}: column {column.name} holds {raw.type}; it must hold {column.kind.value}"
        )
    try:
        typed = _cast(raw, column.kind)
    except pa.ArrowInvalid:
        row = _first_misfit(raw, column.kind)
        raise refuse(part, row, column.name, f"{shown(raw, row)} is not {column.kind.value}") from None
    if column.kind in (Kind.TEXT, Kind.NAME):
        typed = _without_empty(typed)
    if not column.nullable and typed.null_count:
        row = pc.index(pc.is_null(typed), True).as_py()
        raise refuse(part, row, column.name, f"is empty; it must hold {column.kind.value}")
    bad = _first_implausible(typed, column.kind)
    if bad is not None:
        expected = "a number" if column.kind is Kind.NUMBER else "a time of 2015 to 2100: check its unit"
        raise refuse(part, bad, column.name, f"{shown(raw, bad)} is not {expected}")
    return typed


def _without_empty(texts: Column) -> Column:
    """Texts in which an empty one is a gap, as it is in a CSV."""
    import pyarrow as pa
    import pyarrow.compute as pc

    names: Any = texts.dictionary if isinstance(texts, pa.DictionaryArray) else texts
    if pc.index(names, pa.scalar("")).as_py() < 0:
        return texts
    is_empty: Any = pc.equal(pc.cast(texts, pa.string()), pa.scalar(""))
    kept: Column = pc.if_else(is_empty, pa.scalar(None, texts.type), texts)
    return kept


def _is_readable_as(kind: Kind, have: pa.DataType) -> bool:
    import pyarrow.types as pt

    if pt.is_dictionary(have):
        have = have.value_type
    if pt.is_string(have) or pt.is_large_string(have) or pt.is_null(have):
        return True
    if kind is Kind.TIME:
        return pt.is_timestamp(have)
    if kind is Kind.NANOSECONDS:
        return pt.is_integer(have)
    return kind is Kind.NUMBER and (pt.is_floating(have) or pt.is_integer(have) or pt.is_decimal(have))


def _cast(raw: Column, kind: Kind) -> Column:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.types as pt

    if kind is Kind.NAME and not pt.is_dictionary(raw.type):
        return pc.cast(raw, pa.string()).dictionary_encode()
    if kind is not Kind.TIME:
        return pc.cast(raw, target(kind))
    zoned = pa.timestamp("ns", tz="UTC")
    try:
        times = pc.cast(raw, zoned)
    except pa.ArrowInvalid:
        # Text without a zone is UTC, as a timestamp without one is.
        try:
            times = pc.cast(pc.cast(raw, pa.timestamp("ns")), zoned)
        except pa.ArrowInvalid:
            times = pc.cast(_with_zone(raw), zoned)
    return pc.cast(times, pa.int64())


def _with_zone(raw: Column) -> Column:
    """Times as text, those without a zone as UTC."""
    import pyarrow as pa
    import pyarrow.compute as pc

    text: Any = pc.cast(raw, pa.string())
    has_zone = pc.match_substring_regex(text, r"[T ].*(Z|[+-]\d\d(:?\d\d)?)$")
    told: Column = pc.if_else(
        has_zone, text, pc.binary_join_element_wise(text, pa.scalar("Z"), pa.scalar(""))
    )
    return told


def shown(raw: Column, row: int) -> str:
    """A value for an error; a time that no calendar holds is told as a number."""
    import pyarrow as pa
    import pyarrow.compute as pc

    value = raw[row]
    try:
        told = value.as_py()
    except (OverflowError, ValueError):
        told = pc.cast(value, pa.int64()).as_py()
    return repr(told) if isinstance(told, str) else str(told)


def _first_misfit(raw: Column, kind: Kind) -> int:
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
    return low


def _first_implausible(typed: Column, kind: Kind) -> int | None:
    import pyarrow as pa
    import pyarrow.compute as pc

    if kind in (Kind.TEXT, Kind.NAME):
        return None
    if kind is Kind.NUMBER:
        good = pc.is_finite(typed)
    else:
        early = pc.less(typed, pa.scalar(_EARLIEST_NS))
        good = pc.invert(pc.or_(early, pc.greater(typed, pa.scalar(_LATEST_NS))))
    row: int = pc.index(good, pa.scalar(False)).as_py()
    return None if row < 0 else row
