"""The whole screen, drawn from fixed data, against the pictures beside this file.

``pytest tests/tui/test_tui_pictures.py --renew-pictures`` draws them anew; look at what changed.
They do not depend on the machine: time and data are fixed, no font is fetched, and no version is in them.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path

import msgspec
import pytest
from console_screen import HUGE, NARROW, WIDE, Console, console
from fake_engine import LATCHES, MINUTE, NOW, SECOND, SNAPSHOT, FakeEngine, dollars

from console.backtest import replay_watch
from console.backtest.replay import ReplayRequest
from console.backtest.replay_steps import Step, Steps
from console.backtest.replay_watch import Ended, Opened, WatchedReplay
from console.config.program_settings import InterfaceSettings
from console.domain.actions import AlertLevel
from console.domain.trading_state import TradingState
from console.engine.account_views import CurvePoint, Outcomes
from console.engine.halt_view import HaltPhase, HaltView
from console.engine.log_views import AlertView
from console.engine.snapshot import Snapshot

PICTURES = Path(__file__).parent / "pictures"
_OF_A_LINE = re.compile(r'<text [^>]*y="([\d.]+)"[^>]*>(.*?)</text>')

_FRAME_AND_DEFAULT = {"#c5c8c6", "#292929", "#ff5f57", "#febc2e", "#28c840"}
"""Of the window that is drawn around the screen, and of text in the terminal's own colour."""


def running(engine: FakeEngine) -> None:
    curve = tuple(CurvePoint(NOW - (30 - n) * MINUTE, dollars(n - 12)) for n in range(31))
    outcomes = Outcomes(trades=50, won=47, expected=50 * 9_600, paid=50 * 9_300, events=50, squares=50)
    engine.change(curve=curve, outcomes=outcomes)


def halted(engine: FakeEngine) -> None:
    engine.change(state=TradingState.HALTED, latches=LATCHES)
    engine.halting = HaltView(
        HaltPhase.CONFIRMED,
        "operator",
        NOW - 30 * SECOND,
        attempts=2,
        resting=0,
        confirmed_ns=NOW - 29 * SECOND,
    )


def stopped(engine: FakeEngine) -> None:
    engine.heartbeat_ns = 41 * SECOND
    engine.now_ns += 41 * SECOND


def alarmed(engine: FakeEngine) -> None:
    engine.change(
        alerts=(
            *SNAPSHOT.alerts,
            AlertView(
                2, NOW - 9 * SECOND, AlertLevel.WARNING, "PAUSED slippage: 51 bps > 50 bps", "slippage"
            ),
            AlertView(3, NOW - SECOND, AlertLevel.CRITICAL, "HALTED tripwire: 61 orders", "tripwire"),
        )
    )


class Recorded(WatchedReplay):
    """A replay that has been run: a trade every ten minutes, at the third a breach."""

    def __init__(self, request: ReplayRequest) -> None:
        self.request = request
        self.steps = Steps()
        for n in range(7):
            at_ns = NOW + (10 * n - 60) * MINUTE
            self.steps.add(Step(at_ns=at_ns, offset=0, length=0, trades=n, breaches=n // 3))
        self.opened = Opened(self.steps.at_ns(0), NOW)
        self.ended = Ended()

    def seen_at(self, index: int) -> Snapshot:
        at_ns = self.steps.at_ns(index)
        return msgspec.structs.replace(SNAPSHOT, at_ns=at_ns, equity=dollars(10_000 + index), alerts=())

    def close(self) -> None:
        pass


@dataclass(frozen=True)
class Pose:
    """A size, what the engine says, and the keys that are pressed."""

    size: tuple[int, int] = WIDE
    says: Callable[[FakeEngine], None] = running
    keys: tuple[str, ...] = ()
    theme: str = "kconsole"
    is_ascii: bool = False


EDITED = ("t", "slash", *"kelly", "enter", "end", "enter", "ctrl+u", "0", "full_stop", "2", "enter")
WATCHED = ("b", "W", "n", "n")

POSES = {
    "main-80x24": Pose(NARROW),
    "main-120x40": Pose(WIDE),
    "main-240x60": Pose(HUGE),
    "least-60x16": Pose((60, 16)),
    "no-colour-120x40": Pose(WIDE),
    "colour-blind-safe-120x40": Pose(WIDE, theme="kconsole-colour-blind"),
    "light-120x40": Pose(WIDE, theme="kconsole-light"),
    "ascii-80x24": Pose(NARROW, is_ascii=True),
    "halted-80x24": Pose(NARROW, halted),
    "halted-no-colour-120x40": Pose(WIDE, halted),
    "engine-stopped-80x24": Pose(NARROW, stopped),
    "why-not-120x40": Pose(WIDE, keys=("w",)),
    "day-120x40": Pose(WIDE, keys=("m",)),
    "alerts-120x40": Pose(WIDE, alarmed, ("a",)),
    "health-120x40": Pose(WIDE, keys=("i",)),
    "thresholds-120x40": Pose(WIDE, keys=EDITED),
    "review-80x24": Pose(NARROW, keys=(*EDITED, "v")),
    "replay-120x40": Pose(WIDE, keys=("b",)),
    "watching-120x40": Pose(WIDE, keys=WATCHED),
    "watching-alerts-80x24": Pose(NARROW, alarmed, (*WATCHED, "a")),
    "a-position-80x24": Pose(NARROW, keys=("1", "enter")),
    "resume-80x24": Pose(NARROW, halted, ("r",)),
    "flatten-80x24": Pose(NARROW, keys=("F",)),
    "help-80x24": Pose(NARROW, keys=("question_mark",)),
}


def picture_of(screen: Console) -> str:
    drawn = screen.app.export_screenshot(title="kconsole", simplify=True)
    drawn = re.sub(r"@font-face\s*{[^}]*}\s*", "", drawn)
    return re.sub(r"terminal-\d+-", "", drawn)


def text_in(picture: str) -> list[str]:
    """The words of a picture, line by line."""
    lines: dict[float, str] = {}
    for y, text in _OF_A_LINE.findall(picture):
        lines[float(y)] = lines.get(float(y), "") + html.unescape(text).replace("\xa0", " ")
    return [lines[y].rstrip() for y in sorted(lines)]


@pytest.mark.parametrize("name", POSES)
async def test_the_screen_is_drawn_as_in_its_picture(
    name: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pose = POSES[name]
    if "no-colour" in name:
        monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(replay_watch, "WatchedReplay", Recorded)
    engine = FakeEngine()
    pose.says(engine)
    ui = InterfaceSettings(theme=pose.theme)
    async with console(engine, pose.size, ui=ui, is_ascii=pose.is_ascii) as screen:
        await screen.press(*pose.keys)
        drawn = picture_of(screen)
    kept = PICTURES / f"{name}.svg"
    if request.config.getoption("--renew-pictures"):
        kept.parent.mkdir(exist_ok=True)
        kept.write_text(drawn, encoding="utf-8")
    expected = kept.read_text(encoding="utf-8")
    if drawn != expected:
        now = tmp_path / kept.name
        now.write_text(drawn, encoding="utf-8")
        told = unified_diff(text_in(expected), text_in(drawn), str(kept), str(now), lineterm="", n=0)
        pytest.fail(
            "\n".join(told) or f"colours or places differ: {kept} and {now}",
            pytrace=False,
        )


def test_every_picture_is_of_a_pose() -> None:
    assert {file.stem for file in PICTURES.iterdir()} == set(POSES)


def test_pictures_without_colour_have_none() -> None:
    files = list(PICTURES.glob("*no-colour*"))
    assert files
    for file in files:
        fills = set(re.findall(r'fill[:=] ?"?(#[0-9a-f]{6})', file.read_text(encoding="utf-8")))
        assert fills <= _FRAME_AND_DEFAULT, file
