"""Keys that come in one burst, as from a paste, a macro or a slow line: nothing waits between them."""

from __future__ import annotations

import pytest
from console_screen import Console, console
from fake_engine import LATCHES, FakeEngine
from textual import events
from textual.widgets import Input


async def burst(screen: Console, *keys: str) -> None:
    """As the driver sends keys that were read at once; then whatever they began is over."""
    for key in keys:
        screen.app.post_message(events.Key(key, key if len(key) == 1 else None))
    for _ in range(5):
        await screen.pilot.pause()


def typed(screen: Console) -> str:
    focused = screen.app.focused
    assert isinstance(focused, Input), f"{focused} has the focus"
    return focused.value


async def test_what_is_typed_behind_the_key_of_the_filter_goes_into_the_filter_alone() -> None:
    engine = FakeEngine()
    async with console(engine) as screen:
        await burst(screen, "5", "slash", *"hpcdRq")
        assert typed(screen) == "hpcdRq"
        assert screen.app._main.trade_log.query_asked.text == "hpcdRq"
        assert len(screen.app.screen_stack) == 1
    assert (engine.halts, engine.sent) == ([], [])


@pytest.mark.parametrize("tab", ["l", "a"])
async def test_the_same_in_a_tab_that_a_key_of_the_burst_opened(tab: str) -> None:
    engine = FakeEngine()
    async with console(engine) as screen:
        await burst(screen, tab, "slash", *"halt")
        assert typed(screen) == "halt"
    assert engine.halts == []


async def test_what_is_typed_behind_the_key_of_a_dialog_stays_in_the_dialog() -> None:
    engine = FakeEngine()
    engine.change(latches=LATCHES)
    async with console(engine) as screen:
        await burst(screen, "r", *"hpc")
        assert len(screen.app.screen_stack) == 2
        await burst(screen, "shift+tab", *"hp")
        assert typed(screen) == "hp"
    assert (engine.halts, engine.sent) == ([], [])


async def test_what_is_typed_behind_the_key_of_the_palette_is_searched_for() -> None:
    engine = FakeEngine()
    async with console(engine) as screen:
        await burst(screen, "ctrl+p", *"hp")
        assert typed(screen) == "hp"
    assert (engine.halts, engine.sent) == ([], [])


async def test_a_value_typed_behind_the_key_that_edits_is_the_value() -> None:
    engine = FakeEngine()
    async with console(engine) as screen:
        await screen.press("t", "down")
        await burst(screen, "enter", *"h7")
        assert typed(screen).endswith("h7")
    assert engine.halts == []
