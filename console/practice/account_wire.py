"""What belongs to the account as Kalshi's messages."""

from __future__ import annotations

from collections.abc import Sequence

from console.domain.book import BookSide
from console.domain.money import (
    CASH_PER_CENT,
    COUNT_PER_CONTRACT,
    PAYOUT,
    PRICE_PER_CENT,
    PRICE_PER_DOLLAR,
    Cash,
    Count,
    Price,
    complement,
    format_cash,
    format_count,
    format_price,
)
from console.exchange.messages import account
from console.practice.account import Holding
from console.practice.groups import OrderGroup
from console.practice.records import AccountFill, AccountSettlement, ExchangeOrder
from console.practice.wire import SHARD, milliseconds, moment, outcome, seconds


def order_message(order: ExchangeOrder, user_id: str) -> account.Order:
    request = order.request
    return account.Order(
        order_id=order.order_id,
        user_id=user_id,
        client_order_id=request.client_order_id,
        ticker=request.ticker,
        outcome_side=outcome(request.side),
        book_side=request.side,
        type="limit",
        status=order.status,
        yes_price_dollars=format_price(request.price),
        no_price_dollars=format_price(complement(request.price)),
        fill_count_fp=format_count(order.filled),
        remaining_count_fp=format_count(order.remaining),
        initial_count_fp=format_count(order.count),
        taker_fill_cost_dollars=format_cash(order.taker_cost),
        maker_fill_cost_dollars=format_cash(order.maker_cost),
        taker_fees_dollars=format_cash(order.taker_fees),
        maker_fees_dollars=format_cash(order.maker_fees),
        expiration_time=None if request.expires_ns is None else moment(request.expires_ns),
        created_time=moment(order.created_ns),
        last_update_time=moment(order.updated_ns),
        self_trade_prevention_type=request.self_trade_prevention,
        order_group_id=request.group_id,
        cancel_order_on_pause=request.cancel_on_pause,
        subaccount_number=0,
        exchange_index=SHARD,
    )


def create_order_reply(order: ExchangeOrder) -> account.CreateOrderReply:
    """Averages are a contract's, to a millionth of a dollar, rounded half up."""
    price = fee = None
    if order.filled:
        paid = order.taker_cost + order.maker_cost
        if order.request.side is BookSide.ASK:
            paid = PRICE_PER_DOLLAR * order.filled - paid
        price = _per_contract(paid, order.filled)
        fee = _per_contract(order.taker_fees + order.maker_fees, order.filled)
    return account.CreateOrderReply(
        order_id=order.order_id,
        client_order_id=order.request.client_order_id or None,
        fill_count=format_count(order.filled),
        remaining_count=format_count(order.remaining),
        average_fill_price=price,
        average_fee_paid=fee,
        ts_ms=milliseconds(order.updated_ns),
    )


def _per_contract(amount: int, count: Count) -> str:
    return format_cash(Cash((2 * amount * COUNT_PER_CONTRACT + count) // (2 * count)))


def group_message(group: OrderGroup) -> account.OrderGroup:
    return account.OrderGroup(
        id=group.group_id,
        is_auto_cancel_enabled=True,
        contracts_limit_fp=format_count(group.limit),
        exchange_index=SHARD,
    )


def fill_message(fill: AccountFill) -> account.Fill:
    request = fill.order.request
    return account.Fill(
        fill_id=fill.trade_id,
        trade_id=fill.trade_id,
        exchange_index=SHARD,
        order_id=fill.order.order_id,
        ticker=request.ticker,
        market_ticker=request.ticker,
        outcome_side=outcome(request.side),
        book_side=request.side,
        count_fp=format_count(fill.count),
        yes_price_dollars=format_price(fill.price),
        no_price_dollars=format_price(complement(fill.price)),
        is_taker=fill.is_taker,
        fee_cost=format_cash(fill.fee),
        created_time=moment(fill.at_ns),
        subaccount_number=0,
        ts=seconds(fill.at_ns),
    )


def settlement_message(settlement: AccountSettlement) -> account.Settlement:
    yes, no = Count(max(0, settlement.held)), Count(max(0, -settlement.held))
    yes_value = PAYOUT if settlement.result == "yes" else Price(0)
    return account.Settlement(
        ticker=settlement.ticker,
        exchange_index=SHARD,
        event_ticker=settlement.event_ticker,
        market_result=settlement.result,
        yes_count_fp=format_count(yes),
        yes_total_cost_dollars=format_cash(settlement.paid if yes else Cash(0)),
        no_count_fp=format_count(no),
        no_total_cost_dollars=format_cash(settlement.paid if no else Cash(0)),
        revenue=settlement.revenue // CASH_PER_CENT,
        settled_time=moment(settlement.at_ns),
        fee_cost=format_cash(settlement.fees),
        value=yes_value // PRICE_PER_CENT,
    )


def position_message(holding: Holding) -> account.MarketPosition:
    position = holding.position
    return account.MarketPosition(
        ticker=holding.market.ticker,
        exchange_index=SHARD,
        total_traded_dollars=format_cash(holding.traded),
        position_fp=format_count(position.contracts),
        market_exposure_dollars=format_cash(position.paid),
        realized_pnl_dollars=format_cash(position.realised),
        fees_paid_dollars=format_cash(position.fees),
        last_updated_ts=moment(holding.updated_ns),
    )


def event_position_messages(holdings: Sequence[Holding]) -> list[account.EventPosition]:
    """The positions of each event together."""
    events: dict[str, list[Holding]] = {}
    for holding in holdings:
        events.setdefault(holding.market.event_ticker, []).append(holding)
    return [
        account.EventPosition(
            event_ticker=event,
            total_cost_dollars=format_cash(Cash(sum(h.traded for h in held))),
            total_cost_shares_fp=format_count(Count(sum(h.volume for h in held))),
            event_exposure_dollars=format_cash(Cash(sum(h.position.paid for h in held))),
            realized_pnl_dollars=format_cash(Cash(sum(h.position.realised for h in held))),
            fees_paid_dollars=format_cash(Cash(sum(h.position.fees for h in held))),
        )
        for event, held in events.items()
    ]


def balance_message(cash: Cash, portfolio_value: Cash, updated_ns: int) -> account.BalanceReply:
    return account.BalanceReply(
        balance=cash // CASH_PER_CENT,
        balance_dollars=format_cash(cash),
        portfolio_value=portfolio_value // CASH_PER_CENT,
        updated_ts=seconds(updated_ns),
        balance_breakdown=[account.ShardBalance(exchange_index=SHARD, balance=format_cash(cash))],
    )
