from __future__ import annotations

from decimal import Decimal

import pytest
from engine_builders import (
    FAVOURITE,
    LONGSHOT,
    SECOND,
    START,
    A,
    B,
    C,
    Desk,
    cents,
    contracts,
    desk,
    dollars,
    engine,
    exchange_id,
    market,
    quote,
    records,
    replayed,
    settings,
    submits,
)

from console.config.risk_settings import RiskSettings
from console.domain.account_events import BalanceRead
from console.domain.book import BookSide, Quote
from console.domain.money import Cash, Count
from console.domain.order import OrderStatus
from console.domain.trading_state import TradingState
from console.engine.limit_views import Gauge, SwitchState
from console.engine.picture import Painter, Surroundings
from console.engine.snapshot import Snapshot

AROUND = Surroundings("practice", False, ("practice edge, not measured",), True, None)


def picture(of: Desk) -> Snapshot:
    return Painter().take(of.engine, of.now_ns, AROUND)


def gauge(snapshot: Snapshot, key: str) -> Gauge:
    [found] = [each for each in snapshot.gauges if each.key == key]
    return found


# --- what is not known ----------------------------------------------------------------------------------


def test_before_anything_is_known_no_figure_is_given() -> None:
    snapshot = picture(Desk(engine()))
    assert snapshot.cash is snapshot.equity is snapshot.day_pnl is snapshot.day_open_equity is None
    assert snapshot.feed_age_ns is snapshot.order_round_trip_ns is None
    assert snapshot.exchange.exchange_active is snapshot.exchange.trading_active is None
    of_the_account = [each for each in snapshot.gauges if each.key != "order_rate"]
    assert {each.limit for each in of_the_account} == {None}
    assert {each.age_ns for each in of_the_account} == {None}
    assert gauge(snapshot, "day_loss").used is None
    assert {s.key: s.state for s in snapshot.switches}["daily_loss"] is SwitchState.UNKNOWN


def test_a_position_without_a_mark_makes_its_value_and_the_days_result_unknown() -> None:
    before = desk()
    before.hold(FAVOURITE)
    account, trade_log = replayed(records(before.actions))
    after = Desk(engine(account=account, trade_log=trade_log))
    after.connect(market(A))
    snapshot = picture(after)
    [position] = snapshot.positions
    assert position.mark is None
    assert position.unrealised is None
    assert snapshot.equity is snapshot.day_pnl is None
    assert snapshot.day_open_equity == dollars("10000")
    loss = gauge(snapshot, "day_loss")
    assert loss.used is loss.with_resting is None
    assert loss.limit == dollars("500")
    assert gauge(snapshot, "total").used == position.worst_case > 0
    assert gauge(snapshot, "total").limit is None


def test_nothing_held_is_a_known_nothing() -> None:
    snapshot = picture(desk())
    assert {each.used for each in snapshot.gauges} == {0}
    assert (snapshot.cash, snapshot.equity, snapshot.day_pnl) == (dollars("10000"), dollars("10000"), 0)


def test_ages_are_those_of_the_inputs() -> None:
    trading = desk()
    trading.later(3)
    snapshot = picture(trading)
    assert snapshot.feed_age_ns == 3 * SECOND
    assert {each.age_ns for each in snapshot.gauges if each.key != "order_rate"} == {3 * SECOND}


def test_the_limit_on_orders_a_minute_is_shown_as_it_is_in_force() -> None:
    of_two = settings("maker", RiskSettings(max_orders_per_minute=2))
    trading = desk(of_two)
    trading.ack(trading.enter(FAVOURITE))
    rate = gauge(picture(trading), "order_rate")
    assert (rate.used, rate.limit, rate.unit) == (1, 2, "count")
    trading.later(60)
    assert gauge(picture(trading), "order_rate").used == 0


# --- limits ---------------------------------------------------------------------------------------------

SHARES = RiskSettings(
    max_single_position_pct=Decimal("0.021"),
    max_correlated_group_pct=Decimal("0.033"),
    max_total_exposure_pct=Decimal("0.047"),
    max_daily_loss_dollars=Decimal("123.45"),
)


def full_desk() -> Desk:
    """Orders until every limit is used up: two markets of one group and two of another."""
    markets = (market(A), market(B), market(C, category="Weather"), market("KXD-D", category="Weather"))
    trading = desk(settings("maker", SHARES), *markets)
    for each in markets:
        trading.show(FAVOURITE, each.ticker)
    return trading


@pytest.mark.parametrize(("key", "share"), [("single", "0.021"), ("group", "0.033"), ("total", "0.047")])
def test_the_limit_shown_is_the_limit_orders_stop_at(key: str, share: str) -> None:
    trading = full_desk()
    shown = gauge(picture(trading), key)
    assert shown.limit == dollars("10000") * Decimal(share)
    assert shown.limit is not None
    assert shown.with_resting is not None
    assert shown.limit - dollars("1") < shown.with_resting <= shown.limit


def test_the_daily_limit_shown_is_the_loss_that_halts() -> None:
    with_settings = settings(risk=SHARES)
    trading = desk(with_settings)
    shown = gauge(picture(trading), "day_loss")
    assert shown.limit == dollars("123.45")
    intent = trading.enter(FAVOURITE)
    trading.fill(intent, contracts(1), fee="123.43")
    trading.show(quote(92, 93))
    trading.scan()
    shown = gauge(picture(trading), "day_loss")
    assert (shown.used, trading.state) == (dollars("123.44"), TradingState.RUNNING)
    trading.show(quote(91, 92))
    trading.scan()
    shown = gauge(picture(trading), "day_loss")
    assert shown.used == shown.limit
    assert trading.state is TradingState.HALTED


def test_the_daily_limit_shown_is_the_share_where_that_is_smaller() -> None:
    risk = RiskSettings(max_daily_loss_pct=Decimal("0.01"))
    shown = gauge(picture(desk(settings(risk=risk))), "day_loss")
    assert shown.limit == dollars("100")


# --- the worst case -------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", ["none", "unknown", "acked"])
def test_the_worst_case_includes_orders_that_may_fill(answer: str) -> None:
    trading = desk(settings("maker"), market(A), market(B))
    held = trading.enter(FAVOURITE, A)
    trading.fill(held, contracts(10))
    trading.report(held, OrderStatus.CANCELED, contracts(10))
    resting = trading.enter(LONGSHOT, B)
    if answer == "unknown":
        trading.lose_sight(resting)
    elif answer == "acked":
        trading.ack(resting)
    snapshot = picture(trading)
    total = gauge(snapshot, "total")
    assert total.used == dollars("9.20")
    assert total.with_resting == snapshot.worst_case == dollars("9.20") + resting.worst_cost
    day_loss = gauge(snapshot, "day_loss")
    assert day_loss.used is not None
    assert day_loss.with_resting == day_loss.used + snapshot.worst_case
    assert gauge(snapshot, "single").used == gauge(snapshot, "group").used == dollars("9.20")
    assert gauge(snapshot, "single").detail == B
    assert gauge(snapshot, "group").with_resting == snapshot.worst_case


def test_a_positions_worst_case_includes_the_rest_of_its_order() -> None:
    trading = desk(settings("maker"))
    intent = trading.enter(FAVOURITE)
    trading.ack(intent)
    trading.fill(intent, contracts(10))
    [position] = picture(trading).positions
    assert position.worst_case == intent.worst_cost


# --- positions and orders -------------------------------------------------------------------------------


def test_a_position_is_shown_in_the_prices_of_the_outcome_held() -> None:
    trading = desk()
    intent = trading.enter(LONGSHOT)
    trading.fill(intent, contracts(10), fee="0.05")
    trading.show(quote(4, 5))
    [position] = picture(trading).positions
    assert (position.side, position.contracts) == (BookSide.ASK, contracts(10))
    assert (position.average_price, position.mark) == (cents(93), cents(95))
    assert position.unrealised == dollars("0.20")
    assert position.fees == dollars("0.05")
    assert position.close_ns == market().close_ns


@pytest.mark.parametrize(
    ("shown", "without_buyers"),
    [(FAVOURITE, quote(None, 93)), (LONGSHOT, quote(7, None))],
    ids=["YES", "NO"],
)
def test_a_market_that_lost_its_buyers_is_worth_nothing_and_not_unknown(
    shown: Quote, without_buyers: Quote
) -> None:
    trading = desk()
    trading.hold(shown)
    trading.show(without_buyers)
    [position] = picture(trading).positions
    assert position.mark == 0


def test_a_book_that_is_empty_on_both_sides_says_nothing_and_the_last_mark_stands() -> None:
    trading = desk()
    trading.hold(FAVOURITE)
    trading.show(quote(None, None))
    [position] = picture(trading).positions
    assert position.mark == cents(92)


def test_an_order_is_shown_with_what_is_left_of_it() -> None:
    trading = desk(settings("maker"))
    intent = trading.enter(LONGSHOT)
    [sending] = picture(trading).resting
    assert (sending.status, sending.order_id) == (OrderStatus.SENDING, None)
    trading.ack(intent)
    trading.fill(intent, contracts(10))
    [resting] = picture(trading).resting
    assert (resting.status, resting.order_id) == (OrderStatus.RESTING, exchange_id(intent))
    assert resting.leaves == Count(intent.count - contracts(10))
    assert resting.price == cents(100) - intent.price


def test_counts_fees_and_ids_cover_the_account() -> None:
    trading = desk(None, market(A), market(B))
    filled = trading.hold(FAVOURITE, A, fee="0.07")
    trading.reject(trading.enter(FAVOURITE, B))
    snapshot = picture(trading)
    assert (snapshot.orders, snapshot.fills, snapshot.fees) == (2, 1, dollars("0.07"))
    assert snapshot.order_ids == (exchange_id(filled),)


def test_latches_and_switches_are_shown_as_they_stand() -> None:
    trading = desk()
    trading.pause()
    trading.halt()
    snapshot = picture(trading)
    assert snapshot.state is TradingState.HALTED
    assert [(latch.name, latch.since_ns) for latch in snapshot.latches] == [
        ("manual", START),
        ("pause", START),
    ]
    assert {s.key: s.state for s in snapshot.switches}["manual"] is SwitchState.TRIPPED


def test_the_funnel_ends_with_what_was_sent_and_filled() -> None:
    trading = desk(None, market(A), market(B))
    trading.hold(FAVOURITE, A)
    trading.enter(FAVOURITE, B)
    assert len(submits(trading.actions)) == 2
    reached = {step.label: step.reached for step in picture(trading).funnel}
    assert (reached["sent"], reached["filled"]) == (2, 1)


def test_pictures_are_numbered_from_one_painter() -> None:
    painter, trading = Painter(), desk()
    assert [painter.take(trading.engine, START, AROUND).sequence for _ in range(3)] == [1, 2, 3]


def test_a_day_that_gained_shows_a_profit_and_no_loss() -> None:
    trading = desk()
    trading.hold(FAVOURITE)
    trading.show(quote(97, 98))
    trading.scan()
    snapshot = picture(trading)
    assert snapshot.day_pnl is not None
    assert snapshot.day_pnl > 0
    assert gauge(snapshot, "day_loss").used == Cash(0)


# --- what it stands on ------------------------------------------------------------------------------------


def test_health_is_unknown_until_it_is_read_and_then_says_what_was_read() -> None:
    before = picture(Desk(engine())).health
    assert before.clock_skew_ms is before.compared_ns is before.cash_difference is None
    assert before.tokens is None
    trading = desk()
    trading.skew_ms, trading.mismatch = -40, "A: ours 3, theirs 0"
    trading.read_exchange()
    trading.take(BalanceRead(at_ns=trading.now_ns, cash=dollars("9990")))
    health = picture(trading).health
    assert (health.clock_skew_ms, health.mismatch) == (-40, "A: ours 3, theirs 0")
    assert health.compared_ns == trading.now_ns
    assert health.cash_difference == dollars("-10")


def test_a_position_says_its_series_its_title_and_the_edge_it_was_entered_on() -> None:
    trading = desk()
    intent = trading.hold(FAVOURITE)
    [position] = picture(trading).positions
    assert (position.series, position.title) == ("KXBTC15M", market(A).title)
    assert position.expected == intent.win_probability
