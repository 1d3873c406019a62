"""Text from outside in every widget of a console on a real terminal: nothing of it is more than text."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pyte
import pytest
from test_tui_sanitize import PAYLOADS

from console.config.logs import log_line

COLUMNS, ROWS = 160, 50
PATIENCE_S = 60.0
F12 = b"\x1b[24~"
ESCAPE = b"\x1b"

PLACES = {
    "the panes": [b"1", b"2", b"3", b"5"],
    "the log alone": [b"5", b"z", b"z"],
    "why not": [b"w"],
    "the alerts": [b"a"],
    "an alert": [b"a", b"\r"],
    "the log": [b"l"],
    "the log alone and its errors": [b"l", b"z", b"L", b"L"],
    "a line of the log": [b"l", b"k", b"k", b"\r"],
    "the health": [b"i"],
    "the thresholds": [b"t", b"z"],
    "the edits": [b"t", b"e"],
    "undoing": [b"t", b"u"],
    "the replay": [b"b", b"z"],
    "the day": [b"m"],
    "a position": [b"1", b"\r"],
    "a latch": [b"3", b"\r"],
    "closing": [b"1", b"C"],
    "stopping": [b"1", b"S"],
    "flattening": [b"F"],
    "resuming": [b"r"],
    "quitting": [b"q"],
}
"""Keys that lead to every widget and dialog in which such text is shown."""

_CSI = re.compile(rb"\x1b\[[0-?]*[ -/]*[@-~]")
_POINTER = re.compile(rb"\x1b\]22;[a-z-]+\x07")
"""The shape of the mouse pointer, which the toolkit sets."""
_OTHER_ESCAPE = re.compile(rb"\x1b[^\[]")


def write_hostile_log(path: Path) -> None:
    """As the program writes them, and as another might have, with everything in the wrong place."""
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        for payload in PAYLOADS.values():
            texts = dict.fromkeys(("ts", "level", "source", "event", "thread", "error"), payload)
            file.write(log_line(texts | {"fields": {payload: payload}}))
            file.write(payload.replace("\n", "").encode(errors="surrogatepass") + b"\n")


class HostileConsole:
    """The console in a terminal of its own, whose every byte is kept."""

    def __init__(self, folder: Path) -> None:
        self._master, slave = os.openpty()
        environment = os.environ | {
            "TERM": "xterm-256color",
            "COLUMNS": str(COLUMNS),
            "LINES": str(ROWS),
            "PYTHONPATH": str(Path(__file__).parent),
        }
        program = [sys.executable, str(Path(__file__).with_name("hostile_console.py"))]
        self.process = subprocess.Popen(
            program,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environment,
            cwd=folder,
            start_new_session=True,
        )
        os.close(slave)
        self.raw = bytearray()
        self._screen = pyte.Screen(COLUMNS, ROWS)
        self._stream = pyte.ByteStream(self._screen)

    @property
    def lines(self) -> list[str]:
        return list(self._screen.display)

    def press(self, *keys: bytes) -> None:
        for key in keys:
            os.write(self._master, key)
            self.read(0.4)

    def read(self, quiet_s: float) -> None:
        """Take what is drawn until nothing comes for so long."""
        while select.select([self._master], [], [], quiet_s)[0]:
            try:
                drawn = os.read(self._master, 65_536)
            except OSError:
                return
            self.raw += drawn
            self._stream.feed(drawn)

    def wait_for(self, text: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while text not in "\n".join(self.lines):
            assert time.monotonic() < deadline, "\n".join(self.lines)
            assert self.process.poll() is None, "\n".join(self.lines)
            self.read(0.1)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        os.close(self._master)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostileConsole]:
    home = tmp_path_factory.mktemp("hostile")
    write_hostile_log(home / "practice" / "logs" / "kconsole.log")
    terminal = HostileConsole(home)
    try:
        terminal.wait_for("1 Positions")
        yield terminal
    finally:
        terminal.close()


@pytest.mark.parametrize("place", PLACES)
def test_hostile_text_is_drawn_as_text_on_a_real_terminal(hostile: HostileConsole, place: str) -> None:
    hostile.raw.clear()
    hostile.press(*PLACES[place])
    shown = hostile.raw.decode(errors="strict")
    for name, payload in PAYLOADS.items():
        if not (payload.isascii() and payload.isprintable()):
            assert payload[:60] not in shown, f"{name} reached the terminal as it was sent"
    assert not re.search(
        "[\u0080-\u009f\u00ad\u200b-\u200f\u202a-\u202e\u2028\u2029\u2066-\u2069\ufeff]", shown
    )
    assert not re.search("[\u0300-\u036f]", shown), "a combining mark reached the terminal"
    # Whatever escapes are left are the screen's own: no string commands, no colour that a title asked for.
    rest = _CSI.sub(b"", _POINTER.sub(b"", bytes(hostile.raw)))
    assert not _OTHER_ESCAPE.search(rest), f"an escape that is none of the screen's: {rest[:200]!r}"
    assert b"\x1b[31mx" not in hostile.raw
    assert b"\x1b[2J" not in hostile.raw
    assert b"\x07" not in rest
    assert all(len(line) == COLUMNS for line in hostile.lines)
    assert hostile.process.poll() is None
    hostile.press(ESCAPE, ESCAPE, ESCAPE)
    assert "1 Positions" in "\n".join(hostile.lines), "it goes on"


def test_halt_still_works_among_them(hostile: HostileConsole) -> None:
    hostile.press(F12)
    hostile.wait_for("HALTED")
