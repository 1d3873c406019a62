from __future__ import annotations

import pytest
from engine_builders import (
    FAVOURITE,
    LONGSHOT,
    START,
    A,
    Desk,
    contracts,
    desk,
    dollars,
    exchange_id,
    halts_begun,
    passed,
    raised,
    records,
    settings,
    stopped,
    won,
)

from console.domain.account_events import (
    BalanceRead,
    MarketSettled,
    OrderAcked,
    OrderBecameUnknown,
    OrderFilled,
    OrderRejected,
    OrderReported,
)
from console.domain.book import BookSide
from console.domain.events import EngineEvent
from console.domain.money import Cash, Count, Price
from console.domain.order import Fill, Order, OrderIntent, OrderStatus, Settlement
from console.domain.trading_state import TradingState
from console.engine.log_views import LogKind
from console.monitoring.why_not import FunnelStepName

TEN = contracts(10)


def maker() -> tuple[Desk, OrderIntent]:
    """A desk and its one resting order for a few hundred contracts, acked."""
    trading = desk(settings("maker"))
    intent = trading.enter(FAVOURITE)
    trading.ack(intent)
    return trading, intent


def order(trading: Desk, intent: OrderIntent) -> Order:
    return trading.engine.account.orders[intent.client_order_id]


def held(trading: Desk) -> Count:
    return trading.engine.account.position(A).contracts


# --- fills ----------------------------------------------------------------------------------------------


def test_a_fill_changes_position_cash_and_fees_by_what_it_says() -> None:
    trading, intent = maker()
    trading.fill(intent, TEN, fee="0.07")
    account = trading.engine.account
    assert held(trading) == TEN
    assert account.fees == dollars("0.07")
    assert account.cash == dollars("10000") - dollars("9.20") - dollars("0.07")
    assert order(trading, intent).leaves == intent.count - TEN
    assert passed(trading.engine, FunnelStepName.FILLED) == 1


def test_a_longshot_sold_pays_for_no() -> None:
    trading = desk()
    intent = trading.enter(LONGSHOT)
    trading.fill(intent, TEN)
    assert held(trading) == -TEN
    assert trading.engine.account.cash == dollars("10000") - dollars("9.30")


def test_a_fill_told_twice_counts_once() -> None:
    trading, intent = maker()
    trading.fill(intent, TEN, fee="0.07", fill_id="one")
    before = trading.engine.account.comparable()
    assert trading.fill(intent, TEN, fee="0.07", fill_id="one") == []
    assert trading.engine.account.comparable() == before


def test_two_fills_of_the_same_size_and_price_are_two() -> None:
    trading, intent = maker()
    trading.fill(intent, TEN, fill_id="one")
    trading.fill(intent, TEN, fill_id="two")
    assert held(trading) == 2 * TEN
    assert passed(trading.engine, FunnelStepName.FILLED) == 1


def test_a_fill_before_its_ack_counts_and_the_ack_after_it_changes_nothing() -> None:
    trading = desk(settings("maker"))
    intent = trading.enter(FAVOURITE)
    trading.fill(intent, TEN)
    assert (held(trading), order(trading, intent).status) == (TEN, OrderStatus.RESTING)
    assert trading.ack(intent) == []
    trading.fill(intent, Count(intent.count - TEN))
    assert order(trading, intent).status is OrderStatus.EXECUTED
    assert trading.ack(intent) == []
    assert order(trading, intent).status is OrderStatus.EXECUTED


def test_an_order_of_unknown_outcome_that_fills_is_known() -> None:
    trading = desk(settings("maker"))
    intent = trading.enter(FAVOURITE)
    trading.lose_sight(intent)
    trading.fill(intent, TEN)
    assert order(trading, intent).status is OrderStatus.RESTING
    assert order(trading, intent).order_id == exchange_id(intent)


def test_a_fill_after_the_cancel_counts_and_the_order_stays_cancelled() -> None:
    trading, intent = maker()
    trading.report(intent, OrderStatus.CANCELED)
    trading.fill(intent, TEN)
    assert held(trading) == TEN
    assert order(trading, intent).status is OrderStatus.CANCELED
    assert trading.engine.exposure().reserved == 0
    assert trading.state is TradingState.RUNNING


def test_a_cancel_that_tells_of_fills_not_seen_keeps_them_at_stake_until_they_come() -> None:
    trading, intent = maker()
    trading.report(intent, OrderStatus.CANCELED, filled=TEN)
    assert not order(trading, intent).status.is_terminal
    assert trading.engine.exposure().total.with_orders == dollars("9.20")
    trading.fill(intent, TEN)
    assert order(trading, intent).status is OrderStatus.CANCELED
    assert trading.engine.exposure().reserved == 0


def test_more_filled_than_ordered_halts() -> None:
    trading, intent = maker()
    trading.fill(intent)
    assert trading.state is TradingState.RUNNING
    actions = trading.fill(intent, Count(1))
    assert raised(actions) == [("overfill", TradingState.HALTED)]
    assert halts_begun(actions) == 1
    assert held(trading) == intent.count + 1


# --- statuses out of order ------------------------------------------------------------------------------


def test_a_terminal_order_never_reopens() -> None:
    trading, intent = maker()
    trading.fill(intent)
    before = order(trading, intent)
    for status in OrderStatus:
        trading.report(intent, status)
    trading.ack(intent)
    trading.lose_sight(intent)
    trading.reject(intent)
    assert order(trading, intent) == before
    assert trading.engine.account.open_orders == ()


@pytest.mark.parametrize("late", ["resting", "canceled"])
def test_a_late_status_after_a_cancel_is_ignored(late: str) -> None:
    trading, intent = maker()
    trading.report(intent, OrderStatus.CANCELED)
    assert trading.report(intent, OrderStatus(late)) == []
    assert order(trading, intent).status is OrderStatus.CANCELED


def test_executed_reported_before_its_fills_waits_for_them() -> None:
    trading, intent = maker()
    trading.report(intent, OrderStatus.EXECUTED, filled=intent.count)
    trading.report(intent, OrderStatus.RESTING)
    assert trading.engine.exposure().reserved == intent.worst_cost
    trading.fill(intent)
    assert order(trading, intent).status is OrderStatus.EXECUTED


def test_an_order_that_is_resting_cannot_become_unknown() -> None:
    trading, intent = maker()
    assert trading.lose_sight(intent) == []
    assert order(trading, intent).status is OrderStatus.RESTING


def test_an_order_that_filled_cannot_be_refused() -> None:
    trading, intent = maker()
    trading.fill(intent, TEN)
    assert trading.reject(intent) == []
    assert order(trading, intent).leaves == intent.count - TEN


def test_news_told_twice_is_journaled_once() -> None:
    trading, intent = maker()
    assert trading.ack(intent) == []
    assert len(records(trading.report(intent, OrderStatus.CANCELED))) == 1
    assert trading.report(intent, OrderStatus.CANCELED) == []


NOBODYS = Fill("f", "o", A, BookSide.BID, Price(9_200), TEN, Cash(0), False, START)


@pytest.mark.parametrize(
    "event",
    [
        OrderAcked(at_ns=START, client_order_id="theirs", order_id="o"),
        OrderRejected(at_ns=START, client_order_id="theirs", code="c", message=""),
        OrderBecameUnknown(at_ns=START, client_order_id="theirs", reason="r"),
        OrderReported(
            at_ns=START, client_order_id="theirs", order_id="o", status=OrderStatus.RESTING, filled=TEN
        ),
        OrderFilled(at_ns=START, client_order_id="theirs", fill=NOBODYS),
    ],
    ids=lambda event: type(event).__name__,
)
def test_news_of_an_order_that_is_not_ours_is_ignored(event: EngineEvent) -> None:
    trading = desk()
    before = trading.engine.account.comparable()
    assert trading.take(event) == []
    assert trading.engine.account.comparable() == before


# --- settlement -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("wins", "cash"), [(True, "10000.80"), (False, "9990.80")])
def test_a_settlement_pays_once(wins: bool, cash: str) -> None:
    trading, intent = maker()
    trading.fill(intent, TEN)
    value = won(intent) if wins else Price(10_000 - won(intent))
    trading.settle(value)
    trading.settle(value)
    assert trading.engine.account.cash == dollars(cash)
    assert held(trading) == 0
    lines = [entry for entry in trading.engine.trade_log.entries if entry.kind is LogKind.SETTLED]
    assert [line.profit for line in lines] == [dollars("0.80" if wins else "-9.20")]


def test_a_fill_that_is_heard_of_after_its_market_settled_is_paid_too() -> None:
    """The line broke before the fill was told: reading the account finds fill and payout."""
    trading, intent = maker()
    trading.fill(intent, TEN)
    trading.settle(won(intent))
    trading.fill(intent, TEN)
    trading.settle(won(intent))
    trading.settle(won(intent))
    assert held(trading) == 0
    assert trading.engine.account.cash == dollars("10000") + 2 * dollars("0.80")


def test_a_settlement_of_a_market_that_is_not_held_is_not_journaled() -> None:
    trading = desk()
    settlement = Settlement("SOMETHING-ELSE", Price(10_000), START)
    assert records(trading.take(MarketSettled(at_ns=START, settlement=settlement))) == []


def test_a_settled_market_is_forgotten_once_nothing_of_it_is_left() -> None:
    trading, intent = maker()
    trading.fill(intent, TEN)
    trading.settle(won(intent))
    assert trading.engine.markets.get(A) is not None
    trading.report(intent, OrderStatus.CANCELED, filled=TEN)
    trading.settle(won(intent))
    assert trading.engine.markets.get(A) is None
    assert trading.engine.markets.tickers == ()


@pytest.mark.parametrize("is_held", [True, False])
def test_a_market_long_closed_is_forgotten_unless_it_is_held(is_held: bool) -> None:
    trading = desk()
    if is_held:
        trading.hold(FAVOURITE)
    trading.later(3 * 86_400 + 601)
    trading.prove()
    trading.scan()
    assert (trading.engine.markets.get(A) is not None) == is_held


# --- cash -----------------------------------------------------------------------------------------------


def test_cash_that_is_not_the_exchanges_is_told_once() -> None:
    trading = desk()
    told = len(trading.engine.alerts)
    for _ in range(3):
        trading.take(BalanceRead(at_ns=START, cash=dollars("9999")))
    assert len(trading.engine.alerts) == told + 1
    assert "9999" in trading.engine.alerts[-1].text
    trading.take(BalanceRead(at_ns=START, cash=dollars("10000")))
    assert len(trading.engine.alerts) == told + 1


def test_an_order_that_ended_without_a_fill_says_why_in_the_funnel() -> None:
    trading, intent = maker()
    trading.report(intent, OrderStatus.CANCELED)
    assert stopped(trading.engine, FunnelStepName.FILLED) == {"canceled": 1}
