"""Keys, venues, orders and the exchange's answers for the tests of the connector."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from console.domain.book import NO_QUOTE, BookSide
from console.domain.money import Count, Price
from console.domain.order import OrderIntent, TimeInForce
from console.exchange.clock import ServerClock
from console.exchange.hosts import Connection
from console.exchange.messages import account, market_data
from console.exchange.signing import Signer
from console.exchange.venue import KalshiVenue

KEY = ed25519.Ed25519PrivateKey.generate()
NOW = datetime.now(UTC).replace(microsecond=0)
WS_NOWHERE = "ws://127.0.0.1:9/trade-api/ws/v2"


def signer() -> Signer:
    return Signer("key-1", KEY)


def clock() -> ServerClock:
    return ServerClock(time.time_ns)


def write_key(path: Path, key: ed25519.Ed25519PrivateKey = KEY, mode: int = 0o600) -> Path:
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    os.chmod(path, mode)  # noqa: PTH101 - a test names the mode as a user would
    return path


def connection(rest: str, ws: str = WS_NOWHERE) -> Connection:
    return Connection(rest=rest, ws=ws, key_id="key-1", private_key_path="key.pem")


def venue(
    rest: str, *, deadline_s: float = 5.0, may_send: Callable[[bool], bool] = lambda _: True
) -> KalshiVenue:
    return KalshiVenue(
        connection(rest),
        signer(),
        clock(),
        wall_ns=time.time_ns,
        deadline_s=deadline_s,
        group_contracts_limit=5000,
        may_send=may_send,
    )


def intent(
    client_order_id: str = "us-1",
    time_in_force: TimeInForce = TimeInForce.IMMEDIATE_OR_CANCEL,
    expires_s: int | None = None,
) -> OrderIntent:
    return OrderIntent(
        client_order_id=client_order_id,
        ticker="KXBTC-1",
        side=BookSide.BID,
        price=Price(9200),
        count=Count(300),
        time_in_force=time_in_force,
        quote=NO_QUOTE,
        win_probability=Price(9500),
        strategy="flb",
        group_id="group-1",
        expires_s=expires_s,
        exchange_index=2,
    )


def ack(client_order_id: str = "us-1", order_id: str = "order-1") -> dict[str, object]:
    return {
        "order_id": order_id,
        "client_order_id": client_order_id,
        "fill_count": "0.00",
        "remaining_count": "3.00",
        "ts_ms": 1,
    }


def listed_order(order_id: str = "order-1", status: str = "resting") -> account.Order:
    return account.Order(
        order_id=order_id,
        user_id="u",
        client_order_id=f"us-{order_id}",
        ticker="KXBTC-1",
        outcome_side="yes",
        book_side=BookSide.BID,
        type="limit",
        status=status,
        yes_price_dollars="0.9200",
        no_price_dollars="0.0800",
        fill_count_fp="1.00",
        remaining_count_fp="2.00",
        initial_count_fp="3.00",
        taker_fill_cost_dollars="0.920000",
        maker_fill_cost_dollars="0.000000",
        taker_fees_dollars="0.005200",
        maker_fees_dollars="0.000000",
        exchange_index=2,
    )


def listed_fill(trade_id: str, at: datetime) -> account.Fill:
    return account.Fill(
        fill_id=trade_id,
        trade_id=trade_id,
        exchange_index=2,
        order_id="order-1",
        ticker="KXBTC-1",
        market_ticker="KXBTC-1",
        outcome_side="yes",
        book_side=BookSide.BID,
        count_fp="1.00",
        yes_price_dollars="0.9200",
        no_price_dollars="0.0800",
        is_taker=True,
        fee_cost="0.005152",
        created_time=at,
    )


def listed_settlement(ticker: str, result: str, at: datetime) -> account.Settlement:
    return account.Settlement(
        ticker=ticker,
        exchange_index=2,
        event_ticker="KXBTC-E",
        market_result=result,
        yes_count_fp="1.00",
        yes_total_cost_dollars="0.920000",
        no_count_fp="0.00",
        no_total_cost_dollars="0.000000",
        revenue=100,
        settled_time=at,
        fee_cost="0.0052",
        value=12,
    )


def listed_market(
    ticker: str = "KXBTC-1", status: str = "active", closes_in_s: int = 900
) -> market_data.Market:
    return market_data.Market(
        ticker=ticker,
        event_ticker="KXBTC-E",
        market_type="binary",
        yes_sub_title="Above 90,000",
        no_sub_title="Above 90,000",
        created_time=NOW,
        updated_time=NOW,
        open_time=NOW - timedelta(hours=1),
        close_time=NOW + timedelta(seconds=closes_in_s),
        latest_expiration_time=NOW + timedelta(days=1),
        settlement_timer_seconds=15,
        status=status,
        yes_bid_dollars="0.9100",
        yes_bid_size_fp="10.00",
        yes_ask_dollars="0.9200",
        yes_ask_size_fp="10.00",
        no_bid_dollars="0.0800",
        no_ask_dollars="0.0900",
        last_price_dollars="0.9200",
        volume_fp="0.00",
        volume_24h_fp="0.00",
        result="",
        can_close_early=True,
        open_interest_fp="0.00",
        notional_value_dollars="1.0000",
        previous_yes_bid_dollars="0.0000",
        previous_yes_ask_dollars="0.0000",
        previous_price_dollars="0.0000",
        expiration_value="",
        rules_primary="",
        rules_secondary="",
        price_level_structure="linear_cent",
        price_ranges=[market_data.PriceRange(start="0.0000", end="1.0000", step="0.0100")],
        exchange_index=2,
    )


def listed_event(fee_type: str | None = None, multiplier: Decimal | None = None) -> market_data.EventData:
    return market_data.EventData(
        event_ticker="KXBTC-E",
        series_ticker="KXBTC",
        sub_title="",
        title="Bitcoin",
        collateral_return_type="",
        mutually_exclusive=False,
        settlement_sources=None,
        fee_type_override=fee_type,
        fee_multiplier_override=multiplier,
    )


def listed_series(multiplier: Decimal = Decimal(1)) -> market_data.Series:
    return market_data.Series(
        ticker="KXBTC",
        frequency="fifteen_min",
        title="Bitcoin",
        category="Crypto",
        tags=None,
        settlement_sources=None,
        contract_url="",
        contract_terms_url="",
        fee_type="quadratic",
        fee_multiplier=multiplier,
        additional_prohibitions=None,
    )
