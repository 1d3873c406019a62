"""What goes to the terminal after a change: little, and the same screen as if all of it had been sent."""

from __future__ import annotations

import msgspec
import pyte
from console_screen import WIDE, console, screen_text
from fake_engine import POSITIONS, FakeEngine
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console as RichConsole
from rich.segment import Segment
from rich.style import Style
from textual._compositor import CompositorUpdate
from textual.screen import Screen
from textual.strip import Strip

from console.domain.money import Cash, Price
from console.tui.updates import cut

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


async def test_what_changes_under_a_dialog_is_sent_once_and_nothing_else_with_it() -> None:
    engine = FakeEngine()
    terminal = pyte.Screen(*WIDE)
    stream = pyte.Stream(terminal)
    async with console(engine) as screen:
        app, sent = screen.app, list[str]()

        def display(_screen: Screen[object], drawn: object) -> None:
            if isinstance(drawn, CompositorUpdate):
                sent.append(drawn.render_segments(_TERMINAL))
                stream.feed(sent[-1].replace("\n", "\r\n"))

        await screen.press("1", "enter")
        app._display = display  # type: ignore[assignment, method-assign]
        app.screen.refresh(layout=True)
        await screen.look()
        engine.change(equity=Cash(11_111_110_000))
        sent.clear()
        await screen.look()
        assert "11,111.11" in terminal.display[0]
        for keys in ((), ("escape", "q")):
            await screen.press(*keys)
            sent.clear()
            for _ in range(20):
                await screen.look()
            # The dialog itself may come late, a widget at a time; an update of each look comes twenty times.
            assert sum(len(each) > 1_000 for each in sent) < 10


@settings(max_examples=200)
@given(
    texts=st.lists(st.text("a│■·\u25a1漢", max_size=6), max_size=5),
    start=st.integers(0, 20),
    length=st.integers(1, 20),
)
def test_a_part_of_a_line_is_what_textual_makes_of_it(texts: list[str], start: int, length: int) -> None:
    strip = Strip([Segment(text, Style(bold=i % 2 == 0)) for i, text in enumerate(texts)])
    made, textuals = cut(strip, start, start + length), strip.crop(start, start + length)
    if start < strip.cell_length:
        assert made.text == textuals.text
        assert made.cell_length == textuals.cell_length
        assert [segment for segment in made if segment.text] == [each for each in textuals if each.text]


async def test_values_that_change_for_ever_are_not_kept_by_rich() -> None:
    engine = FakeEngine()
    async with console(engine) as screen:
        app = screen.app

        def display(_screen: Screen[object], drawn: object) -> None:
            if isinstance(drawn, CompositorUpdate):
                drawn.render_segments(_TERMINAL)

        app._display = display  # type: ignore[assignment, method-assign]
        await screen.look()
        kept = Segment._split_cells.cache_info().currsize
        for mark in range(9_000, 9_900, 30):
            moved = tuple(msgspec.structs.replace(each, mark=Price(mark)) for each in POSITIONS)
            engine.change(positions=moved)
            await screen.look()
        assert Segment._split_cells.cache_info().currsize - kept < 10
