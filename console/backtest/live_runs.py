"""What a journal says of the runs of a day: what each began with, what it did, and what was done to it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from console.domain.account_events import (
    DENIED,
    NEVER_PLACED,
    OrderAcked,
    OrderBecameUnknown,
    OrderFilled,
    OrderIntended,
    OrderRejected,
    OrderReported,
    RunStarted,
)
from console.domain.commands import OperatorCommand
from console.domain.engine_events import EquityMarked, LatchRaised, RiskDayBegan, SettingsChanged
from console.domain.events import JournaledEvent
from console.domain.money import Cash, Count
from console.domain.order import Fill, Order, OrderIntent, OrderStatus, PositionReport
from console.domain.order_life import order_after
from console.engine.account import Account

_TRADING = OrderIntended | EquityMarked | RiskDayBegan | OperatorCommand
"""Before the first of these a run only takes over what the exchange knows."""


class Opening(msgspec.Struct, frozen=True):
    """What a run held when it began to trade, at ``at_ns``.

    ``state`` tells the risk day, equity and the latches; ``resting`` counts the
    orders of earlier runs that could still fill.
    """

    at_ns: int
    cash: Cash
    positions: tuple[PositionReport, ...]
    state: tuple[JournaledEvent, ...]
    resting: int


class LiveRun(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a console, from ``began_ns`` to before ``ended_ns``, as far as both are of the day.

    ``settings`` is the hash of those it began with, and ``events`` are all that it journaled.
    """

    began_ns: int
    ended_ns: int
    settings: str
    opening: Opening
    events: tuple[JournaledEvent, ...]


class TradedOrder(msgspec.Struct, frozen=True):
    """An order that was made, what it became, and when the exchange first said something of it.

    ``code`` is that of its rejection; ``ended_ns`` is None while it may still fill.
    """

    order: Order
    answered_ns: int | None = None
    ended_ns: int | None = None
    fills: tuple[Fill, ...] = ()
    code: str = ""

    @property
    def intent(self) -> OrderIntent:
        return self.order.intent

    @property
    def decided_ns(self) -> int:
        return self.order.sent_ns

    @property
    def filled(self) -> Count:
        return Count(sum(fill.count for fill in self.fills))

    @property
    def fees(self) -> Cash:
        return Cash(sum(fill.fee for fill in self.fills))


def live_runs(
    events: Iterable[JournaledEvent], since_ns: int, until_ns: int, other_starts_ns: Sequence[int] = ()
) -> list[LiveRun]:
    """The runs that traded from ``since_ns`` to before ``until_ns``, in order.

    At ``other_starts_ns`` runs began that another journal tells of: none of this one went on.
    """
    account, settings = Account(), ""
    found = list[_Begun]()
    for event in events:
        if event.at_ns >= until_ns:
            break
        if isinstance(event, RunStarted):
            found.append(_Begun(event.at_ns, event.settings))
        elif found and found[-1].began_ns < since_ns <= event.at_ns:
            # A run went on over the day's beginning.
            found.append(_Begun(since_ns, settings, _opening(account, since_ns)))
        if isinstance(event, RunStarted | SettingsChanged):
            settings = event.settings
        if not found:
            account.apply(event)
            continue
        begun = found[-1]
        if isinstance(event, _TRADING) and begun.opening is None and account.name is not None:
            begun.opening = _opening(account, event.at_ns)
        account.apply(event)
        begun.events.append(event)
    ends_ns = sorted([*(each.began_ns for each in found), *other_starts_ns, until_ns])
    return [
        LiveRun(
            began_ns=each.began_ns,
            ended_ns=next(end_ns for end_ns in ends_ns if end_ns > each.began_ns),
            settings=each.settings,
            opening=each.opening,
            events=tuple(each.events),
        )
        for each in found
        if each.began_ns >= since_ns and each.opening is not None
    ]


def orders_of(events: Iterable[JournaledEvent]) -> list[TradedOrder]:
    """The orders that events tell of from their making, in its order."""
    found: dict[str, TradedOrder] = {}
    for event in events:
        match event:
            case OrderIntended(intent=intent):
                found[intent.client_order_id] = TradedOrder(Order(intent, event.at_ns, OrderStatus.SENDING))
            case OrderAcked() | OrderRejected() | OrderReported() | OrderBecameUnknown():
                if (known := found.get(event.client_order_id)) is not None:
                    changed = msgspec.structs.replace(
                        known,
                        order=order_after(known.order, event),
                        code=event.code if isinstance(event, OrderRejected) else known.code,
                    )
                    is_answer = not isinstance(event, OrderBecameUnknown)
                    found[event.client_order_id] = _heard(changed, event.at_ns, is_answer=is_answer)
            case OrderFilled(client_order_id=name, fill=fill):
                if (known := found.get(name)) is not None:
                    order = known.order.with_fill(fill.order_id, fill.count)
                    changed = msgspec.structs.replace(known, order=order, fills=(*known.fills, fill))
                    found[name] = _heard(changed, event.at_ns, is_answer=True)
            case _:
                pass
    return list(found.values())


def _heard(order: TradedOrder, at_ns: int, *, is_answer: bool) -> TradedOrder:
    answered_ns, ended_ns = order.answered_ns, order.ended_ns
    if answered_ns is None and is_answer and order.code not in (DENIED, NEVER_PLACED):
        answered_ns = at_ns
    if ended_ns is None and order.order.status.is_terminal:
        ended_ns = at_ns
    return msgspec.structs.replace(order, answered_ns=answered_ns, ended_ns=ended_ns)


class _Begun:
    """A run as far as it was read; it trades once ``opening`` is known."""

    def __init__(self, began_ns: int, settings: str, opening: Opening | None = None) -> None:
        self.began_ns = began_ns
        self.settings = settings
        self.opening = opening
        self.events: list[JournaledEvent] = []


def _opening(account: Account, at_ns: int) -> Opening:
    state: list[JournaledEvent] = []
    if account.risk_day is not None and account.day_open_equity is not None:
        state.append(RiskDayBegan(at_ns=at_ns, day=account.risk_day, equity=account.day_open_equity))
    if account.marked_equity is not None and account.high_water is not None:
        marked, highest = account.marked_equity, account.high_water
        state.append(EquityMarked(at_ns=at_ns, equity=marked, high_water=highest))
    state += (
        LatchRaised(
            at_ns=at_ns,
            name=latch.name,
            level=latch.level,
            reason=latch.reason,
            source=latch.source,
            scope=latch.scope,
            until_ns=latch.until_ns,
        )
        for latch in account.latches.active
    )
    return Opening(
        at_ns=at_ns,
        cash=account.cash,
        positions=tuple(
            PositionReport(ticker, held.contracts, held.fees, held.paid)
            for ticker, held in account.held.items()
        ),
        state=tuple(state),
        resting=len(account.open_orders),
    )
