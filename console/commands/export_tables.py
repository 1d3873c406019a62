"""What ``kconsole export`` writes: the rows of each table, made from a journal's events.

A price is that of the outcome bought, unless its name says YES. None is what is not known, or does not apply.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

import msgspec

from console.domain.events import (
    AccountOpened,
    EquityMarked,
    ExternalFilled,
    JournaledEvent,
    LatchCleared,
    LatchRaised,
    OrderAcked,
    OrderAdopted,
    OrderBecameUnknown,
    OrderFilled,
    OrderIntended,
    OrderRejected,
    OrderReported,
    SettingsChanged,
)
from console.domain.market import Ticker
from console.domain.money import Cash, Count, Price
from console.domain.order import Fill, Order, OrderIntent, OrderStatus
from console.domain.order_life import order_after
from console.history.usable import Period
from console.monitoring.ledger import Ledger
from console.monitoring.trades import Trade, trades_of

Events = Iterable[JournaledEvent]


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


def _fills(events: Events, period: Period) -> Iterator[FillRow]:
    intents: dict[str, OrderIntent] = {}
    for account, event in _with_accounts(events):
        match event:
            case OrderIntended(intent=intent) | OrderAdopted(intent=intent):
                intents[intent.client_order_id] = intent
            case OrderFilled(fill=fill, client_order_id=name) if _overlaps(fill.at_ns, fill.at_ns, period):
                yield _fill(account, fill, intents[name])
            case ExternalFilled(fill=fill) if _overlaps(fill.at_ns, fill.at_ns, period):
                yield _fill(account, fill, None)
            case _:
                pass


def _fill(account: str | None, fill: Fill, intent: OrderIntent | None) -> FillRow:
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


def _orders(events: Events, period: Period) -> Iterator[OrderRow]:
    orders: dict[str, Order] = {}
    accounts: dict[str, str | None] = {}
    for account, event in _with_accounts(events):
        match event:
            case OrderIntended(intent=intent):
                orders[intent.client_order_id] = Order(intent, event.at_ns, OrderStatus.SENDING)
                accounts[intent.client_order_id] = account
            case OrderAdopted(intent=intent, order_id=order_id, filled=filled):
                order = Order(intent, event.at_ns, OrderStatus.RESTING, order_id, filled)
                orders[intent.client_order_id] = order
                accounts[intent.client_order_id] = account
            case OrderAcked() | OrderRejected() | OrderBecameUnknown() | OrderReported():
                orders[event.client_order_id] = order_after(orders[event.client_order_id], event)
            case OrderFilled(client_order_id=name, fill=fill):
                orders[name] = orders[name].with_fill(fill.order_id, fill.count)
            case _:
                pass
    for name, order in orders.items():
        if _overlaps(order.sent_ns, order.sent_ns, period):
            yield _order(accounts[name], order)


def _order(account: str | None, order: Order) -> OrderRow:
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


def _trades(events: Events, period: Period) -> Iterator[TradeRow]:
    ledger, account = Ledger(), None
    for event in events:
        if isinstance(event, AccountOpened):
            yield from _trades_so_far(ledger, account, period)
            account = event.account
        ledger.observe(event)
    yield from _trades_so_far(ledger, account, period)


def _trades_so_far(ledger: Ledger, account: str | None, period: Period) -> Iterator[TradeRow]:
    records = ledger.records()
    for trade in () if records is None else trades_of(records):
        if _overlaps(trade.opened_ns, trade.ended_ns, period):
            yield _trade(account, trade)


def _trade(account: str | None, trade: Trade) -> TradeRow:
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


def _equity(events: Events, period: Period) -> Iterator[EquityRow]:
    for account, event in _with_accounts(events):
        if isinstance(event, EquityMarked) and _overlaps(event.at_ns, event.at_ns, period):
            yield EquityRow(
                at_ns=event.at_ns, account=account, equity=event.equity, high_water=event.high_water
            )


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


def _latches(events: Events, period: Period) -> Iterator[LatchRow]:
    rows: list[LatchRow] = []
    holding: dict[tuple[str, str], list[int]] = {}
    for event in events:
        if isinstance(event, LatchRaised):
            holding.setdefault((event.name, event.scope), []).append(len(rows))
            rows.append(_raised(event))
        elif isinstance(event, LatchCleared):
            for place in holding.pop((event.name, event.scope), ()):
                rows[place] = msgspec.structs.replace(
                    rows[place],
                    cleared_ns=event.at_ns,
                    cleared_by=event.source,
                    cleared_reason=event.reason,
                )
    return (row for row in rows if _overlaps(row.raised_ns, row.cleared_ns, period))


def _raised(event: LatchRaised) -> LatchRow:
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


def _settings(events: Events, period: Period) -> Iterator[SettingRow]:
    for event in events:
        if isinstance(event, SettingsChanged) and _overlaps(event.at_ns, event.at_ns, period):
            for change in event.changes:
                yield SettingRow(
                    at_ns=event.at_ns,
                    key=change.key,
                    old=change.old,
                    new=change.new,
                    reason=event.reason,
                    source=event.source,
                    program=event.program,
                    settings=event.settings,
                )


# --- all of them ----------------------------------------------------------------------------------------


class Table(msgspec.Struct, frozen=True):
    """A kind of row, and how its rows come from events; what overlaps a period is of it."""

    row: type[msgspec.Struct]
    rows: Callable[[Events, Period], Iterator[msgspec.Struct]]


TABLES: Mapping[str, Table] = {
    "trades": Table(TradeRow, _trades),
    "fills": Table(FillRow, _fills),
    "orders": Table(OrderRow, _orders),
    "equity": Table(EquityRow, _equity),
    "latches": Table(LatchRow, _latches),
    "settings": Table(SettingRow, _settings),
}


def _with_accounts(events: Events) -> Iterator[tuple[str | None, JournaledEvent]]:
    account: str | None = None
    for event in events:
        if isinstance(event, AccountOpened):
            account = event.account
        yield account, event


def _overlaps(first_ns: int, last_ns: int | None, period: Period) -> bool:
    is_begun = period.until_ns is None or first_ns < period.until_ns
    return is_begun and (period.since_ns is None or last_ns is None or last_ns >= period.since_ns)
