"""An account that lost its journal, as the exchange tells it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from engine_builders import (
    FAVOURITE,
    PREFIX,
    SECOND,
    START,
    A,
    B,
    cents,
    contracts,
    desk,
    dollars,
    market,
    records,
)

from console.domain.account_events import AccountOpened
from console.domain.book import BookSide
from console.domain.events import JournaledEvent
from console.domain.money import PAYOUT, Cash, Count
from console.domain.order import Fill, OrderReport, OrderStatus, PositionReport, Settlement
from console.engine.account import Account
from console.engine.catch_up import caught_up
from console.engine.reconcile import AccountReads

NOW = START + 3_600 * SECOND
OURS = f"{PREFIX}7"
OPENED = AccountOpened(at_ns=START, account="account-1", cash=dollars("500"))


def fill(number: int, order_id: str, ticker: str = A, count: int = 10) -> Fill:
    return Fill(
        fill_id=f"fill-{number}",
        order_id=order_id,
        ticker=ticker,
        side=BookSide.BID,
        price=cents(90),
        count=contracts(count),
        fee=dollars("0.07"),
        is_taker=False,
        at_ns=START + number * SECOND,
    )


def order(
    client_order_id: str, order_id: str, status: OrderStatus, filled: int, remaining: int
) -> OrderReport:
    return OrderReport(
        order_id=order_id,
        client_order_id=client_order_id,
        ticker=A,
        side=BookSide.BID,
        price=cents(90),
        status=status,
        filled=contracts(filled),
        remaining=contracts(remaining),
    )


def position(ticker: str, count: int, paid: str = "0") -> PositionReport:
    return PositionReport(ticker=ticker, position=contracts(count), fees=Cash(0), paid=dollars(paid))


def reads(
    *,
    orders: Sequence[OrderReport] = (),
    fills: Sequence[Fill] = (),
    settlements: Sequence[Settlement] = (),
    positions: Sequence[PositionReport] = (),
    cash: str = "500",
) -> AccountReads:
    return AccountReads(
        began_ns=NOW - SECOND,
        at_ns=NOW,
        orders=orders,
        fills=fills,
        settlements=settlements,
        positions=positions,
        cash=dollars(cash),
    )


def told(found: AccountReads, account: Account | None = None) -> tuple[Account, list[JournaledEvent]]:
    after = Account() if account is None else account
    events = caught_up(after, "account-1", found, PREFIX)
    for event in events:
        after.apply(event)
    return after, events


HISTORY = reads(
    orders=[order(OURS, "x-1", OrderStatus.RESTING, 10, 5), order("", "x-2", OrderStatus.EXECUTED, 20, 0)],
    fills=[fill(1, "x-1"), fill(2, "x-2", B, 20)],
    settlements=[Settlement(B, PAYOUT, START + 60 * SECOND)],
    positions=[position(A, 10), position(B, 0)],
)


def test_our_orders_everybodys_fills_and_payouts_are_told_from_the_first_on() -> None:
    account, _ = told(HISTORY)
    assert account.cash == HISTORY.cash
    assert account.start_cash == dollars("500") + dollars("0.14") + dollars("9") + dollars("18") - dollars(
        "20"
    )
    assert {t: p.contracts for t, p in account.held.items()} == {A: contracts(10)}
    [resting] = account.open_orders
    assert (resting.order_id, resting.status, resting.leaves) == ("x-1", OrderStatus.RESTING, contracts(5))
    assert account.intents_ever >= 7


def test_what_is_caught_up_with_once_is_not_told_again() -> None:
    account, _ = told(HISTORY)
    assert told(HISTORY, account)[1] == []


@pytest.mark.parametrize("known", range(4))
def test_from_any_beginning_of_it_the_same_account_comes_out(known: int) -> None:
    whole, events = told(HISTORY)
    begun = Account()
    for event in events[: 1 + known]:
        begun.apply(event)
    account, _ = told(HISTORY, begun)
    assert account.comparable() | {"orders": ()} == whole.comparable() | {"orders": ()}
    assert [order.leaves for order in account.open_orders] == [order.leaves for order in whole.open_orders]


def test_a_history_that_does_not_add_up_is_replaced_by_what_is_held() -> None:
    found = reads(fills=[fill(1, "x-9")], positions=[position(A, 25, "22.5")])
    account, events = told(found)
    assert isinstance(events[0], AccountOpened)
    assert account.cash == account.start_cash == found.cash
    assert account.position(A).contracts == contracts(25)
    assert account.position(A).paid == dollars("22.5")
    assert account.external == {A}
    assert account.knows_fill("fill-1")


def test_the_latches_and_the_ids_of_another_account_stay() -> None:
    begun = Account()
    begun.apply(AccountOpened(at_ns=START, account="another", cash=Cash(0)))
    begun.intents_ever = 12
    account, _ = told(HISTORY, begun)
    assert account.name == "account-1"
    assert account.intents_ever == 12
    assert account.fill_ids == {"fill-1", "fill-2"}


def test_an_order_whose_fills_are_not_listed_any_more_counts_them_all_the_same() -> None:
    account, _ = told(reads(orders=[order(OURS, "x-1", OrderStatus.CANCELED, 4, 0)]))
    [ended] = account.orders.values()
    assert ended.status.is_terminal
    assert ended.leaves == Count(0)


@pytest.mark.timeout(20)
def test_an_order_that_is_held_for_refused_and_rests_all_the_same_is_no_news_for_ever() -> None:
    trading = desk(None, market())
    refused = trading.enter(FAVOURITE)
    trading.reject(refused)
    begun = Account()
    for event in [OPENED, *records(trading.actions)]:
        begun.apply(event)
    rests = order(refused.client_order_id, "x-1", OrderStatus.RESTING, 0, 5)
    assert caught_up(begun, str(begun.name), reads(orders=[rests]), PREFIX) == []
