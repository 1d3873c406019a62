"""Takes the pictures of the README: the console on its own practice exchange, its tabs, a halt and a replay.

``python screenshots/make.py [SECONDS] [FOLDER]`` trades for that long first (90 by default) and writes SVG
and PNG beside this file or into the folder, as soon as there are positions to see. PNG needs Chromium with
the font Fira Code, or else resvg-py; with Pillow they are a third as large.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path

from textual.pilot import Pilot

from console.commands.console import add_arguments
from console.commands.session import Session, engine_session
from console.engine.halt_view import HaltPhase
from console.tui.app import ConsoleApp

FOLDER = Path(__file__).parent
NARROW, WIDE, HUGE = (80, 24), (120, 40), (240, 60)
SETTLE_S = 1.0
POSITIONS_TO_SHOW, POSITIONS_WATCHED = 3, 2
TRADES_TO_SHOW = 12
RUN_AHEAD_S = 10.0


@dataclass(frozen=True)
class Studio:
    """The running console, and what operates it."""

    pilot: Pilot[object]
    session: Session

    @property
    def app(self) -> ConsoleApp:
        assert isinstance(self.pilot.app, ConsoleApp)
        return self.pilot.app

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def type(self, text: str) -> None:
        await self.press(*({".": "full_stop", "_": "underscore"}.get(each, each) for each in text))

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Wait for something to be seen."""
        while not is_so():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(SETTLE_S / 10)

    async def until_positions(self) -> None:
        """Wait for a moment with something to see."""

        def are_there() -> bool:
            snapshot = self.session.worker.snapshot()
            return snapshot is not None and len(snapshot.positions) >= POSITIONS_TO_SHOW

        await self.until(are_there)


async def _as_it_is(studio: Studio) -> None:
    await studio.until_positions()


def _keys(*keys: str) -> Callable[[Studio], Coroutine[None, None, None]]:
    async def press(studio: Studio) -> None:
        await studio.press(*keys)

    return press


async def _edited(studio: Studio) -> None:
    """A tightening and a loosening, not applied."""
    await studio.press("t")
    for name, text in (("kelly", "0.2"), ("max_single", "0.018"), ("min_edge", "0.015")):
        await studio.press("slash", "ctrl+u")
        await studio.type(name)
        await studio.press("enter", "end", "enter", "ctrl+u")
        await studio.type(text)
        await studio.press("enter")
    await studio.press("slash", "escape", "s")


async def _compared(studio: Studio) -> None:
    """What was edited beside what is in force, on the shipped recording."""
    replay = studio.app._main.tabs.replay
    await studio.press("b", *["down"] * 4, "right", "x")
    await studio.until(lambda: replay._child is None)


async def _watched(studio: Studio) -> None:
    """The shipped recording, some trades into it."""
    await studio.press("b", "W")
    await asyncio.sleep(RUN_AHEAD_S)
    await studio.press(*["n"] * TRADES_TO_SHOW)
    playback = studio.app._main.playback
    assert playback is not None
    while (place := playback.place()) is not None and place.trade < place.trades:
        if len(place.snapshot.positions) >= POSITIONS_WATCHED:
            break
        await studio.press("n")
    # As slowly as it goes, so that they are still there when the picture is taken.
    await studio.press(*["left_square_bracket"] * 3, "space")


async def _halted(studio: Studio) -> None:
    await studio.until_positions()
    await studio.press("f12")
    await studio.until(lambda: studio.session.worker.halt_view().phase is HaltPhase.CONFIRMED)


@dataclass(frozen=True)
class Shot:
    """A picture: its name, size and theme, what is done before it, and the keys that take that back."""

    name: str
    pose: Callable[[Studio], Coroutine[None, None, None]]
    back: tuple[str, ...] = ()
    size: tuple[int, int] = WIDE
    theme: str = "kconsole"


SHOTS = (
    Shot("console-120x40", _as_it_is),
    Shot("console-80x24", _as_it_is, size=NARROW),
    Shot("console-240x60", _as_it_is, size=HUGE),
    Shot("light-120x40", _as_it_is, theme="kconsole-light"),
    Shot("colour-blind-safe-120x40", _as_it_is, theme="kconsole-colour-blind"),
    Shot("why-not-120x40", _keys("w"), ("w",)),
    Shot("day-120x40", _keys("m"), ("m",)),
    Shot("health-120x40", _keys("i"), ("i",)),
    Shot("log-120x40", _keys("l"), ("l",)),
    Shot("thresholds-120x40", _edited),
    Shot("review-120x40", _keys("v"), ("escape", "t")),
    Shot("replay-120x40", _compared),
    Shot("replay-240x60", _keys(), ("b",), size=HUGE),
    Shot("watching-120x40", _watched, ("B",)),
    Shot("halted-120x40", _halted),
    Shot("halted-80x24", _keys(), size=NARROW),
    Shot("alerts-120x40", _keys("a")),
)


def take_svgs(seconds: float, folder: Path) -> list[Path]:
    """Trade in a temporary home and write one SVG for each shot."""
    files: list[Path] = []

    async def operate(pilot: Pilot[object]) -> None:
        studio = Studio(pilot, session)
        await asyncio.sleep(seconds)
        for shot in SHOTS:
            pilot.app.theme = shot.theme
            await pilot.resize_terminal(*shot.size)
            await shot.pose(studio)
            await asyncio.sleep(SETTLE_S)
            pilot.app.clear_notifications()
            await pilot.pause()
            file = folder / f"{shot.name}.svg"
            file.write_text(pilot.app.export_screenshot(title="kconsole"), encoding="utf-8")
            files.append(file)
            await studio.press(*shot.back)
        pilot.app.exit()

    parser = argparse.ArgumentParser()
    add_arguments(parser)
    with (
        tempfile.TemporaryDirectory() as home,
        engine_session(parser.parse_args(["--home", home])) as session,
    ):
        session.ending.tell(lambda _: None)
        ConsoleApp(session.worker, session.loaded, home=session.home).run(
            headless=True, size=WIDE, auto_pilot=operate
        )
        session.worker.stop(cancel_resting=True)
    return files


def write_png(svg: Path) -> None:
    """Draw an SVG as PNG beside it."""
    # The web fonts the SVG names are not there offline, and a browser would wait for them.
    drawing = re.sub(r"@font-face\s*{[^}]*}", "", svg.read_text(encoding="utf-8"))
    png = svg.with_suffix(".png")
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        import resvg_py

        png.write_bytes(bytes(resvg_py.svg_to_bytes(svg_string=drawing)))
        return
    _, _, width, height = re.search(r'viewBox="([^"]*)"', drawing)[1].split()  # type: ignore[index]
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page.html"
        page.write_text(f'<meta charset="utf-8"><body style="margin:0">{drawing}', encoding="utf-8")
        command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
        size = f"--window-size={round(float(width))},{round(float(height))}"
        subprocess.run([*command, size, f"--screenshot={png}", page], check=True, capture_output=True)
    with contextlib.suppress(ImportError):
        from PIL import Image

        Image.open(png).convert("RGB").quantize(128).save(png, optimize=True)


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 90.0
    folder = Path(sys.argv[2]) if len(sys.argv) > 2 else FOLDER
    for svg in take_svgs(seconds, folder):
        write_png(svg)
        print(svg.with_suffix(".png"))


if __name__ == "__main__":
    main()
