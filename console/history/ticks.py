"""The tick files of the throughput benchmarks: one Parquet of quotes and, beside it, a CSV of markets.

``NAME.parquet``: ts_ns, ticker, yes_bid, yes_ask, bid_size, ask_size, in whole cents and contracts.
``NAME.markets.csv``: ticker, event_ticker, open_ts_ns, close_ts_ns, result.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from console.history import rows, schema
from console.history.columns import RowKind
from console.history.exact import MarketRows
from console.history.markets import check_rows, check_times, payouts
from console.history.read import Piece, read_part
from console.history.scheduled_close import scheduled
from console.history.schema import HistoryError
from console.history.timeline import IN_MEMORY_ROWS, Source, Timeline
from console.history.typed import Part
from console.history.usable import Selection

if TYPE_CHECKING:
    import pyarrow as pa


def open_ticks(path: Path, in_memory_rows: int = IN_MEMORY_ROWS) -> Timeline:
    """The quotes of a tick file and the markets of the file beside it; raises HistoryError."""
    sidecar = path.with_suffix(".markets.csv")
    for each in (path, sidecar):
        if not each.exists():
            raise HistoryError(
                f"{each} is missing; a tick file NAME.parquet needs NAME.markets.csv beside it"
            )
    markets, outcomes = _markets(sidecar)
    places, asked = MarketRows(markets), Selection(markets["close_ns"].combine_chunks())

    def of_ticks(piece: Piece, dropped: Counter[str]) -> pa.Table:
        renamed = {"ts": "ts_ns", "yes_bid_size": "bid_size", "yes_ask_size": "ask_size"}
        named = Piece(piece.part, piece.columns | {new: piece[old] for new, old in renamed.items()})
        return asked.quotes(rows.quotes(named, places.of(named)), dropped)

    source = Source(path, schema.TICKS, RowKind.QUOTE, "ts_ns", None, of_ticks)
    return Timeline(path.parent, markets, outcomes, [source], [], Counter(), in_memory_rows)


def _markets(path: Path) -> tuple[pa.Table, pa.Table]:
    import pyarrow as pa

    piece = read_part(Part(path), schema.TICK_MARKETS)
    check_rows(piece)
    check_times(piece, "open_ts_ns", "close_ts_ns")
    ticker, close = piece["ticker"], piece["close_ts_ns"]
    event = piece["event_ticker"]
    nothing, never = pa.nulls(len(ticker), pa.string()), pa.nulls(len(ticker), pa.int64())
    scheduled_ns, are_guessed = scheduled(close, never, event, event)
    markets = {
        "dataset": nothing,
        "ticker": ticker,
        "event_ticker": event,
        "series_ticker": event,
        "category": nothing,
        "title": nothing,
        "open_ns": piece["open_ts_ns"],
        "close_ns": close,
        "scheduled_close_ns": scheduled_ns,
    }
    value = pa.nulls(len(ticker), pa.int16())
    return pa.table(markets), payouts(piece["result"], close, value, never, nothing, are_guessed)
