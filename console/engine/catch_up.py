"""What a journal that ends too early lacks, from complete reads of the exchange: reads in, events out."""

from __future__ import annotations

import copy
from typing import TypeGuard

from console.domain.account_events import AccountOpened, OrderReported
from console.domain.events import EngineEvent, JournaledEvent
from console.domain.money import Cash
from console.domain.order import Fill, Settlement
from console.domain.order_life import order_after
from console.engine.account import Account
from console.engine.reconcile import AccountReads, Reconciler, position_differences


def caught_up(account: Account, name: str, reads: AccountReads, prefix: str) -> list[JournaledEvent]:
    """The events after which an account is as the exchange reads; ``prefix`` begins the ids of our orders.

    ``reads`` hold all there ever was. An account that the journal does not know is told from its first order
    on, or, when its history does not add up to what it holds, from now on with what it holds.
    """
    trial = copy.deepcopy(account)
    if trial.name == name:
        return _taken(trial, reads, prefix)
    happened: list[Fill | Settlement] = [*reads.fills, *reads.settlements]
    began_ns = min((each.at_ns for each in happened), default=reads.at_ns)
    trial.apply(AccountOpened(at_ns=began_ns, account=name, cash=Cash(0)))
    events = _taken(trial, reads, prefix)
    if not position_differences(trial, reads):
        return [AccountOpened(at_ns=began_ns, account=name, cash=Cash(reads.cash - trial.cash)), *events]
    opened = AccountOpened(
        at_ns=reads.at_ns,
        account=name,
        cash=reads.cash,
        positions=tuple(position for position in reads.positions if position.position),
        earlier_fills=tuple(fill.fill_id for fill in reads.fills),
    )
    trial.apply(opened)
    return [opened, *_taken(trial, reads, prefix)]


def _taken(account: Account, reads: AccountReads, prefix: str) -> list[JournaledEvent]:
    """What is news to an account, which has it then."""
    reconciler = Reconciler(account, prefix)
    taken: list[JournaledEvent] = []
    while news := [event for event in reconciler.events(reads) if _is_news(event, account)]:
        for event in news:
            account.apply(event)
        taken += news
    return taken


def _is_news(event: EngineEvent, account: Account) -> TypeGuard[JournaledEvent]:
    """A report of an order that is over changes nothing, however often it is told."""
    if isinstance(event, OrderReported):
        order = account.orders.get(event.client_order_id)
        return order is None or order_after(order, event) != order
    return isinstance(event, JournaledEvent)
