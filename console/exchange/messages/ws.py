"""The WebSocket: commands we send and messages the exchange sends.

Kalshi still sends ``ts``, ``time``, ``side``, ``action``, ``is_yes``, ``taker_side``, ``purchased_side`` and
``created_time``, which it has deprecated; nobody should read them.
"""

from __future__ import annotations

import msgspec

from console.domain.book import BookSide
from console.exchange.messages import Message, Milliseconds, Seconds, Shard, Time, encode
from console.exchange.messages.market_data import PriceRange, PriceSize


class SubscribeParams(Message, frozen=True):
    channels: list[str]
    market_ticker: str | None = None
    market_tickers: list[str] | None = None
    market_id: str | None = None
    market_ids: list[str] | None = None
    send_initial_snapshot: bool | None = None
    skip_ticker_ack: bool | None = None
    use_yes_price: bool | None = None


class Subscribe(Message, frozen=True, tag_field="cmd", tag="subscribe"):
    id: int
    params: SubscribeParams


class UpdateSubscriptionParams(Message, frozen=True):
    """Exactly one of ``sid`` and ``sids`` with one entry."""

    action: str | None = None
    sid: int | None = None
    sids: list[int] | None = None
    market_ticker: str | None = None
    market_tickers: list[str] | None = None
    market_id: str | None = None
    market_ids: list[str] | None = None
    send_initial_snapshot: bool | None = None


class UpdateSubscription(Message, frozen=True, tag_field="cmd", tag="update_subscription"):
    """``action`` is ``add_markets``, ``delete_markets`` or ``get_snapshot``."""

    id: int
    params: UpdateSubscriptionParams


class UnsubscribeParams(Message, frozen=True):
    sids: list[int]


class Unsubscribe(Message, frozen=True, tag_field="cmd", tag="unsubscribe"):
    id: int
    params: UnsubscribeParams


class ListSubscriptions(Message, frozen=True, tag_field="cmd", tag="list_subscriptions"):
    id: int


class Frame(Message, frozen=True):
    """What every message of the exchange has around its payload; ``type`` says which payload."""

    type: str
    id: int | None = None
    sid: int | None = None
    seq: int | None = None
    msg: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class Subscribed(Message, frozen=True):
    channel: str
    sid: int


class Ok(Message, frozen=True):
    market_tickers: list[str] | None = None
    market_ids: list[str] | None = None


class ErrorMessage(Message, frozen=True):
    code: int
    msg: str
    market_id: str | None = None
    market_ticker: str | None = None


class OrderbookSnapshot(Message, frozen=True):
    """A side that is empty is left out."""

    market_ticker: str
    market_id: str
    yes_dollars_fp: list[PriceSize] | None = None
    no_dollars_fp: list[PriceSize] | None = None


class OrderbookDelta(Message, frozen=True):
    """``side`` is ``yes`` or ``no``; the client id is there when an order of ours caused it."""

    market_ticker: str
    market_id: str
    price_dollars: str
    delta_fp: str
    side: str
    ts_ms: int | None = None
    client_order_id: str | None = None
    subaccount: int | None = None


class TickerUpdate(Message, frozen=True):
    market_ticker: str
    market_id: str
    price_dollars: str
    yes_bid_dollars: str
    yes_ask_dollars: str
    yes_bid_size_fp: str
    yes_ask_size_fp: str
    last_trade_size_fp: str
    volume_fp: str
    open_interest_fp: str
    dollar_volume: int
    dollar_open_interest: int
    ts_ms: int
    ts: int | None = None
    time: Time | None = None


class Trade(Message, frozen=True):
    trade_id: str
    market_ticker: str
    yes_price_dollars: str
    no_price_dollars: str
    count_fp: str
    taker_outcome_side: str
    taker_book_side: BookSide
    is_block_trade: bool
    ts_ms: int
    taker_side: str | None = None
    ts: int | None = None


class Fill(Message, frozen=True):
    """An order of ours traded; ``post_position_fp`` is signed."""

    trade_id: str
    order_id: str
    market_ticker: str
    exchange_index: Shard
    is_taker: bool
    outcome_side: str
    book_side: BookSide
    yes_price_dollars: str
    count_fp: str
    fee_cost: str
    post_position_fp: str
    ts_ms: Milliseconds
    client_order_id: str | None = None
    subaccount: int | None = None
    side: str | None = None
    action: str | None = None
    purchased_side: str | None = None
    ts: int | None = None


class UserOrder(Message, frozen=True):
    order_id: str
    user_id: str
    ticker: str
    status: str
    outcome_side: str
    book_side: BookSide
    yes_price_dollars: str
    initial_count_fp: str
    fill_count_fp: str
    remaining_count_fp: str
    taker_fill_cost_dollars: str
    maker_fill_cost_dollars: str
    taker_fees_dollars: str
    maker_fees_dollars: str
    client_order_id: str
    created_ts_ms: int
    exchange_index: Shard | None = None
    order_group_id: str | None = None
    self_trade_prevention_type: str | None = None
    last_updated_ts_ms: int | None = None
    expiration_ts_ms: int | None = None
    last_update_reason: str | None = None
    subaccount_number: int | None = None
    side: str | None = None
    is_yes: bool | None = None
    created_time: Time | None = None


class MarketPosition(Message, frozen=True):
    """``position_fp`` is signed: + is YES."""

    user_id: str
    market_ticker: str
    position_fp: str
    position_cost_dollars: str
    realized_pnl_dollars: str
    fees_paid_dollars: str
    position_fee_cost_dollars: str
    volume_fp: str
    subaccount: int | None = None


class MarketLifecycle(Message, frozen=True):
    """``event_type`` says which of the optional fields are there; times are Unix seconds."""

    event_type: str
    market_ticker: str
    exchange_index: Shard | None = None
    open_ts: int | None = None
    close_ts: Seconds | None = None
    result: str | None = None
    determination_ts: int | None = None
    settlement_value: str | None = None
    settled_ts: Seconds | None = None
    is_deactivated: bool | None = None
    price_level_structure: str | None = None
    price_ranges: list[PriceRange] | None = None


class OrderGroupUpdate(Message, frozen=True):
    event_type: str
    order_group_id: str
    ts_ms: int
    contracts_limit_fp: str | None = None


Payload = (
    Subscribed
    | Ok
    | ErrorMessage
    | OrderbookSnapshot
    | OrderbookDelta
    | TickerUpdate
    | Trade
    | Fill
    | UserOrder
    | MarketPosition
    | MarketLifecycle
    | OrderGroupUpdate
)


def frame(
    type_: str,
    payload: Payload | None = None,
    *,
    sid: int | None = None,
    seq: int | None = None,
    id_: int | None = None,
) -> bytes:
    """A message of the exchange as JSON."""
    msg: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    if payload is not None:
        msg = msgspec.Raw(encode(payload))
    return encode(Frame(type=type_, id=id_, sid=sid, seq=seq, msg=msg))
