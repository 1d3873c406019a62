"""Fees equal the exchange's receipts and worked examples, to the last unit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.domain.fees import (
    AccountPrecision,
    FeeAccumulator,
    KalshiFees,
    ProfitFees,
    UnknownFeeTypeError,
    model_fee,
)
from console.domain.market import FeeTerms
from console.domain.money import Cash, Count, Price, cost, parse_cash, parse_count, parse_price

QUADRATIC = FeeTerms("quadratic", 10_000)
WITH_MAKER = FeeTerms("quadratic_with_maker_fees", 10_000)
HALF = FeeTerms("quadratic", 5_000)


@pytest.mark.parametrize(
    ("price", "contracts", "fee"),
    [
        ("0.90", "100", "0.63"),
        ("0.50", "100", "1.75"),
        ("0.10", "100", "0.63"),
        ("0.90", "1", "0.0063"),
        ("0.50", "1", "0.0175"),
        ("0.10", "1", "0.0063"),
        ("0.68", "1", "0.0153"),
    ],
)
def test_a_direct_members_taker_fee(price: str, contracts: str, fee: str) -> None:
    charged = KalshiFees().on_trade(QUADRATIC, parse_price(price), parse_count(contracts), is_taker=True)
    assert charged == parse_cash(fee)


@pytest.mark.parametrize(
    ("price", "fee"), [("0.90", "0.01"), ("0.50", "0.02"), ("0.10", "0.01"), ("0.055", "0.005")]
)
def test_a_broker_cleared_account_pays_to_the_cent(price: str, fee: str) -> None:
    fees = KalshiFees(AccountPrecision.BROKER_CLEARED)
    assert fees.on_trade(QUADRATIC, parse_price(price), parse_count("1"), is_taker=True) == parse_cash(fee)


@pytest.mark.parametrize(("price", "fee"), [("0.67", "0.0078"), ("0.12", "0.0037")])
def test_a_makers_receipt_where_makers_pay(price: str, fee: str) -> None:
    charged = KalshiFees().on_trade(WITH_MAKER, parse_price(price), parse_count("2"), is_taker=False)
    assert charged == parse_cash(fee)


@pytest.mark.parametrize(("price", "fee"), [("0.90", "0.1575"), ("0.50", "0.4375"), ("0.10", "0.1575")])
def test_a_hundred_lot_of_a_paying_maker(price: str, fee: str) -> None:
    charged = KalshiFees().on_trade(WITH_MAKER, parse_price(price), parse_count("100"), is_taker=False)
    assert charged == parse_cash(fee)


def test_makers_are_free_on_an_ordinary_series() -> None:
    assert KalshiFees().on_trade(QUADRATIC, Price(5_000), Count(10_000), is_taker=False) == 0


def test_the_multiplier_scales_the_fee() -> None:
    assert model_fee(HALF, Price(5_000), Count(10_000), is_taker=True) == parse_cash("0.875")


def test_a_fee_type_that_is_not_known_refuses() -> None:
    with pytest.raises(UnknownFeeTypeError, match="flat"):
        model_fee(FeeTerms("flat", 10_000), Price(5_000), Count(100), is_taker=True)


def test_the_documented_rounding_example() -> None:
    price, count = parse_price("0.055"), parse_count("1")
    trade_fee = model_fee(QUADRATIC, price, count, is_taker=True)
    assert trade_fee == parse_cash("0.003639")
    fee, after = FeeAccumulator().charge(
        Cash(-cost(price, count)), trade_fee, AccountPrecision.BROKER_CLEARED
    )
    assert (fee, after.owed) == (parse_cash("0.005"), parse_cash("0.001361"))


@given(
    st.lists(st.tuples(st.integers(1, 9_999), st.integers(1, 100_000)), min_size=1, max_size=20),
    st.sampled_from(list(AccountPrecision)),
)
def test_rounding_never_takes_a_whole_unit_more_than_the_schedule(
    fills: list[tuple[int, int]], precision: AccountPrecision
) -> None:
    accumulator, charged, schedule = FeeAccumulator(), 0, 0
    for price, count in fills:
        revenue = Cash(-cost(Price(price), Count(count)))
        trade_fee = model_fee(QUADRATIC, Price(price), Count(count), is_taker=True)
        fee, accumulator = accumulator.charge(revenue, trade_fee, precision)
        assert fee >= 0
        assert (revenue - fee) % precision == 0
        charged, schedule = charged + fee, schedule + trade_fee
    assert schedule <= charged
    assert charged - schedule == accumulator.owed


def test_one_order_in_many_fills_costs_less_than_many_orders() -> None:
    price, count = Price(5_501), Count(101)
    trade_fee = model_fee(QUADRATIC, price, count, is_taker=True)
    revenue = Cash(-cost(price, count))
    accumulator, one_order = FeeAccumulator(), 0
    for _ in range(10):
        fee, accumulator = accumulator.charge(revenue, trade_fee, AccountPrecision.BROKER_CLEARED)
        one_order += fee
    many, _ = FeeAccumulator().charge(revenue, trade_fee, AccountPrecision.BROKER_CLEARED)
    assert one_order < 10 * many


@pytest.mark.parametrize(
    ("profit", "fee"), [("10", "0.70"), ("50", "3.50"), ("90", "6.30"), ("-90", "0"), ("0", "0")]
)
def test_seven_percent_of_profit_is_charged_to_winners_only(profit: str, fee: str) -> None:
    assert ProfitFees().on_profit(parse_cash(profit)) == parse_cash(fee)
    assert ProfitFees().on_trade(QUADRATIC, Price(5_000), Count(100), is_taker=True) == 0


def test_trading_in_and_out_pays_twice() -> None:
    fees = KalshiFees()
    hundred = parse_count("100")
    both = fees.on_trade(QUADRATIC, parse_price("0.50"), hundred, is_taker=True) + fees.on_trade(
        QUADRATIC, parse_price("0.60"), hundred, is_taker=True
    )
    assert both == parse_cash("3.43")
