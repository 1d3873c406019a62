"""The keys of reduce-only, flatten, disarm and arm, and their dialogs."""

from __future__ import annotations

import msgspec
import pytest
from console_screen import NARROW, WIDE, console
from fake_engine import NOW, POSITIONS, FakeEngine, dollars
from textual.widgets import Button

from console.config.program_settings import InterfaceSettings
from console.domain.commands import Arm, Disarm, Flatten, ReduceOnly, Resume
from console.domain.money import Count, Price
from console.domain.trading_state import TradingState
from console.engine.account_views import ExitView
from console.engine.limit_views import LatchView
from console.tui.actions import ALL_ACTIONS, places_of
from console.tui.typed_dialog import TypedDialog

DISARMED = LatchView("disarmed", TradingState.REDUCE_ONLY, "not armed since this start", "start", NOW)


def holding() -> FakeEngine:
    """A thin bid, and a position without one."""
    engine = FakeEngine()
    thin = ExitView(Price(9_510), Count(4_000), dollars(199.71), dollars(0.7), dollars(1.05))
    held = [msgspec.structs.replace(POSITIONS[0], exit=thin), POSITIONS[3]]
    engine.change(positions=tuple(held))
    return engine


async def test_reduce_only_and_disarm_go_out_at_one_key() -> None:
    engine = FakeEngine()
    async with console(engine) as screen:
        await screen.press("R", "d")
    assert engine.sent == [ReduceOnly(at_ns=NOW), Disarm(at_ns=NOW)]


@pytest.mark.parametrize("size", [WIDE, NARROW])
async def test_flatten_shows_what_it_would_cost_and_says_what_is_unknown(size: tuple[int, int]) -> None:
    async with console(holding(), size) as screen:
        text = await screen.press("F")
        assert isinstance(screen.app.focused, Button)
        assert screen.app.focused.id == "no"
    for shown in (
        "95.1",
        "199.71",
        "-1.05",
        "no bid",
        "1 unknown",
        "shows less than is held",
        "type flatten",
    ):
        assert shown in text


@pytest.mark.parametrize("size", [WIDE, NARROW])
async def test_the_field_and_the_sums_stay_in_sight_however_much_is_held(size: tuple[int, int]) -> None:
    engine = FakeEngine()
    leaving = ExitView(Price(9_510), Count(4_000), dollars(199.71), dollars(0.7), dollars(1.05))
    held = [
        msgspec.structs.replace(POSITIONS[0], ticker=f"KXBTC15M-26NOV22151541-{n}", exit=leaving)
        for n in range(12)
    ]
    engine.change(positions=tuple(held))
    async with console(engine, size) as screen:
        text = await screen.press("F")
    for shown in ("type flatten", "Cancel  (Esc)", "proceeds $2,396.52"):
        assert shown in text
    [row] = [line for line in text.splitlines() if "151541-0" in line and "199.71" in line]
    assert "-1.05" in row


async def test_tab_leads_to_the_word_where_there_is_nothing_to_scroll() -> None:
    engine = holding()
    async with console(engine) as screen:
        await screen.press("F")
        await screen.press("tab", *"flatten", "enter")
    assert engine.sent == [Flatten(at_ns=NOW)]


async def test_enter_at_the_open_dialog_cancels() -> None:
    engine = holding()
    async with console(engine) as screen:
        await screen.press("F", "enter")
        assert not isinstance(screen.app.screen, TypedDialog)
    assert engine.sent == []


async def test_flatten_goes_out_only_once_its_word_is_typed() -> None:
    engine = holding()
    async with console(engine) as screen:
        await screen.press("F", "shift+tab", *"flat", "enter")
        assert isinstance(screen.app.screen, TypedDialog)
        assert engine.sent == []
        await screen.press(*"ten", "enter")
    assert engine.sent == [Flatten(at_ns=NOW)]


async def test_an_engine_that_does_not_answer_is_not_asked_to_flatten() -> None:
    engine = holding()
    async with console(engine) as screen:
        await screen.press("F", "shift+tab", *"flatten")
        engine.heartbeat_ns = 60 * 10**9
        text = await screen.press("enter")
        assert "the engine does not answer" in text
    assert engine.sent == []


async def test_halt_works_under_the_flatten_dialog() -> None:
    engine = holding()
    async with console(engine) as screen:
        await screen.press("F", "shift+tab", "f12")
    assert engine.halts == ["operator"]


async def test_a_preview_follows_the_market_while_it_is_open() -> None:
    engine = holding()
    async with console(engine) as screen:
        await screen.press("F", "shift+tab")
        engine.change(positions=())
        assert "no position is held" in await screen.press("f")


async def test_arming_shows_where_and_needs_the_environments_name_and_a_reason() -> None:
    engine = FakeEngine()
    engine.change(latches=(DISARMED,), state=TradingState.REDUCE_ONLY, environment="demo")
    async with console(engine) as screen:
        text = await screen.press("A")
        assert "New entries may be sent in DEMO" in text
        await screen.press("shift+tab", "shift+tab", *"demo", "enter")
        assert engine.sent == []
        await screen.press("tab", *"checked", "enter")
    assert engine.sent == [Arm(at_ns=NOW, reason="checked")]


async def test_arming_is_refused_with_the_engines_reason() -> None:
    engine = FakeEngine()
    engine.change(latches=(DISARMED,), state=TradingState.REDUCE_ONLY)
    engine.refusals["disarmed"] = "positions differ"
    async with console(engine) as screen:
        text = await screen.press("A", "shift+tab", *"x", "shift+tab", *"practice", "enter")
        assert "refused now: positions differ" in text
    assert engine.sent == []


async def test_resume_does_not_arm_and_says_which_key_does() -> None:
    engine = FakeEngine()
    engine.change(latches=(DISARMED,), state=TradingState.REDUCE_ONLY, environment="demo")
    async with console(engine) as screen:
        assert "A arms" in await screen.look()
        await screen.press("r")
        [toast] = screen.app._notifications
        assert toast.message == "nothing to resume: no latch is raised but disarmed, and A arms"
        assert len(screen.app.screen_stack) == 1


async def test_beside_a_pause_resume_offers_the_pause_alone() -> None:
    engine = FakeEngine()
    pause = LatchView("pause", TradingState.PAUSED, "operator", "operator", NOW)
    engine.change(latches=(DISARMED, pause), state=TradingState.REDUCE_ONLY, environment="demo")
    async with console(engine) as screen:
        await screen.press("r", "shift+tab", *"seen", "enter")
    assert engine.sent == [Resume(at_ns=NOW, latch="pause", reason="seen")]


async def test_what_is_armed_is_not_armed_again() -> None:
    engine = FakeEngine()
    async with console(engine) as screen:
        await screen.press("A")
        assert not isinstance(screen.app.screen, TypedDialog)


@pytest.mark.parametrize("key", ["p", "R", "c", "F", "d", "A", "r"])
async def test_a_readonly_console_sends_nothing_and_says_so(key: str) -> None:
    engine = holding()
    engine.change(latches=(DISARMED,))
    async with console(engine, is_readonly=True) as screen:
        await screen.press(key)
        [toast] = screen.app._notifications
        assert toast.message == "read-only: nothing was sent; only a halt is"
        assert len(screen.app.screen_stack) == 1
    assert engine.sent == []


async def test_a_verb_can_be_moved_to_another_key() -> None:
    engine = FakeEngine()
    async with console(engine, ui=InterfaceSettings(keymap={"disarm": "f8"})) as screen:
        await screen.press("d", "f8")
    assert engine.sent == [Disarm(at_ns=NOW)]


def test_every_verb_has_a_key_of_its_own_and_an_id() -> None:
    keys = [
        (place, key.strip())
        for action in ALL_ACTIONS
        for key in action.keys.split(",")
        for place in places_of(action)
    ]
    assert len(keys) == len(set(keys))
    assert {"pause", "reduce_only", "halt", "flatten", "disarm", "arm", "resume"} <= {
        a.id for a in ALL_ACTIONS
    }
