"""The day's curve and the outcomes, from what is journaled."""

from __future__ import annotations

from engine_builders import (
    A,
    B,
    Desk,
    desk,
    market,
    quote,
    records,
    replayed,
    submits,
    won,
)
from msgspec import structs

from console.domain.account_events import OrderFilled
from console.domain.commands import ClosePosition
from console.domain.engine_events import EquityMarked, RiskDayBegan
from console.domain.money import PAYOUT, Cash, Price
from console.engine.account import Account
from console.engine.day_record import MOST_POINTS, DayRecord
from console.engine.log_views import LogKind

DAY_BEGAN = RiskDayBegan(at_ns=0, day="2026-02-25", equity=Cash(1_000))


def record_of(trading: Desk) -> DayRecord:
    return trading.engine.trade_log.day


def test_the_curve_follows_the_marks_from_where_the_day_began() -> None:
    trading = desk()
    trading.hold()
    trading.show(quote(95, 96))
    trading.later(60)
    trading.prove()
    trading.scan()
    curve = record_of(trading).curve
    assert curve[0].profit == 0
    equity, opening = trading.engine.equity, trading.engine.account.day_open_equity
    assert equity is not None
    assert opening is not None
    assert curve[-1].profit == equity - opening > 0


def test_a_long_day_keeps_its_beginning_and_its_end_on_few_points() -> None:
    record, account = DayRecord(), Account()
    record.observe(DAY_BEGAN, account)
    for n in range(10 * MOST_POINTS):
        record.observe(EquityMarked(at_ns=n, equity=Cash(1_000 + n), high_water=Cash(9_999)), account)
        assert len(record.curve) < MOST_POINTS
    assert record.curve[0].profit == 0
    assert record.curve[-1].at_ns >= 10 * MOST_POINTS - 32
    assert [point.profit for point in record.curve[1:]] == [point.at_ns for point in record.curve[1:]]


def test_a_new_risk_day_begins_a_new_curve() -> None:
    record, account = DayRecord(), Account()
    record.observe(DAY_BEGAN, account)
    record.observe(EquityMarked(at_ns=1, equity=Cash(900), high_water=Cash(1_000)), account)
    record.observe(RiskDayBegan(at_ns=2, day="2026-02-26", equity=Cash(900)), account)
    assert [(point.at_ns, point.profit) for point in record.curve] == [(2, 0)]


def test_wins_and_losses_are_counted_beside_what_the_entries_expected() -> None:
    trading = desk(None, market(A), market(B))
    winner, loser = trading.hold(ticker=A), trading.hold(ticker=B)
    assert record_of(trading).expected(A) == winner.win_probability
    trading.settle(won(winner), A)
    trading.settle(Price(PAYOUT - won(loser)), B)
    outcomes = record_of(trading).outcomes
    assert (outcomes.trades, outcomes.won) == (2, 1)
    assert outcomes.expected == winner.win_probability + loser.win_probability
    assert outcomes.paid == winner.price + loser.price
    assert record_of(trading).expected(A) is None


def test_markets_of_an_event_are_one_draw() -> None:
    trading = desk(None, *(structs.replace(market(each), event_ticker="KXSAME") for each in (A, B)))
    both = trading.hold(ticker=A), trading.hold(ticker=B)
    for intent in both:
        trading.settle(won(intent), intent.ticker)
    outcomes = record_of(trading).outcomes
    expected = sum(intent.win_probability for intent in both)
    assert (outcomes.trades, outcomes.events, outcomes.effective_events) == (2, 1, 1.0)
    assert outcomes.variance == expected * (2 * PAYOUT - expected)


def test_what_was_sold_before_says_nothing_of_the_position_bought_after_it() -> None:
    trading = desk()
    first = trading.hold(quote(92, 93))
    trading.take(ClosePosition(at_ns=trading.now_ns, ticker=A, least_price=first.price))
    trading.show(quote(93, 94))
    while trading.engine.account.position(A).contracts:
        trading.later(1)
        [order] = submits(trading.tick())
        trading.fill(order)
    assert record_of(trading).expected(A) is None
    trading.resume(f"stopped market:{A}")
    again = trading.hold(quote(95, 96))
    assert again.win_probability != first.win_probability
    assert record_of(trading).expected(A) == again.win_probability
    trading.settle(won(again))
    outcomes = record_of(trading).outcomes
    assert (outcomes.trades, outcomes.expected, outcomes.paid) == (1, again.win_probability, again.price)


def test_a_market_that_was_not_held_counts_for_nothing() -> None:
    trading = desk(None, market(A), market(B))
    trading.settle(Price(PAYOUT), B)
    assert record_of(trading).outcomes.trades == 0


def test_a_restart_has_the_same_curve_and_outcomes() -> None:
    trading = desk(None, market(A), market(B))
    trading.settle(won(trading.hold(ticker=A)), A)
    trading.hold(ticker=B)
    trading.scan()
    _, log = replayed(records(trading.actions))
    assert log.day.curve == record_of(trading).curve
    assert log.day.outcomes == record_of(trading).outcomes
    assert log.day.expected(B) == record_of(trading).expected(B)


def test_a_position_tells_when_and_in_which_role_it_was_entered() -> None:
    trading = desk()
    began_ns = trading.now_ns
    bought = trading.hold()
    entry = record_of(trading).entry(A)
    assert entry is not None
    assert began_ns <= entry.first_ns <= trading.now_ns
    assert entry.contracts == bought.count
    [fill] = [e.fill for e in records(trading.actions) if isinstance(e, OrderFilled)]
    assert entry.as_maker == (0 if fill.is_taker else fill.count)
    trading.settle(won(bought))
    assert record_of(trading).entry(A) is None


def test_each_fill_in_the_trade_log_tells_its_slippage() -> None:
    trading = desk()
    trading.hold()
    [filled] = [entry for entry in trading.engine.trade_log.entries if entry.kind is LogKind.FILL]
    assert filled.slippage is not None
    assert filled.slippage == trading.engine.account.slippage[-1]
