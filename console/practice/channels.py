"""The WebSocket channels of the practice exchange, and its notices as their messages."""

from __future__ import annotations

import enum
import uuid
from collections.abc import Iterator

import msgspec

from console.domain.book import BookSide, Level
from console.domain.market import Ticker
from console.domain.money import (
    CASH_PER_DOLLAR,
    COUNT_PER_CONTRACT,
    PAYOUT,
    Cash,
    Count,
    Price,
    complement,
    format_cash,
    format_count,
    format_price,
)
from console.exchange.messages import ws
from console.practice.account import Account
from console.practice.market import ListedMarket
from console.practice.notices import BookChanged, GroupChanged, LifecycleChanged
from console.practice.records import AccountFill, ExchangeOrder, Trade
from console.practice.wire import SHARD, milliseconds, moment, outcome, price_ranges, seconds, structure


class Channel(enum.StrEnum):
    """Kalshi's channels, those that exist here."""

    ORDERBOOK_DELTA = "orderbook_delta"
    TICKER = "ticker"
    TRADE = "trade"
    FILL = "fill"
    USER_ORDERS = "user_orders"
    MARKET_POSITIONS = "market_positions"
    MARKET_LIFECYCLE = "market_lifecycle_v2"
    ORDER_GROUP_UPDATES = "order_group_updates"

    @property
    def is_numbered(self) -> bool:
        """Whether its messages carry a sequence number."""
        return self in (
            Channel.ORDERBOOK_DELTA,
            Channel.TRADE,
            Channel.MARKET_LIFECYCLE,
            Channel.ORDER_GROUP_UPDATES,
        )

    @property
    def is_filtered(self) -> bool:
        """Whether a subscription may be restricted to markets."""
        return self not in (Channel.MARKET_LIFECYCLE, Channel.ORDER_GROUP_UPDATES)


def _shown_price(side: BookSide, price: Price, use_yes_price: bool) -> str:
    """A level's price: that of YES, or on the NO side that of NO unless the client wants one scale."""
    on_yes_scale = side is BookSide.BID or use_yes_price
    return format_price(price if on_yes_scale else complement(price))


def orderbook_snapshot(
    ticker: Ticker, market: ListedMarket | None, use_yes_price: bool
) -> ws.OrderbookSnapshot:
    """The whole shown book; an unknown ticker has an empty one."""
    if market is None:
        return ws.OrderbookSnapshot(
            market_ticker=ticker, market_id=str(uuid.uuid5(uuid.NAMESPACE_URL, ticker))
        )

    def levels(side: BookSide) -> list[tuple[str, str]] | None:
        return [
            (_shown_price(side, level.price, use_yes_price), format_count(level.size))
            for level in market.levels(side)
        ] or None

    return ws.OrderbookSnapshot(
        market_ticker=ticker,
        market_id=market.market_id,
        yes_dollars_fp=levels(BookSide.BID),
        no_dollars_fp=levels(BookSide.ASK),
    )


def ticker_update(market: ListedMarket, now_ns: int) -> ws.TickerUpdate:
    quote, last = market.quote(), market.last_trade
    bid = quote.bid or Level(Price(0), Count(0))
    ask = quote.ask or Level(PAYOUT, Count(0))
    return ws.TickerUpdate(
        market_ticker=market.definition.ticker,
        market_id=market.market_id,
        price_dollars=format_price(last.price if last else Price(0)),
        yes_bid_dollars=format_price(bid.price),
        yes_ask_dollars=format_price(ask.price),
        yes_bid_size_fp=format_count(bid.size),
        yes_ask_size_fp=format_count(ask.size),
        last_trade_size_fp=format_count(last.count if last else Count(0)),
        volume_fp=format_count(market.volume),
        open_interest_fp=format_count(market.volume),
        dollar_volume=market.turnover // CASH_PER_DOLLAR,
        dollar_open_interest=market.volume // COUNT_PER_CONTRACT,
        ts_ms=milliseconds(now_ns),
        ts=seconds(now_ns),
        time=moment(now_ns),
    )


def trade_update(trade: Trade) -> ws.Trade:
    return ws.Trade(
        trade_id=trade.trade_id,
        market_ticker=trade.ticker,
        yes_price_dollars=format_price(trade.price),
        no_price_dollars=format_price(complement(trade.price)),
        count_fp=format_count(trade.count),
        taker_outcome_side=outcome(trade.taker_side),
        taker_book_side=trade.taker_side,
        is_block_trade=False,
        ts_ms=milliseconds(trade.at_ns),
        taker_side=outcome(trade.taker_side),
        ts=seconds(trade.at_ns),
    )


def fill_update(fill: AccountFill) -> ws.Fill:
    request = fill.order.request
    return ws.Fill(
        trade_id=fill.trade_id,
        order_id=fill.order.order_id,
        client_order_id=request.client_order_id or None,
        market_ticker=request.ticker,
        exchange_index=SHARD,
        is_taker=fill.is_taker,
        outcome_side=outcome(request.side),
        book_side=request.side,
        yes_price_dollars=format_price(fill.price),
        count_fp=format_count(fill.count),
        fee_cost=format_cash(fill.fee),
        post_position_fp=format_count(fill.held_after),
        ts_ms=milliseconds(fill.at_ns),
        side=outcome(request.side),
        action="buy",
        purchased_side=outcome(request.side),
        ts=seconds(fill.at_ns),
    )


def user_order(order: ExchangeOrder, user_id: str) -> ws.UserOrder:
    request = order.request
    return ws.UserOrder(
        order_id=order.order_id,
        user_id=user_id,
        ticker=request.ticker,
        exchange_index=SHARD,
        status=order.status,
        outcome_side=outcome(request.side),
        book_side=request.side,
        yes_price_dollars=format_price(request.price),
        initial_count_fp=format_count(order.count),
        fill_count_fp=format_count(order.filled),
        remaining_count_fp=format_count(order.remaining),
        taker_fill_cost_dollars=format_cash(order.taker_cost),
        maker_fill_cost_dollars=format_cash(order.maker_cost),
        taker_fees_dollars=format_cash(order.taker_fees),
        maker_fees_dollars=format_cash(order.maker_fees),
        client_order_id=request.client_order_id,
        created_ts_ms=milliseconds(order.created_ns),
        order_group_id=request.group_id,
        self_trade_prevention_type=request.self_trade_prevention,
        last_updated_ts_ms=milliseconds(order.updated_ns),
        expiration_ts_ms=None if request.expires_ns is None else milliseconds(request.expires_ns),
        last_update_reason=order.reason or None,
        side=outcome(request.side),
        is_yes=request.side is BookSide.BID,
        created_time=moment(order.created_ns),
    )


def market_position(account: Account, ticker: Ticker) -> ws.MarketPosition:
    holding = account.holdings[ticker]
    position = holding.position
    return ws.MarketPosition(
        user_id=account.user_id,
        market_ticker=ticker,
        position_fp=format_count(position.contracts),
        position_cost_dollars=format_cash(position.paid),
        realized_pnl_dollars=format_cash(position.realised),
        fees_paid_dollars=format_cash(position.fees),
        position_fee_cost_dollars=format_cash(position.fees if position.contracts else Cash(0)),
        volume_fp=format_count(holding.volume),
    )


def lifecycle(changed: LifecycleChanged, now_ns: int) -> ws.MarketLifecycle:
    """What each event carries differs; times are Unix seconds."""
    definition = changed.market.definition
    message = ws.MarketLifecycle(event_type=changed.event, market_ticker=definition.ticker)
    if changed.event == "created":
        return msgspec.structs.replace(
            message,
            exchange_index=SHARD,
            open_ts=seconds(definition.open_ns),
            close_ts=seconds(definition.close_ns),
            price_level_structure=structure(definition.grid),
            price_ranges=price_ranges(definition.grid),
        )
    if changed.event == "determined":
        value = changed.market.yes_value
        return msgspec.structs.replace(
            message,
            result=changed.market.result,
            determination_ts=seconds(now_ns),
            settlement_value=None if value is None else format_price(value),
        )
    return msgspec.structs.replace(message, settled_ts=seconds(now_ns))


def group_update(changed: GroupChanged, now_ms: int) -> ws.OrderGroupUpdate:
    group = changed.group
    with_limit = changed.event in ("created", "limit_updated")
    return ws.OrderGroupUpdate(
        event_type=changed.event,
        order_group_id=group.group_id,
        contracts_limit_fp=format_count(group.limit) if with_limit else None,
        ts_ms=now_ms,
    )


def deltas(changed: BookChanged, use_yes_price: bool, now_ns: int) -> Iterator[ws.OrderbookDelta]:
    """One message a level; ours when an order of ours caused it."""
    for delta in changed.deltas:
        yield ws.OrderbookDelta(
            market_ticker=changed.market.definition.ticker,
            market_id=changed.market.market_id,
            price_dollars=_shown_price(delta.side, delta.price, use_yes_price),
            delta_fp=format_count(delta.change),
            side=outcome(delta.side),
            ts_ms=milliseconds(now_ns),
            client_order_id=changed.client_order_id,
            subaccount=None if changed.client_order_id is None else 0,
        )
