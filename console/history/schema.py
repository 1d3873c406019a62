"""Which files and columns a history folder holds."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class HistoryError(ValueError):
    """A history folder cannot be used; the text names the file, row and column and what would be right.

    It is one line, whatever the values in it hold.
    """

    def __init__(self, text: str) -> None:
        super().__init__("".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text))


class EmptyHistoryError(HistoryError):
    """A history folder has no usable row of what was asked for."""


class Kind(enum.Enum):
    """What a column holds; a ``NAME`` is a text that many rows share."""

    TEXT = "text"
    NAME = "a name"
    TIME = "a timestamp in UTC"
    NANOSECONDS = "nanoseconds since 1970 in UTC"
    NUMBER = "a number"


@dataclass(frozen=True)
class ColumnSpec:
    """A column; one that is not ``required`` may be absent, one that is ``nullable`` may have gaps."""

    name: str
    kind: Kind
    required: bool = True
    nullable: bool = False


def _optional(name: str, kind: Kind) -> ColumnSpec:
    return ColumnSpec(name, kind, required=False, nullable=True)


MARKETS = (
    ColumnSpec("dataset", Kind.TEXT),
    ColumnSpec("ticker", Kind.TEXT),
    ColumnSpec("event_ticker", Kind.TEXT),
    ColumnSpec("series_ticker", Kind.TEXT),
    ColumnSpec("category", Kind.TEXT, nullable=True),
    _optional("title", Kind.TEXT),
    _optional("floor_strike", Kind.NUMBER),
    ColumnSpec("open_time", Kind.TIME, nullable=True),
    ColumnSpec("close_time", Kind.TIME),
    _optional("scheduled_close_time", Kind.TIME),
    ColumnSpec("result", Kind.TEXT, nullable=True),
    _optional("settlement_value", Kind.NUMBER),
    _optional("settlement_time", Kind.TIME),
    _optional("result_source", Kind.TEXT),
)
QUOTES = (
    ColumnSpec("dataset", Kind.NAME),
    ColumnSpec("ts", Kind.TIME),
    ColumnSpec("ticker", Kind.NAME),
    ColumnSpec("yes_bid", Kind.NUMBER),
    ColumnSpec("yes_ask", Kind.NUMBER),
    _optional("yes_bid_size", Kind.NUMBER),
    _optional("yes_ask_size", Kind.NUMBER),
)
TRADES = (
    ColumnSpec("dataset", Kind.NAME),
    ColumnSpec("ts", Kind.TIME),
    ColumnSpec("ticker", Kind.NAME),
    ColumnSpec("yes_price_cents", Kind.NUMBER),
    ColumnSpec("count", Kind.NUMBER),
    ColumnSpec("taker_side", Kind.NAME),
)
CANDLES = (
    ColumnSpec("dataset", Kind.NAME),
    ColumnSpec("end_ts", Kind.TIME),
    ColumnSpec("period_min", Kind.NUMBER),
    ColumnSpec("ticker", Kind.NAME),
    ColumnSpec("open", Kind.NUMBER, nullable=True),
    ColumnSpec("high", Kind.NUMBER, nullable=True),
    ColumnSpec("low", Kind.NUMBER, nullable=True),
    ColumnSpec("close", Kind.NUMBER, nullable=True),
    ColumnSpec("yes_bid", Kind.NUMBER),
    ColumnSpec("yes_ask", Kind.NUMBER),
    _optional("volume", Kind.NUMBER),
)
_BOOK = (
    ColumnSpec("recv_ns", Kind.NANOSECONDS),
    ColumnSpec("run_id", Kind.NAME),
    ColumnSpec("ticker", Kind.NAME),
    ColumnSpec("side", Kind.NAME),
    ColumnSpec("price", Kind.NUMBER),
)
SNAPSHOTS = (*_BOOK, ColumnSpec("size", Kind.NUMBER))
DELTAS = (*_BOOK, ColumnSpec("delta", Kind.NUMBER))
TICKS = (
    ColumnSpec("ts_ns", Kind.NANOSECONDS),
    ColumnSpec("ticker", Kind.NAME),
    ColumnSpec("yes_bid", Kind.NUMBER),
    ColumnSpec("yes_ask", Kind.NUMBER),
    ColumnSpec("bid_size", Kind.NUMBER),
    ColumnSpec("ask_size", Kind.NUMBER),
)
TICK_MARKETS = (
    ColumnSpec("ticker", Kind.TEXT),
    ColumnSpec("event_ticker", Kind.TEXT),
    ColumnSpec("open_ts_ns", Kind.NANOSECONDS),
    ColumnSpec("close_ts_ns", Kind.NANOSECONDS),
    ColumnSpec("result", Kind.TEXT, nullable=True),
)
