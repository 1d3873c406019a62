"""What the screen does between two drawings: keys are not kept waiting, and a silent engine is noticed."""

from __future__ import annotations

import pytest
from console_screen import console, screen_text
from fake_engine import SECOND, FakeEngine
from textual import events

from console.config.program_settings import InterfaceSettings
from console.domain.time_units import NS_PER_S
from console.tui.app import _LOOKED_EVERY_S
from console.tui.main_screen import MainScreen
from console.tui.pane import Pane
from console.tui.picture import LATE_NS


async def test_a_key_does_not_wait_until_every_pane_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    happened: list[str] = []
    draw, move = MainScreen._draw, Pane.action_move
    async with console(FakeEngine()) as screen:

        def drawn(main: MainScreen, pane: Pane) -> None:
            if pane.size and not happened:
                screen.app.post_message(events.Key("j", "j"))
            if pane.size:
                happened.append(f"drew {pane.id}")
            draw(main, pane)

        def moved(pane: Pane, rows: int) -> None:
            happened.append("key")
            move(pane, rows)

        monkeypatch.setattr(MainScreen, "_draw", drawn)
        monkeypatch.setattr(Pane, "action_move", moved)
        screen.app._tick()
        await screen.pilot.pause()
    at = happened.index("key")
    assert len(happened[:at]) < len(happened[at:])
    assert {f"drew {pane}" for pane in ("positions", "limits", "switches", "slippage", "log")} < set(happened)


async def test_pictures_that_come_faster_than_they_are_drawn_leave_no_pane_behind() -> None:
    engine = FakeEngine()
    async with console(engine) as screen:
        for _ in range(3):
            screen.app._tick()
        engine.change(slippage_limit_centibps=12_300)
        screen.app._tick()
        await screen.pilot.pause()
        assert "123" in screen_text(screen.app)


@pytest.mark.parametrize("is_dead", [False, True])
async def test_an_engine_that_falls_silent_is_told_before_the_next_drawing(*, is_dead: bool) -> None:
    engine = FakeEngine()
    async with console(engine, ui=InterfaceSettings(refresh_hz=1)) as screen:
        assert "ENGINE" not in screen_text(screen.app)
        if is_dead:
            engine.failed = "the journal cannot be written"
        else:
            engine.heartbeat_ns = LATE_NS + SECOND // 10
        screen.app._note_silence()
        await screen.pilot.pause()
        assert ("ENGINE FAILED" if is_dead else "ENGINE LATE 1.1s") in screen_text(screen.app)


def test_a_silent_engine_is_seen_well_within_two_seconds() -> None:
    assert LATE_NS / NS_PER_S + _LOOKED_EVERY_S <= 1.5
