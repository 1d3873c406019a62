"""What an operator sees first, and what it costs in work, which a clock would not say on a busy machine."""

from __future__ import annotations

import gc
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from console_screen import WIDE, loaded_as, screen_text
from fake_engine import FakeEngine
from textual.css.parse import parse

from console.config.program_settings import InterfaceSettings
from console.config.schema import Settings
from console.tui.app import ConsoleApp
from console.tui.start import make_app


def app_of(engine: FakeEngine, theme: str = "kconsole") -> ConsoleApp:
    settings = Settings(ui=InterfaceSettings(theme=theme))
    return ConsoleApp(engine, loaded_as(settings), home=Path(), wall_ns=engine.wall_ns)


async def drawings_of(app: ConsoleApp, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What stands on the screen whenever something was drawn, until there is nothing more to draw."""
    drawn: list[str] = []
    display = ConsoleApp._display

    def noted(self: ConsoleApp, screen: Any, renderable: Any) -> None:
        display(self, screen, renderable)
        if renderable is not None:
            drawn.append(screen_text(self))

    monkeypatch.setattr(ConsoleApp, "_display", noted)
    async with app.run_test(size=WIDE) as pilot:
        await pilot.pause()
    return drawn


async def test_the_first_drawing_is_of_everything_and_nothing_moves_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, *later = await drawings_of(app_of(FakeEngine()), monkeypatch)
    for part in ("PRACTICE", "1 Positions", "2 Risk limits", "KXBTC15M", "5 Trade log", "12:04:29", "HALT"):
        assert part in first
    # The last line has keys for the row under the cursor, once there is one.
    bodies = {drawn.rpartition("\n")[0] for drawn in (first, *later)}
    assert len(bodies) == 1


@pytest.mark.parametrize("theme", ["kconsole", "kconsole-light", "textual-light", "no such theme"])
async def test_the_stylesheet_is_read_once_for_it(theme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    read: Counter[tuple[str, str]] = Counter()

    def noted(scope: str, css: str, read_from: Any, **others: Any) -> Any:
        read[read_from] += 1
        return parse(scope, css, read_from, **others)

    monkeypatch.setattr("textual.css.stylesheet.parse", noted)
    app = app_of(FakeEngine(), theme)
    await drawings_of(app, monkeypatch)
    assert [times for (path, _), times in read.items() if path.endswith("console.tcss")] == [1]
    assert app.theme == ("kconsole" if theme == "no such theme" else theme)
    assert app.has_class("-light-mode") == theme.endswith("-light")
    assert app.theme_variables == app.stylesheet._variables


async def test_the_search_for_garbage_waits_for_it_and_then_goes_on() -> None:
    engine = FakeEngine()
    try:
        app = make_app(engine, loaded_as(Settings()), home=Path(), wall_ns=engine.wall_ns)
        assert not gc.isenabled()
        async with app.run_test(size=WIDE) as pilot:
            await pilot.pause()
            assert gc.isenabled()
            assert gc.get_freeze_count() > 0
    finally:
        gc.enable()
        gc.unfreeze()
