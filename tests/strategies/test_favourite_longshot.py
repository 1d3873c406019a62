from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.config.trading_settings import QualitySettings, StrategySettings
from console.domain.book import BookSide, Level, Quote
from console.domain.fees import AccountPrecision, FeeModel, KalshiFees, ProfitFees
from console.domain.grid import TAPERED_DECI_CENTS, WHOLE_CENTS, PriceGrid, PriceRange
from console.domain.market import FeeTerms, Market, MarketStatus
from console.domain.money import Count, Price
from console.history.columns import Quotes
from console.monitoring.why_not import FunnelStepName
from console.risk.proposal import Proposal
from console.strategies.base import Refusal, SkipsAhead, Style
from console.strategies.edge import ConstantEdge, EdgeModel, TableEdge
from console.strategies.favourite_longshot import FavouriteLongshot

BID, ASK = BookSide.BID, BookSide.ASK
QUADRATIC = FeeTerms()
PRICE_REFUSAL = Refusal(FunnelStepName.PRICE, "not 90-99c")


def market(
    *,
    fees: FeeTerms | None = QUADRATIC,
    status: MarketStatus = MarketStatus.ACTIVE,
    grid: PriceGrid = WHOLE_CENTS,
) -> Market:
    return Market(
        ticker="T",
        event_ticker="E",
        series_ticker="S",
        category="Crypto",
        title="",
        open_ns=100,
        close_ns=200,
        status=status,
        fees=fees,
        grid=grid,
    )


def quote(bid: float | None, ask: float | None, size: int = 100) -> Quote:
    """A quote in cents and whole contracts."""

    def level(cents: float | None) -> Level | None:
        return None if cents is None else Level(Price(round(cents * 100)), Count(size * 100))

    return Quote(level(bid), level(ask))


class Sure:
    """An edge model that knows."""

    def __init__(self, probability: int | None) -> None:
        self._probability = probability

    def win_probability(self, category: str, quote: Quote, side: BookSide, style: Style) -> Price | None:
        return None if self._probability is None else Price(self._probability)


def strategy(
    *,
    style: Style = "taker",
    edge: EdgeModel | None = None,
    fees: FeeModel | None = None,
    min_edge: str = "0",
    favourite: int = 90,
    longshot: int = 10,
    max_spread: str = "200.0",
    min_depth: int = 10,
) -> FavouriteLongshot:
    settings = StrategySettings(
        favorite_threshold=favourite,
        longshot_threshold=longshot,
        min_edge_to_trade=Decimal(min_edge),
        style=style,
        min_depth_contracts=min_depth,
    )
    quality = QualitySettings(max_spread_bps=Decimal(max_spread))
    return FavouriteLongshot(settings, quality, edge or Sure(9_900), fees or KalshiFees())


def judge(
    harvester: FavouriteLongshot, seen: Quote, of: Market | None = None, now_ns: int = 150
) -> Proposal | Refusal:
    return harvester.consider(of or market(), seen, now_ns)


def proposed(harvester: FavouriteLongshot, seen: Quote, of: Market | None = None) -> Proposal:
    outcome = judge(harvester, seen, of)
    assert isinstance(outcome, Proposal), outcome
    return outcome


# --- what it proposes -------------------------------------------------------------------------------


def test_a_taker_buys_a_favourite_at_the_ask_with_the_size_displayed_there() -> None:
    assert proposed(strategy(), quote(91, 92)) == Proposal(
        ticker="T",
        side=BID,
        price=Price(9_200),
        win_probability=Price(9_900),
        fee_per_contract=proposed(strategy(), quote(91, 92)).fee_per_contract,
        is_taker=True,
        displayed=Count(10_000),
        strategy="FLB_FAVORITE",
    )


def test_a_taker_sells_a_longshot_at_the_bid() -> None:
    longshot = proposed(strategy(), quote(8, 9))
    assert (longshot.side, longshot.price, longshot.strategy) == (ASK, 800, "FLB_LONGSHOT")
    assert longshot.displayed == Count(10_000)


def test_a_maker_joins_the_best_price_of_its_side_without_a_depth() -> None:
    favourite = proposed(strategy(style="maker"), quote(91, 92))
    assert (favourite.side, favourite.price, favourite.displayed) == (BID, 9_100, None)
    longshot = proposed(strategy(style="maker"), quote(8, 9))
    assert (longshot.side, longshot.price, longshot.is_taker) == (ASK, 900, False)


# --- price ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("style", "seen", "side"),
    [
        ("taker", quote(88, 89), None),
        ("taker", quote(89, 90), BID),
        ("maker", quote(89, 90), None),
        ("maker", quote(90, 91), BID),
        ("taker", quote(10, 11), ASK),
        ("taker", quote(11, 12), None),
        ("maker", quote(9, 10), ASK),
        ("maker", quote(10, 11), None),
    ],
)
def test_the_thresholds_are_in_the_zone_and_one_cent_short_is_not(
    style: Style, seen: Quote, side: BookSide | None
) -> None:
    outcome = judge(strategy(style=style), seen)
    if side is None:
        assert outcome == PRICE_REFUSAL
    else:
        assert isinstance(outcome, Proposal)
        assert outcome.side is side


@pytest.mark.parametrize("style", ["maker", "taker"])
def test_nothing_and_a_whole_dollar_are_never_traded(style: Style) -> None:
    for seen in (quote(99, 100), quote(100, 100), quote(0, 1), quote(0, 0), quote(None, None)):
        outcome = judge(strategy(style=style, min_depth=0, max_spread="100000"), seen)
        assert isinstance(outcome, Refusal) or 0 < outcome.price < 10_000
    assert judge(strategy(), quote(99, 100)) == PRICE_REFUSAL
    assert judge(strategy(), quote(0, 1)) == PRICE_REFUSAL


def test_a_price_off_the_markets_grid_is_not_traded() -> None:
    assert judge(strategy(), quote(94.9, 95.1)) == PRICE_REFUSAL
    tapered = market(grid=TAPERED_DECI_CENTS)
    assert proposed(strategy(), quote(94.9, 95.1), tapered).price == 9_510


def test_uneven_thresholds_are_named_by_the_side_bought() -> None:
    outcome = judge(strategy(favourite=92, longshot=5), quote(50, 51))
    assert outcome == Refusal(FunnelStepName.PRICE, "not YES 92-99c or NO 95-99c")


def test_a_market_that_takes_no_orders_is_not_judged() -> None:
    closed = Refusal(FunnelStepName.SCANNED, "not open")
    assert judge(strategy(), quote(91, 92), market(status=MarketStatus.INACTIVE)) == closed
    assert judge(strategy(), quote(91, 92), now_ns=200) == closed
    assert isinstance(judge(strategy(), quote(91, 92), now_ns=199), Proposal)


# --- liquidity and spread ---------------------------------------------------------------------------


def test_a_quote_needs_two_sides() -> None:
    one_sided = Refusal(FunnelStepName.LIQUIDITY, "one-sided")
    assert judge(strategy(), quote(None, 95)) == one_sided
    assert judge(strategy(style="maker"), quote(95, None)) == one_sided


def test_a_crossed_or_locked_quote_is_not_traded() -> None:
    for seen in (quote(95, 94), quote(95, 95)):
        assert judge(strategy(), seen) == Refusal(FunnelStepName.LIQUIDITY, "crossed or locked")


def test_the_displayed_size_must_reach_the_minimum() -> None:
    too_thin = Refusal(FunnelStepName.LIQUIDITY, "size < 10")
    assert judge(strategy(), quote(91, 92, size=9)) == too_thin
    assert isinstance(judge(strategy(), quote(91, 92, size=10)), Proposal)
    ample, thin = Count(100_000), Count(999)
    lopsided = Quote(Level(Price(9_100), ample), Level(Price(9_200), thin))
    assert judge(strategy(), lopsided) == too_thin
    assert isinstance(judge(strategy(style="maker"), lopsided), Proposal)


def test_the_spread_may_reach_the_limit() -> None:
    # 2c of a 91c mid are 219.78 bps.
    assert judge(strategy(), quote(90, 92)) == Refusal(FunnelStepName.SPREAD, "over 200 bps")
    # 1.80c of a 90c mid are 200 bps.
    tapered = market(grid=TAPERED_DECI_CENTS)
    assert isinstance(
        judge(strategy(), Quote(Level(Price(8_910), Count(9_999)), quote(0, 90.9).ask), tapered), Proposal
    )
    wider = Quote(Level(Price(8_909), Count(9_999)), quote(0, 90.9).ask)
    assert judge(strategy(), wider, tapered) == Refusal(FunnelStepName.SPREAD, "over 200 bps")


def test_a_no_favourite_is_judged_by_the_spread_of_no() -> None:
    # 1c is 1,176 bps of a YES mid of 8.5c and 109 bps of the NO mid of 91.5c.
    assert isinstance(judge(strategy(), quote(8, 9)), Proposal)
    assert judge(strategy(), quote(8, 10)) == Refusal(FunnelStepName.SPREAD, "over 200 bps")


# --- edge after fees --------------------------------------------------------------------------------


def test_the_takers_fee_comes_off_the_edge() -> None:
    # 0.07 x 0.90 x 0.10 = 0.63c a contract: 93 - 90 - 0.63 = 2.37c.
    assert proposed(strategy(edge=Sure(9_300)), quote(89, 90)).fee_per_contract == 6_300
    enough = strategy(edge=Sure(9_300), min_edge="0.0237")
    assert isinstance(judge(enough, quote(89, 90)), Proposal)
    short = strategy(edge=Sure(9_300), min_edge="0.023701")
    assert judge(short, quote(89, 90)) == Refusal(FunnelStepName.EDGE, "< 0.023701 $")


def test_a_maker_pays_no_fee_where_makers_are_free() -> None:
    maker = strategy(style="maker", edge=Sure(9_300), min_edge="0.03")
    assert proposed(maker, quote(90, 91)).fee_per_contract == 0
    charged = market(fees=FeeTerms("quadratic_with_maker_fees"))
    assert judge(maker, quote(90, 91), charged) == Refusal(FunnelStepName.EDGE, "< 0.03 $")


def test_the_fee_is_estimated_by_the_order_not_rounded_up_by_the_contract() -> None:
    fees = KalshiFees(AccountPrecision.BROKER_CLEARED)
    # 100 contracts cost 13.72c in fees, 14c on an account kept in whole cents.
    assert proposed(strategy(fees=fees), quote(97, 98)).fee_per_contract == 1_400


def test_a_share_of_profit_is_charged_as_often_as_it_is_expected() -> None:
    # 7 % of the 10c won, nine times in ten and a bit: 0.7c x 0.93.
    trade = proposed(strategy(edge=Sure(9_300), fees=ProfitFees()), quote(89, 90))
    assert trade.fee_per_contract == 6_510


@pytest.mark.parametrize("fees", [None, FeeTerms("a rule of tomorrow")])
def test_an_unknown_fee_refuses(fees: FeeTerms | None) -> None:
    assert judge(strategy(), quote(91, 92), market(fees=fees)) == Refusal(FunnelStepName.EDGE, "fee unknown")


def test_no_estimate_refuses() -> None:
    assert judge(strategy(edge=Sure(None)), quote(91, 92)) == Refusal(FunnelStepName.EDGE, "no estimate")


def test_with_the_published_table_no_taker_trades_at_any_price() -> None:
    harvester = strategy(edge=TableEdge(), min_edge="0")
    outcomes = [judge(harvester, quote(cents, cents + 1)) for cents in range(1, 99)]
    assert not any(isinstance(outcome, Proposal) for outcome in outcomes)


def test_with_the_guides_minimum_not_even_a_maker_trades_on_the_table() -> None:
    outcomes = [
        judge(strategy(style="maker", edge=TableEdge(), min_edge="0.03"), quote(cents, cents + 1))
        for cents in range(1, 99)
    ]
    assert not any(isinstance(outcome, Proposal) for outcome in outcomes)
    lower = strategy(style="maker", edge=TableEdge(), min_edge="0.01")
    assert isinstance(judge(lower, quote(92, 93)), Proposal)


def test_three_points_over_mid_pass_two_cents_and_never_three() -> None:
    points = ConstantEdge(Decimal(3))
    assert isinstance(judge(strategy(edge=points, min_edge="0.02"), quote(95, 96)), Proposal)
    strict = strategy(edge=points, min_edge="0.03", max_spread="100000")
    outcomes = [judge(strict, quote(cents, cents + 1)) for cents in range(1, 99)]
    assert not any(isinstance(outcome, Proposal) for outcome in outcomes)


prices = st.one_of(st.none(), st.integers(0, 100))


@given(prices, prices, st.sampled_from(["maker", "taker"]), st.integers(0, 10_000), st.integers(0, 30))
def test_whatever_is_quoted_a_proposal_keeps_every_rule(
    bid: int | None, ask: int | None, style: Style, probability: int, size: int
) -> None:
    outcome = judge(strategy(style=style, edge=Sure(probability), min_edge="0.01"), quote(bid, ask, size))
    if isinstance(outcome, Refusal):
        return
    assert bid is not None
    assert ask is not None
    assert 0 < bid < ask < 100
    assert size >= 10
    paid = outcome.side.price_paid(outcome.price)
    assert 9_000 <= paid <= 9_900
    assert outcome.fee_per_contract is not None
    assert 100 * (probability - paid) - outcome.fee_per_contract >= 10_000


# --- the same, in integers and for many quotes at once -----------------------------------------------


ten_thousandths = st.one_of(st.integers(0, 10_000), st.integers(8_800, 10_000), st.integers(0, 1_200))
limits_bps = st.one_of(
    st.sampled_from(["0", "200.0", "100000"]),
    st.decimals(0, 100_000, places=4).map(str),
    st.decimals(150, 250, places=12).map(str),
)
EVERY_PRICE = PriceGrid((PriceRange(Price(0), Price(10_000), Price(1)),))


@given(st.integers(5_000, 9_899), st.integers(1, 4_899), limits_bps)
def test_a_spread_is_compared_with_the_limit_exactly(ask: int, spread: int, max_spread: str) -> None:
    """Of YES at a price, and of NO at the same."""
    bid, size, of = ask - spread, Count(1_000), market(grid=EVERY_PRICE)
    yes = Quote(Level(Price(bid), size), Level(Price(ask), size))
    no = Quote(Level(Price(10_000 - ask), size), Level(Price(10_000 - bid), size))
    too_wide = Refusal(FunnelStepName.SPREAD, f"over {Decimal(max_spread).normalize():f} bps")
    is_too_wide = Fraction(20_000 * spread, bid + ask) > Fraction(max_spread)
    of_yes = judge(strategy(favourite=50, longshot=1, max_spread=max_spread), yes, of)
    of_no = judge(strategy(favourite=99, longshot=50, max_spread=max_spread), no, of)
    assert (of_yes == too_wide, of_no == too_wide) == (is_too_wide, is_too_wide)


@given(st.integers(9_000, 9_899), st.integers(1, 1_000), st.decimals(0, "0.05", places=9))
def test_an_edge_is_compared_with_the_least_one_exactly(price: int, points: int, least: Decimal) -> None:
    probability = min(price + points, 9_900)
    seen = Quote(Level(Price(price - 1), Count(1_000)), Level(Price(price), Count(1_000)))
    outcome = judge(strategy(edge=Sure(probability), min_edge=f"{least:f}"), seen, market(grid=EVERY_PRICE))
    fee = KalshiFees().on_trade(QUADRATIC, Price(price), Count(10_000), is_taker=True)
    edge = 100 * (probability - price) - -(-fee // 100)
    assert isinstance(outcome, Proposal) == (edge >= Fraction(least) * 1_000_000)


def looked_ahead(judged: FavouriteLongshot, rows: list[tuple[int, int, int, int]]) -> list[bool]:
    """What it says of rows of bid, ask and their sizes, as a recording holds them."""
    bid, ask, bid_size, ask_size = zip(*rows, strict=True)
    quotes = Quotes(
        np.zeros(len(rows), dtype=np.int64),
        np.zeros(len(rows), dtype=np.int32),
        np.array(bid, dtype=np.int16),
        np.array(ask, dtype=np.int16),
        np.array(bid_size, dtype=np.int32),
        np.array(ask_size, dtype=np.int32),
    )
    return [bool(each) for each in judged.may_act(quotes)]


def as_quote(bid: int, ask: int, bid_size: int, ask_size: int, assumed: int) -> Quote:
    """The quote that a row stands for, if a size that was not recorded is ``assumed``."""
    bid_size, ask_size = (assumed if size < 0 else size for size in (bid_size, ask_size))
    return Quote(
        Level(Price(bid), Count(bid_size)) if bid else None,
        Level(Price(ask), Count(ask_size)) if ask < 10_000 else None,
    )


sizes = st.one_of(st.just(-1), st.integers(0, 3_000))
rows_of_quotes = st.lists(st.tuples(ten_thousandths, ten_thousandths, sizes, sizes), min_size=1, max_size=20)
edges = st.one_of(
    st.just(Sure(9_900)), st.just(ConstantEdge(Decimal(3))), st.just(TableEdge()), st.just(Sure(None))
)


@given(
    rows=rows_of_quotes,
    style=st.sampled_from(["maker", "taker"]),
    edge=edges,
    zones=st.tuples(st.integers(50, 99), st.integers(1, 50)),
    max_spread=limits_bps,
    min_depth=st.integers(0, 20),
    grid=st.sampled_from([WHOLE_CENTS, TAPERED_DECI_CENTS, EVERY_PRICE]),
    fees=st.sampled_from([None, QUADRATIC, FeeTerms("quadratic_with_maker_fees")]),
    assumed=st.integers(0, 10_000),
)
def test_a_quote_it_would_trade_on_is_never_skipped(
    rows: list[tuple[int, int, int, int]],
    style: Style,
    edge: EdgeModel,
    zones: tuple[int, int],
    max_spread: str,
    min_depth: int,
    grid: PriceGrid,
    fees: FeeTerms | None,
    assumed: int,
) -> None:
    judged: SkipsAhead = strategy(
        style=style, edge=edge, favourite=zones[0], longshot=zones[1], max_spread=max_spread,
        min_depth=min_depth,
    )  # fmt: skip
    assert isinstance(judged, FavouriteLongshot)
    of = market(grid=grid, fees=fees)
    for row, may_act in zip(rows, looked_ahead(judged, rows), strict=True):
        if isinstance(judge(judged, as_quote(*row, assumed), of), Proposal):
            assert may_act


@given(rows=rows_of_quotes, style=st.sampled_from(["maker", "taker"]), max_spread=limits_bps)
def test_only_quotes_that_pass_price_liquidity_and_spread_are_looked_at(
    rows: list[tuple[int, int, int, int]], style: Style, max_spread: str
) -> None:
    judged = strategy(style=style, max_spread=max_spread)
    for row, may_act in zip(rows, looked_ahead(judged, rows), strict=True):
        outcome = judge(judged, as_quote(*row, assumed=1_000), market(grid=EVERY_PRICE))
        assert may_act == (isinstance(outcome, Proposal) or outcome.step is FunnelStepName.EDGE)


def test_looking_ahead_knows_the_edges_of_every_rule() -> None:
    full = 1_000
    rows = [
        (9_100, 9_200, full, full), (8_800, 8_900, full, full), (0, 9_200, 0, full), (800, 900, full, full),
        (9_200, 10_000, full, 0), (9_200, 9_200, full, full), (9_100, 9_200, full, full - 1),
        (9_100, 9_200, full, -1), (9_000, 9_200, full, full), (8_910, 9_090, full, full),
    ]  # fmt: skip
    taken = [True, False, False, True, False, False, False, True, False, True]
    assert looked_ahead(strategy(), rows) == taken
