from __future__ import annotations

import pytest
from console_screen import NARROW, WIDE, console
from fake_engine import LATCHES, NOW, SECOND, FakeEngine

from console.config.program_settings import InterfaceSettings
from console.domain.trading_state import TradingState
from console.engine.halt_view import HaltPhase, HaltView


@pytest.mark.parametrize("key", ["f12", "ctrl+x", "h"])
async def test_one_key_halts_and_the_screen_says_so_at_once(key: str) -> None:
    engine = FakeEngine()
    async with console(engine) as screen:
        text = await screen.press(key)
    assert engine.halts == ["operator"]
    assert "■ HALTED" in text
    assert "cancelling" in text


@pytest.mark.parametrize(
    ("path_there", "key"),
    [
        pytest.param(["slash", "x"], "f12", id="in the filter"),
        pytest.param(["slash", "x"], "ctrl+x", id="in the filter, other key"),
        pytest.param(["question_mark"], "f12", id="under help"),
        pytest.param(["q"], "ctrl+x", id="under the quit dialog"),
        pytest.param(["r", "shift+tab"], "f12", id="in the reason to resume"),
        pytest.param(["ctrl+p"], "f12", id="in the palette"),
        pytest.param(["ctrl+p", "x"], "ctrl+x", id="in the palette, other key"),
        pytest.param(["5", "z"], "f12", id="zoomed"),
    ],
)
async def test_halt_works_wherever_the_operator_is(path_there: list[str], key: str) -> None:
    engine = FakeEngine()
    engine.change(latches=LATCHES)
    async with console(engine) as screen:
        await screen.press(*path_there)
        await screen.press(key)
    assert engine.halts == ["operator"]


async def test_a_letter_in_a_text_field_does_not_halt() -> None:
    engine = FakeEngine()
    async with console(engine) as screen:
        await screen.press("slash", "h")
    assert engine.halts == []


async def test_pressing_again_cancels_again() -> None:
    engine = FakeEngine()
    async with console(engine) as screen:
        await screen.press("f12")
        await screen.press("f12")
    assert len(engine.halts) == 2


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_a_proven_halt_says_when_and_that_nothing_rests(size: tuple[int, int]) -> None:
    engine = FakeEngine()
    engine.change(state=TradingState.HALTED, latches=LATCHES, resting=())
    engine.halting = HaltView(
        HaltPhase.CONFIRMED, "operator", requested_ns=NOW - SECOND, attempts=2, resting=0, confirmed_ns=NOW
    )
    async with console(engine, size) as screen:
        text = await screen.look()
    assert "0 of ours resting at 12:04:31 (read twice)" in text
    assert "12:04:30 operator" in text


@pytest.mark.parametrize("size", [NARROW, WIDE])
async def test_an_unproven_halt_says_what_is_left_and_what_to_press(size: tuple[int, int]) -> None:
    engine = FakeEngine()
    engine.halting = HaltView(
        HaltPhase.UNCONFIRMED, "operator", requested_ns=NOW, attempts=4, resting=3, error="503"
    )
    async with console(engine, size) as screen:
        text = await screen.look()
    assert "HALT UNCONFIRMED  3 resting, retrying (4)  f12 cancels again" in text


async def test_a_halt_that_could_not_list_orders_does_not_say_zero() -> None:
    engine = FakeEngine()
    engine.halting = HaltView(HaltPhase.UNCONFIRMED, "operator", requested_ns=NOW, attempts=1)
    async with console(engine) as screen:
        text = await screen.look()
    assert "unknown how many resting" in text
    assert "0 resting" not in text


async def test_halt_can_be_moved_to_another_key() -> None:
    engine = FakeEngine()
    async with console(engine, ui=InterfaceSettings(keymap={"halt": "f9"})) as screen:
        text = await screen.press("slash", "f9")
    assert engine.halts == ["operator"]
    assert "f9" in text.splitlines()[-1]


async def test_a_readonly_console_still_halts_and_does_nothing_else() -> None:
    engine = FakeEngine()
    engine.change(latches=LATCHES)
    async with console(engine, is_readonly=True) as screen:
        text = await screen.press("p", "c", "r", "f12")
    assert engine.sent == []
    assert engine.halts == ["operator"]
    assert "READ-ONLY" in text
