"""An order's life: terminal states never reopen, and nothing leaves exposure before its fills are seen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.domain.book import NO_QUOTE, BookSide
from console.domain.money import Count, Price
from console.domain.order import Order, OrderIntent, OrderStatus, TimeInForce

INTENT = OrderIntent(
    client_order_id="c-1",
    ticker="M",
    side=BookSide.ASK,
    price=Price(800),
    count=Count(1_000),
    time_in_force=TimeInForce.GOOD_TILL_CANCELED,
    quote=NO_QUOTE,
    win_probability=Price(9_500),
    strategy="test",
)
SENDING = Order(INTENT, 0, OrderStatus.SENDING)

steps = st.lists(
    st.one_of(
        st.just(("ack",)),
        st.just(("reject",)),
        st.just(("lost",)),
        st.tuples(
            st.just("report"),
            st.sampled_from([OrderStatus.RESTING, OrderStatus.EXECUTED, OrderStatus.CANCELED]),
            st.integers(0, 1_000),
        ),
        st.tuples(st.just("fill"), st.integers(1, 400)),
    ),
    max_size=12,
)


def take(order: Order, step: tuple[object, ...]) -> Order:
    match step:
        case ("ack",):
            return order.acked("x-1")
        case ("reject",):
            return order.rejected("no")
        case ("lost",):
            return order.lost_sight("timeout", 2)
        case ("report", OrderStatus() as status, int(filled)):
            return order.reported("x-1", status, Count(filled), "")
        case ("fill", int(count)):
            return order.with_fill("x-1", Count(count))
    raise AssertionError(step)


@given(steps)
def test_a_terminal_order_never_reopens(path: list[tuple[object, ...]]) -> None:
    order, ended = SENDING, None
    for step in path:
        order = take(order, step)
        if ended is not None:
            assert order.status is ended
        elif order.status.is_terminal:
            ended = order.status
        assert order.leaves >= 0


def test_an_unsent_order_reserves_the_price_of_the_side_bought() -> None:
    assert SENDING.reserved == 9_200 * 1_000


def test_an_unknown_order_keeps_its_reserve() -> None:
    assert SENDING.lost_sight("timeout", 2).reserved == SENDING.reserved


def test_an_order_said_to_be_executed_counts_until_its_fills_arrive() -> None:
    order = SENDING.reported("x-1", OrderStatus.EXECUTED, Count(1_000), "")
    assert not order.status.is_terminal
    assert order.reserved == SENDING.reserved
    order = order.with_fill("x-1", Count(1_000))
    assert order.status is OrderStatus.EXECUTED
    assert order.reserved == 0


def test_a_partly_filled_cancel_ends_with_its_last_fill() -> None:
    order = SENDING.reported("x-1", OrderStatus.CANCELED, Count(300), "ExpiryCancel")
    assert order.leaves == 300
    order = order.with_fill("x-1", Count(300))
    assert (order.status, order.filled, order.leaves) == (OrderStatus.CANCELED, 300, 0)


def test_an_ack_after_the_fill_does_not_reopen() -> None:
    order = SENDING.with_fill("x-1", Count(1_000)).acked("x-1")
    assert order.status is OrderStatus.EXECUTED


@pytest.mark.parametrize("status", [OrderStatus.RESTING, OrderStatus.EXECUTED])
def test_a_late_timeout_does_not_unsettle_a_known_order(status: OrderStatus) -> None:
    order = SENDING.acked("x-1") if status is OrderStatus.RESTING else SENDING.with_fill("x-1", Count(1_000))
    assert order.lost_sight("timeout", 2).status is status
