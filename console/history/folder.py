"""A history folder as a timeline."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from console.history import rows, schema
from console.history.books import Recording, recordings_in
from console.history.columns import RowKind
from console.history.exact import MarketRows
from console.history.load import markets_file
from console.history.markets import read_markets
from console.history.merge import Run
from console.history.read import Piece, find_file, is_there, parts_of, read_part
from console.history.schema import ColumnSpec, HistoryError, Kind
from console.history.timeline import IN_MEMORY_ROWS, Source, Timeline
from console.history.usable import ALWAYS, Period, Selection

if TYPE_CHECKING:
    import pyarrow as pa


def open_folder(
    folder: Path,
    period: Period = ALWAYS,
    series: Sequence[str] = (),
    in_memory_rows: int = IN_MEMORY_ROWS,
    *,
    books: bool = True,
) -> Timeline:
    """The markets of these series, or all, with their rows of the period; raises HistoryError.

    Candles stand for quotes in a dataset that has none. Of a book recording only sessions that begin within
    the period are used; without ``books`` it is not read.
    """
    path = markets_file(folder)
    markets, outcomes = read_markets(path)
    chosen = _chosen(path, markets, series)
    places = MarketRows(markets, chosen)
    markets, outcomes = markets.take(chosen), outcomes.take(chosen)
    _check_tickers(path, markets)
    asked = Selection(markets["close_ns"].combine_chunks(), period)
    sources, snapshots, dropped = _tables(folder, places, asked), [], Counter[str]()
    for snapshots_path, deltas_path in recordings_in(folder) if books else ():
        recording = Recording(snapshots_path, places, asked, dropped)
        sources.append(_deltas(deltas_path, recording, places, asked))
        snapshots.append(_snapshots(recording))
    if not any(is_there(source.path) for source in sources):
        raise HistoryError(
            f"{sources[0].path} is missing (or quotes.csv), and so are trades, candles and a book recording"
        )
    runs = [run for run in snapshots if run.held is not None and run.held.num_rows]
    return Timeline(folder, markets, outcomes, sources, runs, dropped, in_memory_rows)


def _tables(folder: Path, places: MarketRows, asked: Selection) -> list[Source]:
    quotes, trades, candles = (find_file(folder, name) for name in ("quotes", "trades", "candles"))
    quoted = _datasets(quotes) if candles.exists() else set[str]()

    def of_quotes(piece: Piece, dropped: Counter[str]) -> pa.Table:
        return asked.quotes(rows.quotes(piece, places.of(piece)), dropped)

    def of_trades(piece: Piece, dropped: Counter[str]) -> pa.Table:
        return asked.trades(rows.trades(piece, places.of(piece)), dropped)

    def of_candles(piece: Piece, dropped: Counter[str]) -> pa.Table:
        import pyarrow as pa
        import pyarrow.compute as pc

        table = rows.candle_quotes(piece, places.of(piece))
        is_quoted = pc.is_in(pc.cast(piece["dataset"], pa.string()), value_set=pa.array(quoted, pa.string()))
        dropped["candles of a dataset that has quotes"] += asked.asked(table.filter(is_quoted)).num_rows
        return asked.quotes(table.filter(pc.invert(is_quoted)), dropped, "candles")

    return [
        Source(quotes, schema.QUOTES, RowKind.QUOTE, "ts", "dataset", of_quotes),
        Source(trades, schema.TRADES, RowKind.TRADE, "ts", "dataset", of_trades),
        Source(candles, schema.CANDLES, RowKind.QUOTE, "end_ts", "dataset", of_candles),
    ]


def _datasets(path: Path) -> set[str]:
    """The datasets that a file names."""
    names: set[str] = set()
    column = (ColumnSpec("dataset", Kind.NAME),)
    for part in parts_of(path, column):
        names |= set(read_part(part, column).names("dataset")[0])
    return names


def _deltas(path: Path, recording: Recording, places: MarketRows, asked: Selection) -> Source:
    def of_deltas(piece: Piece, dropped: Counter[str]) -> pa.Table:
        return recording.changes(piece, places, asked, dropped)

    return Source(
        path, schema.DELTAS, RowKind.BOOK, "recv_ns", "run_id", of_deltas, recording.follow, recording.whole
    )


def _snapshots(recording: Recording) -> Run:
    held = recording.snapshots
    first_ns = int(held["ts_ns"].to_numpy().min()) if held.num_rows else 0
    return Run(first_ns, RowKind.BOOK, lambda: held, recording.whole, held)


def _chosen(path: Path, markets: pa.Table, series: Sequence[str]) -> list[int]:
    of_row = markets["series_ticker"].to_pylist()
    for name in series:
        if name not in of_row:
            held = ", ".join(sorted({each for each in of_row if each})[:10])
            raise HistoryError(f"{path}: column series_ticker holds no {name}; it holds {held}")
    return [row for row, name in enumerate(of_row) if not series or name in series]


def _check_tickers(path: Path, markets: pa.Table) -> None:
    dataset_of: dict[Any, Any] = {}
    for dataset, ticker in zip(markets["dataset"].to_pylist(), markets["ticker"].to_pylist(), strict=True):
        if ticker in dataset_of:
            raise HistoryError(
                f"{path}: column ticker: {ticker} is in datasets {dataset_of[ticker]} and {dataset}; "
                "a backtest needs each market once"
            )
        dataset_of[ticker] = dataset
