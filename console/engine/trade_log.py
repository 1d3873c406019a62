"""The trade log: one line an execution, settlement, refusal or change of state, newest kept."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial

from console.domain.account_events import (
    DENIED,
    AccountOpened,
    ExternalFilled,
    MarketSettled,
    OrderAcked,
    OrderBecameUnknown,
    OrderFilled,
    OrderIntended,
    OrderRejected,
    OrderReported,
)
from console.domain.book import Quote
from console.domain.engine_events import FlattenEnded, LatchCleared, LatchRaised, SettingsChanged
from console.domain.events import JournaledEvent
from console.domain.market import Ticker
from console.domain.money import PRICE_PER_DOLLAR, Cash, Price
from console.domain.order import Fill
from console.domain.position import Position
from console.engine.account import Account
from console.engine.day_record import DayRecord
from console.engine.log_views import LogEntry, LogKind
from console.monitoring.slippage import slippage_of
from console.risk.latches import latch_id

ENTRIES_KEPT = 1_000
EDITS_KEPT = 200


class TradeLog:
    """Lines made from journaled events, so that a restart shows the same ones, and this run's own denials."""

    def __init__(self) -> None:
        self._entries: deque[LogEntry] = deque(maxlen=ENTRIES_KEPT)
        # Made when they are asked for: a backtest that nobody watches never does.
        self._unmade: deque[Callable[[], LogEntry]] = deque(maxlen=ENTRIES_KEPT)
        self._next = 1
        self.edits: deque[SettingsChanged] = deque(maxlen=EDITS_KEPT)
        self.day = DayRecord()
        self._denied: dict[Ticker, set[str]] = {}

    @property
    def entries(self) -> tuple[LogEntry, ...]:
        """Oldest first."""
        self._entries.extend(make() for make in self._unmade)
        self._unmade.clear()
        return tuple(self._entries)

    def observe(self, event: JournaledEvent, before: Account) -> None:
        """Note an event, given the account before the event is applied to it."""
        self.day.observe(event, before)
        match event:
            case OrderFilled(fill=fill):
                self._note_fill(fill, before, "", before.orders[event.client_order_id].intent.quote)
            case OrderIntended() | OrderReported() | OrderAcked():
                pass
            case AccountOpened():
                self._entries.clear()
                self._unmade.clear()
                self._denied.clear()
                self._add(event.at_ns, LogKind.STATE, None, f"new account {event.account[:8]}")
            case ExternalFilled(fill=fill):
                self._note_fill(fill, before, ", external", None)
            case MarketSettled():
                self._note_settlement(event, before)
            case OrderRejected(code=code, message=message):
                ticker = before.orders[event.client_order_id].intent.ticker
                if code == DENIED:
                    self._add(event.at_ns, LogKind.DENIED, ticker, message)
                else:
                    self._add(event.at_ns, LogKind.REJECTED, ticker, f"rejected: {message or code}")
            case OrderBecameUnknown():
                ticker = before.orders[event.client_order_id].intent.ticker
                self._add(event.at_ns, LogKind.UNKNOWN, ticker, f"outcome unknown: {event.reason}")
            case LatchRaised():
                name = latch_id(event.name, event.scope)
                text = f"{event.level.name} {name}: {event.reason}"
                self._add(event.at_ns, LogKind.STATE, None, text)
            case LatchCleared():
                text = f"{latch_id(event.name, event.scope)} cleared: {event.reason}"
                self._add(event.at_ns, LogKind.STATE, None, text)
            case FlattenEnded():
                self._add(event.at_ns, LogKind.STATE, None, f"flatten ended: {event.reason}")
            case SettingsChanged():
                self.edits.append(event)
                self._add(event.at_ns, LogKind.STATE, None, f"settings: {edit_text(event)}")
            case _:
                pass

    def note_denied(self, at_ns: int, ticker: Ticker, limit: str, reason: str) -> None:
        """Note an order we denied ourselves, once for each market and limit, whatever the figures."""
        limits = self._denied.setdefault(ticker, set())
        if limit not in limits:
            limits.add(limit)
            self._add(at_ns, LogKind.DENIED, ticker, reason)

    def forget(self, ticker: Ticker) -> None:
        """A market is over; it will not be denied again."""
        self._denied.pop(ticker, None)

    def _note_fill(self, fill: Fill, before: Account, whose: str, decided_at: Quote | None) -> None:
        self._append(partial(_fill_entry, self._next, fill, before.position(fill.ticker), whose, decided_at))

    def _note_settlement(self, event: MarketSettled, before: Account) -> None:
        settlement = event.settlement
        held = before.position(settlement.ticker)
        if not held.contracts:
            return
        after = held.settled(settlement.yes_value)
        self._append(
            partial(
                LogEntry,
                sequence=self._next,
                at_ns=settlement.at_ns,
                kind=LogKind.SETTLED,
                ticker=settlement.ticker,
                text=_payout_text(settlement.yes_value),
                side=held.side,
                price=held.side.price_paid(settlement.yes_value),
                contracts=held.contracts,
                profit=Cash(after.realised - held.realised),
            )
        )

    def _add(self, at_ns: int, kind: LogKind, ticker: Ticker | None, text: str) -> None:
        self._append(partial(LogEntry, sequence=self._next, at_ns=at_ns, kind=kind, ticker=ticker, text=text))

    def _append(self, make: Callable[[], LogEntry]) -> None:
        self._unmade.append(make)
        self._next += 1


def _fill_entry(sequence: int, fill: Fill, held: Position, whose: str, decided_at: Quote | None) -> LogEntry:
    """The line of a fill, before which this was held."""
    closing, profit = held.contracts * fill.side.sign < 0, None
    if closing:
        after = held.filled(fill.side, fill.price, fill.count, fill.fee)
        profit = Cash(after.realised - held.realised)
    return LogEntry(
        sequence=sequence,
        at_ns=fill.at_ns,
        kind=LogKind.FILL,
        ticker=fill.ticker,
        text=("sold" if closing else "bought") + whose,
        side=fill.side,
        price=fill.side.price_paid(fill.price),
        contracts=fill.count,
        fee=fill.fee,
        is_taker=fill.is_taker,
        profit=profit,
        slippage=None if decided_at is None else slippage_of(fill, decided_at),
    )


def edit_text(event: SettingsChanged) -> str:
    """Every change of one order, on a line."""
    return ", ".join(f"{change.key} {change.old} -> {change.new}" for change in event.changes)


def _payout_text(yes_value: Price) -> str:
    if yes_value == PRICE_PER_DOLLAR:
        return "YES wins"
    return "NO wins" if yes_value == 0 else "scalar payout"
