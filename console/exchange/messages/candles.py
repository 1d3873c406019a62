"""Candles of a market, live and historical: the same figures under other names."""

from __future__ import annotations

from console.exchange.messages import Message, Seconds


class QuoteRange(Message, frozen=True):
    """A side's best price through a period."""

    open_dollars: str
    low_dollars: str
    high_dollars: str
    close_dollars: str


class TradeRange(Message, frozen=True):
    """Prices traded in a period; without a trade there are none."""

    open_dollars: str | None = None
    low_dollars: str | None = None
    high_dollars: str | None = None
    close_dollars: str | None = None
    mean_dollars: str | None = None
    previous_dollars: str | None = None


class Candle(Message, frozen=True):
    """A period up to ``end_period_ts``, which is in it."""

    end_period_ts: Seconds
    yes_bid: QuoteRange
    yes_ask: QuoteRange
    price: TradeRange
    volume_fp: str
    open_interest_fp: str


class CandlesReply(Message, frozen=True):
    """``GET /series/{series_ticker}/markets/{ticker}/candlesticks``."""

    ticker: str
    candlesticks: list[Candle]


class OldQuoteRange(Message, frozen=True, rename=lambda name: name.removesuffix("_dollars")):
    open_dollars: str
    low_dollars: str
    high_dollars: str
    close_dollars: str


class OldTradeRange(Message, frozen=True, rename=lambda name: name.removesuffix("_dollars")):
    """All of it must be there, and is null without a trade."""

    open_dollars: str | None
    low_dollars: str | None
    high_dollars: str | None
    close_dollars: str | None
    mean_dollars: str | None
    previous_dollars: str | None


class OldCandle(Message, frozen=True, rename=lambda name: name.removesuffix("_fp")):
    end_period_ts: Seconds
    yes_bid: OldQuoteRange
    yes_ask: OldQuoteRange
    price: OldTradeRange
    volume_fp: str
    open_interest_fp: str


class OldCandlesReply(Message, frozen=True):
    """``GET /historical/markets/{ticker}/candlesticks``."""

    ticker: str
    candlesticks: list[OldCandle]
