from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest
from console_screen import console, loaded_as
from fake_engine import LATCHES, NOW, SECOND, FakeEngine
from textual.widgets import Button

from console.config.logs import LogFile, RunLog
from console.config.schema import Settings
from console.domain.commands import CancelAllOrders, PauseEntries, Resume
from console.tui import dialogs
from console.tui.app import ConsoleApp
from console.tui.dialogs import QuitDialog, ResumeDialog
from console.tui.quit_choice import QuitChoice


async def test_pause_and_cancel_all_go_out_without_a_dialog() -> None:
    engine = FakeEngine()
    async with console(engine) as screen:
        await screen.press("p", "c")
    assert engine.sent == [PauseEntries(at_ns=NOW), CancelAllOrders(at_ns=NOW)]


async def test_resume_shows_every_cause_and_focuses_cancel() -> None:
    engine = FakeEngine()
    engine.change(latches=LATCHES)
    async with console(engine) as screen:
        text = await screen.press("r")
        assert isinstance(screen.app.focused, Button)
        assert screen.app.focused.id == "no"
        assert "51 bps > 50 bps, n=20" in text
        assert "manual" in text
        await screen.press("enter")
        assert not isinstance(screen.app.screen, ResumeDialog)
    assert engine.sent == []


async def test_resume_clears_the_latch_that_was_chosen_with_the_reason_typed() -> None:
    engine = FakeEngine()
    engine.change(latches=LATCHES)
    async with console(engine) as screen:
        await screen.press("r", "shift+tab", "shift+tab", "down", "tab", *"checked", "enter")
    assert engine.sent == [Resume(at_ns=NOW, latch="slippage", reason="checked")]


async def test_one_tab_reaches_the_reason_among_many_latches_and_down_chooses_from_there() -> None:
    engine = FakeEngine()
    engine.change(latches=LATCHES)
    async with console(engine) as screen:
        await screen.press("r", "tab", *"checked")
        assert "slippage may be cleared" in await screen.press("down")
        await screen.press("enter")
    assert engine.sent == [Resume(at_ns=NOW, latch="slippage", reason="checked")]


async def test_resume_without_a_reason_is_not_sent() -> None:
    engine = FakeEngine()
    engine.change(latches=LATCHES)
    async with console(engine) as screen:
        await screen.press("r", "shift+tab", "space", "enter")
        assert isinstance(screen.app.screen, ResumeDialog)
        await screen.press("escape")
    assert engine.sent == []


async def test_a_latch_whose_condition_still_holds_is_refused_with_the_cause() -> None:
    engine = FakeEngine()
    engine.change(latches=LATCHES)
    engine.refusals["manual"] = "2 orders of unknown outcome"
    async with console(engine) as screen:
        text = await screen.press("r", "shift+tab", *"again", "enter")
        assert "refused now: 2 orders of unknown outcome" in text
        assert isinstance(screen.app.screen, ResumeDialog)
    assert engine.sent == []


async def test_one_tab_reaches_the_reason_when_there_is_one_latch() -> None:
    engine = FakeEngine()
    engine.change(latches=LATCHES[:1])
    async with console(engine) as screen:
        await screen.press("r", "tab", *"checked", "enter")
    assert engine.sent == [Resume(at_ns=NOW, latch="manual", reason="checked")]


async def test_conditions_are_checked_again_when_resume_is_pressed() -> None:
    engine = FakeEngine()
    engine.change(latches=LATCHES)
    async with console(engine) as screen:
        await screen.press("r", "shift+tab", *"again")
        engine.refusals["manual"] = "the book is stale"
        await screen.press("enter")
    assert engine.sent == []


async def test_there_is_nothing_to_resume_without_a_latch() -> None:
    engine = FakeEngine()
    async with console(engine) as screen:
        await screen.press("r")
        assert not isinstance(screen.app.screen, ResumeDialog)


async def test_the_counts_of_the_quit_dialog_follow_the_engine_while_it_is_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dialogs, "_RECHECK_S", 0.01)
    engine = FakeEngine()
    async with console(engine) as screen:
        await screen.press("q")
        engine.change(resting=())
        async with asyncio.timeout(10):
            while "Orders that rest or may rest: 0. Positions: 4" not in await screen.look():
                await screen.pilot.pause(0.01)


@pytest.mark.parametrize("key", ["q", "ctrl+q", "ctrl+c"])
async def test_quit_asks_and_enter_cancels_the_orders(key: str) -> None:
    async with console(FakeEngine()) as screen:
        text = await screen.press(key)
        assert "Orders that rest or may rest: 2. Positions: 4" in text
        await screen.pilot.press("enter")
        await screen.pilot.pause()
    assert screen.app.return_value is QuitChoice.CANCEL_ORDERS


async def test_quit_can_leave_orders_resting() -> None:
    async with console(FakeEngine()) as screen:
        await screen.press("q")
        await screen.pilot.press("down", "enter")
        await screen.pilot.pause()
    assert screen.app.return_value is QuitChoice.LEAVE_RESTING


async def test_quitting_with_nothing_resting_asks_nothing_of_orders_and_would_cancel_one() -> None:
    engine = FakeEngine()
    engine.change(resting=())
    async with console(engine) as screen:
        text = await screen.press("q")
        assert "Quit  (Enter)" in text
        assert "Cancel the orders" not in text
        assert "Leave them" not in text
        await screen.pilot.press("enter")
        await screen.pilot.pause()
    assert screen.app.return_value is QuitChoice.CANCEL_ORDERS


async def test_a_hung_engine_is_not_taken_for_one_with_nothing_resting() -> None:
    engine = FakeEngine()
    engine.change(resting=())
    engine.heartbeat_ns = 41 * SECOND
    async with console(engine) as screen:
        assert "Cancel the orders and quit" in await screen.press("q")


async def test_quitting_a_hung_engine_says_how_old_the_count_is() -> None:
    engine = FakeEngine()
    engine.heartbeat_ns = 41 * SECOND
    engine.now_ns += 41 * SECOND
    async with console(engine) as screen:
        assert "The engine does not answer: this is 41s old" in await screen.press("q")


async def test_escape_stays() -> None:
    async with console(FakeEngine()) as screen:
        await screen.press("q", "escape")
        assert not isinstance(screen.app.screen, QuitDialog)
        assert screen.app.is_running
    assert screen.app.return_value is None


async def test_quit_from_a_text_field_and_from_a_dialog_asks_once() -> None:
    engine = FakeEngine()
    engine.change(latches=LATCHES)
    async with console(engine) as screen:
        await screen.press("r", "ctrl+c", "ctrl+c")
        assert [type(s) for s in screen.app.screen_stack].count(QuitDialog) == 1


async def test_another_thread_ends_the_console_with_an_exit_code() -> None:
    async with console(FakeEngine()) as screen:
        await asyncio.to_thread(screen.app.end, 143)
        await screen.pilot.pause()
    assert screen.app.return_code == 143
    assert screen.app.return_value is QuitChoice.CANCEL_ORDERS


async def test_a_console_told_to_end_before_it_runs_ends_at_once() -> None:
    app = ConsoleApp(FakeEngine(), loaded_as(Settings()), home=Path())
    app.end(129)
    async with app.run_test():
        pass
    assert app.return_code == 129


async def _crash(engine: FakeEngine, apps: list[ConsoleApp]) -> None:
    async with console(engine) as screen:
        apps.append(screen.app)

        def fail() -> None:
            private_key = "-".join(["hunter2", "secret"])
            raise RuntimeError(f"no snapshot for {len(private_key)}")

        screen.app.call_later(fail)
        await screen.pilot.pause()


async def test_a_crash_halts_and_is_logged_without_the_values_of_variables(tmp_path: Path) -> None:
    engine, apps, kept = FakeEngine(), list[ConsoleApp](), RunLog(LogFile(tmp_path / "log"))
    logger = logging.getLogger("console.tui.app")
    logger.addHandler(kept)
    try:
        with pytest.raises(RuntimeError):
            await _crash(engine, apps)
    finally:
        logger.removeHandler(kept)
        kept.close()
    assert apps[0].failure == "the screen failed: RuntimeError: no snapshot for 14"
    assert apps[0].return_code == 1
    assert engine.halts == [apps[0].failure]
    logged = (tmp_path / "log").read_text()
    assert "no snapshot for 14" in logged
    assert "hunter2-secret" not in logged
