"""What goes to the terminal after a change: little, and the same screen as if all of it had been sent."""

from __future__ import annotations

import msgspec
import pyte
from console_screen import WIDE, console, screen_text
from fake_engine import POSITIONS, FakeEngine
from rich.console import Console as RichConsole
from textual._compositor import CompositorUpdate
from textual.screen import Screen

from console.domain.money import Price

_TERMINAL = RichConsole(force_terminal=True, color_system="truecolor", legacy_windows=False)


def _lines(rows: list[str]) -> list[str]:
    return [row.rstrip() for row in rows]


async def test_the_terminal_shows_the_same_after_little_was_sent() -> None:
    engine = FakeEngine()
    terminal = pyte.Screen(*WIDE)
    stream = pyte.Stream(terminal)
    async with console(engine) as screen:
        app, sent = screen.app, list[str]()

        def display(_screen: Screen[object], drawn: object) -> None:
            if isinstance(drawn, CompositorUpdate):
                sent.append(drawn.render_segments(_TERMINAL))
                stream.feed(sent[-1].replace("\n", "\r\n"))

        app._display = display  # type: ignore[assignment, method-assign]
        app.screen.refresh(layout=True)
        await screen.look()
        assert _lines(terminal.display) == _lines(screen_text(app).splitlines())
        for mark in (9_520, 9_870, 9_100):
            sent.clear()
            moved = tuple(msgspec.structs.replace(each, mark=Price(mark)) for each in POSITIONS)
            engine.change(positions=moved)
            text = await screen.look()
            assert _lines(terminal.display) == _lines(text.splitlines())
            assert 0 < len("".join(sent)) < 400
            assert all(len(pane._dirty_regions) <= 1 for pane in app._main.panes), "kept for ever"
        text = await screen.press("w", "5", "down", "escape", "z")
        assert _lines(terminal.display) == _lines(text.splitlines())
