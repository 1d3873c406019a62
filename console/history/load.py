"""A history folder whole, as checked columns of exact integers."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from console.history import rows, schema
from console.history.exact import MarketRows, TimeOrder
from console.history.markets import read_markets
from console.history.read import find_file, is_there, no_rows, parts_of, read_part
from console.history.schema import ColumnSpec, HistoryError

if TYPE_CHECKING:
    import pyarrow as pa

    from console.history.read import Piece
    from console.history.typed import Column


@dataclass(frozen=True)
class History:
    """What a folder holds, with nothing dropped. Times are nanoseconds UTC, prices Price, sizes Count.

    Null is unknown. ``markets``: dataset, ticker, event_ticker, series_ticker, category, title, strike,
    open_ns, close_ns, scheduled_close_ns; row by row beside it ``outcomes``: result, yes_value, settles_ns.
    ``quotes``: market, ts_ns, bid, ask, bid_size, ask_size, a bid of 0 and an ask of one dollar being empty
    sides. ``trades``: market, ts_ns, price, count, taker_side. ``market`` is a row of ``markets``. All are in
    the order of the file, which is that of time within a dataset.
    """

    folder: Path
    markets: pa.Table
    outcomes: pa.Table
    quotes: pa.Table
    trades: pa.Table


def load(folder: Path) -> History:
    """Read and check a folder of markets with quotes or trades; raises HistoryError."""
    markets, outcomes = read_markets(markets_file(folder))
    quotes, trades = find_file(folder, "quotes"), find_file(folder, "trades")
    if not is_there(quotes) and not is_there(trades):
        raise HistoryError(f"{quotes} is missing (or quotes.csv), and so is trades.parquet")
    places = MarketRows(markets)
    return History(
        folder,
        markets,
        outcomes,
        _whole(quotes, schema.QUOTES, places, rows.quotes),
        _whole(trades, schema.TRADES, places, rows.trades),
    )


def markets_file(folder: Path) -> Path:
    """The folder's file of markets; raises HistoryError when there is none."""
    if not folder.is_dir():
        raise HistoryError(f"{folder}: there is no such folder; a history folder holds markets.parquet")
    if not os.access(folder, os.R_OK | os.X_OK):
        raise HistoryError(f"{folder}: may not be read; check the permissions")
    path = find_file(folder, "markets")
    if not is_there(path):
        raise HistoryError(f"{path} is missing (or markets.csv)")
    return path


def _whole(
    path: Path,
    columns: tuple[ColumnSpec, ...],
    places: MarketRows,
    convert: Callable[[Piece, Column], pa.Table],
) -> pa.Table:
    import pyarrow as pa

    order = TimeOrder("ts", "dataset")
    tables = [convert(no_rows(path, columns), pa.array([], pa.int32()))]
    for part in parts_of(path, columns):
        piece = read_part(part, columns)
        market = places.of(piece)
        order.check(piece)
        tables.append(convert(piece, market))
    return pa.concat_tables(tables).combine_chunks()
