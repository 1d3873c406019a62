"""Positions and cash move exactly with fills and settlements, in both directions and through zero."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from console.domain.book import BookSide
from console.domain.money import Cash, Count, Price, parse_cash, parse_count, parse_price
from console.domain.position import Position, cash_change_of_fill, cash_change_of_settlement

sides = st.sampled_from(list(BookSide))
trades = st.lists(
    st.tuples(sides, st.integers(1, 9_999), st.integers(1, 100_000), st.integers(0, 50_000)), max_size=30
)


def buy(position: Position, price: str, contracts: str) -> Position:
    return position.filled(BookSide.BID, parse_price(price), parse_count(contracts), Cash(0))


def sell(position: Position, price: str, contracts: str) -> Position:
    return position.filled(BookSide.ASK, parse_price(price), parse_count(contracts), Cash(0))


def test_scaling_in_averages_the_entry() -> None:
    position = buy(buy(Position(), "0.90", "10"), "0.94", "30")
    assert position.contracts == parse_count("40")
    assert position.average_price == parse_price("0.93")


def test_a_sale_reduces_and_realises() -> None:
    position = sell(buy(Position(), "0.50", "100"), "0.60", "40")
    assert position.contracts == parse_count("60")
    assert position.realised == parse_cash("4")
    assert position.average_price == parse_price("0.50")


def test_a_no_position_has_the_average_of_the_no_price() -> None:
    position = sell(Position(), "0.08", "50")
    assert position.side is BookSide.ASK
    assert position.average_price == parse_price("0.92")
    assert position.unrealised_at(parse_price("0.05")) == parse_cash("1.5")


def test_a_fill_through_zero_closes_and_opens_the_other_side() -> None:
    position = sell(buy(Position(), "0.50", "10"), "0.60", "25")
    assert position.contracts == -parse_count("15")
    assert position.realised == parse_cash("1")
    assert position.average_price == parse_price("0.40")


def test_a_winner_is_paid_one_dollar_a_contract() -> None:
    assert cash_change_of_settlement(parse_count("12"), parse_price("1")) == parse_cash("12")
    assert cash_change_of_settlement(Count(-parse_count("12")), parse_price("1")) == 0
    assert cash_change_of_settlement(Count(-parse_count("12")), parse_price("0")) == parse_cash("12")


@given(trades, st.integers(0, 10_000))
def test_cash_equals_profit_after_settlement_whatever_was_traded(
    fills: list[tuple[BookSide, int, int, int]], yes_value: int
) -> None:
    position, cash, signed = Position(), 0, 0
    for side, price, count, fee in fills:
        cash += cash_change_of_fill(position.contracts, side, Price(price), Count(count), Cash(fee))
        position = position.filled(side, Price(price), Count(count), Cash(fee))
        signed += side.sign * count
        assert position.contracts == signed
        assert position.paid >= 0
    cash += cash_change_of_settlement(position.contracts, Price(yes_value))
    settled = position.settled(Price(yes_value))
    assert settled.contracts == 0
    assert cash == settled.realised - settled.fees


@given(trades)
def test_unrealised_profit_plus_cost_is_value(fills: list[tuple[BookSide, int, int, int]]) -> None:
    position = Position()
    for side, price, count, fee in fills:
        position = position.filled(side, Price(price), Count(count), Cash(fee))
    for mark in (0, 1, 5_000, 9_999, 10_000):
        assert position.paid + position.unrealised_at(Price(mark)) == position.value_at(Price(mark))
