"""Our own orders, order groups and account."""

from __future__ import annotations

from typing import Annotated

import msgspec

from console.domain.book import BookSide
from console.domain.order import SelfTradePrevention, TimeInForce
from console.exchange.messages import Message, Page, Shard, Time
from console.exchange.messages.market_data import ErrorBody


class CreateOrder(Message, frozen=True):
    """Body of ``POST /portfolio/events/orders``; ``price`` is that of YES, ``expiration_time`` seconds."""

    ticker: str
    side: BookSide
    count: str
    price: str
    time_in_force: TimeInForce
    self_trade_prevention_type: SelfTradePrevention
    client_order_id: str | None = None
    expiration_time: int | None = None
    post_only: bool | None = None
    reduce_only: bool | None = None
    cancel_order_on_pause: bool | None = None
    order_group_id: str | None = None
    subaccount: int | None = None
    exchange_index: int | None = None


class CreateOrderReply(Message, frozen=True):
    """201 to an order; the averages are there once something filled, the fee is per contract."""

    order_id: str
    fill_count: str
    remaining_count: str
    ts_ms: int
    client_order_id: str | None = None
    average_fill_price: str | None = None
    average_fee_paid: str | None = None


class CancelOrderReply(Message, frozen=True):
    """200 to ``DELETE /portfolio/events/orders/{order_id}``."""

    order_id: str
    reduced_by: str
    ts_ms: int
    client_order_id: str | None = None


class BatchCancelItem(Message, frozen=True):
    order_id: str
    subaccount: int | None = None
    exchange_index: int | None = None
    market_ticker: str | None = None


class BatchCancel(Message, frozen=True):
    """Body of ``DELETE /portfolio/events/orders/batched``."""

    orders: list[BatchCancelItem]


class BatchCancelResult(Message, frozen=True):
    order_id: str
    reduced_by: str
    client_order_id: str | None = None
    ts_ms: int | None = None
    error: ErrorBody | None = None


class BatchCancelReply(Message, frozen=True):
    orders: list[BatchCancelResult]


class DecreaseOrder(Message, frozen=True):
    """Body of ``POST /portfolio/events/orders/{order_id}/decrease``: exactly one of the first two."""

    reduce_by: str | None = None
    reduce_to: str | None = None
    exchange_index: int | None = None
    market_ticker: str | None = None


class DecreaseOrderReply(Message, frozen=True):
    order_id: str
    remaining_count: str
    ts_ms: int
    client_order_id: str | None = None


class QueuePosition(Message, frozen=True):
    """Contracts in front of a resting order."""

    order_id: str
    market_ticker: str
    queue_position_fp: str


class QueuePositionsReply(Message, frozen=True):
    """``GET /portfolio/orders/queue_positions``."""

    queue_positions: list[QueuePosition]


class QueuePositionReply(Message, frozen=True):
    """``GET /portfolio/orders/{order_id}/queue_position``."""

    queue_position_fp: str


class Order(Message, frozen=True):
    order_id: str
    user_id: str
    client_order_id: str
    ticker: str
    outcome_side: str
    book_side: BookSide
    type: str
    status: str
    yes_price_dollars: str
    no_price_dollars: str
    fill_count_fp: str
    remaining_count_fp: str
    initial_count_fp: str
    taker_fill_cost_dollars: str
    maker_fill_cost_dollars: str
    taker_fees_dollars: str
    maker_fees_dollars: str
    expiration_time: Time | None = None
    created_time: Time | None = None
    last_update_time: Time | None = None
    self_trade_prevention_type: str | None = None
    order_group_id: str | None = None
    cancel_order_on_pause: bool | None = None
    subaccount_number: int | None = None
    exchange_index: Shard | None = None


class OrderReply(Message, frozen=True):
    """``GET /portfolio/orders/{order_id}``."""

    order: Order


class OrdersReply(Page, frozen=True):
    """``GET /portfolio/orders``."""

    orders: list[Order]
    cursor: str | None


class CreateOrderGroup(Message, frozen=True):
    """Body of ``POST /portfolio/order_groups/create``; the limit counts contracts filled in 15 s."""

    subaccount: int | None = None
    contracts_limit: int | None = None
    contracts_limit_fp: str | None = None
    exchange_index: int | None = None


class CreateOrderGroupReply(Message, frozen=True):
    order_group_id: str
    subaccount: int
    exchange_index: Shard | None = None


class OrderGroupLimit(Message, frozen=True):
    """Body of ``PUT /portfolio/order_groups/{id}/limit``."""

    contracts_limit: int | None = None
    contracts_limit_fp: str | None = None


class OrderGroup(Message, frozen=True):
    id: str
    is_auto_cancel_enabled: bool
    contracts_limit_fp: str | None = None
    exchange_index: Shard | None = None


class OrderGroupsReply(Message, frozen=True):
    """``GET /portfolio/order_groups``."""

    order_groups: list[OrderGroup] | None = None


class OrderGroupReply(Message, frozen=True):
    """``GET /portfolio/order_groups/{id}``, with the ids of its orders."""

    is_auto_cancel_enabled: bool
    orders: list[str]
    contracts_limit_fp: str | None = None
    exchange_index: Shard | None = None


class Empty(Message, frozen=True):
    """What triggering, resetting, limiting and deleting a group answer: nothing, above all no error."""

    error: None = None


class ShardBalance(Message, frozen=True):
    exchange_index: Shard
    balance: str


class BalanceReply(Message, frozen=True):
    """``GET /portfolio/balance``; ``balance`` and ``portfolio_value`` are cents, ``updated_ts`` seconds."""

    balance: int
    balance_dollars: str
    portfolio_value: int
    updated_ts: int
    balance_breakdown: list[ShardBalance] | None = None


class MarketPosition(Message, frozen=True):
    """``position_fp`` is signed: + is YES."""

    ticker: str
    exchange_index: Shard
    total_traded_dollars: str
    position_fp: str
    market_exposure_dollars: str
    realized_pnl_dollars: str
    fees_paid_dollars: str
    last_updated_ts: Time


class EventPosition(Message, frozen=True):
    event_ticker: str
    total_cost_dollars: str
    total_cost_shares_fp: str
    event_exposure_dollars: str
    realized_pnl_dollars: str
    fees_paid_dollars: str


class PositionsReply(Page, frozen=True, kw_only=True):
    """``GET /portfolio/positions``."""

    market_positions: list[MarketPosition]
    event_positions: list[EventPosition]
    cursor: str | None = None


class Fill(Message, frozen=True):
    """One execution; ``fill_id`` is the trade's id."""

    fill_id: str
    trade_id: str
    exchange_index: Shard
    order_id: str
    ticker: str
    market_ticker: str
    outcome_side: str
    book_side: BookSide
    count_fp: str
    yes_price_dollars: str
    no_price_dollars: str
    is_taker: bool
    fee_cost: str
    created_time: Time | None = None
    subaccount_number: int | None = None
    ts: int | None = None


class FillsReply(Page, frozen=True):
    """``GET /portfolio/fills``."""

    fills: list[Fill]
    cursor: str | None


class Settlement(Message, frozen=True):
    """``revenue`` is cents, ``value`` what one YES contract paid in cents."""

    ticker: str
    exchange_index: Shard
    event_ticker: str
    market_result: str
    yes_count_fp: str
    yes_total_cost_dollars: str
    no_count_fp: str
    no_total_cost_dollars: str
    revenue: int
    settled_time: Time
    fee_cost: str
    value: int | None = None


class SettlementsReply(Page, frozen=True, kw_only=True):
    """``GET /portfolio/settlements``."""

    settlements: list[Settlement]
    cursor: str | None = None


class BucketLimit(Message, frozen=True):
    """Tokens a second, and how many the bucket holds."""

    refill_rate: Annotated[int, msgspec.Meta(gt=0)]
    bucket_capacity: Annotated[int, msgspec.Meta(gt=0)]


class UsageGrant(Message, frozen=True):
    exchange_instance: str
    level: str
    source: str
    expires_ts: int | None = None


class AccountLimitsReply(Message, frozen=True):
    """``GET /account/limits``."""

    usage_tier: str
    read: BucketLimit
    write: BucketLimit
    grants: list[UsageGrant]
