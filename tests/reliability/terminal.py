"""A program in a terminal of its own: what it draws, the keys it is given, and how it leaves the terminal."""

from __future__ import annotations

import contextlib
import fcntl
import io
import multiprocessing
import os
import select
import signal
import struct
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyte

from console.cli import main

PATIENCE_S = 60.0
SIZE = (120, 40)
KEYS = {"f12": b"\x1b[24~", "enter": b"\r", "escape": b"\x1b", "tab": b"\t", "down": b"\x1b[B"}

# Forks of one process that has imported the program start in no time.
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["console.cli", "console.commands.console", "console.tui.app"])

Program = Callable[[list[str]], int]
Attributes = list[int | list[bytes | int]]


class Terminal:
    """A pseudo-terminal with a process in it, which calls ``program``; use ``in_terminal``."""

    def __init__(self, program: Program, arguments: list[str], size: tuple[int, int]) -> None:
        columns, rows = size
        self._master, self._slave = os.openpty()
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.attributes_before: Attributes = termios.tcgetattr(self._slave)
        self.raw = bytearray()
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self._changed = threading.Condition()
        self._wake_read, self._wake_write = os.pipe()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.process = _FORKS.Process(target=_in_terminal, args=(os.ttyname(self._slave), program, arguments))
        self.process.start()

    # --- looking ------------------------------------------------------------------------------------

    @property
    def pid(self) -> int:
        assert self.process.pid is not None
        return self.process.pid

    @property
    def text(self) -> str:
        with self._changed:
            return "\n".join(self._screen.display)

    @property
    def attributes(self) -> Attributes:
        """The line settings now."""
        return termios.tcgetattr(self._slave)

    def is_on(self, mode: str) -> bool:
        """Whether a private mode, such as ``?1049``, was last switched on."""
        return self.raw.rfind(f"\x1b[{mode}h".encode()) > self.raw.rfind(f"\x1b[{mode}l".encode())

    def wait_for(self, *texts: str) -> str:
        """The screen once it shows all of these."""
        return self.wait_until(" and ".join(texts), lambda: all(text in self.text for text in texts))

    def wait_until(self, what: str, holds: Callable[[], bool]) -> str:
        """The screen once this holds, which is looked at whenever something was drawn."""
        with self._changed:
            deadline = time.monotonic() + PATIENCE_S
            while not holds():
                left = deadline - time.monotonic()
                if left <= 0 or not self.process.is_alive():
                    break
                self._changed.wait(min(left, 0.2))
            assert holds(), f"not seen: {what}; exit code {self.process.exitcode}; the screen:\n{self.text}"
            return self.text

    def wait_drawn(self) -> None:
        """Until something was drawn, but not for long: it may have been drawn already."""
        with self._changed:
            self._changed.wait(0.2)

    def wait_end(self) -> int:
        """Its exit code, once all that it drew was taken."""
        self.process.join(PATIENCE_S)
        assert self.process.exitcode is not None, f"it does not end; the screen:\n{self.text}"
        self.stop_reading()
        return self.process.exitcode

    # --- doing --------------------------------------------------------------------------------------

    def press(self, *keys: str) -> None:
        for key in keys:
            os.write(self._master, KEYS.get(key, key.encode()))

    def stop_reading(self) -> None:
        """Take what was drawn and then no more, as a terminal does that is frozen."""
        if self._reader.is_alive():
            os.write(self._wake_write, b".")
            self._reader.join()

    def close(self) -> None:
        """Hang up, as a window does that is closed."""
        self.stop_reading()
        if self._master >= 0:
            os.close(self._master)
            self._master = -1

    def kill(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def _end(self) -> None:
        if self.process.is_alive():
            self.kill(signal.SIGKILL)
        self.process.join()
        self.close()
        for descriptor in (self._slave, self._wake_read, self._wake_write):
            os.close(descriptor)

    def _read(self) -> None:
        while True:
            ready, _, _ = select.select([self._master, self._wake_read], [], [])
            if self._master not in ready:
                return
            drawn = os.read(self._master, 65536)
            with self._changed:
                self.raw += drawn
                self._stream.feed(drawn)
                self._changed.notify_all()


@contextlib.contextmanager
def in_terminal(program: Program, *arguments: str | Path, size: tuple[int, int] = SIZE) -> Iterator[Terminal]:
    """Run ``program``, which must be a module's function, in a new process on a new terminal."""
    terminal = Terminal(program, [str(argument) for argument in arguments], size)
    try:
        yield terminal
    finally:
        terminal._end()


def forked_kconsole(arguments: list[str]) -> int:
    """The program as its entry point calls it."""
    return main(arguments)


def real_kconsole(arguments: list[str]) -> int:
    """The installed program."""
    program = str(Path(sys.executable).parent / "kconsole")
    os.execv(program, [program, *arguments])


def _in_terminal(name: str, program: Program, arguments: list[str]) -> None:
    os.setsid()
    descriptor = os.open(name, os.O_RDWR)
    fcntl.ioctl(descriptor, termios.TIOCSCTTY, 0)
    for standard in (0, 1, 2):
        os.dup2(descriptor, standard)
    os.close(descriptor)
    os.environ["TERM"] = "xterm-256color"
    sys.stdin, sys.stdout, sys.stderr = _stream(0, "rb"), _stream(1, "wb"), _stream(2, "wb")
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr  # type: ignore[misc]
    sys.exit(program(arguments))


def _stream(descriptor: int, mode: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(os.fdopen(descriptor, mode, closefd=False), "utf-8", line_buffering=True)
