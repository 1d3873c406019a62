"""The installed program in a real terminal, which is one of tmux."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

PATIENCE_S = 60.0
IS_HERE = shutil.which("tmux") is not None
_SIZE = ("-x", "120", "-y", "40")


class Tmux:
    """One session; use ``in_tmux``."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    def _run(self, *words: str) -> str:
        done = subprocess.run(["tmux", "-S", str(self._socket), *words], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    @property
    def text(self) -> str:
        return self._run("capture-pane", "-p")

    def press(self, *keys: str) -> None:
        """By their names in tmux."""
        self._run("send-keys", *keys)

    def write(self, text: str) -> None:
        self._run("send-keys", "-l", text)

    def fill(self, placeholder: str, text: str) -> None:
        """Type into the field before the focused button; it is sent by the key enter."""
        self.press("BTab")
        # What is typed before the focus has moved is typed at the button, to no effect.
        while placeholder in self.text:
            self.write("x")
            time.sleep(0.2)
        self.press("C-u")
        self.wait_for(placeholder)
        self.write(text)
        self.wait_for(text)

    def wait_for(self, *texts: str) -> str:
        return self.wait_until(" and ".join(texts), lambda: all(text in self.text for text in texts))

    def wait_until(self, what: str, holds: Callable[[], bool]) -> str:
        deadline = time.monotonic() + PATIENCE_S
        while not holds():
            assert time.monotonic() < deadline, f"not seen: {what}; the screen:\n{self.text}"
            time.sleep(0.05)
        return self.text


@contextmanager
def in_tmux(socket: Path, *arguments: str) -> Iterator[Tmux]:
    """Run kconsole; what it ends with stays on the screen as ``ended N``."""
    program = str(Path(sys.executable).parent / "kconsole")
    command = 'kconsole() { "$@"; echo "ended $?"; exec cat; }; kconsole "$@"'
    start = ["tmux", "-S", str(socket), "-f", "/dev/null", "new-session", "-d", *_SIZE]
    environment = {name: text for name, text in os.environ.items() if name not in ("COLUMNS", "LINES")}
    subprocess.run([*start, "sh", "-c", command, "sh", program, *arguments], check=True, env=environment)
    tmux = Tmux(socket)
    try:
        yield tmux
    finally:
        subprocess.run(["tmux", "-S", str(socket), "kill-server"], capture_output=True)
