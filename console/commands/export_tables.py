"""The tables that ``kconsole export`` writes: their rows, collected from a journal's events in one pass."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

import msgspec

from console.commands.export_rows import (
    EquityRow,
    FillRow,
    LatchRow,
    OrderRow,
    SettingRow,
    TradeRow,
    fill_row,
    order_row,
    raised_row,
    trade_row,
)
from console.domain.account_events import (
    AccountOpened,
    ExternalFilled,
    OrderAcked,
    OrderAdopted,
    OrderBecameUnknown,
    OrderFilled,
    OrderIntended,
    OrderRejected,
    OrderReported,
)
from console.domain.engine_events import EquityMarked, LatchCleared, LatchRaised, SettingsChanged
from console.domain.events import JournaledEvent
from console.domain.order import Order, OrderIntent, OrderStatus
from console.domain.order_life import order_after
from console.history.usable import Period
from console.monitoring.ledger import Ledger
from console.monitoring.trades import trades_of

Rows = Iterable[msgspec.Struct]


class Collector(Protocol):
    """Makes a table's rows of a journal's events, given in their order; what overlaps a period is of it."""

    def __init__(self, period: Period) -> None: ...

    def take(self, event: JournaledEvent, account: str | None) -> Rows:
        """The rows that are complete with this event of an account."""

    def rest(self) -> Rows:
        """The other rows, after the last event."""


class _Fills:
    def __init__(self, period: Period) -> None:
        self._period = period
        self._intents: dict[str, OrderIntent] = {}

    def take(self, event: JournaledEvent, account: str | None) -> Rows:
        match event:
            case OrderIntended(intent=intent) | OrderAdopted(intent=intent):
                self._intents[intent.client_order_id] = intent
            case OrderFilled(fill=fill, client_order_id=name) if _is_in(self._period, fill.at_ns):
                return (fill_row(account, fill, self._intents[name]),)
            case ExternalFilled(fill=fill) if _is_in(self._period, fill.at_ns):
                return (fill_row(account, fill, None),)
            case _:
                pass
        return ()

    def rest(self) -> Rows:
        return ()


class _Orders:
    def __init__(self, period: Period) -> None:
        self._period = period
        self._orders: dict[str, Order] = {}
        self._accounts: dict[str, str | None] = {}

    def take(self, event: JournaledEvent, account: str | None) -> Rows:
        orders = self._orders
        match event:
            case OrderIntended(intent=intent):
                orders[intent.client_order_id] = Order(intent, event.at_ns, OrderStatus.SENDING)
                self._accounts[intent.client_order_id] = account
            case OrderAdopted(intent=intent, order_id=order_id, filled=filled):
                order = Order(intent, event.at_ns, OrderStatus.RESTING, order_id, filled)
                orders[intent.client_order_id] = order
                self._accounts[intent.client_order_id] = account
            case OrderAcked() | OrderRejected() | OrderBecameUnknown() | OrderReported():
                orders[event.client_order_id] = order_after(orders[event.client_order_id], event)
            case OrderFilled(client_order_id=name, fill=fill):
                orders[name] = orders[name].with_fill(fill.order_id, fill.count)
            case _:
                pass
        return ()

    def rest(self) -> Iterator[OrderRow]:
        for name, order in self._orders.items():
            if _is_in(self._period, order.sent_ns):
                yield order_row(self._accounts[name], order)


class _Trades:
    def __init__(self, period: Period) -> None:
        self._period = period
        self._ledger = Ledger()
        self._account: str | None = None

    def take(self, event: JournaledEvent, account: str | None) -> Rows:
        rows: Rows = ()
        if isinstance(event, AccountOpened):
            rows, self._account = list(self.rest()), account
        # A ledger keeps every mark, and no trade needs one.
        if not isinstance(event, EquityMarked):
            self._ledger.observe(event)
        return rows

    def rest(self) -> Iterator[TradeRow]:
        records = self._ledger.records()
        for trade in () if records is None else trades_of(records):
            if _overlaps(trade.opened_ns, trade.ended_ns, self._period):
                yield trade_row(self._account, trade)


class _Equity:
    def __init__(self, period: Period) -> None:
        self._period = period

    def take(self, event: JournaledEvent, account: str | None) -> Rows:
        if not isinstance(event, EquityMarked) or not _is_in(self._period, event.at_ns):
            return ()
        return (
            EquityRow(at_ns=event.at_ns, account=account, equity=event.equity, high_water=event.high_water),
        )

    def rest(self) -> Rows:
        return ()


class _Latches:
    def __init__(self, period: Period) -> None:
        self._period = period
        self._rows: list[LatchRow] = []
        self._holding: dict[tuple[str, str], list[int]] = {}

    def take(self, event: JournaledEvent, account: str | None) -> Rows:
        if isinstance(event, LatchRaised):
            self._holding.setdefault((event.name, event.scope), []).append(len(self._rows))
            self._rows.append(raised_row(event))
        elif isinstance(event, LatchCleared):
            for place in self._holding.pop((event.name, event.scope), ()):
                self._rows[place] = msgspec.structs.replace(
                    self._rows[place],
                    cleared_ns=event.at_ns,
                    cleared_by=event.source,
                    cleared_reason=event.reason,
                )
        return ()

    def rest(self) -> Rows:
        return (row for row in self._rows if _overlaps(row.raised_ns, row.cleared_ns, self._period))


class _Settings:
    def __init__(self, period: Period) -> None:
        self._period = period

    def take(self, event: JournaledEvent, account: str | None) -> Rows:
        if not isinstance(event, SettingsChanged) or not _is_in(self._period, event.at_ns):
            return ()
        return [
            SettingRow(
                at_ns=event.at_ns,
                key=change.key,
                old=change.old,
                new=change.new,
                reason=event.reason,
                source=event.source,
                program=event.program,
                settings=event.settings,
            )
            for change in event.changes
        ]

    def rest(self) -> Rows:
        return ()


class Table(msgspec.Struct, frozen=True):
    """A kind of row, and what collects such rows."""

    row: type[msgspec.Struct]
    collector: type[Collector]


TABLES: Mapping[str, Table] = {
    "trades": Table(TradeRow, _Trades),
    "fills": Table(FillRow, _Fills),
    "orders": Table(OrderRow, _Orders),
    "equity": Table(EquityRow, _Equity),
    "latches": Table(LatchRow, _Latches),
    "settings": Table(SettingRow, _Settings),
}


def _is_in(period: Period, at_ns: int) -> bool:
    return _overlaps(at_ns, at_ns, period)


def _overlaps(first_ns: int, last_ns: int | None, period: Period) -> bool:
    is_begun = period.until_ns is None or first_ns < period.until_ns
    return is_begun and (period.since_ns is None or last_ns is None or last_ns >= period.since_ns)
