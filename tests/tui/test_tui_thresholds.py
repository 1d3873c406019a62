"""The Thresholds tab over a real engine: edit, preview, apply, see it in force, undo."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from console_screen import HUGE, NARROW, WIDE, Console, console, loaded_as, screen_text
from fake_engine import NOW, FakeEngine
from hypothesis import given
from hypothesis import strategies as st
from scripted_venue import Run, ScriptedExchange

from console.config.load import Loaded, load
from console.config.program_settings import InterfaceSettings
from console.domain.commands import ChangeSettings
from console.domain.engine_events import SettingChange, SettingsChanged
from console.engine.halt_view import HaltPhase
from console.engine.overrides import Overrides
from console.engine.snapshot import Snapshot
from console.tui.app import ConsoleApp
from console.tui.views.thresholds_dialogs import EditDialog, ReviewDialog
from console.tui.views.thresholds_history import clock, undoable

KELLY = "kelly_fraction"


class Desk(Console):
    """A console over a real worker, on an exchange in memory."""

    run: Run

    @property
    def snapshot(self) -> Snapshot:
        snapshot = self.run.worker.snapshot()
        assert snapshot is not None
        return snapshot

    async def find(self, name: str) -> str:
        """Open the tab and bring one setting under the cursor."""
        return await self.press("t", "slash", *(_KEYS.get(c, c) for c in name), "enter", "end")

    async def type_over(self, text: str) -> str:
        return await self.press("ctrl+u", *(_KEYS.get(c, c) for c in text))

    async def edit(self, name: str, text: str) -> str:
        """An edit, kept for the review."""
        await self.find(name)
        await self.press("enter")
        assert isinstance(self.app.screen, EditDialog)
        await self.type_over(text)
        return await self.press("enter")

    async def until_changed(self, number: int) -> Snapshot:
        """Wait for so many changes to be in force, and draw them."""
        for _ in range(500):
            if len(self.snapshot.edits) >= number:
                await self.look()
                return self.snapshot
            await asyncio.sleep(0.01)
        raise AssertionError(f"{len(self.snapshot.edits)} changes; {self.snapshot.alerts}")


_KEYS = {".": "full_stop", "_": "underscore", " ": "space", "/": "slash"}


@asynccontextmanager
async def opened(
    home: Path,
    *options: str,
    size: tuple[int, int] = WIDE,
    is_readonly: bool = False,
    variables: dict[str, str] | None = None,
) -> AsyncIterator[Desk]:
    loaded = _loaded(home, *options, variables=variables)
    run = Run(home, ScriptedExchange(), loaded.settings, Overrides(home / "overrides.toml", loaded))
    await asyncio.to_thread(run.worker.start, 20)
    try:
        app = ConsoleApp(run.worker, loaded, home=home, is_readonly=is_readonly)
        async with app.run_test(size=size) as pilot:
            desk = Desk(app, pilot)
            desk.run = run
            await desk.look()
            yield desk
    finally:
        await asyncio.to_thread(lambda: run.worker.stop(cancel_resting=True))


def _loaded(home: Path, *options: str, variables: dict[str, str] | None = None) -> Loaded:
    return load(
        "practice",
        overrides=home / "overrides.toml",
        variables=variables or {},
        options=[("--set", option) for option in options],
    )


def toasts(desk: Desk) -> list[str]:
    return [toast.message for toast in desk.app._notifications]


# --- the journey ----------------------------------------------------------------------------------------


async def test_an_edit_is_previewed_applied_shown_on_its_gauge_and_undone(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        before = next(g.limit for g in desk.snapshot.gauges if g.key == "total")
        text = await desk.edit("max_total", "0.05")
        assert "→ 0.05" in text
        assert desk.snapshot.edits == ()
        text = await desk.press("v")
        assert isinstance(desk.app.screen, ReviewDialog)
        assert "risk.max_total_exposure_pct  0.06 → 0.05  tightens" in text
        assert "no switch trips, no limit is exceeded" in text
        await desk.press("enter")
        shown = await desk.until_changed(1)
        after = next(g.limit for g in shown.gauges if g.key == "total")
        assert before is not None
        assert after == before * 5 // 6
        await desk.press("t")
        assert "500" in next(line for line in screen_text(desk.app).splitlines() if "total exposure" in line)
        assert tomllib.loads((tmp_path / "overrides.toml").read_text()) == {
            "risk": {"max_total_exposure_pct": 0.05}
        }
        text = await desk.press("t", "u")
        assert "0.05 → 0.06  loosens" in text
        assert desk.app.focused is not None
        assert desk.app.focused.id == "no"
        await desk.press("shift+tab", *"calm", "enter")
        back = await desk.until_changed(2)
        assert back.settings == _loaded(tmp_path).settings
        assert (tmp_path / "overrides.toml").read_text() == ""
        text = await desk.press("e")
        assert "calm" in text
        assert text.index("0.05 → 0.06") < text.index("0.06 → 0.05")
    edits = [event for event in desk.run.journaled() if isinstance(event, SettingsChanged)]
    first, second = (edit.reason for edit in edits)
    assert first == "tightened"
    assert second == f"undo of {clock(edits[0])}: calm"


async def test_several_changes_are_undone_one_after_the_other_and_redone(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        for number, text in enumerate(("0.2", "0.15", "0.1"), start=1):
            await desk.edit(KELLY, text)
            await desk.press("v", "enter")
            await desk.until_changed(number)
            await desk.press("t")
        await desk.press("t")

        async def again(key: str, *typed: str) -> tuple[str, Decimal]:
            count = len(desk.snapshot.edits)
            shown = await desk.press(key)
            assert isinstance(desk.app.screen, ReviewDialog)
            await desk.press(*typed, "enter")
            return shown, (await desk.until_changed(count + 1)).settings.risk.kelly_fraction

        why = ("shift+tab", *"why")
        text, back = await again("u", *why)
        assert "0.1 → 0.15  loosens" in text
        assert "2 more can be undone" in text
        assert clock(desk.snapshot.edits[2]) in text
        assert back == Decimal("0.15")
        assert toasts(desk)[-1] == "settings: risk.kelly_fraction 0.1 -> 0.15"
        assert [(await again("u", *why))[1] for _ in range(2)] == [Decimal("0.2"), Decimal("0.25")]
        await desk.press("u")
        assert "nothing to undo" in toasts(desk)[-1]
        assert [(await again("U"))[1] for _ in range(2)] == [Decimal("0.2"), Decimal("0.15")]
        text = await desk.press("e")
        assert text.count("undone since") == 1
        assert f"redo of {clock(desk.snapshot.edits[1])}" in text
        await desk.press("escape", "t")
        await desk.edit(KELLY, "0.12")
        await desk.press("v", "enter")
        await desk.until_changed(9)
        await desk.press("U")
        assert "nothing to redo" in toasts(desk)[-1]


@given(st.lists(st.sampled_from("uU12345"), max_size=40))
def test_undo_and_redo_go_back_and_forth_as_in_any_editor(keys: list[str]) -> None:
    """Whatever is pressed, undoing all leads to the first value and redoing all to the last one left."""
    values, place, edits = ["0"], 0, list[SettingsChanged]()

    def make(key: str, old: str, new: str) -> None:
        change = SettingChange("k", old, new)
        edits.append(
            SettingsChanged(
                at_ns=len(edits), changes=(change,), reason=key, source="s", program="p", settings="h"
            )
        )

    for number, key in enumerate(keys):
        if key == "u" and place:
            make(key, values[place], values[place - 1])
            place -= 1
        elif key == "U" and place + 1 < len(values):
            make(key, values[place], values[place + 1])
            place += 1
        elif key not in "uU":
            new = f"{key} {number}"
            make(key, values[place], new)
            values[place + 1 :] = [new]
            place += 1
        found = undoable(edits)
        steps = [(edit.changes[0].old, edit.changes[0].new) for edit in found.done]
        assert steps == list(pairwise(values[: place + 1]))
        ahead = [(edit.changes[0].old, edit.changes[0].new) for edit in reversed(found.undone)]
        assert ahead == list(pairwise(values[place:]))


async def test_hints_name_the_keys_that_are_in_force(tmp_path: Path) -> None:
    moved = {"detail": "f4", "review": "f5", "undo": "f6", "redo": "f7", "edits": "f8", "drop_edit": "f9"}
    loaded = load("practice", overrides=tmp_path / "none.toml", variables={})
    settings = replace(loaded.settings, ui=InterfaceSettings(keymap=moved))
    engine = FakeEngine()
    async with console(engine, loaded=loaded_as(settings)) as screen:
        text = " ".join((await screen.press("t", "z")).split())
        assert "f4 edits, f5 reviews and applies, f6 undoes, f7 redoes, f8 shows the edits" in text
        await screen.press("slash", *"kelly", "enter", "end", "f4")
        assert isinstance(screen.app.screen, EditDialog)
        await screen.press("ctrl+u", "0", "full_stop", "1", "enter")
        text = " ".join((await screen.look()).split())
        assert "f5 reviews, f9 drops it" in text
        assert "1 edited, f5 reviews" in text


async def test_loosening_is_not_applied_by_enter_nor_without_a_reason(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        await desk.edit("max_daily_loss_d", "600")
        await desk.press("v", "enter")
        assert not isinstance(desk.app.screen, ReviewDialog)
        text = await desk.press("v", "shift+tab", "enter")
        assert "type one" in text
        assert isinstance(desk.app.screen, ReviewDialog)
        assert desk.snapshot.edits == ()
        await desk.press(*"why", "enter")
        shown = await desk.until_changed(1)
    assert shown.settings.risk.max_daily_loss_dollars == Decimal(600)
    assert shown.edits[0].reason == "why"


async def test_what_is_wrong_is_said_while_it_is_typed_and_enter_does_not_take_it(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        await desk.find(KELLY)
        await desk.press("enter")
        text = await desk.type_over("5")
        assert "risk.kelly_fraction = 5 must be a number from 0 to 1" in text
        await desk.press("enter")
        assert isinstance(desk.app.screen, EditDialog)
        text = await desk.type_over("0.3")
        assert "0.25 → 0.3 loosens" in text
        await desk.press("escape")
        assert len(desk.app.screen_stack) == 1
        assert desk.app._main.tabs.thresholds.proposed_settings() is None


async def test_edits_are_judged_together_and_a_conflict_names_the_other(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        await desk.find("max_single")
        await desk.press("enter")
        text = await desk.type_over("0.05")
        assert "must be at most" in text
        assert "risk.max_correlated_group_pct" in text


async def test_a_switch_that_would_trip_is_named_before_it_does(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        desk.run.worker.note_error("test", "one")
        desk.run.worker.note_error("test", "two")
        desk.run.seen("two errors", lambda s: s.risk is not None and s.risk.errors_in_hour == 2)
        await desk.edit("max_errors", "1")
        text = await desk.press("v")
        assert "errors trips PAUSED" in text
        await desk.press("enter")
        await desk.until_changed(1)
        desk.run.seen("paused", lambda s: any(latch.name == "error_burst" for latch in s.latches))


# --- refused --------------------------------------------------------------------------------------------


async def test_a_pinned_key_is_not_edited_and_says_what_pins_it(tmp_path: Path) -> None:
    async with opened(tmp_path, variables={"KCONSOLE_RISK__KELLY_FRACTION": "0.2"}) as desk:
        text = await desk.find(KELLY)
        assert "pinned" in text
        await desk.press("enter")
        assert not isinstance(desk.app.screen, EditDialog)
        assert "pinned by the variable KCONSOLE_RISK__KELLY_FRACTION" in toasts(desk)[0]


@pytest.mark.parametrize("name", ["scan_interval", "key_id", "max_burst"])
async def test_what_only_the_start_reads_is_marked_and_not_edited(tmp_path: Path, name: str) -> None:
    async with opened(tmp_path) as desk:
        assert "at start" in await desk.find(name)
        await desk.press("enter")
        assert not isinstance(desk.app.screen, EditDialog)
        assert "at the next start" in toasts(desk)[0]


async def test_a_readonly_console_applies_and_undoes_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path, is_readonly=True) as desk:
        await desk.edit(KELLY, "0.1")
        await desk.press("v")
        assert not isinstance(desk.app.screen, ReviewDialog)
        assert any("read-only" in text for text in toasts(desk))
    assert not [event for event in desk.run.journaled() if isinstance(event, ChangeSettings)]


async def test_nothing_is_applied_once_the_engine_has_ended(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        await desk.edit(KELLY, "0.1")
        await asyncio.to_thread(lambda: desk.run.worker._fail(RuntimeError("gone")))
        await desk.look()
        await desk.press("v")
        assert not isinstance(desk.app.screen, ReviewDialog)
        assert any("the engine does not answer" in text for text in toasts(desk))


async def test_nothing_to_review_or_undo_is_said(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        await desk.press("t", "v", "u")
        assert len(desk.app.screen_stack) == 1
        assert ["nothing is edited" in toasts(desk)[0], "nothing to undo" in toasts(desk)[1]] == [True, True]


async def test_an_edit_of_another_version_is_refused_to_be_undone_and_the_screen_lives() -> None:
    engine = FakeEngine()
    gone = SettingsChanged(
        at_ns=NOW,
        changes=(SettingChange("risk.gone", "1", "2"),),
        reason="old",
        source="operator",
        program="0.0.1",
        settings="0" * 16,
    )
    engine.change(edits=(gone,))
    async with console(engine) as screen:
        text = await screen.press("t", "u")
        assert "unknown key" in next(iter(screen.app._notifications)).message
        assert "t Thresholds" in text
    assert engine.halts == []


# --- halting, restarting, looking -----------------------------------------------------------------------


async def test_f12_halts_under_both_dialogs_and_the_change_still_applies_after(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        await desk.find(KELLY)
        await desk.press("enter", "f12")
        assert desk.run.worker.halt_view().phase is not HaltPhase.IDLE
        await desk.type_over("0.1")
        await desk.press("enter", "v", "f12")
        assert isinstance(desk.app.screen, ReviewDialog)
        await desk.press("enter")
        shown = await desk.until_changed(1)
        assert shown.state.name == "HALTED"


async def test_a_restart_shows_the_change_and_its_history(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        await desk.edit(KELLY, "0.1")
        await desk.press("v", "enter")
        await desk.until_changed(1)
    async with opened(tmp_path) as again:
        text = await again.find(KELLY)
        assert "overrides" in text
        assert again.snapshot.settings.risk.kelly_fraction == Decimal("0.1")
        assert "risk.kelly_fraction  0.25 → 0.1" in await again.press("e")


async def test_backspace_drops_an_edit_and_a_value_in_force_is_none(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        await desk.edit(KELLY, "0.1")
        proposed = desk.app._main.tabs.thresholds.proposed_settings()
        assert proposed is not None
        assert proposed.risk.kelly_fraction == Decimal("0.1")
        await desk.press("backspace")
        assert desk.app._main.tabs.thresholds.proposed_settings() is None
        await desk.press("enter")
        await desk.type_over("0.250")
        await desk.press("enter")
        assert desk.app._main.tabs.thresholds.proposed_settings() is None


@pytest.mark.parametrize("size", [(60, 16), NARROW, WIDE, HUGE])
async def test_setting_value_and_edit_are_seen_at_every_size(tmp_path: Path, size: tuple[int, int]) -> None:
    async with opened(tmp_path, size=size) as desk:
        text = await desk.edit("max_correlated", "0.03")
        for shown in ("t Thresholds", "0.04", "→ 0.03", "risk.max_correlated_group_pct", "tightens"):
            assert shown in text
