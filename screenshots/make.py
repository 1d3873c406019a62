"""Takes the pictures of the README: the console on its own practice exchange, at three sizes, then watching.

``python screenshots/make.py [SECONDS]`` trades for that long first (90 by default) and writes SVG and PNG
beside this file, as soon as there are positions to see. PNG needs Chromium with the font Fira Code, or else
resvg-py.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from textual.pilot import Pilot

from console.commands.console import add_arguments
from console.commands.session import engine_session
from console.engine.handle import EngineHandle
from console.tui.app import ConsoleApp

FOLDER = Path(__file__).parent
SIZES = ((80, 24), (120, 40), (240, 60))
SETTLE_S = 1.0
POSITIONS_TO_SHOW = 3
TRADES_TO_SHOW = 12
RUN_AHEAD_S = 10.0


async def until_positions(engine: EngineHandle) -> None:
    """Wait for a moment with something to see."""
    while True:
        snapshot = engine.snapshot()
        if snapshot is not None and len(snapshot.positions) >= POSITIONS_TO_SHOW:
            return
        await asyncio.sleep(SETTLE_S / 10)


async def until_watching(pilot: Pilot[object]) -> None:
    """Watch the shipped recording, some trades into it."""
    await pilot.press("b", "W")
    await asyncio.sleep(RUN_AHEAD_S)
    await pilot.press(*["n"] * TRADES_TO_SHOW, "space")


def take_svgs(seconds: float) -> list[Path]:
    """Trade in a temporary home and write one SVG for each size."""
    files: list[Path] = []

    async def operate(pilot: Pilot[object]) -> None:
        await asyncio.sleep(seconds)
        await until_positions(session.worker)
        for width, height in SIZES:
            await pilot.resize_terminal(width, height)
            await asyncio.sleep(SETTLE_S)
            file = FOLDER / f"console-{width}x{height}.svg"
            file.write_text(pilot.app.export_screenshot(title="kconsole"), encoding="utf-8")
            files.append(file)
        await pilot.resize_terminal(*SIZES[1])
        await until_watching(pilot)
        await asyncio.sleep(SETTLE_S)
        file = FOLDER / "watching-120x40.svg"
        file.write_text(pilot.app.export_screenshot(title="kconsole"), encoding="utf-8")
        files.append(file)
        pilot.app.exit()

    parser = argparse.ArgumentParser()
    add_arguments(parser)
    with (
        tempfile.TemporaryDirectory() as home,
        engine_session(parser.parse_args(["--home", home])) as session,
    ):
        session.ending.tell(lambda _: None)
        ConsoleApp(session.worker, session.loaded, home=session.home).run(
            headless=True, size=SIZES[1], auto_pilot=operate
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


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 90.0
    for svg in take_svgs(seconds):
        write_png(svg)
        print(svg.with_suffix(".png"))


if __name__ == "__main__":
    main()
