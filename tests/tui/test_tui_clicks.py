"""The mouse, as fast and as often as it is pressed."""

from __future__ import annotations

import pytest
from console_screen import Console, console
from fake_engine import LATCHES, FakeEngine
from textual import events


async def settled(screen: Console) -> None:
    """Whatever was begun is over."""
    for _ in range(5):
        await screen.pilot.pause()


async def click(screen: Console, x: int, y: int, times: int = 1) -> None:
    """As the driver sends it when it was read at once; `Pilot.click` would send each click twice."""
    for _ in range(times):
        for kind in (events.MouseDown, events.MouseUp):
            screen.app.post_message(kind(None, x, y, 0, 0, 1, False, False, False))
    await settled(screen)


@pytest.mark.parametrize("key", ["ctrl+p", "q"])
async def test_a_double_click_beside_a_dialog_does_no_more_than_one(key: str) -> None:
    engine = FakeEngine()
    engine.change(latches=LATCHES)
    async with console(engine) as screen:
        await screen.press(key)
        await click(screen, 1, 38, times=2)
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
        await click(screen, lines[y].index(word), y, times=2)
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
        await click(screen, lines[y].index("Money of"), y, times=2)
        await screen.pilot.pause(0.3)
        assert "m Day" in await screen.look()
        assert screen.app.failure is None


@pytest.mark.parametrize(
    ("tab", "row"), [("1", "KXBTC15M"), ("t", "kelly_fraction"), ("b", "recording"), ("b", "thresholds")]
)
async def test_a_double_click_on_a_row_does_what_enter_does(tab: str, row: str) -> None:
    async def after(double: bool) -> tuple[str, str]:
        async with console(FakeEngine()) as screen:
            lines = (await screen.press(tab)).splitlines()
            y = next(n for n, line in enumerate(lines) if row in line)
            x = lines[y].index(row)
            await click(screen, x, y)
            clicked = await screen.look()
            if double:
                await click(screen, x, y, times=2)
            else:
                await screen.press("enter")
                await settled(screen)
            return clicked, await screen.look()

    clicked, entered = await after(double=False)
    assert entered != clicked
    assert (await after(double=True))[1] == entered


async def test_a_click_below_the_rows_leaves_the_cursor_on_its_row() -> None:
    async with console(FakeEngine()) as screen:
        lines = (await screen.press("t", "down")).splitlines()
        y = next(n for n, line in enumerate(lines) if "set by default" in line)
        await click(screen, lines[y].index("set by default"), y, times=2)
        assert (await screen.look()).splitlines() == lines
