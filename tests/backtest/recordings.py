"""Small recordings written as CSV, for the calibration's tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

MARKETS = "dataset,ticker,event_ticker,series_ticker,category,open_time,close_time,result,result_source"
QUOTES = "dataset,ts,ticker,yes_bid,yes_ask"
TRADES = "dataset,ts,ticker,yes_price_cents,count,taker_side"

MarketLine = tuple[str, str, str, str]
"""Ticker, event, category, result."""


def write(
    folder: Path,
    markets: Sequence[MarketLine],
    *,
    quotes: Sequence[tuple[str, str, float, float]] = (),
    trades: Sequence[tuple[str, str, float, float, str]] = (),
    result_source: str = "exchange",
) -> Path:
    """A folder whose markets close at 12:00; quotes are (time, ticker, bid, ask), times ``HH:MM``."""
    lines = [
        f"d,{ticker},{event},KXA,{category},2026-03-01T00:00:00Z,2026-03-01T12:00:00Z,{result},{result_source}"
        for ticker, event, category, result in markets
    ]
    _file(folder / "markets.csv", MARKETS, lines)
    if quotes:
        _file(folder / "quotes.csv", QUOTES, [_line(*row) for row in quotes])
    if trades:
        _file(folder / "trades.csv", TRADES, [_line(*row) for row in trades])
    return folder


def _line(time: str, *rest: object) -> str:
    return f"d,2026-03-01T{time}:00Z," + ",".join(map(str, rest))


def _file(path: Path, header: str, lines: Sequence[str]) -> None:
    path.write_text("\n".join((header, *lines)) + "\n", encoding="utf-8")
