"""Runs the console against a fake engine and reads its screen as plain text."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fake_engine import FakeEngine
from textual.pilot import Pilot

from console.config.catalogue import CATALOGUE
from console.config.load import DEFAULT, Loaded
from console.config.program_settings import InterfaceSettings
from console.config.schema import Settings
from console.tui.app import ConsoleApp
from console.tui.quit_choice import QuitChoice

WIDE = (120, 40)
NARROW = (80, 24)
HUGE = (240, 60)


def loaded_as(settings: Settings) -> Loaded:
    """Settings as if no file stated any."""
    return Loaded(settings, dict.fromkeys(CATALOGUE, DEFAULT), {})


def screen_text(app: ConsoleApp) -> str:
    """What an operator reads, line by line."""
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())


class Console:
    """A running console and its keyboard."""

    def __init__(self, app: ConsoleApp, pilot: Pilot[QuitChoice]) -> None:
        self.app = app
        self.pilot = pilot

    async def press(self, *keys: str) -> str:
        """Press keys, then read the screen."""
        await self.pilot.press(*keys)
        return await self.look()

    async def look(self) -> str:
        """The screen, drawn from the engine as it is now."""
        await self.pilot.pause()
        self.app._tick()
        await self.pilot.pause()
        return screen_text(self.app)


@asynccontextmanager
async def console(
    engine: FakeEngine,
    size: tuple[int, int] = WIDE,
    *,
    ui: InterfaceSettings | None = None,
    is_readonly: bool = False,
    has_toasts: bool = False,
    loaded: Loaded | None = None,
    is_ascii: bool = False,
    home: Path = Path(),
) -> AsyncIterator[Console]:
    app = ConsoleApp(
        engine,
        loaded or loaded_as(Settings(ui=ui or InterfaceSettings())),
        home=home,
        wall_ns=engine.wall_ns,
        is_readonly=is_readonly,
        is_ascii=is_ascii,
    )
    async with app.run_test(size=size, notifications=has_toasts) as pilot:
        running = Console(app, pilot)
        await running.look()
        yield running
