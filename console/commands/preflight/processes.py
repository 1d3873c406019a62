"""The program in processes of its own, and a terminal to draw on."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from console.commands.preflight.arena import PATIENCE_S, Arena, TimeUpError, wait_for
from console.config.assignments import VARIABLE_PREFIX

_ALTERNATE_SCREEN = "\x1b[?1049"
_ROWS, _COLUMNS = 40, 120


@contextmanager
def program(
    words: list[str], terminal: int | None = None, command: list[str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """The program in a session of its own; what is left of it when the block ends is killed."""
    streams = subprocess.PIPE if terminal is None else terminal
    process = subprocess.Popen(  # noqa: S603 - our own program
        [*(command or [sys.executable, "-P", "-m", "console.cli"]), *words],
        stdin=subprocess.DEVNULL if terminal is None else terminal,
        stdout=streams,
        stderr=streams,
        text=True,
        start_new_session=True,
        env=_environment(),
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


def _environment() -> dict[str, str]:
    """Without the operator's settings: nobody is to be told of what is made to fail."""
    others = {name: text for name, text in os.environ.items() if not name.startswith(VARIABLE_PREFIX)}
    return {**others, "TERM": "xterm-256color"}


def wait_for_status(arena: Arena, home: str, key: str, process: subprocess.Popen[str]) -> None:
    """Until a run has one of these; raises TimeUpError."""
    path: Path = arena.folder(home).status

    def has_one() -> bool:
        if process.poll() is not None:
            raise TimeUpError(f"the run ended by itself with exit code {process.returncode}")
        with contextlib.suppress(OSError, msgspec.DecodeError):
            status: dict[str, object] = msgspec.json.decode(path.read_bytes())
            return bool(status[key])
        return False

    wait_for(f"{key} of a run", has_one)


def code_of(process: subprocess.Popen[str]) -> int:
    """The exit code of a run that was told to end; raises TimeUpError."""
    try:
        return process.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:
        raise TimeUpError(f"it had not ended {PATIENCE_S:.0f} s after it was told to") from None


def output_of(process: subprocess.Popen[str]) -> tuple[str, str]:
    """What a run said until its end on standard output and error; raises TimeUpError."""
    try:
        return process.communicate(timeout=2 * PATIENCE_S)
    except subprocess.TimeoutExpired:
        raise TimeUpError(f"it had not ended after {2 * PATIENCE_S:.0f} s") from None


def last_line(said: str) -> str:
    """The end of what a run said, without the program's name."""
    return (said.strip().splitlines() or ["it said nothing"])[-1].removeprefix("kconsole: ")


class Terminal:
    """A pseudo-terminal that takes all that is drawn on it."""

    def __enter__(self) -> Terminal:
        self._master, self.slave = os.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", _ROWS, _COLUMNS, 0, 0))
        self._before = termios.tcgetattr(self.slave)
        self._drawn = bytearray()
        self._ended = threading.Event()
        self._reader = threading.Thread(target=self._read, name="terminal", daemon=True)
        self._reader.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop()
        os.close(self.slave)
        os.close(self._master)

    def is_drawn(self) -> bool:
        """Whether a program has the whole screen."""
        return f"{_ALTERNATE_SCREEN}h".encode() in self._drawn

    def check(self) -> None:
        """Raise TimeUpError when the terminal is not as it was."""
        self._stop()
        left, entered = (self._drawn.rfind(f"{_ALTERNATE_SCREEN}{mode}".encode()) for mode in "lh")
        if left < entered:
            raise TimeUpError("the terminal was left on the alternate screen")
        if termios.tcgetattr(self.slave) != self._before:
            raise TimeUpError("the terminal's line settings were not put back")

    def _stop(self) -> None:
        self._ended.set()
        self._reader.join()

    def _read(self) -> None:
        # What was drawn last is still taken.
        while select.select([self._master], [], [], 0 if self._ended.is_set() else 0.1)[0] or (
            not self._ended.is_set()
        ):
            if select.select([self._master], [], [], 0)[0]:
                self._drawn += os.read(self._master, 65_536)
