from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import msgspec
import pytest
from risk_builders import dollars

from console.config.schema import QualitySettings, RiskSettings
from console.domain.events import LatchCleared, LatchRaised, TradingState
from console.domain.money import Cash
from console.risk.latches import HISTORY_NS, Latches
from console.risk.manager import Permit, RiskManager, SwitchRow
from console.risk.switches.base import Reading, ReadingState, RiskView

SECOND = 1_000_000_000
START = 1_772_000_000 * SECOND
GOOD = RiskView(now_ns=START, equity=dollars(10_000), day_open_equity=dollars(10_000), feed_proved_ns=START)


class Desk:
    """A risk manager with its latches and a clock that the test moves."""

    def __init__(self, *, escalates: bool = True, limits: RiskSettings | None = None) -> None:
        self.latches = Latches()
        self.manager = RiskManager(limits or RiskSettings(), QualitySettings(), escalates=escalates)
        self.view = GOOD

    def pass_time(self, seconds: float, *, feed: bool = True) -> list[LatchRaised | LatchCleared]:
        now_ns = self.view.now_ns + int(seconds * SECOND)
        self.view = msgspec.structs.replace(
            self.view, now_ns=now_ns, feed_proved_ns=now_ns if feed else self.view.feed_proved_ns
        )
        return self.evaluate()

    def have(self, equity: Cash | None) -> list[LatchRaised | LatchCleared]:
        self.view = msgspec.structs.replace(self.view, equity=equity)
        return self.evaluate()

    def evaluate(self) -> list[LatchRaised | LatchCleared]:
        events = self.manager.evaluate(self.view, self.latches)
        for event in events:
            self.latches.apply(event)
        return events

    def raise_latch(self, name: str, level: TradingState, source: str = "operator") -> None:
        self.latches.apply(
            LatchRaised(at_ns=self.view.now_ns, name=name, level=level, reason="because", source=source)
        )

    def resume(self, name: str) -> str | None:
        refusal = self.manager.resume_refusal(name, self.view, self.latches)
        if refusal is None:
            self.latches.apply(
                LatchCleared(at_ns=self.view.now_ns, name=name, reason="seen", source="operator")
            )
        return refusal

    def state(self) -> TradingState:
        return self.latches.state

    def permit(self) -> Permit:
        return self.manager.permit(self.view, self.latches)

    def row(self, key: str) -> SwitchRow:
        return next(row for row in self.manager.rows(self.latches) if row.key == key)

    def trip_stale(self) -> LatchRaised:
        """Let the feed go silent, and recover."""
        [raised] = self.pass_time(31, feed=False)
        assert isinstance(raised, LatchRaised)
        self.pass_time(0)
        self.pass_time(5)
        return raised


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
    desk.view = msgspec.structs.replace(desk.view, equity=dollars(9_000))
    assert {event.name for event in desk.pass_time(31, feed=False)} == {"daily_loss", "stale_book"}


class Broken:
    key = "broken"
    label = "broken switch"
    level = TradingState.PAUSED
    clears_itself = False
    clears = "operator"

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
    assert (refused.allowed, refused.counted_as) == (False, "stale book")
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
    desk.have(dollars(9_000))
    desk.trip_stale()
    assert [latch.name for latch in desk.latches.active] == ["daily_loss"]
    assert desk.state() is TradingState.HALTED


def test_the_third_trip_within_a_day_halts_and_waits_for_the_operator() -> None:
    desk = Desk()
    desk.evaluate()
    assert desk.trip_stale().level is desk.trip_stale().level is TradingState.PAUSED
    third = desk.trip_stale()
    assert third.level is TradingState.HALTED
    assert third.reason.endswith("; trip 3 within 24 h")
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
