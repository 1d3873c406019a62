"""Trades of others, which only a dry run asks for."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from console.domain.book import BookSide
from console.domain.market_events import TradePrinted
from console.domain.money import Count, Price
from console.exchange.feed_events import Lifecycles
from console.exchange.messages import ws
from console.exchange.session import BOOKS, TRADES, FeedSession

TRADE = ws.Trade(
    trade_id="t1",
    market_ticker="A",
    yes_price_dollars="0.0800",
    no_price_dollars="0.9200",
    count_fp="2.50",
    taker_outcome_side="no",
    taker_book_side=BookSide.ASK,
    is_block_trade=False,
    ts_ms=1_700_000_000_123,
)


def subscriptions(session: FeedSession) -> list[dict[str, Any]]:
    """Markets by channel of each subscription asked for now."""
    commands = [json.loads(command) for command in session.commands()]
    return [command["params"] for command in commands if command["cmd"] == "subscribe"]


def test_trades_are_asked_for_in_every_market_that_is_followed() -> None:
    trades: list[TradePrinted] = []
    wanted = {"A"}
    session = FeedSession(wanted, Lifecycles(), lambda: 7, trades.append)
    first = subscriptions(session)[1:]
    assert [(p["channels"], p["market_tickers"]) for p in first] == [([BOOKS], ["A"]), ([TRADES], ["A"])]
    assert [p.get("use_yes_price") for p in first] == [True, None]
    session.take(ws.frame("subscribed", ws.Subscribed(channel=BOOKS, sid=2), id_=2))
    wanted.add("B")
    assert [(p["channels"], p["market_tickers"]) for p in subscriptions(session)] == [([TRADES], ["B"])]
    for number, trade in enumerate((TRADE, msgspec.structs.replace(TRADE, is_block_trade=True))):
        assert session.take(ws.frame("trade", trade, sid=3, seq=1 + number)) == []
    assert trades == [
        TradePrinted(at_ns=7, ticker="A", price=Price(800), count=Count(250), taker_side=BookSide.ASK)
    ]


def test_without_a_listener_no_trades_are_asked_for() -> None:
    session = FeedSession({"A"}, Lifecycles(), lambda: 7)
    assert all(TRADES not in p["channels"] for p in subscriptions(session))
