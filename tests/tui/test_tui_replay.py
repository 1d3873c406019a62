from __future__ import annotations

import asyncio
import dataclasses
import inspect
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import pytest
from console_screen import HUGE, NARROW, WIDE, Console, loaded_as, screen_text
from fake_engine import FakeEngine
from favourites import record
from textual.widgets import Input

from console.backtest.replay import SHIPPED, setup_of
from console.backtest.replay_child import Finished, ReplayChild
from console.config.schema import Settings
from console.config.trading_settings import EdgeSettings
from console.history.collected import Collected, collected_in, register
from console.tui.app import ConsoleApp
from console.tui.views import replay as replay_view
from console.tui.views.replay import ReplayPane
from console.tui.views.replay_form import EDITED, OWN_FOLDER, Form, named_thresholds

_DEFAULT = Settings()
SETTINGS = Settings(
    edge=EdgeSettings(model="constant", constant_points=Decimal(6)),
    strategy_flb=dataclasses.replace(_DEFAULT.strategy_flb, style="taker"),
)
"""Under which the shipped strategy trades the small recording."""


@asynccontextmanager
async def console(
    home: Path, size: tuple[int, int] = WIDE, *, is_readonly: bool = False, has_toasts: bool = False
) -> AsyncIterator[tuple[Console, ReplayPane, FakeEngine]]:
    engine = FakeEngine()
    engine.change(settings=SETTINGS)
    app = ConsoleApp(engine, loaded_as(SETTINGS), home=home, wall_ns=engine.wall_ns, is_readonly=is_readonly)
    async with app.run_test(size=size, notifications=has_toasts) as pilot:
        running = Console(app, pilot)
        await running.look()
        yield running, app._main.tabs.replay, engine


def choose(pane: ReplayPane, folder: Path, thresholds: str = "92c and 8c") -> None:
    pane._form.values |= {
        "recording": OWN_FOLDER,
        "folder": str(folder),
        "since": "",
        "until": "",
        "thresholds": thresholds,
        "depth": "",
    }


async def finish(screen: Console, pane: ReplayPane) -> str:
    """Wait for the child, which may have ended and been read already, then read the screen."""
    child = pane._child
    if child is not None:
        assert isinstance(child, ReplayChild)
        await asyncio.to_thread(child._thread.join, 100)
    return await screen.look()


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return record(tmp_path_factory.mktemp("recorded") / "data")


@pytest.mark.parametrize("size", [NARROW, WIDE, HUGE, (60, 16)])
async def test_b_shows_the_form_at_every_size_and_takes_it_away(
    size: tuple[int, int], tmp_path: Path
) -> None:
    async with console(tmp_path, size) as (screen, _, _):
        text = await screen.press("b")
        for word in ("b Replay", "recording", "thresholds", "in force"):
            assert word in text, word
        assert "REPLAY" not in text
        assert all(len(line) == size[0] for line in text.splitlines())
        assert "b Replay" not in await screen.press("b")


async def test_thresholds_under_test_stand_beside_those_in_force(recording: Path, tmp_path: Path) -> None:
    async with console(tmp_path, HUGE) as (screen, pane, engine):
        await screen.press("b")
        choose(pane, recording)
        await screen.press("x")
        text = await finish(screen, pane)
        await screen.press("z", "g")
        text = await screen.look()
        for word in (
            "favorite_threshold 90 → 92",
            "net P&L",
            "95 % from",
            "fees",
            "trades won",
            "break-even",
            "limits denied",
            "in force",
            "tested",
            "under test",
        ):
            assert word in text, word
        seen = text
        for _ in range(6):
            seen += await screen.press("pagedown")
        assert isinstance(pane._finished, tuple)
        compared = pane._finished[1].compared
        assert compared.under_test is not None
        said = "".join(seen.split())
        for warning in {*compared.warnings, *compared.in_force.warnings, *compared.under_test.warnings}:
            assert warning[:20].replace(" ", "") in said, warning
        assert "Trades:" in seen
    assert engine.sent == []
    assert engine.halts == []


async def test_what_is_in_force_alone_runs_once(recording: Path, tmp_path: Path) -> None:
    async with console(tmp_path, HUGE) as (screen, pane, _):
        await screen.press("b")
        choose(pane, recording, "in force")
        await screen.press("x")
        text = await finish(screen, pane)
        assert "In force alone" in text
        assert "nothing differs from what is in force" in text


async def test_x_cancels_a_running_replay_and_says_so(tmp_path: Path) -> None:
    folder = record(tmp_path / "data", days=60)
    async with console(tmp_path) as (screen, pane, _):
        await screen.press("b")
        choose(pane, folder)
        text = await screen.press("x")
        assert "cancel" in text or "%" in text
        child = pane._child
        assert child is not None
        text = await screen.press("x")
        assert "cancelled" in text
        assert not child.is_running


async def test_quitting_ends_a_running_replay(tmp_path: Path) -> None:
    folder = record(tmp_path / "data", days=60)
    async with console(tmp_path) as (screen, pane, _):
        await screen.press("b")
        choose(pane, folder)
        await screen.press("x")
        child = pane._child
        assert child is not None
    assert not child.is_running


async def test_halting_works_while_a_replay_runs_and_in_its_dialogs(tmp_path: Path) -> None:
    folder = record(tmp_path / "data", days=60)
    async with console(tmp_path) as (screen, pane, engine):
        await screen.press("b")
        choose(pane, folder)
        await screen.press("x", "f12")
        assert engine.halts == ["operator"]
        text = await screen.press("g", "down", "down", "enter", "f12")
        assert isinstance(screen.app.focused, Input)
        assert engine.halts == ["operator", "operator"]
        assert "HALTED" in text
        assert "PRACTICE" in text


async def test_a_readonly_console_may_try_thresholds(recording: Path, tmp_path: Path) -> None:
    async with console(tmp_path, is_readonly=True) as (screen, pane, engine):
        await screen.press("b")
        choose(pane, recording, "in force")
        await screen.press("x")
        await finish(screen, pane)
        assert pane._finished is not None
    assert engine.sent == []


async def test_what_cannot_be_run_is_told_in_a_sentence(tmp_path: Path) -> None:
    async with console(tmp_path, HUGE) as (screen, pane, _):
        await screen.press("b")
        choose(pane, Path())
        pane._form.values["folder"] = ""
        assert "name the folder of the recording first" in await screen.press("x")
        pane._form.values |= {"folder": str(tmp_path), "since": "2026-03-02", "until": "2026-03-01"}
        assert "from is not before to" in await screen.press("x")
        pane._form.values |= {"since": "", "until": ""}
        await screen.press("x")
        text = await finish(screen, pane)
        assert "markets.parquet" in text


@pytest.mark.parametrize("key", ["x", "W"])
@pytest.mark.parametrize("size", [WIDE, (60, 16)])
async def test_why_nothing_was_begun_is_seen_from_a_result_too(
    key: str, size: tuple[int, int], recording: Path, tmp_path: Path
) -> None:
    async with console(tmp_path, size) as (screen, pane, _):
        await screen.press("b")
        choose(pane, recording)
        await screen.press("x")
        await finish(screen, pane)
        await screen.press("end")
        pane._form.values["thresholds"] = EDITED
        text = await screen.press(key)
        assert "the thresholds called edited" in text
        assert f" {key} " in text


async def test_a_replay_that_fails_while_its_tab_is_closed_is_told(tmp_path: Path) -> None:
    async with console(tmp_path) as (screen, pane, _):
        await screen.press("b")
        choose(pane, tmp_path, "in force")
        await screen.press("x", "b")
        await finish(screen, pane)
        assert [toast.message for toast in screen.app._notifications] == ["the replay failed: b shows why"]


async def test_a_text_is_checked_as_it_is_typed_and_taken_by_enter(tmp_path: Path) -> None:
    async with console(tmp_path) as (screen, pane, _):
        await screen.press("b", "down", "enter")
        field = screen.app.focused
        assert isinstance(field, Input)
        field.value = ""
        text = await screen.press(*"soon")
        assert "soon is not a time such as 2026-03-01T14:30" in text
        await screen.press("enter")
        assert isinstance(screen.app.focused, Input)
        field.value = "2026-02-25T05:00"
        await screen.press("enter")
        assert pane._form.values["since"] == "2026-02-25T05:00"
        assert "2026-02-25T05:00" in screen_text(screen.app)


@pytest.mark.parametrize("typed", ["~nobody-of-that-name/data", "x" * 300, "a\tb"])
async def test_a_folder_that_cannot_even_be_looked_for_is_no_folder(typed: str, tmp_path: Path) -> None:
    async with console(tmp_path, WIDE) as (screen, pane, engine):
        await screen.press("b", "left", "down", "enter")
        screen.app.screen.query_one(Input).value = typed
        assert "not a folder" in await screen.look()
        await screen.press("escape")
        pane._form.values["folder"] = typed
        assert "not a folder" in await screen.press("x")
    assert engine.halts == []


async def test_escape_keeps_the_text_that_was(tmp_path: Path) -> None:
    async with console(tmp_path) as (screen, pane, _):
        before = pane._form.values["since"]
        await screen.press("b", "down", "enter", *"9", "escape")
        assert pane._form.values["since"] == before


async def test_a_recording_brings_its_period_and_a_folder_its_own_row(tmp_path: Path) -> None:
    async with console(tmp_path, HUGE) as (screen, pane, _):
        text = await screen.press("b", "right")
        assert "2026-08-17T05:32" in text
        text = await screen.press("right")
        assert "folder" in text
        assert "its beginning" in text
        await screen.press("right")
        assert pane._form.values["since"] == "2026-02-25T04:22"


async def test_edited_thresholds_can_be_tried_and_are_gone_with_the_edit(tmp_path: Path) -> None:
    edited = dataclasses.replace(SETTINGS, risk=dataclasses.replace(SETTINGS.risk, max_consecutive_losses=3))
    assert EDITED not in named_thresholds(SETTINGS, None)
    assert EDITED not in named_thresholds(SETTINGS, SETTINGS)
    assert named_thresholds(SETTINGS, edited)[EDITED] is edited
    form = Form()
    form.values["thresholds"] = EDITED
    with pytest.raises(ValueError, match="the thresholds called edited are gone; choose others"):
        form.request(SETTINGS, named_thresholds(SETTINGS, None), tmp_path, 1)


def test_depth_may_be_a_number_modelled_or_none(tmp_path: Path) -> None:
    form, thresholds = Form(), named_thresholds(SETTINGS, None)
    for typed, assumed, is_modelled in (("7", 700, False), ("modelled", None, True), ("", None, False)):
        form.values["depth"] = typed
        asked = form.request(SETTINGS, thresholds, tmp_path, 1)
        made = setup_of(asked, SETTINGS)
        assert (made.assumed_depth, made.modelled_depth) == (assumed, is_modelled)
    form.values["depth"] = "deep"
    with pytest.raises(ValueError, match="deep is neither modelled nor a whole number"):
        form.request(SETTINGS, thresholds, tmp_path, 1)


async def test_every_pair_tried_on_a_recording_counts(recording: Path, tmp_path: Path) -> None:
    async with console(tmp_path, HUGE) as (screen, pane, _):
        await screen.press("b")
        for pair in ("92c and 8c", "95c and 5c"):
            choose(pane, recording, pair)
            await screen.press("x")
            assert pane._request is not None
            tried = pane._request.tried
            await screen.press("x")
    assert tried == 3


async def test_a_hostile_folder_name_reaches_the_screen_as_text(tmp_path: Path) -> None:
    hostile = "\x1b]0;owned\x07[red]x[/red]\u202e"
    async with console(tmp_path, HUGE) as (screen, pane, _):
        await screen.press("b")
        choose(pane, Path(hostile))
        text = await screen.press("x")
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert "[red]x[/red]" in text


async def test_the_result_is_drawn_once_while_nothing_changes(
    recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = 0

    def counted(*arguments: object) -> list[object]:
        nonlocal drawn
        drawn += 1
        return []

    monkeypatch.setattr(replay_view, "result_lines", counted)
    async with console(tmp_path, HUGE) as (screen, pane, _):
        await screen.press("b")
        choose(pane, recording, "in force")
        await screen.press("x")
        await finish(screen, pane)
        assert isinstance(pane._finished, tuple)
        assert isinstance(pane._finished[1], Finished)
        for _ in range(3):
            await screen.look()
    assert drawn == 1


def test_replay_knows_nothing_that_could_send_an_order() -> None:
    for name, module in list(sys.modules.items()):
        if name.startswith(("console.tui.views.replay", "console.backtest.replay")):
            source = inspect.getsource(module)
            for word in ("EngineHandle", "console.exchange", "console.app", "OperatorCommand", ".send("):
                assert word not in source, (name, word)


async def test_what_was_tested_is_taken_to_thresholds_as_edits_and_applied_only_there(
    recording: Path, tmp_path: Path
) -> None:
    async with console(tmp_path, HUGE) as (screen, pane, engine):
        await screen.press("t", "slash", *"kelly", "enter", "b")
        choose(pane, recording)
        await screen.press("x")
        assert "take what was tested to Thresholds" in await finish(screen, pane)
        text = await screen.press("T")
        assert screen.app.focused is screen.app._main.tabs.thresholds
        assert "t Thresholds" in text
        assert "→ 92" in text
        proposed = screen.app._main.tabs.thresholds.proposed_settings()
        assert proposed is not None
        assert proposed.strategy_flb.favorite_threshold == 92
        assert proposed.strategy_flb.longshot_threshold == 8
        assert engine.sent == []
        await screen.press("b", "g", *["down"] * 5, "right")
        assert pane._form.values["thresholds"] == "95c and 5c"
        await screen.press("left", "left", "left")
        assert pane._form.values["thresholds"] == "85c and 15c"
        await screen.press("left")
        assert pane._form.values["thresholds"] == EDITED


async def test_edits_that_were_not_tested_are_told_from_others(recording: Path, tmp_path: Path) -> None:
    async with console(tmp_path, HUGE, has_toasts=True) as (screen, pane, _):
        await screen.press("t", "slash", *"kelly", "enter", "down", "enter", "end", "0", "5", "enter", "b")
        choose(pane, recording)
        await screen.press("x")
        await finish(screen, pane)
        text = await screen.press("T")
        assert "edited too, and not tested: risk.kelly_fraction" in text


async def test_a_replay_that_stands_still_shows_no_pace(tmp_path: Path) -> None:
    async with console(tmp_path, HUGE) as (screen, pane, _):
        await screen.press("b", "x")
        child = pane._child
        assert isinstance(child, ReplayChild)
        while "rows/s" not in await screen.look():
            assert child.is_running
        child._child.send_signal(signal.SIGSTOP)
        while ", silent " not in (text := await screen.look()):
            assert child.is_running
        assert "rows/s" not in text
        child._child.send_signal(signal.SIGCONT)
        while "rows/s" not in (text := await screen.look()) and child.is_running:
            pass
        assert "silent" not in text


async def test_a_change_in_force_since_the_run_is_said_where_its_result_is_taken(
    recording: Path, tmp_path: Path
) -> None:
    async with console(tmp_path, HUGE) as (screen, pane, engine):
        await screen.press("b")
        choose(pane, recording)
        await screen.press("x")
        assert "not tested so" not in await finish(screen, pane)
        tested = dataclasses.replace(SETTINGS.strategy_flb, favorite_threshold=92, longshot_threshold=8)
        engine.change(settings=dataclasses.replace(SETTINGS, strategy_flb=tested))
        assert "not tested so" not in await screen.look(), "what was tested is in force"
        risk = dataclasses.replace(SETTINGS.risk, max_errors_per_hour=5)
        engine.change(settings=dataclasses.replace(SETTINGS, risk=risk))
        text = " ".join((await screen.look()).split())
        assert "! not tested so: changed in force since it ran:" in text
        assert "risk.max_errors_per_hour" in text


async def test_nothing_is_taken_before_something_was_tested(tmp_path: Path) -> None:
    async with console(tmp_path, HUGE) as (screen, pane, _):
        await screen.press("b", "T")
        assert screen.app.focused is pane
        assert screen.app._main.tabs.thresholds.proposed_settings() is None


def test_what_was_collected_can_be_chosen_and_says_when_it_is_gone(tmp_path: Path) -> None:
    home, folder = tmp_path / "home", tmp_path / "collected"
    folder.mkdir()
    (folder / "markets.parquet").touch()
    register(home, Collected(str(folder), ("KXBTC15M",), 1_793_491_200 * 10**9, 1_794_096_000 * 10**9))
    form = Form(collected=lambda: collected_in(home))
    thresholds = named_thresholds(SETTINGS, None)
    name = "collected KXBTC15M, 01 Nov to 08 Nov 2026"
    assert name in form.choices("recording", thresholds)
    form.values["recording"] = SHIPPED[-1].name
    form.turn("recording", 1, thresholds)
    assert form.values["recording"] == name
    assert "folder" not in [each.key for each in form.fields()]
    request = form.request(SETTINGS, thresholds, home, 1)
    assert (request.folder, request.since_ns) == (str(folder), None)
    shutil.rmtree(folder)
    assert name not in form.choices("recording", thresholds)
    with pytest.raises(ValueError, match="is gone; choose another recording"):
        form.request(SETTINGS, thresholds, home, 1)
