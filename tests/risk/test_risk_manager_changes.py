"""Limits that an operator changes, a clock that is set, a series that is stopped."""

from __future__ import annotations

from decimal import Decimal

from risk_builders import dollars
from risk_desk import SECOND, START, Desk

from console.config.risk_settings import RiskSettings
from console.config.trading_settings import QualitySettings
from console.domain.engine_events import LatchRaised
from console.domain.trading_state import TradingState
from console.risk.manager import Permit


def test_changed_limits_judge_from_the_next_reading_on_and_keep_what_was_read() -> None:
    desk = Desk()
    desk.have(dollars(9_700))
    assert desk.permit().allowed
    before = desk.row("daily_loss")
    desk.manager.change_limits(
        RiskSettings(max_daily_loss_dollars=Decimal(250)), QualitySettings(max_stale_book_seconds=Decimal(2))
    )
    assert desk.row("daily_loss") == before
    assert desk.permit().reason == "day's loss 300.00 $ reached the limit of 250.00 $"
    [raised] = desk.evaluate()
    assert isinstance(raised, LatchRaised)
    assert raised.name == "daily_loss"
    assert [event.name for event in desk.pass_time(3, feed=False)] == ["stale_book"]


def test_a_clock_that_is_set_leaves_the_age_of_each_reading() -> None:
    desk = Desk()
    desk.evaluate()
    evaluated_ns = desk.row("drawdown").evaluated_ns
    assert evaluated_ns is not None
    for step_ns in (-3_600 * SECOND, 60 * SECOND):
        desk.manager.step_clock(step_ns)
        evaluated_ns += step_ns
        assert {row.evaluated_ns for row in desk.manager.rows(desk.latches)} == {evaluated_ns}


def test_a_series_that_is_stopped_forbids_entries_into_its_markets_alone() -> None:
    desk = Desk()
    desk.latches.apply(
        LatchRaised(
            at_ns=START,
            name="stopped",
            level=TradingState.PAUSED,
            reason="because",
            source="operator",
            scope="series:KX",
        )
    )

    def permit(*part: str) -> Permit:
        return desk.manager.permit(desk.view, desk.latches, *part)

    assert permit("KX-1", "coins", "KX") == Permit(False, "paused: because", "paused by stopped")
    assert permit("KY-1", "coins", "KY").allowed
    assert permit().allowed
