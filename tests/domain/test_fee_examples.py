"""The exchange's published and observed examples of what trading costs, beside the rule of 7 % of profit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.domain.book import BookSide
from console.domain.fees import AccountPrecision, FeeAccumulator, KalshiFees, ProfitFees, model_fee
from console.domain.market import FeeTerms
from console.domain.money import (
    PAYOUT,
    Cash,
    Count,
    Price,
    complement,
    cost,
    parse_cash,
    parse_count,
    parse_price,
)
from console.domain.position import Position, cash_change_of_fill, cash_change_of_settlement

QUADRATIC = FeeTerms()
HUNDRED = parse_count("100")
PRICES = st.integers(1, 9_999).map(Price)
COUNTS = st.integers(1, 50_000).map(Count)


def taker_fee(price: Price) -> Cash:
    return KalshiFees().on_trade(QUADRATIC, price, HUNDRED, is_taker=True)


@pytest.mark.parametrize(
    ("bought_at", "won", "lost", "won_by_guide", "lost_by_guide"),
    [
        ("0.90", "9.37", "-90.63", "9.30", "-90.00"),
        ("0.50", "48.25", "-51.75", "46.50", "-50.00"),
        ("0.10", "89.37", "-10.63", "83.70", "-10.00"),
    ],
)
def test_a_hundred_lot_held_to_the_end_under_both_schedules(
    bought_at: str, won: str, lost: str, won_by_guide: str, lost_by_guide: str
) -> None:
    price, guide = parse_price(bought_at), ProfitFees()
    bought = cash_change_of_fill(Count(0), BookSide.BID, price, HUNDRED, Cash(0))
    for yes_value, real, by_guide in ((PAYOUT, won, won_by_guide), (Price(0), lost, lost_by_guide)):
        profit = Cash(bought + cash_change_of_settlement(HUNDRED, yes_value))
        assert profit - taker_fee(price) == parse_cash(real)
        assert profit - guide.on_profit(profit) == parse_cash(by_guide)


@pytest.mark.parametrize(
    ("bought_at", "sold_at", "gross", "real_fee", "guide_fee"),
    [
        ("0.50", "0.60", "10", "3.43", "0.70"),
        ("0.50", "0.50", "0", "3.50", "0"),
        ("0.60", "0.50", "-10", "3.43", "0"),
        # 0.63 at 90c and 0.3325 at 95c.
        ("0.90", "0.95", "5", "0.9625", "0.35"),
    ],
)
def test_trading_in_and_out_costs_twice_and_losers_pay_too(
    bought_at: str, sold_at: str, gross: str, real_fee: str, guide_fee: str
) -> None:
    entry, leaving = parse_price(bought_at), parse_price(sold_at)
    held = Position().filled(BookSide.BID, entry, HUNDRED, Cash(0))
    profit = held.filled(BookSide.ASK, leaving, HUNDRED, Cash(0)).realised
    assert profit == parse_cash(gross)
    assert taker_fee(entry) + taker_fee(leaving) == parse_cash(real_fee)
    assert ProfitFees().on_profit(profit) == parse_cash(guide_fee)


@pytest.mark.parametrize(
    ("bought_at", "real", "by_guide"),
    [("0.90", 0.90630, 0.90634), ("0.50", 0.51750, 0.51813), ("0.10", 0.10630, 0.10672)],
)
def test_the_win_rate_that_breaks_even_is_nearly_the_same(
    bought_at: str, real: float, by_guide: float
) -> None:
    price = parse_price(bought_at)
    stake = cost(price, HUNDRED)
    payout = cost(PAYOUT, HUNDRED)
    assert (stake + taker_fee(price)) / payout == pytest.approx(real, abs=5e-6)
    won = payout - stake - ProfitFees().on_profit(Cash(payout - stake))
    assert stake / (won + stake) == pytest.approx(by_guide, abs=5e-6)


def test_rounding_is_given_back_over_the_fills_of_one_order() -> None:
    # One contract at 5.5c: 0.003639 becomes 0.005, so 0.001361 are owed. From the eighth on it is a cent,
    # which a fill of half a cent cannot give back.
    price, count = parse_price("0.055"), parse_count("1")
    trade_fee = model_fee(QUADRATIC, price, count, is_taker=True)
    revenue = Cash(-cost(price, count))
    accumulator, charged = FeeAccumulator(), []
    for _ in range(8):
        fee, accumulator = accumulator.charge(revenue, trade_fee, AccountPrecision.BROKER_CLEARED)
        charged.append(fee)
    assert charged == [parse_cash("0.005")] * 8
    assert accumulator.owed == 8 * parse_cash("0.001361")
    fee, accumulator = accumulator.charge(
        Cash(-cost(parse_price("0.50"), count)),
        model_fee(QUADRATIC, parse_price("0.50"), count, is_taker=True),
        AccountPrecision.BROKER_CLEARED,
    )
    # 0.0175 rounds to 0.02; 0.010888 + 0.0025 are owed, of which one cent comes back.
    assert fee == parse_cash("0.01")
    assert accumulator.owed == parse_cash("0.003388")


def test_a_makers_free_fill_shares_the_accumulator_of_the_takers_fills() -> None:
    owed = FeeAccumulator(parse_cash("0.009"))
    fee, after = owed.charge(Cash(-5_500), Cash(0), AccountPrecision.BROKER_CLEARED)
    # The balance falls by 0.01 for 0.0055; 0.0135 are owed, but a fill never pays out more than it took.
    assert fee == parse_cash("0.0045")
    assert after.owed == parse_cash("0.0135")


@given(PRICES, COUNTS, st.sampled_from(list(AccountPrecision)))
def test_the_fee_is_the_same_for_yes_and_no(price: Price, count: Count, precision: AccountPrecision) -> None:
    for is_taker in (True, False):
        yes = model_fee(QUADRATIC, price, count, is_taker=is_taker)
        assert yes == model_fee(QUADRATIC, complement(price), count, is_taker=is_taker)
    fee = KalshiFees(precision).on_trade(QUADRATIC, price, count, is_taker=True)
    assert 0 <= fee - yes_fee(price, count) < precision


def yes_fee(price: Price, count: Count) -> Cash:
    return model_fee(QUADRATIC, price, count, is_taker=True)


@given(PRICES, COUNTS, COUNTS, st.booleans())
def test_buying_one_outcome_and_selling_the_other_are_one_trade(
    price: Price, count: Count, size: Count, holds_yes: bool
) -> None:
    """Whatever is held, cash and what the position pays change alike for both names of a direction."""
    held = Count(size if holds_yes else -size)
    for side in BookSide:
        fee = yes_fee(price, count)
        cash = cash_change_of_fill(held, side, price, count, fee)
        after = Count(held + side.sign * count)
        for yes_value in (Price(0), PAYOUT):
            pays = cash_change_of_settlement(after, yes_value) - cash_change_of_settlement(held, yes_value)
            # Of YES what it is bought for, and equally of NO what it is sold for.
            assert cash + pays == side.sign * (yes_value - price) * count - fee


def test_a_fee_on_settling_is_counted_in_the_positions_fees() -> None:
    held = Position().filled(BookSide.ASK, parse_price("0.10"), HUNDRED, parse_cash("0.63"))
    settled = held.settled(Price(0), parse_cash("0.70"))
    assert settled.realised == parse_cash("10")
    assert settled.fees == parse_cash("1.33")
    assert held.settled(Price(0)).fees == parse_cash("0.63")
