"""Small history folders to write in tests."""

from __future__ import annotations

import csv
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from console.domain.book import Book, BookSide
from console.domain.money import Count, Price
from console.history.timeline import Timeline

OPEN = datetime(2026, 5, 11, 5, 0, tzinfo=UTC)
Row = dict[str, Any]
Levels = dict[tuple[BookSide, int], int]


def market(**changes: object) -> Row:
    row: Row = {
        "dataset": "d",
        "ticker": "KXA-1",
        "event_ticker": "KXA",
        "series_ticker": "KXA",
        "category": "Crypto",
        "title": None,
        "floor_strike": 10.5,
        "open_time": OPEN,
        "close_time": OPEN + timedelta(minutes=15),
        "result": "yes",
    }
    return row | changes


def quote(second: float, bid: float, ask: float, **changes: object) -> Row:
    row: Row = {
        "dataset": "d",
        "ts": OPEN + timedelta(seconds=second),
        "ticker": "KXA-1",
        "yes_bid": bid,
        "yes_ask": ask,
    }
    return row | changes


def candle(second: float, bid: float, ask: float, **changes: object) -> Row:
    row: Row = {
        "dataset": "d",
        "end_ts": OPEN + timedelta(seconds=second),
        "period_min": 1,
        "ticker": "KXA-1",
        "open": 40.0,
        "high": 45.0,
        "low": 39.0,
        "close": 41.0,
        "yes_bid": bid,
        "yes_ask": ask,
        "volume": 12.0,
    }
    return row | changes


def trade(**changes: object) -> Row:
    row: Row = {
        "dataset": "d",
        "ts": OPEN + timedelta(seconds=3),
        "ticker": "KXA-1",
        "yes_price_cents": 41.0,
        "count": 7.0,
        "taker_side": "yes",
    }
    return row | changes


def book_row(second: float, side: str, price: float, **changes: object) -> Row:
    row: Row = {
        "recv_ns": ns(second),
        "seq": 1,
        "run_id": "r",
        "ticker": "KXA-1",
        "side": side,
        "price": price,
    }
    return row | changes


def ns(second: float) -> int:
    return int(OPEN.timestamp() * 10**9 + second * 10**9)


def without(row: Row, name: str) -> Row:
    return {key: value for key, value in row.items() if key != name}


def write(folder: Path, group_rows: int = 1_000_000, /, **files: list[Row]) -> Path:
    for name, rows in files.items():
        names = {name for row in rows for name in row}
        table = pa.table({name: [row.get(name) for row in rows] for name in names})
        pq.write_table(table, folder / f"{name}.parquet", row_group_size=group_rows)
    return folder


def write_csv(folder: Path, **files: list[Row]) -> Path:
    for name, rows in files.items():
        with (folder / f"{name}.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    return folder


def column(table: pa.Table, name: str) -> list[object]:
    values: list[object] = table[name].to_pylist()
    return values


def rebuilt(timeline: Timeline) -> dict[int, dict[str, Levels]]:
    """The books after the last row of each time, by time and ticker."""
    books: dict[str, Book] = defaultdict(Book)
    found: dict[int, dict[str, Levels]] = defaultdict(dict)
    for each in timeline.slices():
        columns = (values.tolist() for values in vars(each.books).values())
        for at_ns, market_place, is_bid, price, change, clears in zip(*columns, strict=True):
            ticker = timeline.markets[market_place].ticker
            if clears:
                books[ticker].replace({}, {})
            books[ticker].add(BookSide.BID if is_bid else BookSide.ASK, Price(price), Count(change))
            found[at_ns][ticker] = {
                (side, level.price): level.size for side in BookSide for level in books[ticker].levels(side)
            }
    return found
