"""What anybody may read: the exchange's state, series, events, markets, books and trades."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import msgspec

from console.domain.book import BookSide
from console.exchange.messages import Message, Page, Shard, Time

PriceSize = tuple[str, str]
"""A price in dollars and a number of contracts."""


class ErrorBody(Message, frozen=True):
    code: str | None = None
    message: str | None = None
    details: str | None = None


class ErrorReply(ErrorBody, frozen=True):
    """What a refused request is answered with: an error wrapped, bare, or a mere text."""

    error: ErrorBody | str | None = None


class ShardStatus(Message, frozen=True):
    exchange_index: Shard
    description: str
    exchange_active: bool
    trading_active: bool
    intra_exchange_transfers_active: bool


class ExchangeStatus(Message, frozen=True):
    """``GET /exchange/status``; the flags at the top are those of shard 0."""

    exchange_active: bool
    trading_active: bool
    intra_exchange_transfers_active: bool | None = None
    exchange_estimated_resume_time: Time | None = None
    exchange_index_statuses: list[ShardStatus] | None = None


class DailyHours(Message, frozen=True):
    open_time: str
    close_time: str


class WeeklyHours(Message, frozen=True):
    start_time: Time
    end_time: Time
    monday: list[DailyHours]
    tuesday: list[DailyHours]
    wednesday: list[DailyHours]
    thursday: list[DailyHours]
    friday: list[DailyHours]
    saturday: list[DailyHours]
    sunday: list[DailyHours]


class MaintenanceWindow(Message, frozen=True):
    start_datetime: Time
    end_datetime: Time


class Schedule(Message, frozen=True):
    standard_hours: list[WeeklyHours]
    maintenance_windows: list[MaintenanceWindow]


class ScheduleReply(Message, frozen=True):
    """``GET /exchange/schedule``."""

    schedule: Schedule


class UserDataTimestampReply(Message, frozen=True):
    """``GET /exchange/user_data_timestamp``."""

    as_of_time: Time


class SettlementSource(Message, frozen=True):
    name: str | None = None
    url: str | None = None


class Series(Message, frozen=True):
    ticker: str
    frequency: str
    title: str
    category: str
    tags: list[str] | None
    settlement_sources: list[SettlementSource] | None
    contract_url: str
    contract_terms_url: str
    fee_type: str
    fee_multiplier: Decimal
    additional_prohibitions: list[str] | None
    volume_fp: str | None = None
    last_updated_ts: Time | None = None
    exchange_index: Shard | None = None
    categories: list[str] | None = None


class SeriesReply(Message, frozen=True):
    """``GET /series/{ticker}``."""

    series: Series


class SeriesListReply(Message, frozen=True):
    """``GET /series``, all of them at once."""

    series: list[Series]


class SeriesFeeChange(Message, frozen=True):
    id: str
    series_ticker: str
    fee_type: str
    fee_multiplier: Decimal
    scheduled_ts: Time


class SeriesFeeChangesReply(Message, frozen=True):
    """``GET /series/fee_changes``."""

    series_fee_change_arr: list[SeriesFeeChange]


class PriceRange(Message, frozen=True):
    start: str
    end: str
    step: str


class Market(Message, frozen=True):
    """One market; an empty side has size 0, and its price then says nothing."""

    ticker: str
    event_ticker: str
    market_type: str
    yes_sub_title: str
    no_sub_title: str
    created_time: Time
    updated_time: Time
    open_time: Time
    close_time: Time
    latest_expiration_time: Time
    settlement_timer_seconds: int
    status: str
    yes_bid_dollars: str
    yes_bid_size_fp: str
    yes_ask_dollars: str
    yes_ask_size_fp: str
    no_bid_dollars: str
    no_ask_dollars: str
    last_price_dollars: str
    volume_fp: str
    volume_24h_fp: str
    result: str
    can_close_early: bool
    open_interest_fp: str
    notional_value_dollars: str
    previous_yes_bid_dollars: str
    previous_yes_ask_dollars: str
    previous_price_dollars: str
    expiration_value: str
    rules_primary: str
    rules_secondary: str
    price_level_structure: str
    price_ranges: list[PriceRange]
    exchange_index: Shard | None = None
    title: str | None = None
    subtitle: str | None = None
    expected_expiration_time: Time | None = None
    expiration_time: Time | None = None
    settlement_value_dollars: str | None = None
    settlement_ts: Time | None = None
    occurrence_datetime: Time | None = None
    fee_waiver_expiration_time: Time | None = None
    early_close_condition: str | None = None
    strike_type: str | None = None
    floor_strike: float | None = None
    cap_strike: float | None = None
    functional_strike: str | None = None
    is_provisional: bool | None = None


class MarketReply(Message, frozen=True):
    """``GET /markets/{ticker}``."""

    market: Market


class MarketsReply(Page, frozen=True):
    """``GET /markets``."""

    markets: list[Market]
    cursor: str | None


class EventData(Message, frozen=True):
    event_ticker: str
    series_ticker: str
    sub_title: str
    title: str
    collateral_return_type: str
    mutually_exclusive: bool
    settlement_sources: list[SettlementSource] | None
    category: str | None = None
    strike_date: Time | None = None
    strike_period: str | None = None
    markets: list[Market] | None = None
    last_updated_ts: Time | None = None
    fee_type_override: str | None = None
    fee_multiplier_override: Decimal | None = None
    exchange_index: Shard | None = None


class EventReply(Message, frozen=True):
    """``GET /events/{ticker}``."""

    event: EventData
    markets: list[Market]


class EventsReply(Page, frozen=True):
    """``GET /events``."""

    events: list[EventData]
    cursor: str | None


class OrderBook(Message, frozen=True):
    """Bids of both outcomes, worst first; a NO bid at 8c is a YES ask at 92c."""

    yes_dollars: list[PriceSize]
    no_dollars: list[PriceSize]


class OrderBookReply(Message, frozen=True):
    """``GET /markets/{ticker}/orderbook``."""

    orderbook_fp: OrderBook


class MarketOrderBook(Message, frozen=True):
    ticker: str
    orderbook_fp: OrderBook


class OrderBooksReply(Message, frozen=True):
    """``GET /markets/orderbooks``."""

    orderbooks: list[MarketOrderBook]


class Trade(Message, frozen=True):
    trade_id: str
    ticker: str
    count_fp: str
    yes_price_dollars: str
    no_price_dollars: str
    taker_outcome_side: str
    taker_book_side: BookSide
    created_time: Time
    is_block_trade: bool


class TradesReply(Page, frozen=True):
    """``GET /markets/trades``."""

    trades: list[Trade]
    cursor: str | None


class HistoricalCutoffReply(Message, frozen=True):
    """``GET /historical/cutoff``: what is older stands in the historical endpoints."""

    market_settled_ts: Time
    trades_created_ts: Time
    orders_updated_ts: Time
    market_positions_last_updated_ts: Time | None = None


class EndpointCost(Message, frozen=True):
    method: str
    path: str
    cost: Annotated[int, msgspec.Meta(ge=0)]


class EndpointCostsReply(Message, frozen=True):
    """``GET /account/endpoint_costs``; a path may hold ``:name`` and ``*name``."""

    default_cost: Annotated[int, msgspec.Meta(ge=0)]
    endpoint_costs: list[EndpointCost]
