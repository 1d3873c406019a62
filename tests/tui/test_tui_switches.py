from __future__ import annotations

import msgspec
import pytest
from console_screen import NARROW, WIDE, Console, console
from fake_engine import MINUTE, NOW, SECOND, FakeEngine

from console.config.risk_settings import RiskSettings
from console.config.trading_settings import QualitySettings
from console.domain.trading_state import TradingState
from console.engine.limit_views import Gauge, LatchView, SwitchState, SwitchView
from console.risk.switch_reader import read_switch
from console.risk.switches.base import RiskView
from console.risk.switches.every import every_switch

EVERY = tuple(
    SwitchView(s.key, s.label, SwitchState.ARMED, "fine", s.threshold, None, s.clears, NOW)
    for s in every_switch(RiskSettings(), QualitySettings())
)

_READINGS = {"tripwire": "10 /min 8.38 %", "slippage": "100 % n=25", "daily_loss": "-1,115.76 $"}


def trip(engine: FakeEngine, key: str) -> None:
    """What the next picture shows once a switch has tripped."""
    switches = tuple(
        msgspec.structs.replace(s, state=SwitchState.TRIPPED, since_ns=NOW) if s.key == key else s
        for s in EVERY
    )
    latch = LatchView(key, TradingState.PAUSED, "its cause", "risk", NOW, until_ns=NOW + 30 * MINUTE)
    engine.change(switches=switches, latches=(latch,), state=TradingState.PAUSED)


def rings_of(screen: Console) -> list[int]:
    rings: list[int] = []
    screen.app.bell = lambda: rings.append(1)  # type: ignore[method-assign]
    return rings


@pytest.mark.parametrize("switch", EVERY, ids=lambda switch: switch.key)
async def test_a_trip_is_on_the_screen_with_the_bell_at_the_next_refresh(switch: SwitchView) -> None:
    engine = FakeEngine()
    engine.change(switches=EVERY)
    async with console(engine) as screen:
        rings = rings_of(screen)
        assert "TRIPPED" not in await screen.look()
        trip(engine, switch.key)
        text = await screen.look()
        assert len(rings) == 1
        row = next(line for line in text.splitlines() if "■ TRIPPED" in line)
        assert switch.label in row
        await screen.look()
        assert len(rings) == 1


async def test_latches_that_were_there_at_the_start_do_not_ring() -> None:
    engine = FakeEngine()
    trip(engine, "slippage")
    async with console(engine) as screen:
        rings = rings_of(screen)
        await screen.look()
        assert rings == []


async def test_every_switch_is_read_by_scrolling_and_tripped_ones_stand_first() -> None:
    engine = FakeEngine()
    trip(engine, "journal")
    async with console(engine, NARROW) as screen:
        first = await screen.press("3", "z")
        assert first.index("■ TRIPPED") < first.index("● armed")
        seen = first + await screen.press("end")
    assert all(switch.label in seen for switch in EVERY)


async def test_a_latch_on_a_group_says_on_which_and_a_pause_when_it_ends() -> None:
    engine = FakeEngine()
    engine.change(
        latches=(
            LatchView("correlation", TradingState.REDUCE_ONLY, "over its cap", "risk", NOW, "group:coins"),
            LatchView(
                "loss_streak", TradingState.PAUSED, "5 losses", "risk", NOW, until_ns=NOW + 90 * MINUTE
            ),
        )
    )
    async with console(engine, (240, 60)) as screen:
        text = await screen.press("3", "z")
    assert "; on group:coins" in text
    assert "ends in 1h30" in text


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_limits_are_shown_in_their_own_units_and_the_urgent_first(size: tuple[int, int]) -> None:
    engine = FakeEngine()
    engine.change(
        gauges=(
            Gauge("calm", "orders /min", 3, None, 60, SECOND, unit="count"),
            Gauge("near", "errors /h", 50, None, 60, SECOND, unit="count"),
            Gauge("share", "slipped fills", 4_500, None, 5_000, SECOND, unit="percent"),
        )
    )
    async with console(engine, size) as screen:
        text = await screen.press("2", "z")
    assert text.index("slipped fills") < text.index("errors /h") < text.index("orders /min")
    assert "!!90%" in text
    if size == WIDE:
        rows = {
            label: next(line for line in text.splitlines() if label in line)
            for label in ("slipped", "orders")
        }
        assert "45%" in rows["slipped"]
        assert "$" not in rows["orders"]
        assert rows["orders"].split("│")[1].split()[-3:-1] == ["60", "3"]


async def test_a_limit_warns_from_its_own_mark() -> None:
    engine = FakeEngine()
    engine.change(gauges=(Gauge("early", "early one", 50, None, 100, SECOND, unit="count", warn_percent=50),))
    async with console(engine) as screen:
        assert "!50%" in await screen.look()


SHOWN = tuple(
    SwitchView(
        s.key,
        s.label,
        SwitchState.ARMED,
        _READINGS.get(s.key, "fine"),
        read_switch(s, RiskView(now_ns=NOW)).threshold,
        None,
        s.clears,
        NOW,
    )
    for s in every_switch(RiskSettings(), QualitySettings())
)
"""With the thresholds as the switches read them, and the longest readings."""


@pytest.mark.parametrize("width", [120, 240])
async def test_readings_and_thresholds_are_whole_and_it_is_said_who_clears(width: int) -> None:
    engine = FakeEngine()
    engine.change(switches=SHOWN)
    async with console(engine, (width, 80)) as screen:
        pane = screen.app._main.switches.region
        rows = [
            line[pane.x : pane.right]
            for line in (await screen.look()).splitlines()[pane.y + 2 : pane.bottom - 1]
        ]
    for switch, row in zip(SHOWN, rows, strict=False):
        assert switch.label in row
        assert "…" not in row, row
        assert width < 240 or switch.clears.split(",")[0].split(";")[0].split(" after")[0] in row


async def test_the_operators_halt_is_not_called_ready_once_it_was_used() -> None:
    engine = FakeEngine()
    trip(engine, "manual")
    async with console(engine, WIDE) as screen:
        [row] = [line for line in (await screen.look()).splitlines() if "TRIPPED" in line]
    assert "halt" in row
    assert "used" in row
