"""Keys that come in one burst, as from a paste, a macro or a slow line: nothing waits between them."""

from __future__ import annotations

import pytest
from console_screen import Console, console
from fake_engine import LATCHES, NOW, FakeEngine
from textual import events
from textual.widgets import Input

from console.domain.commands import Arm
from console.domain.trading_state import TradingState
from console.engine.limit_views import LatchView
from console.tui.views.thresholds_dialogs import ReviewDialog


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


async def test_what_is_typed_behind_the_enter_of_a_field_is_no_part_of_it() -> None:
    engine = FakeEngine()
    async with console(engine) as screen:
        await screen.press("t", "slash", *"kelly", "enter", "end", "enter")
        await burst(screen, "ctrl+u", *"0.2", "enter", "v")
        assert isinstance(screen.app.screen, ReviewDialog)
        assert "0.25 → 0.2 " in await screen.look()


async def test_what_is_typed_behind_the_enter_of_the_filter_is_for_the_list() -> None:
    engine = FakeEngine()
    async with console(engine) as screen:
        await burst(screen, "5", "slash", *"denied", "enter", "z")
        assert screen.app._main.trade_log.query_asked.text == "denied"
        assert "1 Positions" not in await screen.look()


async def test_a_word_and_a_reason_typed_in_one_burst_confirm_a_dialog() -> None:
    engine = FakeEngine()
    engine.change(latches=(LatchView("disarmed", TradingState.REDUCE_ONLY, "start", "start", NOW),))
    async with console(engine) as screen:
        await burst(screen, "A", "shift+tab", "shift+tab", *"practice", "tab", *"hp", "enter")
        assert engine.sent == [Arm(at_ns=NOW, reason="hp")]
    assert engine.halts == []


async def test_the_halt_key_does_not_wait_for_a_field() -> None:
    engine = FakeEngine()
    async with console(engine) as screen:
        await burst(screen, "slash", *"abc", "f12", *"d")
        assert typed(screen) == "abcd"
    assert engine.halts == ["operator"]
