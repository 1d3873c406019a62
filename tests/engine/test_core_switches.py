from __future__ import annotations

from decimal import Decimal

import pytest
from engine_builders import (
    DAY,
    FAVOURITE,
    SECOND,
    START,
    UNDER_A_DAY_OF_LOSS,
    Desk,
    cleared,
    desk,
    dollars,
    engine,
    halts_begun,
    losing_desk,
    market,
    quote,
    raised,
    records,
    replayed,
    settings,
    won,
)

from console.config.risk_settings import RiskSettings
from console.domain.account_events import AccountOpened, OrderIntended
from console.domain.engine_events import RiskDayBegan
from console.domain.money import Cash, Price
from console.domain.trading_state import TradingState

PAUSED, HALTED = TradingState.PAUSED, TradingState.HALTED
DAILY_LOSS, STALE_BOOK, MANUAL, PAUSE = "daily_loss", "stale_book", "manual", "pause"


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
    after.tell_halt(0)
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
    assert (trading.engine.equity, trading.engine.account.day_open_equity) == (None, None)
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
