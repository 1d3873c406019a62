from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from risk_builders import cents, contracts, dollars, held, order

from console.domain.book import BookSide
from console.domain.money import PAYOUT, Cash, Count, Price
from console.domain.order import Order, OrderStatus
from console.domain.position import Position
from console.risk.exposure import Exposure, Largest, WorstCase

BID, ASK = BookSide.BID, BookSide.ASK


def worst_of(position: Position, *orders: Order) -> WorstCase:
    return Exposure.of({"A": position}, orders, {"A": "G"}).market("A").worst


def test_nothing_held_and_nothing_resting_is_nothing_at_stake() -> None:
    exposure = Exposure.of({"A": Position(realised=dollars(5))}, [], {"A": "G"})
    assert exposure.total == WorstCase()
    assert not exposure.markets
    assert exposure.worst_market() is None
    assert exposure.worst_group() is None


@pytest.mark.parametrize("status", [OrderStatus.SENDING, OrderStatus.UNKNOWN, OrderStatus.RESTING])
def test_an_order_counts_as_filled_while_it_may_fill(status: OrderStatus) -> None:
    worst = worst_of(Position(), order("A", BID, cents(90), contracts(10), status))
    assert worst == WorstCase(held=Cash(0), with_orders=dollars(9))


@pytest.mark.parametrize("status", [OrderStatus.EXECUTED, OrderStatus.CANCELED, OrderStatus.REJECTED])
def test_an_order_that_is_over_counts_no_more(status: OrderStatus) -> None:
    assert worst_of(Position(), order("A", BID, cents(90), contracts(10), status)) == WorstCase()


def test_of_a_partly_filled_order_only_the_rest_is_added_to_what_is_held() -> None:
    position = held(BID, cents(90), contracts(4))
    resting = order("A", BID, cents(90), contracts(10), filled=contracts(4))
    assert worst_of(position, resting) == WorstCase(held=dollars(3.60), with_orders=dollars(9))


def test_scaling_in_adds_up_at_the_price_of_the_outcome_held() -> None:
    position = held(ASK, cents(8), contracts(10)).filled(ASK, cents(5), contracts(10), Cash(0))
    assert worst_of(position).held == dollars(9.20 + 9.50)


def test_bids_and_asks_of_one_market_cannot_both_lose() -> None:
    bid, ask = order("A", BID, cents(90), contracts(10)), order("A", ASK, cents(92), contracts(10))
    assert worst_of(Position(), bid, ask).with_orders == dollars(9)


def test_an_order_that_only_reduces_adds_nothing() -> None:
    position = held(BID, cents(90), contracts(10))
    assert worst_of(position, order("A", ASK, cents(95), contracts(10))).with_orders == dollars(9)


def test_an_order_that_turns_the_position_round_counts_what_it_can_lose() -> None:
    position = held(BID, cents(90), contracts(10))
    # 10 sold at 50c lose 40c each for certain, the other 20 lose their 50c if YES wins.
    assert worst_of(position, order("A", ASK, cents(50), contracts(30))).with_orders == dollars(4 + 10)


def test_groups_and_total_add_up_the_worst_of_each_market() -> None:
    exposure = Exposure.of(
        {"A": held(BID, cents(90), contracts(10)), "B": held(ASK, cents(5), contracts(10))},
        [order("B", ASK, cents(5), contracts(2)), order("C", BID, cents(95), contracts(10))],
        {"A": "G", "B": "G", "C": "H"},
    )
    assert exposure.group("G") == WorstCase(dollars(18.50), dollars(20.40))
    assert exposure.group("H") == WorstCase(dollars(0), dollars(9.50))
    assert exposure.total == WorstCase(dollars(18.50), dollars(29.90))
    assert exposure.reserved == dollars(1.90 + 9.50)
    assert exposure.worst_market() == Largest("B", dollars(11.40))
    assert exposure.worst_market(held_only=True) == Largest("B", dollars(9.50))
    assert exposure.worst_group() == Largest("G", dollars(20.40))
    assert exposure.group("unheard of") == WorstCase()


def test_a_market_without_a_group_still_counts() -> None:
    exposure = Exposure.of({"A": held(BID, cents(90), contracts(1))}, [], {})
    assert exposure.total.held == exposure.group("A").held == dollars(0.90)


prices = st.integers(1, 9_999).map(Price)
counts = st.integers(1, 500).map(Count)
sides = st.sampled_from(BookSide)
trades = st.tuples(sides, prices, counts)


@given(st.lists(trades, max_size=4), st.lists(trades, max_size=4), st.data())
def test_the_worst_case_is_the_largest_loss_that_can_happen(
    past: list[tuple[BookSide, Price, Count]],
    open_orders: list[tuple[BookSide, Price, Count]],
    data: st.DataObject,
) -> None:
    position = Position()
    for side, price, count in past:
        position = position.filled(side, price, count, Cash(0))

    def loss(filled: tuple[int, ...], yes_value: int) -> int:
        after = position
        for (side, price, _), count in zip(open_orders, filled, strict=True):
            if count:
                after = after.filled(side, price, Count(count), Cash(0))
        return position.realised - after.settled(Price(yes_value)).realised

    worst = worst_of(position, *(order("A", *trade) for trade in open_orders)).with_orders
    ends = [(0, int(count)) for _, _, count in open_orders]
    assert worst == max(loss(filled, yes) for filled in itertools.product(*ends) for yes in (0, PAYOUT))
    partly = tuple(data.draw(st.integers(0, most)) for _, most in ends)
    assert loss(partly, data.draw(st.integers(0, PAYOUT))) <= worst
