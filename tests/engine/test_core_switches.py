from __future__ import annotations

from decimal import Decimal

import pytest
from engine_builders import (
    DAY,
    FAVOURITE,
    SECOND,
    START,
    A,
    Desk,
    cancels,
    cents,
    cleared,
    desk,
    dollars,
    engine,
    exchange_id,
    halts_begun,
    halts_ended,
    market,
    quote,
    raised,
    records,
    replayed,
    settings,
    submits,
    won,
)

from console.config.schema import RiskSettings
from console.domain.events import (
    AccountOpened,
    LatchRaised,
    OrderIntended,
    Resume,
    RiskDayBegan,
    TradingState,
)
from console.domain.money import Cash, Price
from console.domain.order import OrderIntent, OrderStatus

PAUSED, REDUCE_ONLY, HALTED = TradingState.PAUSED, TradingState.REDUCE_ONLY, TradingState.HALTED
DAILY_LOSS, STALE_BOOK, MANUAL, PAUSE = "daily_loss", "stale_book", "manual", "pause"

UNDER_A_DAY_OF_LOSS = RiskSettings(max_daily_loss_dollars=Decimal(100))


def losing_desk() -> tuple[Desk, OrderIntent]:
    """A desk that halts at a day's loss of 100 $ and holds about 500 $ of favourites bought at 93c."""
    trading = desk(settings(risk=UNDER_A_DAY_OF_LOSS))
    return trading, trading.hold(FAVOURITE)


def loss(trading: Desk) -> Cash:
    equity, opening = trading.engine.equity, trading.engine.account.day_open_equity
    assert equity is not None
    assert opening is not None
    return Cash(opening - equity)


# --- daily loss -----------------------------------------------------------------------------------------


def test_marks_that_fall_to_the_daily_limit_halt_at_the_next_scan() -> None:
    trading, _ = losing_desk()
    trading.show(quote(75, 77))
    assert raised(trading.scan()) == []
    assert loss(trading) < dollars("100")
    trading.show(quote(73, 75))
    assert trading.state is TradingState.RUNNING
    actions = trading.scan()
    assert loss(trading) >= dollars("100")
    assert raised(actions) == [(DAILY_LOSS, HALTED)]
    assert halts_begun(actions) == 1


def test_a_lost_settlement_halts_at_the_next_scan() -> None:
    trading, intent = losing_desk()
    trading.settle(Price(10_000 - won(intent)))
    assert raised(trading.scan()) == [(DAILY_LOSS, HALTED)]


def test_fees_alone_can_reach_the_daily_limit() -> None:
    trading = desk(settings(risk=UNDER_A_DAY_OF_LOSS))
    trading.hold(FAVOURITE, fee="100")
    assert raised(trading.scan()) == [(DAILY_LOSS, HALTED)]


def test_a_profit_of_any_size_never_trips() -> None:
    trading, intent = losing_desk()
    trading.fill(intent, fee="-9000", fill_id="a rebate beyond all bounds")
    trading.settle(won(intent))
    assert DAILY_LOSS not in {name for name, _ in raised(trading.scan())}
    assert loss(trading) < dollars("-9000")


def test_a_share_of_the_days_opening_equity_binds_when_it_is_the_smaller() -> None:
    limits = RiskSettings(max_daily_loss_pct=Decimal("0.001"))
    trading = desk(settings(risk=limits))
    trading.hold(FAVOURITE, fee="9.99")
    trading.show(quote(93, 94))
    assert raised(trading.scan()) == []
    trading.show(quote(92, 93))
    assert raised(trading.scan()) == [(DAILY_LOSS, HALTED)]


def test_a_later_loss_or_profit_never_lowers_a_halt() -> None:
    trading, intent = losing_desk()
    trading.halt()
    trading.show(quote(50, 52))
    trading.scan()
    assert trading.latches == {MANUAL, DAILY_LOSS}
    trading.pause()
    trading.settle(won(intent))
    trading.scan()
    trading.later(3_600)
    trading.prove()
    trading.tick()
    trading.scan()
    assert trading.state is HALTED
    assert trading.latches == {MANUAL, DAILY_LOSS, PAUSE}


def test_a_loss_is_remembered_by_a_restart() -> None:
    before, _ = losing_desk()
    before.show(quote(73, 75))
    before.scan()
    account, trade_log = replayed(records(before.actions))
    after = Desk(engine(settings(risk=UNDER_A_DAY_OF_LOSS), account=account, trade_log=trade_log))
    after.connect(market())
    assert after.state is HALTED
    assert after.engine.account.day_open_equity == dollars("10000")
    after.show(quote(73, 75))
    after.scan()
    assert "reached the limit of 100.00 $" in str(after.engine.resume_refusal(DAILY_LOSS, after.now_ns))
    after.resume(DAILY_LOSS)
    assert after.state is HALTED


# --- the risk day ---------------------------------------------------------------------------------------

MIDNIGHT = (START // DAY + 1) * DAY


def days(trading: Desk) -> list[str]:
    return [record.day for record in records(trading.actions) if isinstance(record, RiskDayBegan)]


def test_the_risk_day_rolls_at_midnight_utc_and_not_a_moment_before() -> None:
    trading = desk()
    assert days(trading) == ["2026-02-25"]
    trading.now_ns = MIDNIGHT - 1
    trading.prove()
    trading.scan()
    assert days(trading) == ["2026-02-25"]
    trading.now_ns = MIDNIGHT
    trading.scan()
    assert days(trading) == ["2026-02-25", "2026-02-26"]


def test_a_clock_that_steps_back_over_midnight_begins_no_second_day() -> None:
    trading, _ = losing_desk()
    trading.now_ns = MIDNIGHT
    trading.show(quote(80, 82))
    trading.scan()
    opened_with = trading.engine.account.day_open_equity
    for now_ns in (MIDNIGHT - 1, MIDNIGHT - 3_600 * SECOND, MIDNIGHT + SECOND):
        trading.now_ns = now_ns
        trading.show(quote(82, 84))
        trading.scan()
    assert days(trading) == ["2026-02-25", "2026-02-26"]
    assert trading.engine.account.day_open_equity == opened_with


def test_a_new_day_counts_from_its_own_opening_and_clears_no_halt() -> None:
    trading, _ = losing_desk()
    trading.show(quote(73, 75))
    trading.scan()
    trading.now_ns = MIDNIGHT
    trading.prove()
    trading.scan()
    assert loss(trading) == 0
    assert trading.state is HALTED
    trading.resume(DAILY_LOSS)
    assert trading.state is TradingState.RUNNING
    assert raised(trading.scan()) == []


def test_while_equity_is_not_known_no_day_begins() -> None:
    before, _ = losing_desk()
    account, trade_log = replayed(records(before.actions))
    after = Desk(engine(account=account, trade_log=trade_log), now_ns=MIDNIGHT)
    after.connect(market())
    assert days(after) == []
    after.show(quote(92, 93))
    after.scan()
    assert days(after) == ["2026-02-26"]


def test_the_highest_equity_is_never_lowered() -> None:
    trading = desk()
    trading.hold(FAVOURITE)
    marks = []
    for bid in (92, 97, 80, 95, 98):
        trading.show(quote(bid, bid + 1))
        trading.scan()
        marks.append(trading.engine.account.high_water)
    assert marks == sorted(mark for mark in marks if mark is not None)
    assert marks[-1] == trading.engine.equity


def test_another_account_begins_with_nothing_known_of_its_equity() -> None:
    trading = desk()
    trading.hold(FAVOURITE)
    trading.take(AccountOpened(at_ns=START, account="account-2", cash=dollars("500")))
    assert trading.engine.equity is None
    assert trading.engine.account.day_open_equity is None
    trading.scan()
    assert trading.engine.account.day_open_equity == dollars("500")
    assert trading.engine.account.high_water == dollars("500")


def test_a_high_water_of_nothing_is_not_taken_for_unknown() -> None:
    trading = Desk(engine())
    trading.open(cash="0")
    intent = desk().enter(FAVOURITE)
    trading.take(OrderIntended(at_ns=START, intent=intent))
    trading.fill(intent)
    trading.show(quote(92, 93))
    trading.scan()
    assert trading.engine.equity is not None
    assert trading.engine.equity < 0
    assert trading.engine.account.high_water == 0


# --- the stale book -------------------------------------------------------------------------------------


def test_a_silent_feed_pauses_after_thirty_seconds_by_the_ticks_alone() -> None:
    trading = desk()
    trading.later(30)
    assert raised(trading.tick()) == []
    trading.later(0.5)
    assert raised(trading.tick()) == [(STALE_BOOK, PAUSED)]


@pytest.mark.parametrize("proof", ["ping", "quote"])
def test_whatever_proves_the_feed_keeps_it_fresh(proof: str) -> None:
    trading = desk()
    for _ in range(5):
        trading.later(29)
        if proof == "ping":
            trading.prove()
        else:
            trading.show(quote(49, 50))
        trading.tick()
    assert trading.latches == set()


def test_the_pause_ends_by_itself_after_five_good_seconds_and_not_before() -> None:
    trading = desk()
    trading.later(31)
    trading.tick()
    trading.prove()
    trading.tick()
    trading.later(4.9)
    trading.tick()
    assert trading.latches == {STALE_BOOK}
    trading.later(0.1)
    assert cleared(trading.tick()) == [STALE_BOOK]
    assert trading.state is TradingState.RUNNING


def test_a_second_silence_starts_the_five_seconds_anew() -> None:
    trading = desk()
    trading.later(31)
    trading.tick()
    trading.prove()
    trading.tick()
    trading.later(31)
    trading.tick()
    trading.prove()
    trading.tick()
    trading.later(4.9)
    trading.tick()
    assert trading.latches == {STALE_BOOK}


def test_a_good_feed_ends_no_other_latch() -> None:
    trading = desk()
    trading.later(31)
    trading.tick()
    trading.pause()
    trading.prove()
    trading.tick()
    trading.later(5)
    assert cleared(trading.tick()) == [STALE_BOOK]
    assert trading.latches == {PAUSE}


@pytest.mark.parametrize(("escalates", "ends_in"), [(True, HALTED), (False, PAUSED)])
def test_the_third_silence_of_a_day_halts_outside_practice(escalates: bool, ends_in: TradingState) -> None:
    trading = desk(None, escalates=escalates)
    levels = []
    for _ in range(3):
        trading.later(31)
        levels += raised(trading.tick())
        trading.prove()
        trading.tick()
        trading.later(5)
        trading.prove()
        trading.tick()
    assert levels == [(STALE_BOOK, PAUSED), (STALE_BOOK, PAUSED), (STALE_BOOK, ends_in)]
    assert halts_begun(trading.actions) == (1 if escalates else 0)


# --- halting and resuming -------------------------------------------------------------------------------


def test_a_halt_begins_once_while_it_is_in_force() -> None:
    trading = desk()
    assert halts_begun(trading.halt()) == 1
    assert halts_begun(trading.halt()) == 0
    trading.tick()
    trading.scan()
    assert halts_begun(trading.actions) == 1


def test_resume_clears_the_latch_it_names_and_no_other() -> None:
    trading = desk()
    trading.halt()
    trading.pause()
    assert cleared(trading.resume(MANUAL)) == [MANUAL]
    assert trading.latches == {PAUSE}
    assert trading.state is PAUSED


@pytest.mark.parametrize("reason", ["", "  \t"])
def test_resume_without_a_reason_changes_nothing(reason: str) -> None:
    trading = desk()
    trading.halt()
    actions = trading.resume(MANUAL, reason)
    assert cleared(actions) == []
    assert trading.latches == {MANUAL}
    assert "a reason is needed" in trading.engine.alerts[-1].text


def test_resume_of_a_latch_that_is_not_in_force_says_so() -> None:
    trading = desk()
    trading.halt()
    assert cleared(trading.resume("daily loss")) == []
    assert trading.latches == {MANUAL}
    assert "no latch named 'daily loss'" in trading.engine.alerts[-1].text


def test_resume_is_refused_while_the_condition_holds_and_works_once_it_is_gone() -> None:
    trading, _ = losing_desk()
    trading.show(quote(73, 75))
    trading.scan()
    assert cleared(trading.resume(DAILY_LOSS)) == []
    assert trading.state is HALTED
    trading.show(quote(92, 93))
    trading.scan()
    assert cleared(trading.resume(DAILY_LOSS)) == [DAILY_LOSS]


def test_what_was_resumed_does_not_trip_again_at_the_next_check() -> None:
    trading, _ = losing_desk()
    trading.halt()
    trading.show(quote(73, 75))
    trading.scan()
    trading.show(quote(92, 93))
    trading.scan()
    trading.resume(DAILY_LOSS)
    trading.resume(MANUAL)
    for _ in range(3):
        trading.later(1)
        trading.prove()
        trading.tick()
        trading.scan()
    assert trading.state is TradingState.RUNNING


def test_a_resumed_condition_that_comes_back_halts_again() -> None:
    trading, _ = losing_desk()
    for bid in (73, 92):
        trading.show(quote(bid, bid + 1))
        trading.scan()
    trading.resume(DAILY_LOSS)
    trading.show(quote(73, 74))
    actions = trading.scan()
    assert raised(actions) == [(DAILY_LOSS, HALTED)]
    assert halts_begun(actions) == 1


def test_orders_may_pass_again_only_when_the_last_halt_is_cleared() -> None:
    trading, _ = losing_desk()
    trading.halt()
    trading.show(quote(73, 75))
    trading.scan()
    trading.show(quote(92, 93))
    trading.scan()
    assert halts_ended(trading.resume(MANUAL)) == 0
    assert halts_ended(trading.resume(DAILY_LOSS)) == 1
    assert halts_ended(trading.actions) == 1


def test_the_end_of_a_pause_is_not_the_end_of_a_halt() -> None:
    trading = desk()
    trading.pause()
    trading.resume(PAUSE)
    assert halts_ended(trading.actions) == 0


def test_a_resume_is_journaled_with_its_reason_whether_or_not_it_worked() -> None:
    trading = desk()
    refused = trading.resume("nothing", "why not")
    assert Resume(at_ns=START, latch="nothing", reason="why not") in records(refused)


def test_a_latch_keeps_trading_reduced_through_a_restart() -> None:
    before = desk()
    disarmed = LatchRaised(at_ns=START, name="disarmed", level=REDUCE_ONLY, reason="start", source="start")
    before.take(disarmed)
    before.pause()
    account, trade_log = replayed(records(before.actions))
    after = Desk(engine(account=account, trade_log=trade_log))
    after.open(account="account-2")
    assert after.state is REDUCE_ONLY
    assert after.latches == {"disarmed", PAUSE}


# --- a pause and the orders at work ---------------------------------------------------------------------


def test_a_pause_cancels_entries_and_asks_again_until_they_are_gone() -> None:
    trading = desk(settings("maker"))
    intent = trading.enter(FAVOURITE)
    trading.ack(intent)
    assert cancels(trading.pause()) == [intent.client_order_id]
    assert cancels(trading.tick()) == []
    trading.later(2)
    assert cancels(trading.tick()) == [intent.client_order_id]
    trading.report(intent, OrderStatus.CANCELED)
    trading.later(2)
    assert cancels(trading.tick()) == []


def test_an_order_that_is_acked_after_the_pause_is_cancelled_at_once() -> None:
    trading = desk(settings("maker"))
    intent = trading.enter(FAVOURITE)
    assert cancels(trading.pause()) == []
    assert cancels(trading.ack(intent)) == [intent.client_order_id]


@pytest.mark.parametrize("latch", ["halt", "stale"])
def test_every_latch_cancels_what_rests(latch: str) -> None:
    trading = desk(settings("maker"))
    intent = trading.enter(FAVOURITE)
    trading.ack(intent)
    if latch == "halt":
        actions = trading.halt()
    else:
        trading.later(31)
        actions = trading.tick()
    assert cancels(actions) == [intent.client_order_id]
    assert exchange_id(intent) in str(actions)


def test_after_a_pause_is_resumed_entries_are_made_again() -> None:
    trading = desk()
    trading.pause()
    trading.show(FAVOURITE)
    assert submits(trading.actions) == []
    trading.resume(PAUSE)
    assert [intent.price for intent in submits(trading.scan())] == [cents(93)]
    assert trading.engine.account.position(A).contracts == 0
