from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from risk_builders import cents, contracts, dollars, held, legs, order, places, proposal

from console.config.risk_settings import RiskSettings
from console.domain.book import BookSide
from console.domain.money import Cash, Count, Price
from console.domain.order import Order, OrderStatus
from console.domain.position import Position
from console.risk.exposure import Exposure, WorstCase
from console.risk.groups import Place
from console.risk.proposal import Proposal, Standing
from console.risk.sizing import Sized, size

BID, ASK = BookSide.BID, BookSide.ASK
EQUITY = dollars(10_000)
NAN: Cash = float("nan")  # type: ignore[assignment]
EMPTY = Exposure.of({}, [], {})


def limits(
    kelly: str = "0.25",
    single: str = "1",
    group: str = "1",
    event: str = "1",
    total: str = "1",
    most: int = 1_000_000,
    rate: int = 30,
    collar: str = "99",
    scale_from: str = "1",
) -> RiskSettings:
    return RiskSettings(
        kelly_fraction=Decimal(kelly),
        max_single_position_pct=Decimal(single),
        max_correlated_group_pct=Decimal(group),
        max_event_exposure_pct=Decimal(event),
        max_total_exposure_pct=Decimal(total),
        max_order_contracts=most,
        max_orders_per_minute=rate,
        price_collar_cents=Decimal(collar),
        drawdown_scale_from_pct=Decimal(scale_from),
        max_drawdown_pct=Decimal("0.10"),
    )


def only(name: str, share: str) -> RiskSettings:
    """Limits of which one alone binds."""
    return {
        "single": limits(single=share),
        "group": limits(group=share),
        "event": limits(event=share),
        "total": limits(total=share),
    }[name]


def sized(
    trade: Proposal,
    settings: RiskSettings | None = None,
    *,
    equity: Cash | None = EQUITY,
    high_water: Cash | None = EQUITY,
    cash: Cash | None = EQUITY,
    exposure: Exposure = EMPTY,
    twice_mid: int | None = 18_000,
    orders_in_minute: int = 0,
) -> Sized:
    standing = Standing(
        equity=equity,
        high_water=high_water,
        cash=cash,
        exposure=exposure,
        twice_mid=twice_mid,
        orders_in_minute=orders_in_minute,
    )
    return size(trade, standing, settings or limits())


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


def test_the_cheapest_price_is_a_price() -> None:
    assert sized(proposal(price=Price(1)), twice_mid=2).count > 0


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
    ("ask", "reason"),
    [
        (lambda: sized(proposal(), equity=None), "equity unknown"),
        (lambda: sized(proposal(), equity=Cash(0)), "equity is not positive"),
        (lambda: sized(proposal(), equity=Cash(-1)), "equity is not positive"),
        (lambda: sized(proposal(), equity=NAN), "equity is not positive"),
        (lambda: sized(proposal(), cash=None), "cash unknown"),
        (lambda: sized(proposal(), cash=Cash(0)), "cash is not positive"),
        (lambda: sized(proposal(), cash=NAN), "cash is not positive"),
        (lambda: sized(proposal(fee=None)), "fee unknown"),
        (lambda: sized(proposal(fee=Cash(-1))), "fee is negative"),
        (lambda: sized(proposal(fee=NAN)), "fee is negative"),
        (lambda: sized(proposal(fee=Cash(100_000))), "price and fee leave nothing to win"),
        (lambda: sized(proposal(price=Price(0))), "price is not between 0 and 1 $"),
        (lambda: sized(proposal(price=Price(10_000))), "price is not between 0 and 1 $"),
        (lambda: sized(proposal(win_probability=Price(0))), "win probability is not between 0 and 1"),
        (lambda: sized(proposal(win_probability=Price(1))), "no edge after fees"),
        (lambda: sized(proposal(win_probability=Price(10_000))), "win probability is not between 0 and 1"),
        (lambda: sized(proposal(win_probability=Price(NAN))), "win probability is not between 0 and 1"),
        (lambda: sized(proposal(is_taker=True, displayed=None)), "displayed depth unknown"),
        (lambda: sized(proposal(), twice_mid=None), "mid unknown"),
        (lambda: sized(proposal(), limits(scale_from="0.05"), high_water=None), "high-water mark unknown"),
        (
            lambda: sized(proposal(), limits(scale_from="NaN")),
            "drawdown_scale_from_pct is NaN, not a number of at least 0",
        ),
        (lambda: sized(proposal(), limits(kelly="0")), "kelly_fraction is 0"),
        (lambda: sized(proposal(), limits(kelly="NaN")), "kelly_fraction is NaN, not a number of at least 0"),
        (
            lambda: sized(proposal(), limits(group="Infinity")),
            "max_correlated_group_pct is Infinity, not a number of at least 0",
        ),
        (
            lambda: sized(proposal(), limits(single="-0.05")),
            "max_single_position_pct is -0.05, not a number of at least 0",
        ),
    ],
)
def test_what_is_unknown_or_impossible_refuses_with_its_name(ask: Callable[[], Sized], reason: str) -> None:
    result = ask()
    assert (result.count, result.reason, result.bound_by) == (0, reason, reason)


# --- limits -----------------------------------------------------------------------------------------


def test_a_limit_admits_what_reaches_it_and_not_a_contract_more() -> None:
    # 5 % of 10,000 $ is 500 $; at 80c that is 625 contracts to the cent.
    trade = proposal(price=cents(80), win_probability=cents(90))
    result = sized(trade, limits(kelly="1", single="0.05"))
    assert (result.count, result.bound_by) == (contracts(625), "position limit")
    assert sized(trade, limits(kelly="1", single="0.05"), equity=Cash(EQUITY - 1)).count == contracts(624)
    assert sized(trade, limits(kelly="1", single="0.05"), equity=Cash(EQUITY + 1)).count == contracts(625)


def test_an_exclusive_event_admits_not_a_contract_more_either() -> None:
    trade, alone = proposal(price=cents(80), win_probability=cents(90)), Exposure.of({}, [], legs("A"))
    for equity, expected in ((EQUITY, 625), (Cash(EQUITY - 1), 624)):
        result = sized(trade, limits(kelly="1", event="0.05"), equity=equity, exposure=alone)
        assert result.count == contracts(expected)


@pytest.mark.parametrize("name", ["single", "group", "total"])
@pytest.mark.parametrize("status", [OrderStatus.SENDING, OrderStatus.UNKNOWN, OrderStatus.RESTING])
def test_open_orders_use_up_each_limit(name: str, status: OrderStatus) -> None:
    exposure = Exposure.of({}, [order("A", BID, cents(90), contracts(100), status)], places(A="G"))
    result = sized(proposal(), only(name, "0.01"), exposure=exposure)
    assert result.count == contracts(11)  # 100 $ less the 90 $ of the open order


def test_a_market_of_the_same_group_uses_up_the_group_but_not_the_position_limit() -> None:
    exposure = Exposure.of({"B": held(ASK, cents(5), contracts(400))}, [], places(A="G", B="G"))
    full = sized(proposal(), limits(group="0.04", single="0.02"), exposure=exposure)
    assert full.count == contracts(22)
    assert full.bound_by == "group limit"
    assert full.reason == "group limit: 4 % of equity would be 5.8 %"
    apart = Exposure.of({"B": held(ASK, cents(5), contracts(400))}, [], places(A="H", B="G"))
    elsewhere = sized(proposal(), limits(group="0.04", single="0.02"), exposure=apart)
    assert (elsewhere.count, elsewhere.bound_by) == (contracts(222), "position limit")


def test_a_limit_that_is_already_passed_admits_nothing_even_on_the_other_side() -> None:
    exposure = Exposure.of({"A": held(BID, cents(90), contracts(1_000))}, [], places(A="G"))
    other_side = proposal(side=ASK, price=cents(8), win_probability=cents(94))
    for trade in (proposal(), other_side):
        result = sized(trade, limits(single="0.05"), exposure=exposure)
        assert (result.count, result.bound_by) == (0, "position limit")
    assert result.reason == "position limit: 5 % of equity would be 9 %"


def test_a_limit_that_is_just_reached_admits_the_other_side_and_passed_it_does_not() -> None:
    other_side = proposal(side=ASK, price=cents(8), win_probability=cents(94))
    for held_count, admits in ((55_555, True), (55_556, True), (55_557, False)):
        # At 90c 555.56 contracts are 500.004 $, of 10,000.08 $ exactly 5 %.
        exposure = Exposure.of({"A": held(BID, cents(90), Count(held_count))}, [], places(A="G"))
        result = sized(other_side, limits(single="0.05"), equity=Cash(10_000_080_000), exposure=exposure)
        assert (result.count > 0) is admits


def test_a_limit_of_nothing_is_no_trade_rather_than_no_limit() -> None:
    for name in ("single", "group", "total"):
        assert sized(proposal(), only(name, "0")).count == 0
    assert sized(proposal(), limits(most=0)).count == 0


def test_cash_that_open_orders_reserve_is_not_spent_twice() -> None:
    exposure = Exposure.of({}, [order("B", BID, cents(90), contracts(100))], places(B="H"))
    assert sized(proposal(), cash=dollars(99), exposure=exposure).count == contracts(10)
    result = sized(proposal(), cash=dollars(90.89), exposure=exposure)
    assert (result.count, result.reason) == (0, "cash: 825 contracts wanted, 0 allowed")
    assert sized(proposal(), cash=dollars(50), exposure=exposure).count == 0


def test_a_taker_takes_no_more_whole_contracts_than_are_displayed() -> None:
    result = sized(proposal(is_taker=True, displayed=Count(1_299)))
    assert (result.count, result.bound_by) == (contracts(12), "displayed depth")
    assert sized(proposal(is_taker=True, displayed=Count(0))).count == 0
    assert sized(proposal(is_taker=False, displayed=None)).count == contracts(833)


def test_no_order_is_larger_than_allowed() -> None:
    result = sized(proposal(), limits(most=50))
    assert (result.count, result.reason) == (contracts(50), "order size: 833 contracts wanted, 50 allowed")


def test_kelly_stakes_only_equity_that_is_not_at_stake_already() -> None:
    # 30 % x 25 % of the 6,400 $ that are left of 10,000 $ is 480 $, which buys 533.
    exposure = Exposure.of({"B": held(BID, cents(90), contracts(4_000))}, [], {})
    assert sized(proposal(), exposure=exposure).count == contracts(533)


def test_equity_that_is_all_at_stake_is_none_to_stake() -> None:
    one_short = Exposure.of({"B": held(BID, Price(1), Count(dollars(10_000) - 1))}, [], {})
    assert sized(proposal(), exposure=one_short).reason == "Kelly stake: 0.00 $ at 0.90 $ a contract"
    for paid in (dollars(10_000), dollars(10_001)):
        all_of_it = Exposure.of({"B": held(BID, Price(1), Count(paid))}, [], {})
        result = sized(proposal(), exposure=all_of_it)
        assert (result.count, result.reason) == (0, "all equity is at stake already")


def test_a_leg_of_the_same_event_uses_up_the_event_limit_and_another_event_does_not() -> None:
    same = Exposure.of({"B": held(BID, cents(90), contracts(100))}, [], legs("A", "B", is_exclusive=False))
    result = sized(proposal(), limits(event="0.01"), exposure=same)
    assert (result.count, result.bound_by) == (contracts(11), "event limit")
    other = Exposure.of({"B": held(BID, cents(90), contracts(100))}, [], places(A="G", B="G"))
    assert sized(proposal(), limits(event="0.01"), exposure=other).count == contracts(111)


@pytest.mark.parametrize("name", ["group", "event", "total"])
def test_a_leg_that_must_win_when_this_one_loses_makes_room(name: str) -> None:
    # NO of A at 90c while NO of B is held at 90c: if A ends in YES, B is won, and the other way round.
    held_leg = {"B": held(ASK, cents(10), contracts(100))}
    trade = proposal(side=ASK, price=cents(10))
    netted = sized(trade, only(name, "0.01"), exposure=Exposure.of(held_leg, [], legs("A", "B")))
    assert netted.count == contracts(122)  # 100 $ and the 10 $ that B would bring
    apart = Exposure.of(held_leg, [], legs("A", "B", is_exclusive=False))
    assert sized(trade, only(name, "0.01"), exposure=apart).count == contracts(11)


def test_what_is_held_of_the_market_itself_and_elsewhere_is_told_apart_in_an_exclusive_event() -> None:
    ninety = held(BID, cents(90), contracts(100))
    own = Exposure.of({"A": ninety}, [], legs("A", "B"))
    assert sized(proposal(), limits(event="0.01"), exposure=own).count == contracts(11)
    other_leg = Exposure.of({"B": ninety}, [], legs("A", "B"))  # both may end in NO
    assert sized(proposal(), limits(event="0.01"), exposure=other_leg).count == contracts(11)
    # NO elsewhere at 5c would win 5 $ in the outcome in which A loses, but it is not of this event.
    elsewhere = Exposure.of(
        {"C": held(ASK, cents(5), contracts(100))}, [], {**legs("A", "B"), **places(C="G")}
    )
    assert sized(proposal(), limits(event="0.01"), exposure=elsewhere).count == contracts(111)
    assert sized(proposal(), limits(group="0.01"), exposure=elsewhere).count == contracts(5)


def test_the_limit_that_binds_first_in_order_is_named() -> None:
    nothing = limits(single="0", group="0", event="0", total="0", most=0, collar="0")
    assert sized(proposal(), nothing, twice_mid=17_000).bound_by == "position limit"
    rest = sized(proposal(), limits(group="0", event="0", total="0"))
    assert rest.bound_by == "group limit"
    assert sized(proposal(), limits(event="0", total="0")).bound_by == "event limit"
    assert sized(proposal(), limits(total="0", most=0)).bound_by == "total limit"
    taker = proposal(is_taker=True, displayed=Count(0))
    assert sized(taker, limits(most=0)).bound_by == "displayed depth"
    assert sized(proposal(), limits(most=0), orders_in_minute=99).bound_by == "order size"
    assert (
        sized(proposal(), limits(collar="0"), twice_mid=0, orders_in_minute=99).bound_by
        == "orders per minute"
    )
    assert sized(proposal(), limits(collar="0"), twice_mid=0, cash=Cash(1)).bound_by == "price collar"


def test_the_order_after_the_most_a_minute_is_refused() -> None:
    assert sized(proposal(), limits(rate=30), orders_in_minute=29).count > 0
    for sent in (30, 31):
        result = sized(proposal(), limits(rate=30), orders_in_minute=sent)
        assert (result.count, result.bound_by) == (0, "orders per minute")
    assert result.reason == "orders per minute: 30 are sent already"


@pytest.mark.parametrize("direction", [1, -1])
def test_a_price_at_the_collar_passes_and_one_beyond_it_does_not(direction: int) -> None:
    # Twice the mid moves by one, so by half of the smallest price step.
    for side, price in ((BID, cents(90)), (ASK, cents(10))):
        trade = proposal(side=side, price=price)
        for beyond, passes in ((-1, True), (0, True), (1, False)):
            twice_mid = 18_000 + direction * (1_000 + beyond)
            result = sized(trade, limits(collar="5"), twice_mid=twice_mid)
            assert (result.count > 0) is passes
    assert result.reason == "price collar: the price is further than 5c from mid"


def test_a_collar_of_a_fraction_of_a_cent_is_as_wide_as_it_says() -> None:
    trade = proposal(price=cents(90))
    for collar, twice_mid, passes in (("2.5", 18_500, True), ("2.5", 18_501, False), ("0.25", 18_051, False)):
        assert (sized(trade, limits(collar=collar), twice_mid=twice_mid).count > 0) is passes


def test_a_drawdown_that_just_reaches_where_scaling_starts_leaves_the_whole_stake() -> None:
    scaling = limits(scale_from="0.05")
    assert sized(proposal(), scaling, equity=dollars(9_500), high_water=EQUITY).bound_by == "Kelly stake"
    almost = Cash(dollars(9_500) - 1)
    assert sized(proposal(), scaling, equity=almost, high_water=EQUITY).bound_by != "Kelly stake"
    threefold = limits(scale_from="0.06")
    assert sized(proposal(), threefold, equity=dollars(9_410), high_water=EQUITY).bound_by == "Kelly stake"


def test_in_a_drawdown_the_stake_shrinks_evenly_to_nothing_where_it_halts() -> None:
    scaling = limits(scale_from="0.05")
    shares = {9_500: 833, 9_250: 416, 9_100: 166, 9_000: 0, 8_900: 0}
    for equity, expected in shares.items():
        # The stake of 10,000 $ is kept, so that the scale alone is seen.
        high_water = Cash(dollars(10_000) * 10_000 // equity)
        assert sized(proposal(), scaling, high_water=high_water).count == contracts(expected)
    halved = sized(proposal(), scaling, equity=dollars(9_250), high_water=EQUITY)
    assert halved.bound_by == "Kelly stake, 50 % of it in a drawdown"
    assert sized(proposal(), scaling, equity=dollars(9_501), high_water=EQUITY).bound_by == "Kelly stake"


def test_without_the_setting_a_drawdown_changes_no_stake_and_needs_no_high_water_mark() -> None:
    for start in ("1", "0.10"):
        assert sized(proposal(), limits(scale_from=start), high_water=None).count == contracts(833)
    above = sized(proposal(), limits(scale_from="0.05"), high_water=dollars(9_000))
    assert above.count == contracts(833)


shares = st.sampled_from(["0.01", "0.02", "0.05", "0.15", "0.2", "1"])
trades = st.tuples(
    st.sampled_from("ABC"), st.sampled_from(BookSide), st.integers(1, 9_999), st.integers(1, 60_000)
)
layouts = st.sampled_from(
    [
        places(A="G", B="G", C="H"),
        legs("A", "B", "C"),
        legs("A", "B", "C", is_exclusive=False),
        {**legs("A", "B"), **legs("C", group="H")},
    ]
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
    settings=st.builds(limits, single=shares, group=shares, event=shares, total=shares),
    layout=layouts,
)
def test_whatever_fills_afterwards_no_limit_is_passed(
    positions: dict[str, tuple[BookSide, int, int]],
    resting: list[tuple[str, BookSide, int, int]],
    side: BookSide,
    price: Price,
    probability: Price,
    fee: Cash,
    settings: RiskSettings,
    layout: dict[str, Place],
) -> None:
    book: dict[str, Position] = {t: held(s, Price(p), Count(c)) for t, (s, p, c) in positions.items()}
    orders: list[Order] = [order(t, s, Price(p), Count(c)) for t, s, p, c in resting]
    trade = proposal(side=side, price=price, win_probability=probability, fee=fee)
    twice_mid = 2 * side.price_paid(price)
    result = sized(trade, settings, exposure=Exposure.of(book, orders, layout), twice_mid=twice_mid)
    if result.count == 0:
        return
    after = Exposure.of(book, [*orders, order("A", side, price, result.count)], layout)
    for worst, share in (
        (after.market("A").worst, settings.max_single_position_pct),
        (after.group(layout["A"].group), settings.max_correlated_group_pct),
        (after.event(layout["A"].event), settings.max_event_exposure_pct),
        (after.total, settings.max_total_exposure_pct),
    ):
        assert worst.with_orders <= Fraction(share) * EQUITY
    assert after.reserved <= EQUITY


NAMED: dict[str, Callable[[Exposure, Place], WorstCase]] = {
    "position limit": lambda exposure, _: exposure.market("A").worst,
    "group limit": lambda exposure, place: exposure.group(place.group),
    "event limit": lambda exposure, place: exposure.event(place.event),
    "total limit": lambda exposure, _: exposure.total,
}


@given(
    positions=st.dictionaries(
        st.sampled_from("ABCD"),
        st.tuples(st.sampled_from(BookSide), st.integers(1, 9_999), st.integers(1, 30_000)),
    ),
    side=st.sampled_from(BookSide),
    price=st.integers(100, 9_000).map(Price),
    settings=st.builds(limits, single=shares, group=shares, event=shares, total=shares, kelly=st.just("1")),
    layout=layouts,
)
def test_a_limit_that_binds_leaves_no_room_for_another_contract(
    positions: dict[str, tuple[BookSide, int, int]],
    side: BookSide,
    price: Price,
    settings: RiskSettings,
    layout: dict[str, Place],
) -> None:
    book: dict[str, Position] = {t: held(s, Price(p), Count(c)) for t, (s, p, c) in positions.items()}
    trade = proposal(side=side, price=price, win_probability=Price(9_999))
    twice_mid = 2 * side.price_paid(price)
    result = sized(trade, settings, exposure=Exposure.of(book, [], layout), twice_mid=twice_mid)
    if result.bound_by not in NAMED:
        return
    share = {
        "position limit": settings.max_single_position_pct,
        "group limit": settings.max_correlated_group_pct,
        "event limit": settings.max_event_exposure_pct,
        "total limit": settings.max_total_exposure_pct,
    }[result.bound_by]
    one_more = order("A", side, price, Count(result.count + 100))
    after = Exposure.of(book, [one_more], layout)
    assert NAMED[result.bound_by](after, layout["A"]).with_orders > Fraction(share) * EQUITY
