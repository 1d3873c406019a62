"""A new risk day through the engine: the loss starts anew, a halt does not end."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from engine_builders import (
    DAY,
    SECOND,
    Desk,
    engine,
    losing_desk,
    market,
    quote,
    records,
    replayed,
    settings,
)
from hypothesis import given
from hypothesis import strategies as st

from console.domain.engine_events import RiskDayBegan
from console.domain.trading_state import TradingState

NEW_YORK = replace(settings(), risk=replace(settings().risk, day_zone="America/New_York", day_starts_hour=2))


def at(month: int, day: int, hour: int, minute: int = 0) -> int:
    return (
        int(datetime(2026, month, day, hour, minute, tzinfo=ZoneInfo("America/New_York")).timestamp())
        * SECOND
    )


def days(trading: Desk) -> list[str]:
    return [record.day for record in records(trading.actions) if isinstance(record, RiskDayBegan)]


def opened(at_ns: int) -> Desk:
    trading = Desk(engine(NEW_YORK), now_ns=at_ns)
    trading.open(market(close_ns=at_ns + 30 * DAY))
    return trading


def scanned(trading: Desk, at_ns: int) -> None:
    trading.now_ns = at_ns
    trading.prove()
    trading.scan()


def test_a_new_day_resets_the_loss_and_not_the_halt() -> None:
    trading, _ = losing_desk()
    trading.show(quote(73, 75))
    trading.scan()
    assert trading.state is TradingState.HALTED
    trading.later(86_400)
    trading.prove()
    trading.scan()
    account = trading.engine.account
    assert account.day_open_equity == trading.engine.equity
    assert trading.latches == {"daily_loss"}
    trading.resume("daily_loss")
    assert trading.latches == set()


def test_the_hour_that_spring_skips_and_autumn_repeats_begins_one_day_each() -> None:
    spring = opened(at(3, 8, 1, 59))
    for minutes in (1, 2, 61):
        scanned(spring, at(3, 8, 1, 59) + minutes * 60 * SECOND)
    assert days(spring) == ["2026-03-07", "2026-03-08"]
    autumn = opened(at(11, 1, 0, 30))
    for minutes in range(0, 240, 15):
        scanned(autumn, at(11, 1, 0, 30) + minutes * 60 * SECOND)
    assert days(autumn) == ["2026-10-31", "2026-11-01"]


@given(st.lists(st.integers(-4 * 86_400, 4 * 86_400), max_size=12))
def test_a_clock_that_steps_back_never_starts_a_second_day(steps_s: list[int]) -> None:
    trading = opened(at(3, 7, 12))
    for step_s in steps_s:
        scanned(trading, trading.now_ns + step_s * SECOND)
    begun = days(trading)
    assert begun == sorted(set(begun))
    account, _ = replayed(records(trading.actions))
    assert account.risk_day == begun[-1]
