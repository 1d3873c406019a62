"""A terminal that sends what is no text and no key: every later key still counts, the halt key most."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from console_screen import console
from fake_engine import FakeEngine
from test_tui_hostile import PATIENCE_S, HostileConsole
from textual import events

from console.tui.driver import _MOST_KEYS_S
from console.tui.main_screen import MainScreen

NOISE = {
    "bytes of another encoding": b"\xff\xfe caf\xe9",
    "half a character": b"\xe2\x82",
    "a mouse of the oldest kind": b"\x1b[M\xa0\xff\xff",
    "a key of no character": b"\x1b[1114112u",
    "a key of a number beyond all": b"\x1b[11141121204899999999u",
    "a key that is no number": b"\x1b[:9u",
    "a screen of no size": b"\x1b[48;0;0;0;0t",
    "a screen of any size": b"\x1b[48;999999999;99999999;0;0t",
    "pasted bytes of another encoding": b"\x1b[200~\xe9\x18\x1b[201~",
}
CTRL_X = b"\x18"


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostileConsole]:
    running = HostileConsole(tmp_path_factory.mktemp("noise"))
    try:
        running.wait_for("1 Positions")
        yield running
    finally:
        running.close()


def wait_until_halted(terminal: HostileConsole) -> None:
    """By the header: hostile text says it too."""
    deadline = time.monotonic() + PATIENCE_S
    while "HALTED" not in terminal.lines[0]:
        assert time.monotonic() < deadline, "\n".join(terminal.lines)
        terminal.read(0.1)


@pytest.mark.parametrize("noise", NOISE)
def test_keys_count_after_what_is_no_key(terminal: HostileConsole, noise: str) -> None:
    os.write(terminal._master, NOISE[noise])
    terminal.read(0.2)
    # What was typed with it may have opened something.
    terminal.press(b"\x1b", b"\x1b")
    os.write(terminal._master, b"?")
    terminal.wait_for("Halt at once, from anywhere")
    terminal.press(b"\x1b")
    assert "HALTED" not in terminal.lines[0]


def test_the_halt_key_counts_in_the_same_breath(terminal: HostileConsole) -> None:
    os.write(terminal._master, b"".join(NOISE.values()) + CTRL_X)
    wait_until_halted(terminal)


def test_keys_count_after_a_paste_whose_end_was_lost(tmp_path: Path) -> None:
    terminal = HostileConsole(tmp_path)
    try:
        terminal.wait_for("1 Positions")
        os.write(terminal._master, b"\x1b[200~half of what was to be pas")
        # The terminal's silence is what ends it.
        terminal.read(4)
        os.write(terminal._master, CTRL_X)
        wait_until_halted(terminal)
    finally:
        terminal.close()


def test_a_text_that_came_as_keys_is_dropped_and_said_and_the_halt_behind_it_counts(tmp_path: Path) -> None:
    terminal = HostileConsole(tmp_path)
    try:
        terminal.wait_for("1 Positions")
        text = threading.Thread(target=os.write, args=(terminal._master, b", " * 20_000 + CTRL_X))
        text.start()
        wait_until_halted(terminal)
        text.join()
        terminal.wait_for("faster than anyone types")
        # Its keys are as old by then as makes the next count.
        time.sleep(_MOST_KEYS_S)
        terminal.press(b"\x1b", b"\x1b")
        os.write(terminal._master, b"w")
        terminal.wait_for("w Why not")
    finally:
        terminal.close()


async def test_many_keys_at_once_are_not_taken_for_a_frozen_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = FakeEngine()
    async with console(engine) as screen:
        # One that takes long, and more of it than fits between two ticks.
        monkeypatch.setattr(MainScreen, "action_sort", lambda _: time.sleep(0.4))
        before = engine.screen_beats
        for _ in range(8):
            screen.app.post_message(events.Key("s", "s"))
        await screen.pilot.pause()
        assert engine.screen_beats - before >= 2
