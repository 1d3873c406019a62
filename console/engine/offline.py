"""The engine without trading: what is told to it is journaled, and nothing is ever sent."""

from __future__ import annotations

from console.domain.account_events import BalanceRead, PositionsCompared
from console.domain.actions import Append, EndHalt
from console.domain.commands import Halt, Resume
from console.domain.engine_events import HaltProgressed, TimerFired
from console.domain.events import EngineEvent
from console.domain.market_events import ExchangeStatusRead
from console.domain.order import OrderStatus
from console.engine.core import Engine
from console.engine.gate import Sentinel
from console.engine.journal import Journal
from console.engine.reconcile import AccountReads, Reconciler, difference_text, position_differences
from console.risk.latches import Latch
from console.risk.switches.manual import MANUAL


class OfflineEngine:
    """An engine between two runs, for clearing a latch by the same rules as in one."""

    def __init__(self, engine: Engine, journal: Journal, sentinel: Sentinel) -> None:
        self.engine = engine
        self._journal = journal
        self._sentinel = sentinel

    def begin(self, at_ns: int) -> None:
        """Take a halt whose file is all that is left of it, and mark what is held."""
        untold = self._sentinel.untold(self.latches)
        if untold is not None and self.engine.account.latches.get(MANUAL) is None:
            self._step(Halt(at_ns=at_ns, reason=untold))
        self._step(TimerFired(at_ns=at_ns))

    def hear_nothing_rests(self, at_ns: int) -> None:
        """The exchange of this account is gone, with every order there."""
        self._step(HaltProgressed(at_ns=at_ns, resting=0, is_confirmed=True))

    def reconcile(self, account_name: str, reads: AccountReads, status: ExchangeStatusRead) -> str | None:
        """Take what is news; why account and exchange do not agree then, or None when they do."""
        account = self.engine.account
        self._step(status)
        if account.name != account_name:
            return f"the journal is of account {account.name}, the exchange's is {account_name}"
        for event in Reconciler(account, self.engine.client_id_prefix).events(reads):
            self._step(event)
        resting = sum(
            order.status is OrderStatus.RESTING and order.client_order_id in account.orders
            for order in reads.orders
        )
        self._step(HaltProgressed(at_ns=reads.at_ns, resting=resting, is_confirmed=resting == 0))
        mismatch = difference_text(position_differences(account, reads))
        self._step(PositionsCompared(at_ns=reads.at_ns, mismatch=mismatch))
        self._step(BalanceRead(at_ns=reads.at_ns, cash=reads.cash))
        self._step(TimerFired(at_ns=reads.at_ns))
        if mismatch:
            return f"positions differ: {mismatch}"
        unresolved = len(account.open_orders)
        return f"{unresolved} of our orders are not over yet" if unresolved else None

    @property
    def latches(self) -> tuple[Latch, ...]:
        return self.engine.account.latches.active

    def refusal(self, latch: str, at_ns: int) -> str | None:
        """Why a latch may not be cleared, or None when it may."""
        if self._sentinel.is_foreign:
            return f"another halt was asked for meanwhile: {self._sentinel.reason}"
        return self.engine.resume_refusal(latch, at_ns)

    def resume(self, latch: str, reason: str, at_ns: int) -> bool:
        """Clear a latch; with the last halt the halt file goes. False when it stays."""
        if self.refusal(latch, at_ns) is not None:
            return False
        ends_halt = self._step(Resume(at_ns=at_ns, latch=latch, reason=reason))
        if ends_halt:
            self._sentinel.remove()
        return self.engine.account.latches.get(latch) is None

    def _step(self, event: EngineEvent) -> bool:
        """Take one event and journal what it changes; whether it ended the last halt."""
        actions = self.engine.handle(event)
        records = [action.record for action in actions if isinstance(action, Append)]
        if records:
            self._journal.append(records)
        return any(isinstance(action, EndHalt) for action in actions)
