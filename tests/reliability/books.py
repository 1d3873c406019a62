"""What the exchange holds of an account against what its journal says, to the unit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
from practice_runs import PracticeProcess, journaled_account, journaled_events

from console.domain.account_events import OrderFilled, OrderIntended
from console.domain.money import Cash
from console.domain.order import Fill, OrderReport, OrderStatus, PositionReport, Settlement
from console.domain.position import cash_change_of_settlement
from console.engine.account import Account
from console.exchange.venue import KalshiVenue


@dataclass(frozen=True)
class Books:
    """The exchange's own lists, read whole, with no payout in between."""

    orders: Sequence[OrderReport]
    fills: Sequence[Fill]
    settlements: Sequence[Settlement]
    positions: Sequence[PositionReport]
    cash: Cash


async def read_books(venue: KalshiVenue) -> Books:
    while True:
        settlements = await venue.settlements()
        books = Books(
            await venue.orders(0),
            await venue.fills(),
            settlements,
            await venue.positions(),
            await venue.balance(),
        )
        if settlements == await venue.settlements():
            return books


@dataclass(frozen=True)
class Audit:
    """Counts of what must be none, and of what there was; ``differences`` says each in words."""

    orders: int
    fills: int
    settlements: int
    unresolved: int
    differences: tuple[str, ...]

    def __str__(self) -> str:
        return (
            f"{self.orders} orders and {self.fills} fills at the exchange, {self.settlements} payouts; "
            f"{self.unresolved} intents unresolved and still reserved; {len(self.differences)} differences"
        )


def audit(home: Path, exchange: PracticeProcess, posts: Counter[str]) -> Audit:
    """Hold the journal of a home against the exchange; ``posts`` counts the requests of each client id."""
    books, account = exchange.ask(read_books), journaled_account(home)
    events = journaled_events(home)
    intended = [e.intent.client_order_id for e in events if isinstance(e, OrderIntended)]
    booked = [e.fill for e in events if isinstance(e, OrderFilled)]
    differences = [
        *_orders(books, account, intended, posts),
        *_fills(books, booked),
        *_money(books, account),
    ]
    listed = {order.client_order_id for order in books.orders}
    unresolved = [o for o in account.open_orders if o.intent.client_order_id not in listed]
    return Audit(
        len(books.orders), len(books.fills), len(books.settlements), len(unresolved), tuple(differences)
    )


def _orders(books: Books, account: Account, intended: list[str], posts: Counter[str]) -> list[str]:
    found = [f"{name} intended twice" for name, times in Counter(intended).items() if times > 1]
    found += [f"{name} posted {times} times" for name, times in posts.items() if times > 1]
    found += [f"{name} posted, not in the journal" for name in posts.keys() - set(intended)]
    listed = Counter(order.client_order_id for order in books.orders)
    found += [f"{name} has {times} orders at the exchange" for name, times in listed.items() if times > 1]
    for theirs in books.orders:
        ours = account.orders.get(theirs.client_order_id)
        if ours is None:
            found.append(f"order {theirs.client_order_id or theirs.order_id} forgotten")
        elif (ours.order_id, ours.status, ours.filled) != (theirs.order_id, theirs.status, theirs.filled):
            found.append(f"order differs: ours {ours}, theirs {theirs}")
    over = (OrderStatus.EXECUTED, OrderStatus.CANCELED)
    for name, order in account.orders.items():
        if name not in listed and order.status in over:
            found.append(f"order {name} is {order.status} here and was never listed there")
    return found


def _fills(books: Books, booked: list[Fill]) -> list[str]:
    times = Counter(fill.fill_id for fill in booked)
    found = [f"fill {name} booked {count} times" for name, count in times.items() if count > 1]
    ours, theirs = _by_id(booked), _by_id(books.fills)
    found += [f"fill lost: {theirs[name]}" for name in theirs.keys() - ours.keys()]
    found += [f"fill invented: {ours[name]}" for name in ours.keys() - theirs.keys()]
    both = ours.keys() & theirs.keys()
    return found + [f"fill {n}: {ours[n]} != {theirs[n]}" for n in both if ours[n] != theirs[n]]


def _by_id(fills: Sequence[Fill]) -> dict[str, Fill]:
    """The socket tells the time of a fill in milliseconds, the lists in microseconds: it is left out."""
    return {fill.fill_id: msgspec.structs.replace(fill, at_ns=0) for fill in fills}


def _money(books: Books, account: Account) -> list[str]:
    """Markets go on settling after a run has ended: what was paid out since is taken as booked."""
    held = {ticker: position.contracts for ticker, position in account.held.items()}
    since = [s for s in books.settlements if s.ticker in held]
    cash = account.cash + sum(cash_change_of_settlement(held[s.ticker], s.yes_value) for s in since)
    found = [] if cash == books.cash else [f"cash: ours {cash}, theirs {books.cash}"]
    paid_out = {s.ticker for s in since}
    ours = {ticker: count for ticker, count in held.items() if ticker not in paid_out}
    theirs = {report.ticker: report.position for report in books.positions if report.position}
    if ours != theirs:
        found.append(f"positions: ours {ours}, theirs {theirs}")
    fees = sum(fill.fee for fill in books.fills)
    return found if account.fees == fees else [*found, f"fees: ours {account.fees}, theirs {fees}"]
