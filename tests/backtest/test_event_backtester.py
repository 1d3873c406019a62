"""The guide's backtester, told one event at a time: fills, fees, sales, latency, resolution and metrics."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.backtest.event_backtester import (
    EventBacktester,
    FeeSchedule,
    OrderAction,
    OrderSide,
    OrderState,
    SlippageModel,
)

YES, NO = OrderSide.YES, OrderSide.NO
BUY, SELL = OrderAction.BUY, OrderAction.SELL
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
TICKER = "KXRAIN-26MAR02-LAX"
NO_SLIPPAGE = SlippageModel(0, 0)
SEVEN_PERCENT = FeeSchedule(profit_fee_rate=0.07)


def snapshot(bid: float, ask: float, size: float = 1_000) -> dict[str, float]:
    return {"yes_bid": bid, "yes_ask": ask, "yes_bid_size": size, "yes_ask_size": size}


def backtester(fees: FeeSchedule | None = None, **options: float) -> EventBacktester:
    return EventBacktester(fees, NO_SLIPPAGE, 10_000, **options)  # type: ignore[arg-type]


# --- orders ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("side", "yes_bid", "yes_ask", "price"), [(YES, 88, 90, 90), (NO, 10, 12, 90), (YES, 10, 12, 12)]
)
def test_a_purchase_pays_what_its_outcome_is_offered_at(
    side: OrderSide, yes_bid: float, yes_ask: float, price: float
) -> None:
    tested = backtester()
    order = tested.submit_order(NOON, TICKER, side, BUY, 10, snapshot(yes_bid, yes_ask))
    assert (order.state, order.filled_contracts, order.average_price) == (OrderState.FILLED, 10, price)
    assert tested.position(TICKER) == (10 if side is YES else -10)
    assert tested.cash == pytest.approx(10_000 - price / 10 - order.fee, abs=1e-9)


def test_an_order_takes_no_more_than_is_displayed_and_is_partial() -> None:
    tested = backtester()
    order = tested.submit_order(NOON, TICKER, YES, BUY, 25, snapshot(88, 90, 10))
    assert (order.state, order.filled_contracts) == (OrderState.PARTIAL, 10)
    assert order.reason == "nobody offered more at that price"
    # What was taken is gone until the display changes.
    again = tested.submit_order(NOON, TICKER, YES, BUY, 25, snapshot(88, 90, 10))
    assert (again.state, again.filled_contracts) == (OrderState.CANCELLED, 0)
    anew = tested.submit_order(NOON + HOUR, TICKER, YES, BUY, 25, snapshot(88, 90, 12))
    assert anew.filled_contracts == 12
    assert tested.get_metrics()["orders"] == {"partial": 2, "cancelled": 1}


def test_a_size_that_is_not_known_fills_nothing_unless_one_is_assumed() -> None:
    for unknown in ({}, {"yes_ask_size": None}, {"yes_ask_size": float("nan")}):
        prices = {"yes_bid": 88, "yes_ask": 90} | unknown
        assert backtester().submit_order(NOON, TICKER, YES, BUY, 5, prices).state is OrderState.CANCELLED
        assumed = backtester(assumed_depth=3).submit_order(NOON, TICKER, YES, BUY, 5, prices)
        assert (assumed.state, assumed.filled_contracts) == (OrderState.PARTIAL, 3)


@pytest.mark.parametrize(
    "shown", [snapshot(0, 100), snapshot(60, 55), {"yes_bid": 88, "yes_ask": float("nan")}, None]
)
def test_where_nothing_can_be_taken_an_order_is_rejected(shown: dict[str, float] | None) -> None:
    order = backtester().submit_order(NOON, TICKER, YES, BUY, 5, shown)
    assert order.state is OrderState.REJECTED
    assert "nobody offers" in order.reason


def test_a_sale_reduces_what_is_held_and_nothing_more() -> None:
    tested = backtester()
    tested.submit_order(NOON, TICKER, YES, BUY, 10, snapshot(88, 90))
    part = tested.submit_order(NOON, TICKER, YES, SELL, 4, snapshot(94, 95))
    assert (part.state, part.average_price, tested.position(TICKER)) == (OrderState.FILLED, 94, 6)
    more = tested.submit_order(NOON, TICKER, YES, SELL, 10, snapshot(94, 95, 999))
    assert (more.state, more.filled_contracts, tested.position(TICKER)) == (OrderState.PARTIAL, 6, 0)
    assert more.reason == "no more of that outcome is held"
    for side in (YES, NO):
        nothing = tested.submit_order(NOON, TICKER, side, SELL, 1, snapshot(94, 95))
        assert (nothing.state, tested.position(TICKER)) == (OrderState.CANCELLED, 0)


def test_the_average_entry_is_that_of_the_side_that_was_bought() -> None:
    tested = backtester()
    tested.submit_order(NOON, TICKER, NO, BUY, 10, snapshot(10, 12))
    tested.submit_order(NOON, TICKER, NO, BUY, 10, snapshot(20, 22))
    tested.submit_order(NOON, TICKER, NO, SELL, 5, snapshot(2, 4))
    trade = tested.resolve_market(TICKER, "no", NOON + HOUR)
    assert trade is not None
    assert (trade.side, trade.contracts, trade.entry_price) == ("no", 20, 85)
    assert trade.gross_pnl == pytest.approx(5 * 0.11 + 15 * 0.15)
    assert trade.exit_price == pytest.approx((5 * 96 + 15 * 100) / 20)


@given(
    st.integers(2, 97),
    st.integers(1, 20),
    st.integers(1, 20),
    st.booleans(),
    st.sampled_from(["yes", "no", 50]),
)
def test_the_four_names_of_a_trade_are_two_directions_with_the_same_cash(
    price: int, held: int, count: int, holds_yes: bool, resolution: str | int
) -> None:
    """Selling what is held is buying the other outcome; both are charged alike."""
    count = min(count, held)
    cash = set()
    side, other = (YES, NO) if holds_yes else (NO, YES)
    for name, action in ((side, SELL), (other, BUY)):
        tested = backtester()
        tested.submit_order(NOON, TICKER, side, BUY, held, snapshot(price, price + 1))
        tested.submit_order(NOON, TICKER, name, action, count, snapshot(price, price + 1, 500))
        between = tested.cash
        tested.resolve_market(TICKER, resolution, NOON + HOUR)
        cash.add((between, tested.cash, tested.position(TICKER)))
    assert len(cash) == 1


def test_an_order_may_rest_and_fills_behind_the_queue() -> None:
    tested = backtester()
    order = tested.submit_order(NOON, TICKER, YES, BUY, 10, snapshot(88, 90, 20), limit_price=88, rests=True)
    assert order.state is OrderState.RESTING
    tested.record_trade(NOON + HOUR, TICKER, 88, 25, NO)
    assert (order.state, order.filled_contracts) == (OrderState.PARTIAL, 5)
    tested.update_market(NOON + 2 * HOUR, TICKER, snapshot(86, 87))
    assert (order.state, order.average_price) == (OrderState.FILLED, 88)


def test_what_rests_can_be_cancelled_and_ends_with_its_market() -> None:
    tested = backtester()
    first, second = (
        tested.submit_order(NOON, TICKER, YES, BUY, 10, snapshot(88, 90), limit_price=price, rests=True)
        for price in (87, 88)
    )
    tested.cancel_order(NOON, first)
    assert (first.state, second.state) == (OrderState.CANCELLED, OrderState.RESTING)
    assert tested.resolve_market(TICKER, "yes", NOON + HOUR) is None
    assert (second.state, second.reason) == (OrderState.CANCELLED, "the market resolved")
    late = tested.submit_order(NOON + HOUR, TICKER, YES, BUY, 10, snapshot(88, 90))
    assert (late.state, late.reason) == (OrderState.REJECTED, "the market has resolved")


def test_nothing_is_bought_without_the_cash_for_it() -> None:
    poor = EventBacktester(None, NO_SLIPPAGE, 9)
    order = poor.submit_order(NOON, TICKER, YES, BUY, 10, snapshot(88, 90))
    assert (order.state, order.reason) == (OrderState.REJECTED, "not enough cash")


# --- latency and skew -----------------------------------------------------------------------------------


def after_a_move(latency_ms: float = 0, clock_skew_ms: float = 0) -> tuple[OrderState, float | None]:
    """What becomes of an order up to 92c when the ask goes from 90 to 91 half a second later."""
    tested = backtester(latency_ms=latency_ms, clock_skew_ms=clock_skew_ms)
    order = tested.submit_order(NOON, TICKER, YES, BUY, 10, snapshot(88, 90), limit_price=92)
    tested.update_market(NOON + timedelta(seconds=0.5), TICKER, snapshot(88, 91))
    tested.update_market(NOON + timedelta(seconds=5), TICKER, snapshot(88, 95))
    return order.state, order.average_price


def test_latency_changes_what_an_order_meets() -> None:
    assert after_a_move() == (OrderState.FILLED, 90)
    assert after_a_move(latency_ms=200) == (OrderState.FILLED, 90)
    assert after_a_move(latency_ms=1_000) == (OrderState.FILLED, 91)
    assert after_a_move(latency_ms=10_000) == (OrderState.PENDING, None)
    tested = backtester(latency_ms=1_000)
    order = tested.submit_order(NOON, TICKER, YES, BUY, 10, snapshot(88, 90))
    tested.update_market(NOON + HOUR, TICKER, snapshot(88, 90))
    assert (order.state, tested.result().fills[0].fill.at_ns) == (
        OrderState.FILLED,
        int(NOON.timestamp() + 1) * 1_000_000_000,
    )


def test_a_price_that_is_gone_when_the_order_arrives_is_missed() -> None:
    tested = backtester(latency_ms=1_000)
    order = tested.submit_order(NOON, TICKER, YES, BUY, 10, snapshot(88, 90))
    tested.update_market(NOON + timedelta(seconds=0.5), TICKER, snapshot(88, 91))
    tested.update_market(NOON + timedelta(seconds=5), TICKER, snapshot(88, 91))
    assert order.state is OrderState.CANCELLED


@pytest.mark.parametrize(("latency_ms", "price"), [(999, 92), (1_000, None), (1_001, None)])
def test_an_order_meets_what_is_displayed_at_the_moment_it_arrives(
    latency_ms: float, price: float | None
) -> None:
    """On bars of a second, a latency of a second would otherwise cost nothing; nor when two markets move."""
    tested = backtester(latency_ms=latency_ms)
    order = tested.submit_order(NOON, TICKER, YES, BUY, 10, snapshot(90, 92))
    tested.update_market(NOON + SECOND, "KXOTHER-26MAR02-X", snapshot(40, 42))
    tested.update_market(NOON + SECOND, TICKER, snapshot(93, 95))
    tested.result()
    assert order.average_price == price


def test_an_order_that_arrives_with_a_print_or_the_resolution_is_too_late_for_them() -> None:
    tested = backtester(latency_ms=1_000)
    rested = tested.submit_order(NOON, TICKER, YES, BUY, 10, snapshot(0, 92), limit_price=91, rests=True)
    tested.record_trade(NOON + SECOND, TICKER, 90, 10, NO)
    late = tested.submit_order(NOON + SECOND, TICKER, YES, BUY, 10)
    tested.resolve_market(TICKER, "yes", NOON + 2 * SECOND)
    tested.result()
    assert rested.filled_contracts == 0
    assert (late.state, tested.position(TICKER)) == (OrderState.REJECTED, 0)


def test_a_clock_that_is_behind_sends_orders_later_than_it_says() -> None:
    assert after_a_move(clock_skew_ms=-1_000) == (OrderState.FILLED, 91)
    assert after_a_move(clock_skew_ms=-300, latency_ms=300) == (OrderState.FILLED, 91)
    assert after_a_move(clock_skew_ms=-10_000) == (OrderState.PENDING, None)


def test_a_clock_that_is_ahead_sends_orders_earlier_than_it_says() -> None:
    assert after_a_move(clock_skew_ms=300, latency_ms=700) == (OrderState.FILLED, 90)
    tested = backtester(clock_skew_ms=2_000)
    tested.submit_order(NOON, TICKER, YES, BUY, 10, snapshot(88, 90))
    filled_ns = tested.result().fills[0].fill.at_ns
    assert filled_ns == int(NOON.timestamp() - 2) * 1_000_000_000


def test_events_out_of_order_are_refused() -> None:
    tested = backtester()
    tested.update_market(NOON, TICKER, snapshot(88, 90))
    with pytest.raises(ValueError, match="in order of time"):
        tested.update_market(NOON - HOUR, TICKER, snapshot(88, 90))


# --- fees -----------------------------------------------------------------------------------------------


def test_the_exchanges_fee_is_charged_to_winners_and_losers_alike() -> None:
    for resolution in ("yes", "no"):
        tested = backtester()
        order = tested.submit_order(NOON, TICKER, YES, BUY, 100, snapshot(88, 90))
        trade = tested.resolve_market(TICKER, resolution, NOON + HOUR)
        assert trade is not None
        assert order.fee == trade.fee == tested.get_metrics()["total_fees"] == 0.63


def test_a_fee_is_rounded_by_order_and_not_by_contract() -> None:
    tested = backtester()
    order = tested.submit_order(NOON, TICKER, YES, BUY, 100, snapshot(0, 99))
    assert order.fee == pytest.approx(0.0693)


def test_the_schedule_is_that_of_the_series_and_date() -> None:
    for ticker, fee in (("KXINXU-26MAR02-B1", 0.875), (TICKER, 1.75), ("KXINXU-26JUL10-B1", 1.75)):
        when = NOON + (130 * DAY if "JUL" in ticker else timedelta(0))
        order = backtester().submit_order(when, ticker, YES, BUY, 100, snapshot(49, 50))
        assert order.fee == fee


def test_seven_percent_of_profit_is_charged_once_when_the_market_resolves() -> None:
    tested = backtester(SEVEN_PERCENT)
    order = tested.submit_order(NOON, TICKER, YES, BUY, 100, snapshot(48, 50))
    tested.submit_order(NOON, TICKER, YES, SELL, 50, snapshot(60, 62))
    assert order.fee == 0
    assert tested.cash == 10_000 - 50 + 30
    trade = tested.resolve_market(TICKER, "yes", NOON + HOUR)
    assert trade is not None
    # 5 $ were made by selling, 25 $ by the payout.
    assert (trade.gross_pnl, trade.fee) == (30, 2.1)
    assert tested.cash == pytest.approx(10_000 + 30 - 2.1)
    assert tested.get_metrics()["total_fees"] == 2.1


def test_a_profit_taken_by_selling_owes_its_share_before_the_market_resolves() -> None:
    tested = backtester(SEVEN_PERCENT)
    tested.submit_order(NOON, TICKER, YES, BUY, 100, snapshot(48, 50))
    tested.submit_order(NOON, TICKER, YES, SELL, 100, snapshot(60, 62))
    before = tested.get_metrics()
    assert (before["total_fees"], before["total_pnl"]) == (0.7, 9.3)
    assert tested.cash == 10_010
    assert tested.resolve_market(TICKER, "no", NOON + HOUR) is None
    after = tested.get_metrics()
    assert (after["total_fees"], after["total_pnl"]) == (0.7, 9.3)
    assert tested.cash == pytest.approx(10_009.3)


def test_losers_pay_no_share() -> None:
    tested = backtester(SEVEN_PERCENT)
    tested.submit_order(NOON, TICKER, YES, BUY, 100, snapshot(88, 90))
    trade = tested.resolve_market(TICKER, "no", NOON + HOUR)
    assert trade is not None
    assert (trade.fee, trade.net_pnl) == (0, -90)
    assert math.isnan(tested.get_metrics()["fee_pct_of_pnl"])


@pytest.mark.parametrize("rate", [-0.01, 1.01, float("nan"), 0.00001])
def test_a_rate_that_is_no_share_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="profit_fee_rate is"):
        FeeSchedule(profit_fee_rate=rate)


# --- slippage -------------------------------------------------------------------------------------------


def test_slippage_costs_cash_by_size_and_makes_no_price_of_its_own() -> None:
    tested = EventBacktester(SEVEN_PERCENT)
    order = tested.submit_order(NOON, TICKER, YES, BUY, 100, snapshot(88, 90, 200))
    assert (order.average_price, order.slippage, order.fee) == (90, 0.09, 0)
    trade = tested.resolve_market(TICKER, "yes", NOON + HOUR)
    assert trade is not None
    assert trade.slippage_bps == pytest.approx(10)
    assert trade.net_pnl == pytest.approx(10 - 0.7 - 0.09)
    metrics = tested.get_metrics()
    assert (metrics["slippage_cost"], metrics["total_fees"]) == (0.09, 0.7)
    assert metrics["total_pnl"] == pytest.approx(10 - 0.7 - 0.09)


def test_unknown_depth_is_not_free() -> None:
    prices = {"yes_bid": 88.0, "yes_ask": 90.0}
    assumed = EventBacktester(SEVEN_PERCENT, assumed_depth=100)
    order = assumed.submit_order(NOON, TICKER, YES, BUY, 100, prices)
    assert order.slippage == pytest.approx(90 * 0.0015)


def test_slippage_is_measured_against_the_touch_at_the_decision() -> None:
    tested = backtester(latency_ms=1_000)
    tested.submit_order(NOON, TICKER, YES, BUY, 10, snapshot(78, 80), limit_price=99)
    tested.update_market(NOON + timedelta(seconds=0.5), TICKER, snapshot(80, 82))
    trade = tested.resolve_market(TICKER, "yes", NOON + HOUR)
    assert trade is not None
    assert trade.slippage_bps == pytest.approx(250)


def test_a_trades_slippage_is_that_of_its_own_fills() -> None:
    """Sold and bought anew, and more, within one moment."""
    tested = EventBacktester()
    tested.submit_order(NOON, TICKER, YES, BUY, 5, snapshot(89, 90, 100))
    tested.submit_order(NOON, TICKER, YES, SELL, 5)
    tested.submit_order(NOON, TICKER, YES, BUY, 50)
    tested.resolve_market(TICKER, "yes", NOON + HOUR)
    trades = tested.get_trades_df()
    touched = pd.Series([5 * (0.90 + 0.11), 50 * 0.90])
    assert trades["slippage_bps"].tolist() == pytest.approx((trades["slippage"] / touched * 10_000).tolist())


# --- metrics --------------------------------------------------------------------------------------------


def test_nothing_traded_is_nothing_known() -> None:
    tested = EventBacktester()
    metrics = tested.get_metrics()
    assert (metrics["total_trades"], metrics["total_pnl"], metrics["total_fees"]) == (0, 0, 0)
    assert metrics["sharpe_ratio"] is None
    assert metrics["win_rate"] is None
    assert math.isnan(metrics["fee_pct_of_pnl"])
    trades = tested.get_trades_df()
    assert len(trades) == 0
    assert trades["slippage_bps"].dtype == "float64"


def test_metrics_of_a_winner_and_a_loser() -> None:
    tested = backtester()
    for day, (ticker, resolution) in enumerate((("KXA-1", "yes"), ("KXB-1", "no"), ("KXC-1", "yes"))):
        when = NOON + day * DAY
        tested.submit_order(when, ticker, YES, BUY, 100, snapshot(48, 50))
        tested.resolve_market(ticker, resolution, when + HOUR)
    metrics, trades = tested.get_metrics(), tested.get_trades_df()
    assert metrics["total_pnl"] == pytest.approx(50 - 3 * 1.75)
    assert metrics["total_pnl"] == pytest.approx(trades["net_pnl"].sum())
    assert metrics["fee_pct_of_pnl"] == pytest.approx(100 * 5.25 / 50)
    assert metrics["win_rate"] == pytest.approx(2 / 3)
    assert metrics["net_bps"] == pytest.approx(10_000 * 44.75 / 150)
    # From the first winner's high past the loss to the third purchase, marked 2c below what it cost.
    assert metrics["max_drawdown"] == pytest.approx(51.75 + 3.75)
    equity = pd.Series([10_000, 10_048.25, 9_996.5, 10_044.75])
    returns = equity.pct_change().dropna()
    assert metrics["sharpe_ratio"] == pytest.approx(returns.mean() / returns.std() * math.sqrt(365))
    assert list(trades["holding_period_hours"]) == [1, 1, 1]


def test_basis_points_weigh_contracts() -> None:
    tested = backtester(SEVEN_PERCENT)
    for ticker, contracts, resolution in (("KXA-1", 1, "no"), ("KXB-1", 99, "yes")):
        tested.submit_order(NOON, ticker, YES, BUY, contracts, snapshot(48, 50))
        tested.resolve_market(ticker, resolution, NOON)
    assert tested.get_metrics()["net_bps"] == pytest.approx(10_000 * (49.5 * 0.93 - 0.5) / 50)


def test_drawdown_has_the_marks_of_what_is_still_open() -> None:
    tested = backtester()
    tested.submit_order(NOON, TICKER, YES, BUY, 100, snapshot(89, 90))
    tested.update_market(NOON + HOUR, TICKER, snapshot(30, 40))
    tested.update_market(NOON + 2 * HOUR, TICKER, snapshot(89, 90))
    metrics = tested.get_metrics()
    assert metrics["max_drawdown"] == pytest.approx(60.63)
    assert metrics["total_pnl"] == pytest.approx(-1.63)
    assert (metrics["total_trades"], metrics["open_trades"]) == (0, 1)


def test_a_position_nobody_would_take_has_no_known_worth() -> None:
    tested = backtester()
    tested.submit_order(NOON, TICKER, YES, BUY, 100, snapshot(89, 90))
    tested.update_market(NOON + HOUR, TICKER, snapshot(0, 90))
    assert tested.get_metrics()["total_pnl"] is None
    tested.resolve_market(TICKER, "yes", NOON + 2 * HOUR)
    assert tested.get_metrics()["total_pnl"] == pytest.approx(9.37)


def test_a_tie_pays_half() -> None:
    tested = backtester()
    tested.submit_order(NOON, TICKER, NO, BUY, 10, snapshot(40, 42))
    trade = tested.resolve_market(TICKER, 50, NOON + HOUR)
    assert trade is not None
    assert (trade.exit_price, trade.gross_pnl) == (50, -1)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([YES, NO]),
            st.sampled_from([BUY, BUY, SELL]),
            st.integers(1, 60),
            st.integers(2, 97),
            st.integers(0, 40),
        ),
        max_size=12,
    ),
    st.sampled_from(["yes", "no", 37.5]),
    st.sampled_from([FeeSchedule(), SEVEN_PERCENT]),
)
def test_cash_is_what_the_trades_made(
    orders: list[tuple[OrderSide, OrderAction, int, int, int]], resolution: str | float, fees: FeeSchedule
) -> None:
    tested = EventBacktester(fees)
    for number, (side, action, count, bid, size) in enumerate(orders):
        order = tested.submit_order(
            NOON + number * HOUR, TICKER, side, action, count, snapshot(bid, bid + 2, size)
        )
        assert order.filled_contracts <= min(count, size)
    tested.resolve_market(TICKER, resolution, NOON + DAY)
    metrics, trades = tested.get_metrics(), tested.get_trades_df()
    assert tested.position(TICKER) == 0
    assert tested.cash - 10_000 == pytest.approx(metrics["total_pnl"], abs=1e-6)
    assert trades["net_pnl"].sum() == pytest.approx(metrics["total_pnl"], abs=1e-6)
    assert trades["fee"].sum() == pytest.approx(metrics["total_fees"], abs=1e-6)


# --- what cannot be meant -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shown", "named"),
    [
        ({"yes_bid": 88}, "has no yes_ask"),
        (snapshot(88, 101), "yes_ask is 101, not from 0 to 100 cents"),
        (snapshot(88.001, 90), "yes_bid is 88.001, not a number of at most 2 decimals"),
        (snapshot(88, 90, -1), "size is -1, not a number of contracts"),
        ({"yes_bid": "cheap", "yes_ask": 90}, "yes_bid is cheap, not a number"),
        (90, "a market snapshot is a dict or a row with yes_bid and yes_ask, not 90"),
    ],
)
def test_a_snapshot_that_cannot_be_meant_is_refused(shown: dict[str, float], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        backtester().submit_order(NOON, TICKER, YES, BUY, 1, shown)


def test_a_row_of_a_table_is_a_snapshot() -> None:
    table = pd.DataFrame([snapshot(88, 90.1 + 0.2)])
    order = backtester().submit_order(NOON, TICKER, YES, BUY, 1, table.iloc[0])
    assert order.average_price == 90.3


def test_the_sizes_of_tick_files_are_understood() -> None:
    tick = {"yes_bid": 88.0, "yes_ask": 90.0, "bid_size": 7.0, "ask_size": 3.0}
    assert backtester().submit_order(NOON, TICKER, YES, BUY, 9, tick).filled_contracts == 3
    assert backtester().submit_order(NOON, TICKER, NO, BUY, 9, tick).filled_contracts == 7


def test_other_input_that_cannot_be_meant_is_refused() -> None:
    tested = backtester()
    for contracts in (0, -1, 0.001, float("nan")):
        with pytest.raises(ValueError, match="contracts is"):
            tested.submit_order(NOON, TICKER, YES, BUY, contracts, snapshot(88, 90))
    with pytest.raises(ValueError, match="only a purchase with a limit_price can rest"):
        tested.submit_order(NOON, TICKER, YES, SELL, 1, snapshot(88, 90), limit_price=90, rests=True)
    with pytest.raises(ValueError, match="timestamp is NaT, not a time"):
        tested.submit_order(pd.NaT, TICKER, YES, BUY, 1, snapshot(88, 90))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="resolution is 'maybe', not yes, no or the cents"):
        tested.resolve_market(TICKER, "maybe", NOON)
    tested.resolve_market(TICKER, "yes", NOON)
    with pytest.raises(ValueError, match="has resolved before"):
        tested.resolve_market(TICKER, "yes", NOON)
    for capital in (0, -1, float("inf")):
        with pytest.raises(ValueError, match="initial_capital is"):
            EventBacktester(initial_capital=capital)
    with pytest.raises(ValueError, match="latency_ms is -1, below 0"):
        EventBacktester(latency_ms=-1)
    with pytest.raises(ValueError, match="latency_ms is '5', not a number"):
        EventBacktester(latency_ms="5")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"fee_schedule is 0\.07, not a FeeSchedule"):
        EventBacktester(0.07)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"slippage_model is 5\.0, not a SlippageModel"):
        EventBacktester(None, 5.0)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="'best' is not a valid QueueModel"):
        EventBacktester(queue="best")  # type: ignore[arg-type]
    for ticker in (None, 5, ""):
        with pytest.raises(ValueError, match="not the name of a market"):
            EventBacktester().submit_order(NOON, ticker, YES, BUY, 1, snapshot(88, 90))  # type: ignore[arg-type]


@pytest.mark.parametrize("result", [1, "1", 0.5, 1.0])
def test_a_result_in_dollars_is_not_taken_for_cents(result: float | str) -> None:
    with pytest.raises(ValueError, match="which looks like dollars"):
        backtester().resolve_market(TICKER, result, NOON)


def test_prices_in_dollars_are_not_taken_for_cents() -> None:
    with pytest.raises(ValueError, match=r"yes_bid is 0\.88, which looks like dollars"):
        backtester().update_market(NOON, TICKER, snapshot(0.88, 0.93))
    backtester().update_market(NOON, TICKER, snapshot(0.1, 0.4))


def test_a_side_that_pandas_has_no_value_for_is_empty() -> None:
    tested = backtester()
    order = tested.submit_order(NOON, TICKER, YES, BUY, 1, {"yes_bid": 88, "yes_ask": pd.NA})
    assert order.state is OrderState.REJECTED


def test_an_order_that_was_withdrawn_says_so() -> None:
    tested = backtester()
    order = tested.submit_order(NOON, TICKER, YES, BUY, 1, snapshot(88, 90), limit_price=88, rests=True)
    tested.cancel_order(NOON, order)
    assert (order.state, order.reason) == (OrderState.CANCELLED, "it was withdrawn")
