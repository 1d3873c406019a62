from __future__ import annotations

import pytest
from engine_builders import (
    FAVOURITE,
    START,
    A,
    Desk,
    cancels,
    cents,
    cleared,
    desk,
    engine,
    exchange_id,
    halts_begun,
    halts_ended,
    losing_desk,
    quote,
    raised,
    records,
    replayed,
    settings,
    submits,
)

from console.domain.commands import Resume
from console.domain.engine_events import LatchRaised
from console.domain.order import OrderStatus
from console.domain.trading_state import TradingState

PAUSED, REDUCE_ONLY, HALTED = TradingState.PAUSED, TradingState.REDUCE_ONLY, TradingState.HALTED
DAILY_LOSS, MANUAL, PAUSE = "daily_loss", "manual", "pause"


def test_a_halt_begins_once_while_it_is_in_force() -> None:
    trading = desk()
    assert halts_begun(trading.halt()) == 1
    assert halts_begun(trading.halt()) == 0
    trading.tick()
    trading.scan()
    assert halts_begun(trading.actions) == 1


def test_what_tells_of_a_latch_names_it_and_what_tells_of_its_end_does_not() -> None:
    trading = desk()
    trading.halt()
    assert trading.engine.alerts[-1].latch == MANUAL
    trading.resume(MANUAL)
    assert trading.engine.alerts[-1].latch == ""


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
