from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from risk_builders import cents, contracts, dollars, external_order, held, legs, order, places

from console.domain.book import BookSide
from console.domain.money import PAYOUT, Cash, Count, Price
from console.domain.order import Order, OrderStatus
from console.domain.position import Position
from console.risk.exposure import Exposure, Largest, WorstCase
from console.risk.groups import Place

BID, ASK = BookSide.BID, BookSide.ASK


def worst_of(position: Position, *orders: Order) -> WorstCase:
    return Exposure.of({"A": position}, orders, places(A="G")).market("A").worst


def test_nothing_held_and_nothing_resting_is_nothing_at_stake() -> None:
    exposure = Exposure.of({"A": Position(realised=dollars(5))}, [], places(A="G"))
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


def test_what_rests_of_an_order_that_is_not_ours_counts_as_ours_does() -> None:
    external = [
        external_order("A", BID, cents(90), contracts(10)),
        external_order("A", ASK, cents(90), contracts(30)),
    ]
    exposure = Exposure.of({}, [order("A", BID, cents(80), contracts(5))], places(A="G"), external)
    assert exposure.market("A").worst == WorstCase(held=Cash(0), with_orders=dollars(9 + 4))
    assert exposure.reserved == dollars(9 + 3 + 4)


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
        places(A="G", B="G", C="H"),
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


# --- events of which at most one market ends in YES -------------------------------------------------


def test_of_an_exclusive_event_only_outcomes_that_can_happen_together_count() -> None:
    # NO of three legs at 90c: one leg may lose its 9 $, and then the other two win a dollar each.
    position = held(ASK, cents(10), contracts(10))
    three = {"A": position, "B": position, "C": position}
    apart = Exposure.of(three, [], legs("A", "B", "C", is_exclusive=False))
    netted = Exposure.of(three, [], legs("A", "B", "C"))
    assert apart.event("E").held == apart.group("G").held == apart.total.held == dollars(27)
    assert netted.event("E").held == netted.group("G").held == netted.total.held == dollars(9 - 1 - 1)
    assert netted.market("A").worst.held == dollars(9)


def test_yes_of_every_leg_of_an_exclusive_event_can_all_be_lost_at_once() -> None:
    position = held(BID, cents(30), contracts(10))
    netted = Exposure.of({"A": position, "B": position}, [], legs("A", "B"))
    assert netted.total.held == dollars(6)


def test_an_order_that_loses_counts_in_an_exclusive_event_and_one_that_wins_does_not() -> None:
    asks = [order(ticker, ASK, cents(10), contracts(10)) for ticker in "AB"]
    exposure = Exposure.of({}, asks, legs("A", "B"))
    assert exposure.event("E") == WorstCase(dollars(0), dollars(9))


def test_beside_a_no_of_its_event_a_yes_may_lose_with_it_and_a_no_cannot() -> None:
    no_of_b = {"B": held(ASK, cents(10), contracts(100))}
    exposure = Exposure.of(no_of_b, [], legs("A", "B"))
    assert exposure.stake_of_event("A", BID).if_lost == dollars(90)
    assert exposure.stake_of_event("A", ASK).if_lost == dollars(-10)


def test_legs_of_one_event_in_two_groups_are_netted_within_each_alone() -> None:
    position = held(ASK, cents(10), contracts(10))
    split = {**legs("A", "B", group="G"), **legs("C", group="H")}
    exposure = Exposure.of({"A": position, "B": position, "C": position}, [], split)
    assert (exposure.group("G").held, exposure.group("H").held) == (dollars(8), dollars(9))
    assert exposure.event("E").held == exposure.total.held == dollars(17)


def test_a_sure_gain_is_nothing_at_stake() -> None:
    # Both NO at 40c for an event that at most one can win: a dollar comes back from one of them at least.
    position = held(ASK, cents(60), contracts(10))
    exposure = Exposure.of({"A": position, "B": position}, [], legs("A", "B"))
    assert exposure.event("E") == exposure.total == WorstCase()


def test_the_largest_at_stake_is_told_from_the_smallest_amount_on() -> None:
    assert Exposure.of({"A": held(BID, Price(1), Count(1))}, [], {}).worst_market() == Largest("A", Cash(1))
    certain_gain = held(ASK, cents(60), contracts(10))
    netted = Exposure.of({"A": certain_gain, "B": certain_gain}, [], legs("A", "B"))
    assert netted.worst_group() is None


def test_a_market_that_is_not_known_stands_alone() -> None:
    assert Exposure.of({}, [], {}).place("A") == Place("A", "A")
    exposure = Exposure.of({"A": held(BID, cents(90), contracts(1))}, [], {})
    assert exposure.event("A").held == dollars(0.90)


def test_the_largest_group_and_event_are_told_apart_by_what_is_held() -> None:
    exposure = Exposure.of(
        {"A": held(BID, cents(90), contracts(10))},
        [order("B", BID, cents(90), contracts(20))],
        places(A="G", B="H"),
    )
    assert exposure.worst_event() == Largest("event of B", dollars(18))
    assert exposure.worst_event(held_only=True) == Largest("event of A", dollars(9))
    assert exposure.worst_group() == Largest("H", dollars(18))
    assert exposure.worst_group(held_only=True) == Largest("G", dollars(9))


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


@given(
    past=st.dictionaries(st.sampled_from("ABC"), trades),
    open_orders=st.lists(st.tuples(st.sampled_from("ABC"), trades), max_size=3),
    is_exclusive=st.booleans(),
)
def test_the_worst_case_of_an_event_is_the_largest_loss_of_its_possible_outcomes(
    past: dict[str, tuple[BookSide, Price, Count]],
    open_orders: list[tuple[str, tuple[BookSide, Price, Count]]],
    is_exclusive: bool,
) -> None:
    book = {ticker: held(*trade) for ticker, trade in past.items()}
    orders = [order(ticker, *trade) for ticker, trade in open_orders]
    exposure = Exposure.of(book, orders, legs("A", "B", "C", is_exclusive=is_exclusive))

    def loss(winners: tuple[bool, ...], filled: tuple[bool, ...]) -> int:
        after = dict(book)
        for (ticker, trade), was_filled in zip(open_orders, filled, strict=True):
            if was_filled:
                after[ticker] = after.get(ticker, Position()).filled(*trade, Cash(0))
        values = dict(zip("ABC", (PAYOUT if wins else Price(0) for wins in winners), strict=True))
        return -sum(position.settled(values[ticker]).realised for ticker, position in after.items())

    outcomes = [
        winners
        for winners in itertools.product((False, True), repeat=3)
        if not is_exclusive or sum(winners) <= 1
    ]
    fillings = list(itertools.product((False, True), repeat=len(open_orders)))
    worst = max(loss(winners, filled) for winners in outcomes for filled in fillings)
    assert exposure.event("E").with_orders == exposure.total.with_orders == max(0, worst)
