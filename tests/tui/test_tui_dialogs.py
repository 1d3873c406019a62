"""Every dialog on small terminals: what is to be typed or pressed is on the screen, however much it says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from console_screen import NARROW, console
from fake_engine import NOW, FakeEngine
from textual.screen import ModalScreen
from textual.widgets import Button, Input

from console.config.catalogue import CATALOGUE
from console.config.errors import ConfigError
from console.config.schema import Settings
from console.domain.trading_state import TradingState
from console.engine.limit_views import LatchView
from console.engine.settings_preview import Preview, Proposed
from console.tui.cells import put
from console.tui.dialogs import Page, QuitDialog, ResumeDialog, StopDialog
from console.tui.picture import read
from console.tui.typed_dialog import TypedDialog
from console.tui.views.replay_field import FieldDialog
from console.tui.views.replay_form import FIELDS
from console.tui.views.thresholds_dialogs import EditDialog, ReviewDialog

LEAST = (60, 16)
LONG = "a sentence that goes on for so long that no line of a small terminal has room for all of it"
LINES = [put(f"{n} {LONG}") for n in range(20)]
LONGEST = max(CATALOGUE.values(), key=lambda spec: len(spec.description) + len(spec.expected))

Opener = Callable[[], ModalScreen[Any]]


def _quit() -> QuitDialog:
    engine = FakeEngine()
    engine.heartbeat_ns = 10**12
    return QuitDialog(lambda: read(engine, Settings(), NOW, keymap={}, edges={}), is_watching=False)


def _resume() -> ResumeDialog:
    latches = [
        LatchView(f"switch_{n}", TradingState.PAUSED, LONG, "risk", NOW, f"market:{n}") for n in range(6)
    ]
    return ResumeDialog(latches, lambda _: LONG)


def _typed() -> TypedDialog:
    return TypedDialog("Arm", "demo", lines=lambda: LINES, refusal=lambda: LONG, asks_reason=True)


def _review() -> ReviewDialog:
    proposed = tuple(Proposed(key, "1", "2", loosens=True) for key in list(CATALOGUE)[:20])
    looked = Preview(proposed, trips=(LONG,) * 5, breaches=(LONG,) * 5, withdrawn=3)
    return ReviewDialog("Apply", lambda: looked, asks=True)


def _edit() -> EditDialog:
    def refused(_: str) -> tuple[str, bool]:
        raise ConfigError(LONG)

    return EditDialog(LONGEST, "1", refused)


def _field() -> FieldDialog:
    def refused(_: str) -> None:
        raise ValueError(LONG)

    return FieldDialog(max(FIELDS, key=lambda field: len(field.hint)), "", refused)


OPENED: dict[type[ModalScreen[Any]], Opener] = {
    QuitDialog: _quit,
    StopDialog: lambda: StopDialog("KXHIGHNY-26NOV23-B45.5-WITH-A-LONG-NAME", "KXHIGHNY", "r"),
    ResumeDialog: _resume,
    TypedDialog: _typed,
    ReviewDialog: _review,
    EditDialog: _edit,
    FieldDialog: _field,
    Page: lambda: Page("Help", lambda: LINES),
}


def _dialogs(base: type[ModalScreen[Any]] = ModalScreen) -> Iterator[type[ModalScreen[Any]]]:
    for each in base.__subclasses__():
        yield from _dialogs(each)
        if each.__module__.startswith("console."):
            yield each


def test_every_dialog_is_tried_here() -> None:
    assert set(_dialogs()) == set(OPENED)


@pytest.mark.parametrize("size", [LEAST, NARROW])
@pytest.mark.parametrize("dialog", OPENED, ids=lambda dialog: dialog.__name__)
async def test_all_that_is_typed_or_pressed_is_seen_whole(
    dialog: type[ModalScreen[Any]], size: tuple[int, int]
) -> None:
    async with console(FakeEngine(), size) as screen:
        screen.app.push_screen(OPENED[dialog]())
        text = await screen.look()
        shown = screen.app.screen
        assert isinstance(shown, dialog)
        [box] = shown.query(".dialog")
        for widget in shown.query("Button, Input"):
            assert isinstance(widget, Button | Input)
            geometry = shown.find_widget(widget)
            assert geometry.visible_region == geometry.region, f"{widget}\n{text}"
            assert box.region.contains_region(geometry.region)
        assert shown.region.contains_region(box.region)
        assert len(text.splitlines()) == size[1]


@pytest.mark.parametrize("size", [LEAST, NARROW])
async def test_every_field_of_a_dialog_is_reached_by_tab_and_written_in(size: tuple[int, int]) -> None:
    async with console(FakeEngine(), size) as screen:
        dialog = TypedDialog("Arm", "demo", lines=lambda: LINES, refusal=lambda: None, asks_reason=True)
        screen.app.push_screen(dialog)
        await screen.look()
        for name, typed in (("word", "demo"), ("reason", "opened")):
            while screen.app.focused is None or screen.app.focused.id != name:
                await screen.press("tab")
            text = await screen.press(*typed)
            assert typed in text
        assert "● ready" in text
        await screen.press("enter")
        assert screen.app.screen is not dialog


@pytest.mark.parametrize("size", [LEAST, NARROW])
async def test_what_a_full_dialog_says_is_scrolled_to_its_end(size: tuple[int, int]) -> None:
    async with console(FakeEngine(), size) as screen:
        screen.app.push_screen(_typed())
        await screen.look()
        while screen.app.focused is None or screen.app.focused.id != "preview":
            await screen.press("tab")
        assert "19 a sentence" in await screen.press("end")


@pytest.mark.parametrize("size", [LEAST, NARROW])
async def test_no_toast_hides_what_a_dialog_asks_for(size: tuple[int, int]) -> None:
    async with console(FakeEngine(), size, has_toasts=True) as screen:
        await screen.press("p")
        screen.app.push_screen(_resume())
        text = await screen.look()
        assert "pause asked" not in text
        assert "Cancel  (Esc)" in text
        assert "Resume" in text.split("Cancel  (Esc)")[1]
        await screen.press("escape")
        assert "pause asked" in await screen.look()
