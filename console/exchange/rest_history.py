"""Requests for what happened in the markets, live and archived; anybody may make them, without a key."""

from __future__ import annotations

from dataclasses import replace

from console.domain.market import Ticker
from console.exchange.messages import candles, market_data
from console.exchange.rest import PAGE_SIZE, Query, Request, get, segment

MOST_CANDLES = 5_000
"""Of one request; the exchange's list for several markets holds ten thousand."""


def markets_closing_after(series: str, after_s: int) -> Request[market_data.MarketsReply]:
    """Markets of any status that had not closed by then, as far as they are not archived."""
    return get(
        "/markets",
        market_data.MarketsReply,
        series_ticker=series,
        min_close_ts=after_s,
        limit=PAGE_SIZE,
        mve_filter="exclude",
    )


def archived_markets(series: str) -> Request[market_data.MarketsReply]:
    """All archived markets of a series: no other filter goes with it."""
    return get("/historical/markets", market_data.MarketsReply, series_ticker=series, limit=PAGE_SIZE)


def trades(
    ticker: Ticker, since_s: int, until_s: int, *, archived: bool, cursor: str = ""
) -> Request[market_data.TradesReply]:
    """Trades on the book, newest first; whether the bounds are included is not said."""
    query: Query = {"ticker": ticker, "min_ts": since_s, "max_ts": until_s, "limit": PAGE_SIZE}
    if cursor:
        query["cursor"] = cursor
    request = get("/historical/trades" if archived else "/markets/trades", market_data.TradesReply)
    return replace(request, query={**query, "is_block_trade": "false"})


def market_candles(
    series: str, ticker: Ticker, first_s: int, last_s: int, minutes: int
) -> Request[candles.CandlesReply]:
    """Candles that end from ``first_s`` to ``last_s``, both included."""
    return get(
        f"/series/{segment(series)}/markets/{segment(ticker)}/candlesticks",
        candles.CandlesReply,
        start_ts=first_s,
        end_ts=last_s,
        period_interval=minutes,
    )


def archived_candles(
    ticker: Ticker, first_s: int, last_s: int, minutes: int
) -> Request[candles.OldCandlesReply]:
    """The same of an archived market."""
    return get(
        f"/historical/markets/{segment(ticker)}/candlesticks",
        candles.OldCandlesReply,
        start_ts=first_s,
        end_ts=last_s,
        period_interval=minutes,
    )
