from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import msgspec
import pytest
from risk_builders import NINETY, NO_COUNT, contracts, dollars, good_view, order
from risk_desk import SECOND, START, Desk

from console.config.risk_settings import RiskSettings
from console.config.trading_settings import QualitySettings
from console.domain.account_events import ClockSkewRead
from console.domain.book import BookSide
from console.domain.engine_events import LatchCleared, LatchRaised
from console.domain.trading_state import TradingState
from console.risk.exposure import Exposure
from console.risk.groups import Place
from console.risk.latches import HISTORY_NS, Latches
from console.risk.manager import Permit, RiskManager
from console.risk.switches.base import EvaluatedAt, Reading, ReadingState, RiskView, Switch

GOOD = good_view(START)

# --- tripping ---------------------------------------------------------------------------------------


def test_a_day_without_trouble_raises_nothing_and_permits_trading() -> None:
    desk = Desk()
    assert desk.evaluate() == []
    assert desk.have(dollars(12_000)) == []
    assert desk.permit() == Permit(True)
    assert {row.state for row in desk.manager.rows(desk.latches)} == {ReadingState.ARMED}


def test_the_daily_loss_halts_once() -> None:
    desk = Desk()
    [raised] = desk.have(dollars(9_500))
    assert isinstance(raised, LatchRaised)
    assert (raised.name, raised.level, raised.source) == ("daily_loss", TradingState.HALTED, "risk")
    assert desk.have(dollars(9_400)) == []
    assert desk.state() is TradingState.HALTED
    assert not desk.permit().allowed


def test_a_recovery_of_the_loss_leaves_the_halt_and_its_time() -> None:
    desk = Desk()
    desk.have(dollars(9_500))
    desk.pass_time(60)
    desk.have(dollars(11_000))
    row = desk.row("daily_loss")
    assert (row.state, row.reading, row.since_ns) == (ReadingState.TRIPPED, "+1,000.00 $", START)
    assert desk.state() is TradingState.HALTED


def test_two_switches_trip_each_in_its_own_name() -> None:
    desk = Desk()
    desk.evaluate()
    desk.view = msgspec.structs.replace(desk.view, equity=dollars(9_400))
    assert {event.name for event in desk.pass_time(31, feed=False)} == {"daily_loss", "stale_book"}


class Broken(Switch):
    key = "broken"
    label = "broken switch"
    level = TradingState.PAUSED
    clears = "operator"
    fed_by = "nothing"
    unit = "-"
    why = "It is broken."
    threshold = "ever"

    def evaluate(self, view: RiskView) -> Reading:
        raise ZeroDivisionError("no equity")


def test_a_switch_that_fails_trips() -> None:
    manager = RiskManager(RiskSettings(), QualitySettings(), escalates=True, switches=(Broken(),))
    latches = Latches()
    [raised] = manager.evaluate(GOOD, latches)
    assert isinstance(raised, LatchRaised)
    assert raised.reason == "broken switch failed: ZeroDivisionError: no equity"
    assert not manager.permit(GOOD, latches).allowed
    assert raised.level is TradingState.PAUSED


def test_a_limit_that_is_not_a_number_stops_trading() -> None:
    desk = Desk(limits=replace(RiskSettings(), max_daily_loss_pct=Decimal("NaN")))
    desk.evaluate()
    assert desk.state() is TradingState.HALTED


# --- permission -------------------------------------------------------------------------------------


def test_an_unknown_equity_refuses_new_orders_without_a_latch() -> None:
    desk = Desk()
    assert desk.have(None) == []
    assert desk.permit() == Permit(False, "daily loss is unknown", "daily loss is unknown")
    assert desk.state() is TradingState.RUNNING
    assert desk.row("daily_loss").reading == "n/a"
    desk.have(dollars(10_000))
    assert desk.permit().allowed


def test_permission_is_asked_of_the_present_not_of_the_last_evaluation() -> None:
    desk = Desk()
    desk.evaluate()
    later = msgspec.structs.replace(desk.view, now_ns=START + 31 * SECOND)
    refused = desk.manager.permit(later, desk.latches)
    assert (refused.allowed, refused.counted_as) == (False, "tripped by stale book")
    poorer = msgspec.structs.replace(desk.view, equity=dollars(9_000))
    assert not desk.manager.permit(poorer, desk.latches).allowed


@pytest.mark.parametrize("level", [TradingState.PAUSED, TradingState.REDUCE_ONLY, TradingState.HALTED])
def test_any_latch_refuses_entries_and_says_which(level: TradingState) -> None:
    desk = Desk()
    desk.raise_latch("anything", level)
    said = level.name.lower().replace("_", " ")
    assert desk.permit() == Permit(False, f"{said}: because", f"{said} by anything")


def test_before_the_first_evaluation_every_row_is_unknown() -> None:
    desk = Desk()
    assert {row.state for row in desk.manager.rows(desk.latches)} == {ReadingState.UNKNOWN}
    assert {row.evaluated_ns for row in desk.manager.rows(desk.latches)} == {None}


# --- clearing ---------------------------------------------------------------------------------------


def test_a_stale_pause_ends_after_five_good_seconds() -> None:
    desk = Desk()
    desk.evaluate()
    [raised] = desk.pass_time(30.1, feed=False)
    assert isinstance(raised, LatchRaised)
    assert (raised.name, raised.level) == ("stale_book", TradingState.PAUSED)
    assert desk.pass_time(0.9) == []
    assert desk.pass_time(4.9) == []
    assert desk.state() is TradingState.PAUSED
    [cleared] = desk.pass_time(0.1)
    assert isinstance(cleared, LatchCleared)
    assert desk.state() is TradingState.RUNNING
    assert desk.permit().allowed


def test_the_five_seconds_start_anew_when_the_feed_fails_again() -> None:
    desk = Desk()
    desk.trip_stale()
    desk.pass_time(31, feed=False)
    desk.pass_time(0)
    desk.pass_time(4)
    assert desk.pass_time(31, feed=False) == []
    desk.pass_time(0)
    assert desk.pass_time(4.9) == []
    assert len(desk.pass_time(0.1)) == 1


def test_the_end_of_a_stale_pause_leaves_a_halt() -> None:
    desk = Desk()
    desk.have(dollars(9_400))
    desk.trip_stale()
    assert [latch.name for latch in desk.latches.active] == ["daily_loss"]
    assert desk.state() is TradingState.HALTED


def test_the_third_trip_within_a_day_halts_and_waits_for_the_operator() -> None:
    desk = Desk()
    desk.evaluate()
    assert desk.trip_stale().level is desk.trip_stale().level is TradingState.PAUSED
    third = desk.trip_stale()
    assert third.level is TradingState.HALTED
    assert third.reason == "the feed proved nothing for 31.0 s, longer than 30 s; trip 3 within 24 h"
    desk.pass_time(3_600)
    assert desk.state() is TradingState.HALTED
    assert desk.row("stale_book").clears == "operator, with good data"
    assert desk.resume("stale_book") is None
    assert desk.evaluate() == []
    assert desk.trip_stale().level is TradingState.PAUSED


def test_trips_of_the_day_before_do_not_halt() -> None:
    desk = Desk()
    desk.evaluate()
    desk.trip_stale()
    desk.trip_stale()
    desk.pass_time(HISTORY_NS / SECOND)
    assert desk.trip_stale().level is TradingState.PAUSED


def test_in_practice_trips_are_only_counted() -> None:
    desk = Desk(escalates=False)
    desk.evaluate()
    assert {desk.trip_stale().level for _ in range(5)} == {TradingState.PAUSED}
    assert desk.latches.trips({"stale_book"}, desk.view.now_ns) == 5


def test_a_feed_not_yet_heard_in_this_run_refuses_entries_without_a_latch() -> None:
    desk = Desk()
    desk.view = msgspec.structs.replace(desk.view, feed_proved_ns=None)
    assert desk.evaluate() == []
    permit = desk.manager.permit(desk.view, desk.latches)
    assert (permit.allowed, permit.reason) == (False, "stale book is unknown")


# --- resuming ---------------------------------------------------------------------------------------


def test_a_daily_loss_cannot_be_cleared_while_it_lasts() -> None:
    desk = Desk()
    desk.have(dollars(9_400))
    assert desk.resume("daily_loss") == "day's loss 600.00 $ reached the limit of 500.00 $"
    desk.have(None)
    assert desk.resume("daily_loss") == "daily loss is unknown"
    desk.have(dollars(9_600))
    assert desk.resume("daily_loss") is None
    assert desk.evaluate() == []
    assert desk.state() is TradingState.RUNNING


def test_a_stale_book_cannot_be_cleared_while_it_lasts() -> None:
    desk = Desk()
    desk.evaluate()
    desk.pass_time(31, feed=False)
    assert desk.resume("stale_book") == "the feed proved nothing for 31.0 s, longer than 30 s"


def test_the_operators_halt_is_cleared_by_name_alone_and_does_not_come_back() -> None:
    desk = Desk()
    desk.have(dollars(9_400))
    desk.raise_latch("manual", TradingState.HALTED)
    assert desk.row("manual").state is ReadingState.TRIPPED
    assert desk.resume("manual") is None
    assert desk.evaluate() == []
    assert [latch.name for latch in desk.latches.active] == ["daily_loss"]
    assert desk.row("manual").state is ReadingState.ARMED


def test_a_latch_that_is_not_in_force_cannot_be_cleared() -> None:
    assert Desk().resume("daily_loss") == "no latch named 'daily_loss' is in force"


def test_a_latch_of_no_switch_may_be_cleared() -> None:
    desk = Desk()
    desk.raise_latch("disarmed", TradingState.REDUCE_ONLY)
    assert desk.resume("disarmed") is None
    assert desk.permit().allowed


# --- a pause of a set length ------------------------------------------------------------------------

FOUR_HOURS = 4 * 3_600


def paused_by_a_streak() -> Desk:
    desk = Desk()
    desk.view = msgspec.structs.replace(desk.view, losses_in_a_row=5)
    [raised] = desk.evaluate()
    assert isinstance(raised, LatchRaised)
    assert (raised.level, raised.until_ns) == (TradingState.PAUSED, START + FOUR_HOURS * SECOND)
    return desk


def test_the_streak_pause_ends_by_itself_when_its_time_is_up_and_not_before() -> None:
    desk = paused_by_a_streak()
    assert desk.pass_time(FOUR_HOURS - 1) == []
    [cleared] = desk.pass_time(1)
    assert isinstance(cleared, LatchCleared)
    assert (cleared.name, cleared.reason, cleared.source) == ("loss_streak", "its time is up", "risk")


def test_a_clock_that_steps_forward_does_not_shorten_the_pause() -> None:
    desk = paused_by_a_streak()
    desk.pass_time(60)
    desk.step_clock(FOUR_HOURS)
    assert desk.pass_time(FOUR_HOURS - 61) == []
    assert desk.state() is TradingState.PAUSED
    assert len(desk.pass_time(1)) == 1


def test_a_restart_by_a_clock_that_was_set_forward_does_not_shorten_the_pause() -> None:
    desk = paused_by_a_streak()
    desk.pass_time(60)
    desk.move(FOUR_HOURS)
    desk.restart()
    wrong = ClockSkewRead(at_ns=desk.view.now_ns, skew_ms=FOUR_HOURS * 1000)
    desk.view = msgspec.structs.replace(desk.view, clock=wrong)
    assert [event.name for event in desk.evaluate()] == ["clock_skew"]
    desk.move(-FOUR_HOURS)
    assert desk.pass_time(0) == []
    assert [event.name for event in desk.pass_time(FOUR_HOURS - 61)] == ["clock_skew"]
    assert [event.name for event in desk.pass_time(1)] == ["loss_streak"]


def test_a_clock_that_steps_back_lengthens_the_pause() -> None:
    desk = paused_by_a_streak()
    desk.step_clock(-3_600)
    assert desk.pass_time(FOUR_HOURS) == []
    assert len(desk.pass_time(3_600)) == 1


def test_a_restart_neither_shortens_nor_restarts_the_pause() -> None:
    desk = paused_by_a_streak()
    desk.pass_time(3_600)
    desk.restart()
    assert desk.pass_time(0) == []
    assert desk.pass_time(FOUR_HOURS - 3_601) == []
    assert len(desk.pass_time(1)) == 1


def test_a_shorter_pause_in_the_settings_does_not_end_the_one_in_force() -> None:
    desk = paused_by_a_streak()
    desk.restart(RiskSettings(loss_streak_pause_hours=Decimal("0.01"), max_consecutive_losses=100))
    assert desk.pass_time(0) == []
    assert desk.pass_time(FOUR_HOURS - 1) == []
    assert len(desk.pass_time(1)) == 1


def test_without_a_clock_that_never_steps_no_pause_ends() -> None:
    desk = paused_by_a_streak()
    now_ns = START + 2 * FOUR_HOURS * SECOND
    desk.view = msgspec.structs.replace(good_view(now_ns), monotonic_ns=None)
    assert desk.evaluate() == []


def test_a_streak_whose_pause_is_over_pauses_again_only_by_another_loss() -> None:
    desk = paused_by_a_streak()
    desk.view = msgspec.structs.replace(desk.view, losses_answered=5)
    desk.pass_time(FOUR_HOURS)
    assert desk.evaluate() == []
    desk.view = msgspec.structs.replace(desk.view, losses_in_a_row=6)
    assert len(desk.evaluate()) == 1


def test_the_operator_may_resume_what_cannot_improve_while_nothing_trades() -> None:
    desk = paused_by_a_streak()
    assert desk.resume("loss_streak") is None
    assert desk.state() is TradingState.RUNNING


# --- a part of the markets --------------------------------------------------------------------------

COINS, RAIN = (
    order("COIN", BookSide.BID, NINETY, contracts(2_000)),
    order("RAIN", BookSide.BID, NINETY, NO_COUNT),
)
PLACES = {"COIN": Place("coins", "COIN"), "RAIN": Place("rain", "RAIN")}


def test_a_group_over_its_cap_may_only_be_reduced_and_no_other_is_touched() -> None:
    desk = Desk()
    desk.view = msgspec.structs.replace(desk.view, exposure=Exposure.of({}, [COINS], PLACES))
    [raised] = desk.evaluate()
    assert isinstance(raised, LatchRaised)
    assert (raised.name, raised.scope, raised.level) == (
        "correlation",
        "group:coins",
        TradingState.REDUCE_ONLY,
    )
    assert desk.state() is TradingState.RUNNING
    refused = desk.manager.permit(desk.view, desk.latches, "COIN", "coins")
    assert (refused.allowed, refused.counted_as) == (False, "reduce only by correlation")
    assert desk.manager.permit(desk.view, desk.latches, "RAIN", "rain").allowed
    assert desk.row("correlation").state is ReadingState.TRIPPED


def test_before_the_breach_is_latched_the_group_is_refused_already() -> None:
    desk = Desk()
    desk.view = msgspec.structs.replace(desk.view, exposure=Exposure.of({}, [COINS], PLACES))
    refused = desk.manager.permit(desk.view, desk.latches, "COIN", "coins")
    assert (refused.allowed, refused.counted_as) == (False, "tripped by correlation")
    assert desk.manager.permit(desk.view, desk.latches, "RAIN", "rain").allowed


def test_a_breach_is_resumed_by_its_own_name_once_the_group_is_under_its_cap() -> None:
    desk = Desk()
    desk.view = msgspec.structs.replace(desk.view, exposure=Exposure.of({}, [COINS], PLACES))
    desk.evaluate()
    refusal = desk.manager.resume_refusal("correlation group:coins", desk.view, desk.latches)
    assert refusal == "coins: 18 % of equity at worst"
    under = msgspec.structs.replace(desk.view, exposure=Exposure.of({}, [RAIN], PLACES))
    assert desk.manager.resume_refusal("correlation group:coins", under, desk.latches) is None
    assert desk.manager.resume_refusal("correlation", under, desk.latches) is not None


def test_a_latch_on_a_group_ends_with_its_last_market_and_not_before_the_markets_are_known() -> None:
    desk = Desk()
    desk.view = msgspec.structs.replace(desk.view, exposure=Exposure.of({}, [COINS], PLACES))
    desk.evaluate()
    only_rain = {"RAIN": PLACES["RAIN"]}
    for unknown in (
        Exposure.of({}, [], {}),
        Exposure.of({}, [COINS], only_rain),
        Exposure.of({}, [], PLACES),
    ):
        desk.view = msgspec.structs.replace(desk.view, exposure=unknown)
        desk.evaluate()
        assert desk.latches.get("correlation group:coins") is not None
    desk.view = msgspec.structs.replace(desk.view, exposure=Exposure.of({}, [], only_rain))
    [cleared] = desk.evaluate()
    assert isinstance(cleared, LatchCleared)
    assert (cleared.name, cleared.scope) == ("correlation", "group:coins")
    assert cleared.reason == "its markets are over"


def test_a_latch_on_a_pinned_group_waits_for_the_operator() -> None:
    desk = Desk(limits=RiskSettings(groups={"coins": ("COIN*",)}))
    desk.view = msgspec.structs.replace(desk.view, exposure=Exposure.of({}, [COINS], PLACES))
    desk.evaluate()
    desk.view = msgspec.structs.replace(desk.view, exposure=Exposure.of({}, [], {"RAIN": PLACES["RAIN"]}))
    assert desk.evaluate() == []


# --- when it is read --------------------------------------------------------------------------------


def test_what_depends_on_marks_is_read_at_scans_and_the_rest_at_ticks_too() -> None:
    desk = Desk()
    desk.evaluate()
    desk.view = msgspec.structs.replace(desk.view, equity=dollars(9_000), errors_in_hour=11)
    [raised] = desk.evaluate(EvaluatedAt.TICK)
    assert raised.name == "error_burst"
    assert {event.name for event in desk.evaluate(EvaluatedAt.SCAN)} == {"daily_loss", "drawdown"}


def test_each_row_says_when_it_was_read() -> None:
    desk = Desk()
    desk.evaluate()
    desk.pass_time(1, at=EvaluatedAt.TICK)
    assert desk.row("daily_loss").evaluated_ns == START
    assert desk.row("stale_book").evaluated_ns == START + SECOND
