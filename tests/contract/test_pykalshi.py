"""A client library of somebody else's talks to the practice exchange and finds a Kalshi there."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from practice_process import practice_process
from pykalshi import KalshiClient
from pykalshi.enums import BookSide, MarketStatus, OrderStatus, TimeInForce
from pykalshi.exceptions import KalshiAPIError


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with practice_process(tmp_path_factory.mktemp("home")) as line:
        assert Path(line["private_key_path"]).exists()
        yield line
    assert not Path(line["private_key_path"]).exists()


@pytest.fixture(scope="module")
def client(address: dict[str, str]) -> Iterator[Any]:
    with KalshiClient(
        api_key_id=address["key_id"],
        private_key_path=address["private_key_path"],
        api_base=address["rest"],
        max_retries=0,
    ) as connected:
        yield connected


@pytest.fixture
def market(client: Any) -> Any:
    """The open market with the most to sell and somebody to buy it back."""
    while True:
        quoted = [
            market
            for market in client.get_markets(status=MarketStatus.OPEN, mve_filter="exclude", fetch_all=True)
            if Decimal(market.yes_bid_size_fp) > 0 and Decimal(market.yes_ask_size_fp) >= 20
        ]
        if quoted:
            return max(quoted, key=lambda market: Decimal(market.yes_ask_size_fp))


def test_the_exchange_is_open(client: Any) -> None:
    status = client.exchange.get_status()
    assert status.exchange_active
    assert status.trading_active


def test_a_market_its_event_and_its_series_belong_together(client: Any, market: Any) -> None:
    one = client.get_market(market.ticker)
    assert one.event_ticker == market.event_ticker
    event = client.get_event(market.event_ticker)
    series = client.get_series(event.series_ticker)
    assert series.category == "Crypto"


def test_the_book_agrees_with_the_markets_best_prices(client: Any, market: Any) -> None:
    book = market.get_orderbook().orderbook
    assert Decimal(book.yes_dollars[-1][0]) < 1 - Decimal(book.no_dollars[-1][0])


def test_a_new_account_has_ten_thousand_dollars(client: Any) -> None:
    assert client.portfolio.get_balance().balance == 1_000_000


def test_an_order_is_placed_found_and_cancelled(client: Any, market: Any) -> None:
    order = client.portfolio.place_order(
        market.ticker, book_side=BookSide.BID, price_dollars="0.01", count_fp="3.00"
    )
    assert order.status is OrderStatus.RESTING
    assert order.order_id in [o.order_id for o in client.portfolio.get_orders(status=OrderStatus.RESTING)]
    client.portfolio.cancel_order(order.order_id)
    assert client.portfolio.get_order(order.order_id).status is OrderStatus.CANCELED
    with pytest.raises(KalshiAPIError):
        client.portfolio.cancel_order(order.order_id)


def test_a_trade_reaches_fills_positions_and_the_feed(
    client: Any, address: dict[str, str], market: Any
) -> None:
    told: queue.Queue[Any] = queue.Queue()
    books: queue.Queue[Any] = queue.Queue()
    feed = client.feed()
    feed._ws_url = address["ws"]
    feed.on("fill", told.put)
    feed.on("orderbook_delta", books.put)
    feed.subscribe("fill")
    feed.subscribe("orderbook_delta", market_ticker=market.ticker)
    feed.start()
    try:
        assert books.get(timeout=10).market_ticker == market.ticker
        order = client.portfolio.place_order(
            market.ticker,
            book_side=BookSide.BID,
            price_dollars="0.99",
            count_fp="10.00",
            time_in_force=TimeInForce.IOC,
        )
        fill = told.get(timeout=10)
    finally:
        feed.stop()
    assert fill.order_id == order.order_id
    listed = client.portfolio.get_fills(order_id=order.order_id)
    assert fill.trade_id in [f.trade_id for f in listed]
    (position,) = client.portfolio.get_positions(ticker=market.ticker)
    assert Decimal(position.position_fp) == sum(Decimal(f.count_fp) for f in listed) == 10
    assert client.portfolio.get_balance().balance < 1_000_000
