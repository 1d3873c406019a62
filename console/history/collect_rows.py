"""The rows of what is collected, and what they were asked for; prices are Price and sizes Count."""

from __future__ import annotations

import msgspec


class Asked(msgspec.Struct, frozen=True):
    """What a folder collects: rows from ``since_ns`` on and before ``until_ns``, candles of ``minutes``."""

    environment: str
    series: tuple[str, ...]
    since_ns: int
    until_ns: int
    minutes: int


class MarketRow(msgspec.Struct, frozen=True):
    """A market as listed; prices are Price. The close is the real one, once there was one.

    ``scheduled_close_ns`` is None where an early close may have taken its place; ``has_traded`` is False
    where it is certain that nothing ever did.
    """

    ticker: str
    event_ticker: str
    series_ticker: str
    category: str | None
    title: str | None
    floor_strike: float | None
    open_ns: int
    close_ns: int
    scheduled_close_ns: int | None
    result: str | None
    settlement_value: int | None
    settlement_ns: int | None
    is_archived: bool
    has_traded: bool


class Progress(msgspec.Struct, frozen=True):
    """How far a market was read: everything before these times, and where a list of trades goes on."""

    candles_ns: int = 0
    trades_ns: int = 0
    in_archive: bool = False
    cursor: str = ""


class TradeRow(msgspec.Struct, frozen=True):
    trade_id: str
    ticker: str
    ts_ns: int
    price: int
    count: int
    taker_side: str


class CandleRow(msgspec.Struct, frozen=True):
    """Prices of trades, None without one; the best prices at the end, 0 and a dollar for an empty side."""

    ticker: str
    end_ns: int
    open: int | None
    high: int | None
    low: int | None
    close: int | None
    bid: int
    ask: int
    volume: int


class BookRow(msgspec.Struct, frozen=True):
    """A level of a snapshot, or a change of one; ``price`` is that of a bid for the side."""

    recv_ns: int
    run_id: str
    ticker: str
    side: str
    price: int
    size: int
    is_snapshot: bool
