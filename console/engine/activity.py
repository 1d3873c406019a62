"""What was sent, answered, filled and failed, counted from events alone and not by the strategy."""

from __future__ import annotations

from collections import deque

import msgspec

from console.domain.account_events import (
    DENIED,
    NEVER_PLACED,
    BalanceRead,
    ClockSkewRead,
    ExternalOrdersListed,
    OrderAcked,
    OrderBecameUnknown,
    OrderFilled,
    OrderIntended,
    OrderRejected,
    OrderReported,
    PositionsCompared,
)
from console.domain.engine_events import (
    ErrorHappened,
    GuardSeen,
    JournalFailed,
    KeyRefused,
    LatchCleared,
    TimerFired,
)
from console.domain.events import EngineEvent, JournaledEvent
from console.domain.market_events import ExchangeStatusRead, FeedLost, FeedProved
from console.domain.money import Cash
from console.domain.order import OrderStatus
from console.domain.time_units import NS_PER_HOUR, NS_PER_MINUTE
from console.engine.account import Account
from console.risk.latches import RISK_SOURCE
from console.risk.switches.error_burst import ERROR_BURST
from console.risk.switches.no_fills import NO_FILLS
from console.risk.switches.reject_rate import REJECT_RATE
from console.risk.switches.tripwire import TRIPWIRE

_MOST_KEPT = 20_000
"""Beyond what any limit asks for."""


class Window:
    """Amounts of the newest time; one from the future, after a clock stepped back, stays in."""

    def __init__(self, length_ns: int) -> None:
        self._length_ns = length_ns
        self._noted: deque[tuple[int, int]] = deque(maxlen=_MOST_KEPT)

    def note(self, at_ns: int, amount: int = 1) -> None:
        self._prune(at_ns)
        self._noted.append((at_ns, amount))

    def count(self, now_ns: int) -> int:
        self._prune(now_ns)
        return len(self._noted)

    def shift(self, step_ns: int) -> None:
        """Keep every age when the wall clock stepped."""
        for _ in range(len(self._noted)):
            at_ns, amount = self._noted.popleft()
            self._noted.append((at_ns + step_ns, amount))

    def sum(self, now_ns: int) -> int:
        self._prune(now_ns)
        return sum(amount for _, amount in self._noted)

    def clear(self) -> None:
        self._noted.clear()

    def _prune(self, now_ns: int) -> None:
        while self._noted and now_ns - self._noted[0][0] >= self._length_ns:
            self._noted.popleft()


class Activity:
    """Feeds the switches that watch conduct; a restart begins its windows anew, the latches stay.

    ``hear`` takes what comes from outside, before the engine acts on it; ``record`` what was journaled.
    """

    def __init__(self, account: Account, client_id_prefix: str) -> None:
        self._account = account
        self._prefix = client_id_prefix
        self._errors = Window(NS_PER_HOUR)
        self._rejects = Window(NS_PER_MINUTE)
        self._sent = Window(NS_PER_MINUTE)
        self._was_out = False
        self.scans_without_fill = 0
        self.contradiction: str | None = None
        self.exchange: ExchangeStatusRead | None = None
        self.clock: ClockSkewRead | None = None
        self.clock_step_ns = 0
        self._heard_before_step: set[type[EngineEvent]] = set()
        self.positions: PositionsCompared | None = None
        self.foreign_order: str | None = None
        self.journal_failure: str | None = None
        self.key_refusal: str | None = None
        self.journaled_ns: int | None = None
        self.guard: GuardSeen | None = None

    def hear(self, event: EngineEvent) -> None:
        """Take an event as it arrived."""
        self._heard_before_step.discard(type(event))
        if not self._heard_before_step:
            self.clock_step_ns = 0
        match event:
            case FeedProved():
                pass
            case OrderFilled() | OrderReported() | OrderAcked():
                self._check_sent(event)
            case ErrorHappened() | FeedLost():
                self._errors.note(event.at_ns)
            case ExchangeStatusRead():
                self.exchange = event
            case ClockSkewRead():
                self.clock = event
            case PositionsCompared():
                self.positions = event
            case ExternalOrdersListed():
                self.foreign_order = event.foreign
            case JournalFailed():
                self.journal_failure = event.reason
            case KeyRefused():
                self.key_refusal = event.reason
            case BalanceRead():
                self.key_refusal = None
            case GuardSeen():
                self.guard = event
            case TimerFired():
                self._end_scan()
            case _:
                pass

    def record(self, event: JournaledEvent) -> None:
        """Take an event that was journaled; each is told once."""
        self.journaled_ns = event.at_ns
        match event:
            case OrderIntended(intent=intent):
                self._was_out = True
                # What only reduces is bounded by what is held, and a flatten must not be cut short.
                if not intent.reduce_only:
                    self._sent.note(event.at_ns, intent.worst_cost)
            case OrderFilled():
                self.scans_without_fill = 0
                self._was_out = False
            case OrderReported() | OrderAcked():
                pass
            case OrderBecameUnknown():
                self._errors.note(event.at_ns)
            case OrderRejected() if event.code not in (DENIED, NEVER_PLACED):
                self._rejects.note(event.at_ns)
            case LatchCleared() if event.source != RISK_SOURCE:
                self._start_anew(event.name)
            case _:
                pass

    def step_clock(self, step_ns: int) -> None:
        """The wall clock stepped: what was counted keeps its age; feed and account must be heard anew."""
        self.clock_step_ns = max(self.clock_step_ns, step_ns, key=abs)
        self._heard_before_step = {FeedProved, PositionsCompared}
        for window in (self._errors, self._rejects, self._sent):
            window.shift(step_ns)
        if self.journaled_ns is not None:
            self.journaled_ns += step_ns
        if self.exchange is not None:
            self.exchange = msgspec.structs.replace(self.exchange, at_ns=self.exchange.at_ns + step_ns)

    def errors_in_hour(self, now_ns: int) -> int:
        return self._errors.count(now_ns)

    def rejects_in_minute(self, now_ns: int) -> int:
        return self._rejects.count(now_ns)

    def orders_in_minute(self, now_ns: int) -> int:
        return self._sent.count(now_ns)

    def notional_in_minute(self, now_ns: int) -> Cash:
        """What the orders sent within the newest minute cost at most."""
        return Cash(self._sent.sum(now_ns))

    def _end_scan(self) -> None:
        """Count a scan that ends with orders out, or sent since the one before, and no fill since."""
        if self._was_out:
            self.scans_without_fill += 1
        self._was_out = bool(self._account.open_orders)

    def _check_sent(self, event: OrderAcked | OrderReported | OrderFilled) -> None:
        """Note an answer that cannot be: to an order never sent, or that a refused one lives or traded."""
        client_order_id, what = event.client_order_id, type(event).__name__
        order = self._account.orders.get(client_order_id)
        if order is None and client_order_id.startswith(self._prefix):
            self.contradiction = f"{what} for {client_order_id}, which was never sent"
        elif order is not None and order.status is OrderStatus.REJECTED and not _is_over(event):
            self.contradiction = f"{what} for {client_order_id}, which was refused or never placed"

    def _start_anew(self, latch: str) -> None:
        if latch == ERROR_BURST:
            self._errors.clear()
        elif latch == REJECT_RATE:
            self._rejects.clear()
        elif latch == NO_FILLS:
            self.scans_without_fill = 0
        elif latch == TRIPWIRE:
            self._sent.clear()
            self.contradiction = None


def _is_over(event: OrderAcked | OrderReported | OrderFilled) -> bool:
    """Whether an order is told to have ended without a fill."""
    return isinstance(event, OrderReported) and event.status.is_terminal and not event.filled
