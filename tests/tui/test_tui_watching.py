from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from unittest import mock

import pytest
from console_screen import HUGE, NARROW, WIDE, Console, loaded_as, screen_text
from fake_engine import NOW, SECOND, SNAPSHOT, FakeEngine
from favourites import record
from textual import events
from textual.widgets import Input

from console.backtest import replay_watch
from console.backtest.replay import ReplayRequest
from console.backtest.replay_steps import Step, Steps
from console.backtest.replay_watch import Ended, Opened, WatchedReplay
from console.config.program_settings import InterfaceSettings
from console.config.schema import Settings
from console.config.trading_settings import EdgeSettings
from console.domain.actions import AlertLevel
from console.domain.money import Cash
from console.engine.log_views import AlertView, LogKind
from console.history.times import ns_of, read_time
from console.tui.actions import ALL_ACTIONS
from console.tui.app import ConsoleApp
from console.tui.views.replay_form import OWN_FOLDER
from console.tui.views.replay_playback import SPEEDS, Playback

_DEFAULT = Settings()
SETTINGS = Settings(
    edge=EdgeSettings(model="constant", constant_points=Decimal(6)),
    strategy_flb=dataclasses.replace(_DEFAULT.strategy_flb, style="taker"),
    risk=dataclasses.replace(_DEFAULT.risk, max_consecutive_losses=1),
)
"""Under which the shipped strategy trades the small recording; its fourth market is lost and pauses."""

PANES = ("1 Positions", "2 Risk limits", "3 Kill switches", "4 Slippage", "5 Trade log")
LIVE = "KXBTC"
"""What the live engine holds, and the recording has not."""

FIRST_NS = ns_of(read_time("2026-03-01T00:01"))


class Watching:
    """A console that watches a replay run to its end, paused at its beginning; time is set by hand."""

    def __init__(self, console: Console, engine: FakeEngine, folder: Path) -> None:
        self.console = console
        self.engine = engine
        self.app = console.app
        self.seconds = 0.0
        self._folder = folder

    async def ask(self) -> None:
        """Ask for it in the Replay tab."""
        await self.console.press("b")
        asked = {"recording": OWN_FOLDER, "folder": str(self._folder), "since": "", "until": "", "depth": ""}
        self.app._main.tabs.replay._form.values |= asked
        await self.console.press("W")

    async def begin(self) -> str:
        await self.ask()
        await asyncio.to_thread(self.playback._run._thread.join, 100)
        self.playback._seconds = lambda: self.seconds
        await self.console.look()
        if self.playback.is_playing:
            self.playback.play()
        self.playback.seek(0)
        return await self.console.look()

    @property
    def playback(self) -> Playback:
        playback = self.app._main.playback
        assert playback is not None
        return playback

    @property
    def at_s(self) -> float:
        """Seconds since the first row."""
        place = self.playback.place()
        assert place is not None
        return (place.at_ns - place.first_ns) / SECOND

    def jump_counts(self) -> tuple[int, int]:
        place = self.playback.place()
        assert place is not None
        return place.trade, place.breach

    async def press(self, *keys: str) -> str:
        return await self.console.press(*keys)

    async def pass_seconds(self, seconds: float) -> str:
        self.seconds += seconds
        return await self.console.look()


class Kept(WatchedReplay):
    """One that is shared by tests: no console ends it."""

    def close(self) -> None:
        pass


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    """A replay that has been run to its end."""
    folder = record(tmp_path_factory.mktemp("recorded") / "data", a_day=24, results=("yes", "no"))
    request = ReplayRequest(
        folder=str(folder),
        name="small",
        home=str(folder),
        in_force=SETTINGS,
        under_test=SETTINGS,
        capital=Cash(10_000_000_000),
        fees="kalshi",
    )
    kept = Kept(request)
    kept._thread.join(100)
    yield kept
    WatchedReplay.close(kept)


@asynccontextmanager
async def watching(
    what: Kept | Path,
    size: tuple[int, int] = WIDE,
    *,
    ui: InterfaceSettings | None = None,
    is_readonly: bool = False,
    has_toasts: bool = False,
) -> AsyncIterator[Watching]:
    """``what`` is a replay that has been run, or a folder to run one on."""
    folder = what if isinstance(what, Path) else Path(str(what.request.folder))
    engine = FakeEngine()
    settings = dataclasses.replace(SETTINGS, ui=ui or InterfaceSettings())
    engine.change(settings=settings)
    app = ConsoleApp(
        engine, loaded_as(settings), home=folder, wall_ns=engine.wall_ns, is_readonly=is_readonly
    )
    begun = (lambda request: what) if isinstance(what, Kept) else WatchedReplay
    with mock.patch.object(replay_watch, "WatchedReplay", begun):
        async with app.run_test(size=size, notifications=has_toasts) as pilot:
            running = Console(app, pilot)
            await running.look()
            yield Watching(running, engine, folder)


def wait_for_steps(run: WatchedReplay) -> None:
    while not run.steps and run.is_running:
        time.sleep(0.01)


@pytest.mark.parametrize("size", [NARROW, WIDE, HUGE, (60, 16)])
async def test_every_pane_that_shows_the_replay_says_so(size: tuple[int, int], run: Kept) -> None:
    async with watching(run, size) as desk:
        text = await desk.begin()
        lines = text.splitlines()
        assert all(len(line) == size[0] for line in lines)
        titles = [line for line in lines if "╭" in line]
        least = 5 if size != HUGE else 7
        assert sum(line.count(" REPLAY ") for line in titles) == least
        [bar] = [line for line in lines if " REPLAY " in line and "╭" not in line]
        assert "2026-03-01 00:01:00Z" in bar
        assert "B live" in bar
        assert LIVE not in text
        assert ("PRACTICE ENGINE" if size[0] >= 100 else "PRACTICE") in lines[0]
        assert "RUNNING" in lines[0]


@pytest.mark.parametrize("size", [NARROW, WIDE, HUGE, (60, 16)])
@pytest.mark.parametrize("title", ["a Alerts", "i Health", "l Log", "t Thre"])
async def test_a_tab_of_the_live_engine_says_so_beside_a_replay(
    title: str, size: tuple[int, int], run: Kept
) -> None:
    async with watching(run, size) as desk:
        await desk.begin()
        lines = (await desk.press(title[0])).splitlines()
        [shown] = [line[line.index(title) :] for line in lines if f" {title}" in line and "╭" in line]
        assert " PRACTICE " in shown
        assert " REPLAY " not in shown
        await desk.press("B")
        assert "PRACTICE ENGINE" not in screen_text(desk.app)
        assert " PRACTICE " not in "".join(screen_text(desk.app).splitlines()[2:])


async def test_the_live_header_goes_on_and_live_numbers_are_back_at_once(run: Kept) -> None:
    async with watching(run) as desk:
        text = await desk.begin()
        assert "10,012.41" in text.splitlines()[0]
        desk.engine.change(equity=1_234_000_000, sequence=2)
        text = await desk.console.look()
        assert "1,234.00" in text.splitlines()[0]
        await desk.console.pilot.press("B")
        await desk.console.pilot.pause()
        text = screen_text(desk.app)
        assert "REPLAY" not in text
        assert LIVE in text
        assert "p pause" in text


async def test_escape_goes_back_to_live_once_nothing_else_is_open(run: Kept) -> None:
    async with watching(run) as desk:
        await desk.begin()
        await desk.press("z")
        assert "REPLAY" in await desk.press("escape")
        await desk.press("w")
        assert "w Why not" in screen_text(desk.app)
        assert "REPLAY" in await desk.press("escape")
        assert "REPLAY" not in await desk.press("escape")
        assert "b Replay" in await desk.press("b")


async def test_space_plays_and_pauses_at_the_speed_that_is_shown(run: Kept) -> None:
    async with watching(run) as desk:
        assert "paused, 8x" in await desk.begin()
        await desk.pass_seconds(10)
        assert desk.at_s == 0
        assert "▶ 8x" in await desk.press("space")
        assert "00:02:20Z" in await desk.pass_seconds(10)
        assert desk.at_s == 80
        await desk.press("right_square_bracket")
        await desk.pass_seconds(1)
        assert desk.at_s == 96
        text = await desk.press(*["left_square_bracket"] * 9)
        assert "▶ 1x" in text
        await desk.pass_seconds(1)
        assert desk.at_s == 97
        await desk.press("space")
        await desk.pass_seconds(100)
        assert desk.at_s == 97


async def test_the_fastest_speed_shows_all_of_it_in_seconds_and_stops_at_the_end(run: Kept) -> None:
    async with watching(run) as desk:
        await desk.begin()
        assert "▶ max" in await desk.press(*["right_square_bracket"] * len(SPEEDS), "space")
        text = await desk.pass_seconds(60)
        assert "100%" in text
        assert "paused" in text
        await desk.press("space")
        assert desk.at_s == 0
        assert desk.playback.is_playing


async def test_steps_go_on_and_back_one_at_a_time_and_pause(run: Kept) -> None:
    async with watching(run) as desk:
        await desk.begin()
        await desk.press("space", "full_stop")
        assert not desk.playback.is_playing
        there = [desk.at_s]
        for _ in range(3):
            await desk.press("full_stop")
            there.append(desk.at_s)
        assert there == sorted(set(there))
        for expected in reversed(there[:-1]):
            await desk.press("comma")
            assert desk.at_s == expected
        await desk.press("comma", "comma", "comma")
        assert desk.at_s == 0


async def test_home_and_end_are_the_first_and_the_last_moment(run: Kept) -> None:
    async with watching(run) as desk:
        await desk.begin()
        assert "100%" in await desk.press("end")
        assert "  0%" in await desk.press("home")
        assert desk.at_s == 0


@pytest.mark.parametrize(
    ("typed", "shown"),
    [("12:00", "12:00:00Z"), ("2026-03-01T04:30", "04:30:00Z"), ("+2h", "02:01:00Z"), ("50%", " 50% ")],
)
async def test_g_goes_to_a_place_as_typed(typed: str, shown: str, run: Kept) -> None:
    async with watching(run) as desk:
        await desk.begin()
        await desk.press("g")
        assert isinstance(desk.app.focused, Input)
        desk.app.focused.value = typed
        assert shown in await desk.press("enter")


async def test_a_place_before_here_is_gone_back_to(run: Kept) -> None:
    async with watching(run) as desk:
        await desk.begin()
        desk.playback.seek(FIRST_NS + 7_200 * SECOND)
        await desk.press("g")
        assert isinstance(desk.app.focused, Input)
        desk.app.focused.value = "-5m"
        assert "01:56:00Z" in await desk.press("enter")


async def test_what_is_no_place_is_said_while_it_is_typed(run: Kept) -> None:
    async with watching(run) as desk:
        await desk.begin()
        text = await desk.press("g", *"soon")
        assert "soon is no place such as 04:52:10" in text
        await desk.press("enter", "escape")
        assert desk.at_s == 0
        assert desk.app._main.is_watching


async def test_keys_faster_than_panes_can_be_drawn_are_drawn_once(
    run: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with watching(run) as desk:
        await desk.begin()
        draw = mock.Mock(wraps=desk.playback.picture)
        monkeypatch.setattr(desk.playback, "picture", draw)
        for key in ("end", "comma", "home", "full_stop", "full_stop") * 40:
            desk.app.post_message(events.Key(key, None))
        await desk.console.pilot.pause()
        assert desk.playback._index == 2
        # Each tick draws too.
        assert 1 <= draw.call_count < 40


async def test_a_key_that_repeats_does_not_bury_the_screen_in_toasts(run: Kept) -> None:
    async with watching(run, has_toasts=True) as desk:
        await desk.begin()
        await desk.press("home", *["N"] * 12)
        said = [each.message for each in desk.app._notifications]
        assert said.count("the replay has no earlier trade") == 3
        assert "nothing was sent" in await desk.press("p")


async def test_jumps_go_from_trade_to_trade_and_back(run: Kept) -> None:
    async with watching(run, has_toasts=True) as desk:
        await desk.begin()
        text = await desk.press("n")
        assert "trade 1 of" in text
        assert "bought" in text
        first_s = desk.at_s
        await desk.press("n")
        assert desk.jump_counts()[0] >= 2
        await desk.press("N")
        assert desk.at_s == first_s
        assert "the replay has no earlier trade" in await desk.press("N")
        assert "the replay has no later trade" in await desk.press("end", "n")


async def test_the_next_breach_is_where_a_switch_trips_and_the_panes_show_it(run: Kept) -> None:
    async with watching(run) as desk:
        await desk.begin()
        text = await desk.press("E")
        assert "breach 1 of" in text
        assert "PAUSED" in text
        assert "TRIPPED" in text or "LATCHED" in text
        assert "RUNNING" in text.splitlines()[0]
        assert desk.engine.halts == []


async def test_a_click_on_the_bar_goes_there(run: Kept) -> None:
    async with watching(run) as desk:
        await desk.begin()
        width = desk.app._main.replay_bar._bar_width
        assert await desk.console.pilot.click("#replay-bar", offset=(1 + width // 2, 1))
        text = await desk.console.look()
        assert " 50% " in text or " 51% " in text
        before = desk.at_s
        await desk.console.pilot.click("#replay-bar", offset=(width + 4, 1))
        await desk.console.pilot.click("#replay-bar", offset=(3, 0))
        assert desk.at_s == before


@pytest.mark.parametrize("key", ["p", "r", "c", "R", "F", "d", "A", "o", "C", "S"])
async def test_a_key_that_asks_the_engine_for_something_is_refused_in_words(key: str, run: Kept) -> None:
    async with watching(run, has_toasts=True) as desk:
        await desk.begin()
        desk.playback.next_trade()
        await desk.console.look()
        text = await desk.press(key)
        assert "a replay is watched: nothing was sent" in text
        assert "B goes back" in text
        assert len(desk.app.screen_stack) == 1
    assert desk.engine.sent == []


@pytest.mark.parametrize("key", ["f12", "ctrl+x", "h"])
async def test_halting_halts_the_live_engine(key: str, run: Kept) -> None:
    async with watching(run) as desk:
        await desk.begin()
        text = await desk.press(key)
        assert desk.engine.halts == ["operator"]
        assert "HALTED" in text.splitlines()[0]
        assert " REPLAY " in text
        await desk.press("g", "f12")
        assert len(desk.engine.halts) == 2


async def test_quitting_says_that_its_counts_are_the_engines(run: Kept) -> None:
    async with watching(run) as desk:
        assert "the replay" not in await desk.press("q")
        await desk.press("escape")
        await desk.begin()
        text = await desk.press("q")
        assert "Of the PRACTICE engine, not the replay:" in text
        assert "Positions: 4" in text


async def test_edits_of_limits_are_not_sent_while_a_replay_is_watched(run: Kept) -> None:
    async with watching(run) as desk:
        await desk.begin()
        desk.app._change_settings("Apply", (("risk.max_errors_per_hour", "5"),), "try")
    assert desk.engine.sent == []


async def test_footer_and_help_show_the_keys_only_while_they_apply(run: Kept) -> None:
    async with watching(run, HUGE) as desk:
        assert "play/pause" not in screen_text(desk.app)
        text = await desk.press("question_mark")
        assert "While a replay is watched" not in text
        await desk.press("escape")
        footer = (await desk.begin()).splitlines()[-1]
        for word in ("HALT", "B live", "space play/pause", "[ slower", "g go to", "n next trade"):
            assert word in footer, word
        for word in ("p pause", "r resume", "cancel all"):
            assert word not in footer, word
        assert "While a replay is watched" in await desk.press("question_mark")


async def test_the_keys_of_panes_mean_what_they_did_after_it(run: Kept) -> None:
    async with watching(run) as desk:
        await desk.begin()
        await desk.press("B", "end")
        positions = desk.app._main.positions
        assert desk.app.focused is positions
        assert positions.cursor_key == positions.content.keys[-1]
        await desk.press("g")
        assert positions.cursor_key == positions.content.keys[0]


async def test_what_is_typed_into_a_filter_is_text(run: Kept) -> None:
    async with watching(run) as desk:
        await desk.begin()
        await desk.press("slash", *"ngB", "space", "home")
        assert isinstance(desk.app.focused, Input)
        assert desk.app.focused.value == "ngB "
        assert desk.app.focused.cursor_position == 0
        assert desk.at_s == 0


async def test_rows_of_the_replay_can_be_looked_at_filtered_and_copied(run: Kept) -> None:
    async with watching(run) as desk:
        await desk.begin()
        await desk.press("n", "5")
        assert "Row of the replay" in await desk.press("enter")
        await desk.press("escape", "y")
        assert desk.app.clipboard.startswith("REPLAY\t")
        assert "KXA-0" in desk.app.clipboard


async def test_an_alert_of_the_live_engine_is_told_as_live(run: Kept) -> None:
    async with watching(run, has_toasts=True) as desk:
        await desk.begin()
        alerts = SNAPSHOT.alerts
        newest = max((alert.sequence for alert in alerts), default=0)
        alert = AlertView(newest + 1, NOW, AlertLevel.WARNING, "no answer within 5 s", "error account")
        desk.engine.change(alerts=(*alerts, alert))
        assert "live: no answer within 5 s" in await desk.console.look()


async def test_a_screenshot_of_a_replay_is_named_as_one(run: Kept) -> None:
    async with watching(run) as desk:
        await desk.begin()
        desk.app._save_screenshot()
        (saved,) = (desk.app._home / "screenshots").iterdir()
    assert saved.name.startswith("kconsole-replay-")
    assert "REPLAY" in saved.read_text()


async def test_a_key_given_otherwise_works_and_is_named_on_the_bar(run: Kept) -> None:
    async with watching(run, ui=InterfaceSettings(keymap={"watch_live": "f9"})) as desk:
        assert "f9 live" in await desk.begin()
        assert "REPLAY" in await desk.press("B")
        assert "REPLAY" not in await desk.press("f9")


@pytest.mark.parametrize("size", [WIDE, NARROW])
async def test_a_replay_that_ends_by_itself_says_why_over_the_panes_until_it_is_seen(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    async with watching(tmp_path, size) as desk:
        await desk.ask()
        # It may have been told before the key was heard to its end.
        if desk.app._main.playback is not None:
            await asyncio.to_thread(desk.playback._run._thread.join, 100)
        text = await desk.console.look()
        assert not desk.app._main.is_watching
        assert " REPLAY ENDED " in text.splitlines()[2]
        assert "is missing" in text.splitlines()[3]
        assert LIVE in text
        assert "REPLAY ENDED" in await desk.press("1", "down")
        assert "REPLAY" not in await desk.press("escape")
        assert "markets.parquet" in await desk.press("b", "z")


async def test_what_is_said_of_a_replay_that_ended_goes_where_the_next_is_asked_for(
    run: Kept, tmp_path: Path
) -> None:
    async with watching(tmp_path) as desk:
        desk.app._main.say_ended("it is over")
        assert "it is over" in await desk.console.look()
        assert "REPLAY ENDED" not in await desk.press("b")
    async with watching(run) as desk:
        desk.app._main.say_ended("it is over")
        assert "REPLAY ENDED" not in await desk.begin()
        assert "REPLAY ENDED" not in await desk.press("B")


async def test_what_has_not_been_run_yet_is_waited_for(tmp_path: Path) -> None:
    folder = record(tmp_path / "data", days=200, every_s=30)
    async with watching(folder) as desk:
        await desk.ask()
        await asyncio.to_thread(wait_for_steps, desk.playback._run)
        await desk.console.look()
        text = await desk.press("end")
        assert "runs up to here" in text
        assert "+" in text
        place = desk.playback.place()
        assert place is not None
        assert place.snapshot.at_ns <= place.read_ns < place.at_ns
        assert "REPLAY" not in await desk.press("B")


def test_a_replay_that_stops_before_its_last_row_is_watched_to_where_it_stopped() -> None:
    run = mock.Mock(steps=Steps(), opened=Opened(0, 100 * SECOND), ended=None)
    run.seen_at.return_value = SNAPSHOT
    run.steps.add(Step(0, 0, 0, 0, 0))
    run.steps.add(Step(10 * SECOND, 0, 0, 0, 0))
    playback = Playback(run, lambda: 0.0)
    playback.advance()
    playback.seek(50 * SECOND)
    run.ended = Ended()
    playback.advance()
    place = playback.place()
    assert place is not None
    assert place.at_ns == place.read_ns == place.end_ns == 10 * SECOND
    assert not playback.is_playing
    playback.play()
    assert playback.is_playing


@pytest.mark.parametrize("is_left", [True, False])
async def test_going_back_to_live_or_quitting_ends_the_child(is_left: bool, tmp_path: Path) -> None:
    async with watching(record(tmp_path / "data", days=60)) as desk:
        await desk.ask()
        child = desk.playback._run
        if is_left:
            await desk.press("B")
            assert not child.is_running
    assert child._file.closed
    assert not child.is_running


async def test_a_readonly_console_may_watch(run: Kept) -> None:
    async with watching(run, is_readonly=True) as desk:
        assert " REPLAY " in await desk.begin()
    assert desk.engine.sent == []


async def test_nothing_of_the_live_engine_is_in_what_is_shown(run: Kept) -> None:
    async with watching(run) as desk:
        await desk.begin()
        desk.playback.next_trade()
        shown = desk.playback.picture(desk.app._look()).snapshot
        assert shown is not None
        assert {position.ticker for position in shown.positions} == {"KXA-0"}
        assert [entry.kind for entry in shown.log if entry.ticker] == [LogKind.FILL]
        assert shown.at_ns < NOW + 10 * 86_400 * SECOND


def test_every_key_of_watching_starts_with_the_word_that_ends_with_it() -> None:
    watching = [action for action in ALL_ACTIONS if action.while_watching]
    assert len(watching) == 12
    assert all(action.action.startswith("screen.watch_") for action in watching)
