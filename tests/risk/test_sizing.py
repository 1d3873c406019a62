from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from risk_builders import cents, contracts, dollars, held, order, proposal

from console.config.schema import RiskSettings
from console.domain.book import BookSide
from console.domain.money import Cash, Count, Price
from console.domain.order import Order, OrderStatus
from console.domain.position import Position
from console.risk.exposure import Exposure
from console.risk.sizing import Proposal, Sized, size

BID, ASK = BookSide.BID, BookSide.ASK
EQUITY = dollars(10_000)
NAN: Cash = float("nan")  # type: ignore[assignment]
EMPTY = Exposure.of({}, [], {})


def limits(
    kelly: str = "0.25", single: str = "1", group: str = "1", total: str = "1", most: int = 1_000_000
) -> RiskSettings:
    return RiskSettings(
        kelly_fraction=Decimal(kelly),
        max_single_position_pct=Decimal(single),
        max_correlated_group_pct=Decimal(group),
        max_total_exposure_pct=Decimal(total),
        max_order_contracts=most,
    )


def only(name: str, share: str) -> RiskSettings:
    """Limits of which one alone binds."""
    return {"single": limits(single=share), "group": limits(group=share), "total": limits(total=share)}[name]


def sized(
    trade: Proposal,
    settings: RiskSettings | None = None,
    *,
    equity: Cash | None = EQUITY,
    cash: Cash | None = EQUITY,
    exposure: Exposure = EMPTY,
) -> Sized:
    return size(trade, equity=equity, cash=cash, exposure=exposure, limits=settings or limits())


# --- Kelly ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("trade", "kelly", "expected"),
    [
        # f = (0.93 - 0.90) / 0.10 = 30 %; a quarter of it is 750 $, which buys 833 at 90c.
        (proposal(), "0.25", 833),
        (proposal(), "1", 3_333),
        # f = (0.93 - 0.9063) / 0.0937 = 25.29 %; a quarter is 632.34 $, which buys 697 at 90.63c.
        (proposal(fee=Cash(6_300)), "0.25", 697),
        # A longshot sold at 8c is NO bought at 92c: f = 0.02 / 0.08 = 25 %; 625 $ buys 679.
        (proposal(side=ASK, price=cents(8), win_probability=cents(94)), "0.25", 679),
        # The guide's example: 65 % to win at 60c: f = 0.05 / 0.40 = 12.5 %; 312.50 $ buys 520.
        (proposal(price=cents(60), win_probability=cents(65)), "0.25", 520),
    ],
)
def test_kelly_on_cost_including_the_fee(trade: Proposal, kelly: str, expected: int) -> None:
    result = sized(trade, limits(kelly=kelly))
    assert result.count == contracts(expected)
    assert result.bound_by == "Kelly stake"


def test_without_an_edge_nothing_is_bet() -> None:
    for probability in (Price(8_999), Price(9_000)):
        assert sized(proposal(win_probability=probability)).count == 0
    assert sized(proposal(win_probability=Price(9_001))).count > 0
    assert sized(proposal(fee=Cash(30_000))).reason == "no edge after fees"
    assert sized(proposal(fee=Cash(29_999)), equity=dollars(1_000_000)).count > 0


def test_a_stake_below_one_contract_is_not_rounded_up() -> None:
    result = sized(proposal(), equity=dollars(10))
    assert result.count == 0
    assert result.reason == "Kelly stake: 0.75 $ at 0.90 $ a contract"
    assert sized(proposal(), equity=dollars(12)).count == contracts(1)


@given(
    price=st.integers(1, 9_999).map(Price),
    probability=st.integers(1, 9_999).map(Price),
    fee=st.integers(0, 100_000).map(Cash),
    side=st.sampled_from(BookSide),
)
def test_no_floor_lifts_a_bet_without_edge(
    price: Price, probability: Price, fee: Cash, side: BookSide
) -> None:
    result = sized(proposal(side=side, price=price, win_probability=probability, fee=fee), limits(kelly="1"))
    if 100 * probability <= 100 * side.price_paid(price) + fee:
        assert result.count == 0
    assert result.count % 100 == 0


# --- what is not known ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        (sized(proposal(), equity=None), "equity unknown"),
        (sized(proposal(), equity=Cash(0)), "equity is not positive"),
        (sized(proposal(), equity=Cash(-1)), "equity is not positive"),
        (sized(proposal(), equity=NAN), "equity is not positive"),
        (sized(proposal(), cash=None), "cash unknown"),
        (sized(proposal(), cash=Cash(0)), "cash is not positive"),
        (sized(proposal(), cash=NAN), "cash is not positive"),
        (sized(proposal(fee=None)), "fee unknown"),
        (sized(proposal(fee=Cash(-1))), "fee is negative"),
        (sized(proposal(fee=NAN)), "fee is negative"),
        (sized(proposal(fee=Cash(100_000))), "price and fee leave nothing to win"),
        (sized(proposal(price=Price(0))), "price is not between 0 and 1 $"),
        (sized(proposal(price=Price(10_000))), "price is not between 0 and 1 $"),
        (sized(proposal(win_probability=Price(10_000))), "win probability is not between 0 and 1"),
        (sized(proposal(win_probability=Price(NAN))), "win probability is not between 0 and 1"),
        (sized(proposal(is_taker=True, displayed=None)), "displayed depth unknown"),
        (sized(proposal(), limits(kelly="0")), "kelly_fraction is 0"),
        (sized(proposal(), limits(kelly="NaN")), "kelly_fraction is NaN, not a number of at least 0"),
        (
            sized(proposal(), limits(group="Infinity")),
            "max_correlated_group_pct is Infinity, not a number of at least 0",
        ),
        (
            sized(proposal(), limits(single="-0.05")),
            "max_single_position_pct is -0.05, not a number of at least 0",
        ),
    ],
)
def test_what_is_unknown_or_impossible_refuses_with_its_name(result: Sized, reason: str) -> None:
    assert (result.count, result.reason) == (0, reason)


# --- limits -----------------------------------------------------------------------------------------


def test_a_limit_admits_what_reaches_it_and_not_a_contract_more() -> None:
    # 5 % of 10,000 $ is 500 $; at 80c that is 625 contracts to the cent.
    trade = proposal(price=cents(80), win_probability=cents(90))
    result = sized(trade, limits(kelly="1", single="0.05"))
    assert (result.count, result.bound_by) == (contracts(625), "position limit")
    assert sized(trade, limits(kelly="1", single="0.05"), equity=Cash(EQUITY - 1)).count == contracts(624)
    assert sized(trade, limits(kelly="1", single="0.05"), equity=Cash(EQUITY + 1)).count == contracts(625)


@pytest.mark.parametrize("name", ["single", "group", "total"])
@pytest.mark.parametrize("status", [OrderStatus.SENDING, OrderStatus.UNKNOWN, OrderStatus.RESTING])
def test_open_orders_use_up_each_limit(name: str, status: OrderStatus) -> None:
    exposure = Exposure.of({}, [order("A", BID, cents(90), contracts(100), status)], {"A": "G"})
    result = sized(proposal(), only(name, "0.01"), exposure=exposure)
    assert result.count == contracts(11)  # 100 $ less the 90 $ of the open order


def test_a_market_of_the_same_group_uses_up_the_group_but_not_the_position_limit() -> None:
    exposure = Exposure.of({"B": held(ASK, cents(5), contracts(400))}, [], {"B": "G"})
    full = sized(proposal(), limits(group="0.04", single="0.02"), exposure=exposure)
    assert full.count == contracts(22)
    assert full.bound_by == "group limit"
    assert full.reason == "group limit: 4 % of equity would be 5.8 %"
    elsewhere = sized(proposal(group="H"), limits(group="0.04", single="0.02"), exposure=exposure)
    assert (elsewhere.count, elsewhere.bound_by) == (contracts(222), "position limit")


def test_a_limit_that_is_already_passed_admits_nothing_even_on_the_other_side() -> None:
    exposure = Exposure.of({"A": held(BID, cents(90), contracts(1_000))}, [], {"A": "G"})
    other_side = proposal(side=ASK, price=cents(8), win_probability=cents(94))
    for trade in (proposal(), other_side):
        result = sized(trade, limits(single="0.05"), exposure=exposure)
        assert (result.count, result.bound_by) == (0, "position limit")
    assert result.reason == "position limit: 5 % of equity would be 9 %"


def test_a_limit_of_nothing_is_no_trade_rather_than_no_limit() -> None:
    for name in ("single", "group", "total"):
        assert sized(proposal(), only(name, "0")).count == 0
    assert sized(proposal(), limits(most=0)).count == 0


def test_cash_that_open_orders_reserve_is_not_spent_twice() -> None:
    exposure = Exposure.of({}, [order("B", BID, cents(90), contracts(100))], {"B": "H"})
    assert sized(proposal(), cash=dollars(99), exposure=exposure).count == contracts(10)
    result = sized(proposal(), cash=dollars(90.89), exposure=exposure)
    assert (result.count, result.reason) == (0, "cash: 833 contracts wanted, 0 allowed")
    assert sized(proposal(), cash=dollars(50), exposure=exposure).count == 0


def test_a_taker_takes_no_more_whole_contracts_than_are_displayed() -> None:
    result = sized(proposal(is_taker=True, displayed=Count(1_299)))
    assert (result.count, result.bound_by) == (contracts(12), "displayed depth")
    assert sized(proposal(is_taker=True, displayed=Count(0))).count == 0
    assert sized(proposal(is_taker=False, displayed=None)).count == contracts(833)


def test_no_order_is_larger_than_allowed() -> None:
    result = sized(proposal(), limits(most=50))
    assert (result.count, result.reason) == (contracts(50), "order size: 833 contracts wanted, 50 allowed")


shares = st.sampled_from(["0.01", "0.02", "0.05", "0.15", "0.2", "1"])
trades = st.tuples(
    st.sampled_from("ABC"), st.sampled_from(BookSide), st.integers(1, 9_999), st.integers(1, 60_000)
)


@given(
    positions=st.dictionaries(
        st.sampled_from("ABC"),
        st.tuples(st.sampled_from(BookSide), st.integers(1, 9_999), st.integers(1, 90_000)),
    ),
    resting=st.lists(trades, max_size=4),
    side=st.sampled_from(BookSide),
    price=st.integers(1, 9_999).map(Price),
    probability=st.integers(1, 9_999).map(Price),
    fee=st.integers(0, 20_000).map(Cash),
    settings=st.builds(limits, single=shares, group=shares, total=shares),
)
def test_whatever_fills_afterwards_no_limit_is_passed(
    positions: dict[str, tuple[BookSide, int, int]],
    resting: list[tuple[str, BookSide, int, int]],
    side: BookSide,
    price: Price,
    probability: Price,
    fee: Cash,
    settings: RiskSettings,
) -> None:
    groups = {"A": "G", "B": "G", "C": "H"}
    book: dict[str, Position] = {t: held(s, Price(p), Count(c)) for t, (s, p, c) in positions.items()}
    orders: list[Order] = [order(t, s, Price(p), Count(c)) for t, s, p, c in resting]
    trade = proposal(side=side, price=price, win_probability=probability, fee=fee)
    result = sized(trade, settings, exposure=Exposure.of(book, orders, groups))
    if result.count == 0:
        return
    after = Exposure.of(book, [*orders, order("A", side, price, result.count)], groups)
    for worst, share in (
        (after.market("A").worst, settings.max_single_position_pct),
        (after.group("G"), settings.max_correlated_group_pct),
        (after.total, settings.max_total_exposure_pct),
    ):
        assert worst.with_orders <= Fraction(share) * EQUITY
    assert after.reserved <= EQUITY
