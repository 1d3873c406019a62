"""The rows of what ``kconsole export`` writes.

A price is that of the outcome bought, unless its name says YES. None is what is not known, or does not apply.
"""

from __future__ import annotations

import msgspec

from console.domain.engine_events import LatchRaised
from console.domain.market import Ticker
from console.domain.money import Cash, Count, Price
from console.domain.order import Fill, Order, OrderIntent
from console.monitoring.trades import Trade


class FillRow(msgspec.Struct, frozen=True, kw_only=True):
    """One execution on the account; ``origin`` is ours or external."""

    at_ns: int
    account: str | None
    ticker: Ticker
    side: str
    price: Price
    contracts: Count
    fee: Cash
    role: str
    origin: str
    strategy: str | None
    fill_id: str
    order_id: str
    client_order_id: str | None


def fill_row(account: str | None, fill: Fill, intent: OrderIntent | None) -> FillRow:
    return FillRow(
        at_ns=fill.at_ns,
        account=account,
        ticker=fill.ticker,
        side=fill.side.outcome,
        price=fill.side.price_paid(fill.price),
        contracts=fill.count,
        fee=fill.fee,
        role="taker" if fill.is_taker else "maker",
        origin="external" if intent is None else "ours",
        strategy=None if intent is None else intent.strategy,
        fill_id=fill.fill_id,
        order_id=fill.order_id,
        client_order_id=None if intent is None else intent.client_order_id,
    )


class OrderRow(msgspec.Struct, frozen=True, kw_only=True):
    """An order of ours as far as it got; bid and ask are the market at the decision."""

    sent_ns: int
    account: str | None
    ticker: Ticker
    side: str
    price: Price
    contracts: Count
    filled: Count
    status: str
    reason: str
    time_in_force: str
    post_only: bool
    reduce_only: bool
    win_probability: Price
    yes_bid: Price | None
    yes_bid_contracts: Count | None
    yes_ask: Price | None
    yes_ask_contracts: Count | None
    strategy: str
    order_id: str | None
    client_order_id: str


def order_row(account: str | None, order: Order) -> OrderRow:
    intent, bid, ask = order.intent, order.intent.quote.bid, order.intent.quote.ask
    return OrderRow(
        sent_ns=order.sent_ns,
        account=account,
        ticker=intent.ticker,
        side=intent.side.outcome,
        price=intent.side.price_paid(intent.price),
        contracts=intent.count,
        filled=order.filled,
        status=order.status.value,
        reason=order.reason,
        time_in_force=intent.time_in_force.value,
        post_only=intent.post_only,
        reduce_only=intent.reduce_only,
        win_probability=intent.win_probability,
        yes_bid=None if bid is None else bid.price,
        yes_bid_contracts=None if bid is None else bid.size,
        yes_ask=None if ask is None else ask.price,
        yes_ask_contracts=None if ask is None else ask.size,
        strategy=intent.strategy,
        order_id=order.order_id,
        client_order_id=intent.client_order_id,
    )


class TradeRow(msgspec.Struct, frozen=True, kw_only=True):
    """What was bought in a market by our orders alone, until none of it was held any more.

    ``expected`` is what it was taken to pay out when it was bought. ``gross`` and ``net`` are not known of a
    trade that is open.
    """

    opened_ns: int
    ended_ns: int | None
    ending: str
    account: str | None
    ticker: Ticker
    event: str
    series: str
    category: str
    group: str
    side: str
    contracts: Count
    maker_contracts: Count
    average_price: Price
    paid: Cash
    expected: Cash
    yes_value: Price | None
    gross: Cash | None
    fees: Cash
    net: Cash | None
    fills: int
    strategy: str


def trade_row(account: str | None, trade: Trade) -> TradeRow:
    market = trade.market
    return TradeRow(
        opened_ns=trade.opened_ns,
        ended_ns=trade.ended_ns,
        ending=trade.ending.value,
        account=account,
        ticker=market.ticker,
        event=market.event_ticker,
        series=market.series_ticker,
        category=market.category,
        group=market.group,
        side=trade.side.outcome,
        contracts=trade.contracts,
        maker_contracts=trade.maker_contracts,
        average_price=trade.entry,
        paid=trade.paid,
        expected=trade.expected,
        yes_value=market.yes_value,
        gross=trade.gross,
        fees=trade.fees,
        net=trade.net,
        fills=len(trade.fills),
        strategy=trade.fills[0].intent.strategy,
    )


class EquityRow(msgspec.Struct, frozen=True, kw_only=True):
    """Equity at the marks of a scan, and the highest there has been."""

    at_ns: int
    account: str | None
    equity: Cash
    high_water: Cash


class LatchRow(msgspec.Struct, frozen=True, kw_only=True):
    """A reason not to trade as usual, while it held; an empty ``scope`` is everything."""

    raised_ns: int
    latch: str
    scope: str
    level: str
    source: str
    reason: str
    until_ns: int | None
    cleared_ns: int | None
    cleared_by: str | None
    cleared_reason: str | None


def raised_row(event: LatchRaised) -> LatchRow:
    return LatchRow(
        raised_ns=event.at_ns,
        latch=event.name,
        scope=event.scope,
        level=event.level.name,
        source=event.source,
        reason=event.reason,
        until_ns=event.until_ns,
        cleared_ns=None,
        cleared_by=None,
        cleared_reason=None,
    )


class SettingRow(msgspec.Struct, frozen=True, kw_only=True):
    """One setting that was changed while trading; ``settings`` names all of them as they then were."""

    at_ns: int
    key: str
    old: str
    new: str
    reason: str
    source: str
    program: str
    settings: str
