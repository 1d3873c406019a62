"""Which files and columns a history folder holds."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class HistoryError(ValueError):
    """A history folder cannot be used; the text names the file, row and column and what would be right."""


class Kind(enum.Enum):
    TEXT = "text"
    TIME = "a timestamp in UTC"
    NUMBER = "a number"


@dataclass(frozen=True)
class ColumnSpec:
    """A column; one that is not ``required`` may be absent, one that is ``nullable`` may have gaps."""

    name: str
    kind: Kind
    required: bool = True
    nullable: bool = False


MARKETS = (
    ColumnSpec("dataset", Kind.TEXT),
    ColumnSpec("ticker", Kind.TEXT),
    ColumnSpec("event_ticker", Kind.TEXT),
    ColumnSpec("series_ticker", Kind.TEXT),
    ColumnSpec("category", Kind.TEXT, nullable=True),
    ColumnSpec("title", Kind.TEXT, required=False, nullable=True),
    ColumnSpec("floor_strike", Kind.NUMBER, required=False, nullable=True),
    ColumnSpec("open_time", Kind.TIME, nullable=True),
    ColumnSpec("close_time", Kind.TIME),
    ColumnSpec("result", Kind.TEXT, nullable=True),
)
QUOTES = (
    ColumnSpec("dataset", Kind.TEXT),
    ColumnSpec("ts", Kind.TIME),
    ColumnSpec("ticker", Kind.TEXT),
    ColumnSpec("yes_bid", Kind.NUMBER),
    ColumnSpec("yes_ask", Kind.NUMBER),
    ColumnSpec("yes_bid_size", Kind.NUMBER, required=False, nullable=True),
    ColumnSpec("yes_ask_size", Kind.NUMBER, required=False, nullable=True),
)
TRADES = (
    ColumnSpec("dataset", Kind.TEXT),
    ColumnSpec("ts", Kind.TIME),
    ColumnSpec("ticker", Kind.TEXT),
    ColumnSpec("yes_price_cents", Kind.NUMBER),
    ColumnSpec("count", Kind.NUMBER),
    ColumnSpec("taker_side", Kind.TEXT),
)
