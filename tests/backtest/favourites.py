"""A small recording in which favourites can be bought, written as CSV, with sizes."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from console.backtest.setup import Setup
from console.commands.backtest_arguments import add_backtest_arguments, setup_from

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
TRADES = ("--style", "taker", "--set", "edge.model=constant", "--set", "edge.constant_points=6")
"""Options under which the shipped strategy trades here."""

_MARKETS = "dataset,ticker,event_ticker,series_ticker,category,open_time,close_time,result"
_QUOTES = "dataset,ts,ticker,yes_bid,yes_ask,yes_bid_size,yes_ask_size"


def record(
    folder: Path,
    *,
    days: int = 1,
    a_day: int = 4,
    results: Sequence[str] = ("yes", "yes", "yes", "no"),
    hours: int = 1,
    every_s: int = 60,
    asks: Sequence[float] = (92, 91, 93),
) -> Path:
    """A folder of events of one market each, one after the other within each day; results take turns.

    Each is quoted for ``hours``, at the asks in turn and a cent below, and closes then.
    """
    folder.mkdir(exist_ok=True)
    markets, quotes = [], []
    for number in range(days * a_day):
        ticker = f"KXA-{number}"
        opens = BEGIN + timedelta(days=number // a_day, hours=number % a_day * 24 // a_day)
        closes = opens + timedelta(hours=hours)
        result = results[number % len(results)]
        markets.append(f"d,{ticker},E{number},KXA,Crypto,{_iso(opens)},{_iso(closes)},{result}")
        for step in range(1, 3_600 * hours // every_s):
            ask = asks[step % len(asks)]
            at = opens + timedelta(seconds=every_s * step)
            quotes.append(f"d,{_iso(at)},{ticker},{ask - 1},{ask},500,400")
    quotes.sort()
    (folder / "markets.csv").write_text("\n".join([_MARKETS, *markets]) + "\n")
    (folder / "quotes.csv").write_text("\n".join([_QUOTES, *quotes]) + "\n")
    return folder


def _iso(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%SZ}"


def setup(*options: str) -> Setup:
    """A run under which the shipped strategy trades here, with more options of the command line."""
    parser = argparse.ArgumentParser()
    add_backtest_arguments(parser)
    return setup_from(parser.parse_args(["--data", "unused", *TRADES, *options]))
