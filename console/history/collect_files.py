"""What was collected as the files of a history folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from console.config.files import sync_folder
from console.history import schema
from console.history.arrow import prepare_arrow
from console.history.collect_store import StoreReader
from console.history.schema import ColumnSpec, Kind

if TYPE_CHECKING:
    import pyarrow as pa

_BOOKS = "books"
_ROWS_AT_ONCE = 250_000


@dataclass(frozen=True)
class _File:
    """A file's columns, and what selects them from the store, in the same order and in the file's units."""

    columns: tuple[ColumnSpec, ...]
    query: str


# The close empties the books, and a candle that ends there tells a quote that nobody could meet any more.
_FILES = {
    "markets": _File(
        schema.MARKETS,
        """SELECT 'collected', ticker, event_ticker, series_ticker, category, title, floor_strike,
        open_ns / 1000, close_ns / 1000, scheduled_close_ns / 1000, result, settlement_value / 100.0,
        settlement_ns / 1000, CASE WHEN result IS NULL THEN NULL ELSE 'exchange' END
        FROM chosen ORDER BY close_ns, ticker""",
    ),
    "trades": _File(
        schema.TRADES,
        """SELECT 'collected', ts_ns / 1000, ticker, price / 100.0, count / 100.0, taker_side
        FROM trades JOIN chosen USING (ticker) ORDER BY ts_ns, ticker, trade_id""",
    ),
    "candles": _File(
        schema.CANDLES,
        """SELECT 'collected', end_ns / 1000, minutes, ticker, open / 100.0, high / 100.0, low / 100.0,
        close / 100.0, bid / 100.0, ask / 100.0, volume / 100.0
        FROM candles JOIN chosen USING (ticker), asked WHERE end_ns < close_ns ORDER BY end_ns, ticker""",
    ),
}
_BOOK_FILES = {
    "snapshots": _File(
        schema.SNAPSHOTS,
        """SELECT recv_ns, run_id, ticker, side, price / 100.0, size / 100.0
        FROM books JOIN chosen USING (ticker) WHERE is_snapshot AND recv_ns < close_ns ORDER BY seq""",
    ),
    "deltas": _File(
        schema.DELTAS,
        """SELECT recv_ns, run_id, ticker, side, price / 100.0, size / 100.0
        FROM books JOIN chosen USING (ticker) WHERE NOT is_snapshot AND recv_ns < close_ns ORDER BY seq""",
    ),
}


@dataclass(frozen=True)
class Written:
    """A file, and its rows."""

    path: Path
    rows: int


def write_files(folder: Path, store: StoreReader, tell: Callable[[str], None]) -> dict[str, Written]:
    """Write each file anew and put it in the old one's place; raises OSError and CollectError.

    The markets come first: at every moment the folder can be read, and names each market of its rows.
    """
    prepare_arrow()
    files = {folder / f"{name}.parquet": file for name, file in _FILES.items()}
    if store.has_books():
        (folder / _BOOKS).mkdir(exist_ok=True)
        files |= {folder / _BOOKS / f"{name}.parquet": file for name, file in _BOOK_FILES.items()}
    partial = {path: path.with_name(f"{path.name}.partial") for path in files}
    written = {}
    try:
        for path, file in files.items():
            tell(f"writing {path}")
            written[path.stem] = Written(path, _write(partial[path], file, store))
        for path in files:
            partial[path].replace(path)
    finally:
        for path in partial.values():
            path.unlink(missing_ok=True)
    for place in {path.parent for path in files}:
        sync_folder(place)
    return written


def _write(path: Path, file: _File, store: StoreReader) -> int:
    import pyarrow.parquet as pq

    rows = 0
    fields = _fields(file.columns)
    with path.open("wb") as target:
        with pq.ParquetWriter(target, fields) as writer:
            for table in _tables(file, fields, store):
                writer.write_table(table)
                rows += table.num_rows
        target.flush()
        os.fsync(target.fileno())
    return rows


def _tables(file: _File, fields: pa.Schema, store: StoreReader) -> Iterator[pa.Table]:
    import pyarrow as pa

    for rows in store.select(file.query, _ROWS_AT_ONCE):
        columns = zip(*rows, strict=True)
        arrays: list[pa.Array[Any]] = [
            pa.array(values, field.type) for values, field in zip(columns, fields, strict=True)
        ]
        yield pa.Table.from_arrays(arrays, schema=fields)


def _fields(columns: tuple[ColumnSpec, ...]) -> pa.Schema:
    import pyarrow as pa

    types: dict[Kind, pa.DataType] = {
        Kind.TEXT: pa.string(),
        Kind.NAME: pa.string(),
        Kind.TIME: pa.timestamp("us", tz="UTC"),
        Kind.NANOSECONDS: pa.int64(),
        Kind.NUMBER: pa.float64(),
    }
    return pa.schema([pa.field(column.name, types[column.kind]) for column in columns])
