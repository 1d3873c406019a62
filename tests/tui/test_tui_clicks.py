"""The mouse, as fast and as often as it is pressed."""

from __future__ import annotations

import pytest
from console_screen import Console, console
from fake_engine import LATCHES, FakeEngine
from textual import events


async def double_click(screen: Console, x: int, y: int) -> None:
    """As the driver sends it when it was read at once; then whatever it began is over."""
    for _ in range(2):
        for kind in (events.MouseDown, events.MouseUp):
            screen.app.post_message(kind(None, x, y, 0, 0, 1, False, False, False))
    for _ in range(5):
        await screen.pilot.pause()


@pytest.mark.parametrize("key", ["ctrl+p", "q"])
async def test_a_double_click_beside_a_dialog_does_no_more_than_one(key: str) -> None:
    engine = FakeEngine()
    engine.change(latches=LATCHES)
    async with console(engine) as screen:
        await screen.press(key)
        await double_click(screen, 1, 38)
        assert screen.app.failure is None
        await screen.press("escape", "escape")
        assert len(screen.app.screen_stack) == 1
    assert (engine.halts, engine.sent) == ([], [])


@pytest.mark.parametrize(("key", "word"), [("r", "Cancel  "), ("S", "Stop KX")])
async def test_a_double_click_on_a_button_presses_it_once(key: str, word: str) -> None:
    engine = FakeEngine()
    engine.change(latches=LATCHES)
    async with console(engine) as screen:
        lines = (await screen.press(key)).splitlines()
        (y,) = [n for n, line in enumerate(lines) if f" {word}" in line]
        await double_click(screen, lines[y].index(word), y)
        assert screen.app.failure is None
        assert len(screen.app.screen_stack) == 1
    assert len(engine.sent) == (word == "Stop KX")


async def test_a_double_click_on_a_command_of_the_palette_runs_it_once() -> None:
    engine = FakeEngine()
    async with console(engine) as screen:
        await screen.press("ctrl+p", *"money of")
        await screen.pilot.pause(0.5)
        lines = (await screen.look()).splitlines()
        y = next(n for n, line in enumerate(lines) if "Money of" in line)
        await double_click(screen, lines[y].index("Money of"), y)
        await screen.pilot.pause(0.3)
        assert "m Day" in await screen.look()
        assert screen.app.failure is None
