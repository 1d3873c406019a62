"""What comes before the screen is complete, or when a part of it never is."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from console_screen import WIDE, Console, console, loaded_as, screen_text
from fake_engine import FakeEngine
from textual import events

from console.config.schema import Settings
from console.domain.commands import PauseEntries
from console.tui import tabs
from console.tui.app import ConsoleApp

LATER = ("t", "b", "w", "a", "m", "i", "l")


def told(screen: Console) -> str:
    return " ".join(each.message for each in screen.app._notifications)


@pytest.mark.parametrize("lost", ["console.tui.tabs", "console.tui.views.replay_bar"])
async def test_tabs_that_cannot_be_loaded_take_neither_screen_nor_halt(
    lost: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, lost, None)
    engine = FakeEngine()
    async with console(engine, has_toasts=True) as screen:
        text = await screen.press(*LATER)
        assert "1 Positions" in text
        assert "the tabs cannot be loaded" in text
        assert lost in told(screen)
        assert engine.halts == []
        await screen.press("p", "5", "slash", *"fill", "enter", "z", "z", "question_mark", "escape")
        assert engine.sent == [PauseEntries(at_ns=engine.now_ns)]
        assert screen.app._main.trade_log.query_asked.text == "fill"
        await screen.press("f12")
        assert engine.halts == ["operator"]
        assert screen.app.failure is None


async def test_a_tab_that_cannot_be_made_takes_neither(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(tabs, "LogPane", fails)
    engine = FakeEngine()
    async with console(engine, has_toasts=True) as screen:
        await screen.press("l")
        assert "Too many open files" in told(screen)
        assert engine.halts == []
        assert screen.app.failure is None


async def test_what_is_clicked_before_the_tabs_are_there_waits_for_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine = FakeEngine()
    # With a row under the cursor more keys would follow, in other places.
    engine.change(positions=(), resting=())
    app = ConsoleApp(engine, loaded_as(Settings()), home=Path(), wall_ns=engine.wall_ns)
    # As if it took long: nothing but what is clicked asks for them.
    monkeypatch.setattr(app, "call_after_refresh", lambda *_: True)
    async with app.run_test(size=WIDE) as pilot:
        at_x = screen_text(app).splitlines()[-1].index("why not")
        assert app._main._completing is None
        for event in (events.MouseDown, events.MouseUp):
            app.post_message(event(None, at_x, WIDE[1] - 1, 0, 0, 1, False, False, False))
        text = await Console(app, pilot).look()
        assert "w Why not" in text
        assert app.failure is None
