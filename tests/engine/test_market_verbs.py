"""Stopping and closing parts of the markets, and cancelling one order, through the engine."""

from __future__ import annotations

import pytest
from engine_builders import (
    FAVOURITE,
    LONGSHOT,
    START,
    A,
    B,
    Desk,
    cancels,
    cents,
    cleared,
    desk,
    market,
    quote,
    raised,
    records,
    replayed,
    settings,
    submits,
)

from console.domain.actions import Action
from console.domain.book import BookSide, Quote
from console.domain.commands import CancelAllOrders, CancelOrder, ClosePosition, Resume, StopTrading
from console.domain.market_events import MarketListed
from console.domain.money import Count
from console.domain.order import OrderStatus, TimeInForce
from console.domain.trading_state import TradingState
from console.engine.closing import CLOSE, PATIENCE_NS
from console.engine.market_verbs import STOPPED

MAKER = settings("maker")


def stop(trading: Desk, scope: str) -> list[Action]:
    return trading.take(StopTrading(at_ns=trading.now_ns, scope=scope))


def close(trading: Desk, least: int = 92) -> list[Action]:
    return trading.take(ClosePosition(at_ns=trading.now_ns, ticker=A, least_price=cents(least)))


def last_alert(trading: Desk) -> str:
    return trading.engine.alerts[-1].text


def after_a_second(trading: Desk) -> list[Action]:
    trading.later(1)
    return trading.tick()


# --- one order ----------------------------------------------------------------------------------------


def test_one_order_is_cancelled_and_the_other_rests_on() -> None:
    trading = desk(MAKER, market(A), market(B))
    first, second = trading.enter(ticker=A), trading.enter(ticker=B)
    trading.ack(first)
    trading.ack(second)
    command = CancelOrder(at_ns=trading.now_ns, client_order_id=first.client_order_id)
    assert cancels(trading.take(command)) == [first.client_order_id]
    assert cancels(trading.take(command)) == [first.client_order_id], "asked again it is asked for again"


@pytest.mark.parametrize("at_once", [True, False])
def test_an_order_without_an_id_yet_is_cancelled_as_soon_as_it_has_one(at_once: bool) -> None:
    trading = desk(MAKER)
    sent = trading.enter()
    one = CancelOrder(at_ns=trading.now_ns, client_order_id=sent.client_order_id)
    assert cancels(trading.take(one if at_once else CancelAllOrders(at_ns=trading.now_ns))) == []
    trading.ack(sent)
    trading.later(0.5)
    assert cancels(trading.tick()) == [sent.client_order_id]


# --- stopping -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("scope", [f"market:{A}", "series:KXBTC15M"])
def test_a_stopped_part_is_not_entered_and_its_orders_go_while_others_trade(scope: str) -> None:
    trading = desk(MAKER, market(A), market(B))
    resting = trading.enter(ticker=A)
    trading.ack(resting)
    assert cancels(stop(trading, scope)) == [resting.client_order_id]
    trading.report(resting, OrderStatus.CANCELED)
    assert submits(trading.show(ticker=A)) == []
    assert len(submits(trading.show(ticker=B))) == 1
    assert trading.state is TradingState.RUNNING


def test_a_stop_survives_a_restart_and_ends_by_its_own_resume_alone() -> None:
    trading = desk()
    stop(trading, f"market:{A}")
    stop(trading, f"market:{B}")
    account, _ = replayed(records(trading.actions))
    assert {latch.id for latch in account.latches.active} == {f"stopped market:{A}", f"stopped market:{B}"}
    trading.take(Resume(at_ns=trading.now_ns, latch=f"stopped market:{A}", reason="looked at it"))
    assert [latch.scope for latch in trading.engine.account.latches.active] == [f"market:{B}"]
    assert len(submits(trading.show(ticker=A))) == 1


def test_the_stop_of_a_market_ends_with_the_market_and_that_of_a_series_does_not() -> None:
    trading = desk(None, market(A, close_ns=START + 60 * 1_000_000_000))
    stop(trading, f"market:{A}")
    stop(trading, "series:KXBTC15M")
    trading.later(59)
    assert cleared(trading.tick()) == []
    trading.later(2)
    assert cleared(trading.tick()) == [STOPPED]
    assert [latch.scope for latch in trading.engine.account.latches.named(STOPPED)] == ["series:KXBTC15M"]


def test_the_stop_of_a_market_that_goes_on_longer_stays() -> None:
    trading = desk(None, market(A, close_ns=START + 60 * 1_000_000_000))
    stop(trading, f"market:{A}")
    trading.take(MarketListed(at_ns=trading.now_ns, market=market(A)))
    trading.later(120)
    assert cleared(trading.tick()) == []


@pytest.mark.parametrize("scope", ["", "group:coins", "everything"])
def test_what_is_neither_a_market_nor_a_series_is_not_stopped(scope: str) -> None:
    trading = desk()
    assert raised(stop(trading, scope)) == []
    assert "not stopped" in last_alert(trading)


# --- closing ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shown", "side", "price"), [(FAVOURITE, BookSide.ASK, 92), (LONGSHOT, BookSide.BID, 8)]
)
def test_a_closing_sells_at_the_bid_can_only_reduce_and_stops_the_market(
    shown: Quote, side: BookSide, price: int
) -> None:
    trading = desk()
    held = trading.hold(shown)
    assert raised(close(trading)) == [(STOPPED, TradingState.REDUCE_ONLY)]
    sold = 0
    while orders := submits(after_a_second(trading)):
        [order] = orders
        assert (order.side, order.price, order.strategy) == (side, cents(price), CLOSE)
        assert (order.reduce_only, order.time_in_force) == (True, TimeInForce.IMMEDIATE_OR_CANCEL)
        assert submits(after_a_second(trading)) == [], "each slice waits for the one before"
        trading.fill(order)
        sold += order.count
    assert sold == held.count
    assert last_alert(trading) == f"{A} is closed"
    assert submits(trading.show(shown)) == [], "it is not entered again"


def test_a_closing_never_sells_below_its_price_and_says_what_is_left() -> None:
    trading = desk()
    trading.hold()
    trading.show(quote(91, 93))
    close(trading, 92)
    for _ in range(PATIENCE_NS // 1_000_000_000 + 1):
        trading.prove()
        assert submits(after_a_second(trading)) == []
    assert "left: the bid is 0.9100, below 0.9200" in last_alert(trading)
    trading.show(FAVOURITE)
    assert submits(after_a_second(trading)) == [], "it was given up"


def test_a_closing_waits_for_what_rests_in_its_market() -> None:
    trading = desk(MAKER)
    entry = trading.enter()
    trading.ack(entry)
    trading.fill(entry, Count(entry.count // 2))
    assert cancels(close(trading)) == [entry.client_order_id]
    assert submits(after_a_second(trading)) == []
    trading.report(entry, OrderStatus.CANCELED, trading.engine.account.orders[entry.client_order_id].filled)
    [order] = submits(after_a_second(trading))
    assert order.reduce_only


def test_a_halt_ends_a_closing() -> None:
    trading = desk()
    held = trading.hold()
    close(trading)
    trading.halt()
    assert submits(after_a_second(trading)) == []
    assert "halted" in last_alert(trading)
    assert trading.engine.account.position(A).contracts == held.count


def test_a_closing_is_refused_in_words_while_halted_and_where_nothing_is_held() -> None:
    trading = desk()
    assert raised(close(trading)) == []
    assert last_alert(trading) == f"{A} not closed: nothing is held there"
    trading.hold()
    trading.halt()
    assert raised(close(trading)) == []
    assert "a flatten sells while halted" in last_alert(trading)


def test_a_closing_goes_on_while_entries_are_paused() -> None:
    trading = desk()
    trading.hold()
    trading.pause()
    close(trading)
    [order] = submits(after_a_second(trading))
    assert order.reduce_only
