"""What the screen costs, in a terminal of 120x40 at the default refresh.

``python benchmarks/interface.py [--minutes 10]`` prints, and keeps in ``interface.txt`` beside it:

- the first frame, from the start of a process, beside that of a Textual app with one word in it, both with
  compiled modules, as an installation leaves them: the time, and the processor time that does not depend on
  what else the machine does,
- on kconsole's own practice exchange with 500 engine events a second and a tenth of all values on the
  screen changing at every drawing: the time from a key to its handler, the processor time of the threads
  that draw, read keys and write to the terminal, and the bytes that the terminal is given,
- the memory while it runs for that many minutes at eight times the events.

The engine is the real one. What is drawn is its snapshot with positions, marks and fills put in by
``interface_load.py``, so that the share of changing values is the same on every machine.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import platform
import pty
import random
import signal
import statistics
import struct
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

COLUMNS, ROWS = 120, 40
FRAMES = 15
EVENTS_PER_S = 500
KEYS = 300
QUIET_S = 60.0
SOAK_FACTOR = 8
SETTLE_S = 10.0
SAMPLE_S = 5.0
INTERFACE = ("MainThread", "textual-input", "textual-output")
LOAD = Path(__file__).with_name("interface_load.py")
KEPT = Path(__file__).with_suffix(".txt")


class Terminal:
    """A program in a terminal of its own, and how much it was given to draw."""

    def __init__(self, first_word: bytes, *arguments: str) -> None:
        self.started_ns = time.monotonic_ns()
        self.pid, self._descriptor = pty.fork()
        if self.pid == 0:
            # What a terminal says of itself must not depend on where this is run.
            os.environ.update(TERM="xterm-256color", COLUMNS=str(COLUMNS), LINES=str(ROWS))
            os.execv(sys.executable, [sys.executable, str(LOAD), *arguments])
        fcntl.ioctl(self._descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self.bytes = 0
        self._is_over = False
        self._first_word = first_word
        self._tail = b""
        self._first_ns: int | None = None
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._drain, daemon=True)
        self._reader.start()

    def _drain(self) -> None:
        try:
            while drawn := os.read(self._descriptor, 65_536):
                at_ns = time.monotonic_ns()
                with self._changed:
                    self.bytes += len(drawn)
                    self._tail = self._tail[-4_096:] + drawn
                    if self._first_ns is None and self._first_word in self._tail:
                        self._first_ns = at_ns
                    self._changed.notify_all()
        except OSError:
            # Its last process is gone.
            with self._changed:
                self._is_over = True
                self._changed.notify_all()

    def wait_drawn(self) -> int:
        """When the first word was drawn, in nanoseconds since the process was started."""
        with self._changed:
            self._changed.wait_for(lambda: self._first_ns is not None or self._is_over, 60)
            if self._first_ns is None:
                raise SystemExit(f"{self._first_word!r} was not drawn, but:\n{self._tail.decode()}")
        return self._first_ns - self.started_ns

    def press(self, keys: bytes) -> None:
        os.write(self._descriptor, keys)

    def end(self) -> float:
        """Wait for its end; the processor time it used, in milliseconds."""
        _, _, used = os.wait4(self.pid, 0)
        # Before the descriptor's number is given to the next terminal.
        self._reader.join()
        os.close(self._descriptor)
        return (used.ru_utime + used.ru_stime) * 1e3


# --- the first frame ----------------------------------------------------------------------------------


def first_frame(program: str, word: bytes) -> tuple[float, float]:
    """The time and the processor time it took, in milliseconds."""
    terminal = Terminal(word, program)
    taken_ms = terminal.wait_drawn() / 1e6
    os.kill(terminal.pid, signal.SIGKILL)
    return taken_ms, terminal.end()


def first_frames() -> Iterator[str]:
    empty, console = [], []
    # The first of each compiles.
    for _ in range(FRAMES + 1):
        empty.append(first_frame("empty", b"nothing else"))
        console.append(first_frame("console", b"Trade log"))
    for name, place, target in (("first frame", 0, " (target 1.5)"), ("its processor time", 1, "")):
        base, own = ([pair[place] for pair in pairs[1:]] for pairs in (empty, console))
        times = statistics.median(own) / statistics.median(base)
        yield f"{name}, empty Textual app: {spread(base)}"
        yield f"{name}, console:           {spread(own)}; {times:.2f} times{target}"


def spread(milliseconds: list[float]) -> str:
    return f"median {statistics.median(milliseconds):.0f} ms, least {min(milliseconds):.0f} ms, n={FRAMES}"


# --- a busy console -----------------------------------------------------------------------------------


class Busy:
    """kconsole on its practice exchange, and the figures that it and the kernel give of it."""

    def __init__(self, terminal: Terminal, folder: Path) -> None:
        self.terminal = terminal
        self._folder = folder

    def _said(self, name: str) -> list[list[int]]:
        lines = (self._folder / name).read_text().split("\n")[:-1]
        return [[int(part) for part in line.split()] for line in lines]

    def handled(self) -> list[int]:
        return [at for at, *_ in self._said("handled")]

    def counts(self) -> list[int]:
        """Events that the engine has taken, drawings, the values in them, those that changed, their cells."""
        return self._said("counts")[-1]

    def cpu_ns(self) -> dict[str, int]:
        """Processor time by thread since it began."""
        used: dict[str, int] = {}
        for line in (self._folder / "threads").read_text().splitlines():
            number, name = line.split(" ", 1)
            file = Path(f"/proc/{self.terminal.pid}/task/{number}/schedstat")
            if file.exists():
                used[name] = used.get(name, 0) + int(file.read_text().split()[0])
        return used

    def memory_kib(self) -> int:
        status = Path(f"/proc/{self.terminal.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))


@contextmanager
def busy(events_per_s: int) -> Iterator[Busy]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        terminal = Terminal(b"Trade log", "busy", name, str(events_per_s))
        try:
            terminal.wait_drawn()
            time.sleep(SETTLE_S)
            yield Busy(terminal, folder)
        finally:
            terminal.press(b"q")
            time.sleep(1)
            terminal.press(b"\r")
            terminal.end()


def drawing() -> Iterator[str]:
    with busy(EVENTS_PER_S) as running:
        cpu, counts, drawn, began = (
            running.cpu_ns(),
            running.counts(),
            running.terminal.bytes,
            time.monotonic(),
        )
        time.sleep(QUIET_S)
        lasted = time.monotonic() - began
        now = running.counts()
        events, drawings, values, changed, cells = (
            after - before for after, before in zip(now, counts, strict=True)
        )
        kib = (running.terminal.bytes - drawn) / 1_024 / lasted
        used = {name: (ns - cpu.get(name, 0)) / 1e9 / lasted for name, ns in running.cpu_ns().items()}
        yield (
            f"{events / lasted:.0f} engine events/s, {drawings / lasted:.1f} drawings/s; at each "
            f"{changed / max(1, values):.1%} of {values / max(1, drawings):.0f} values change, "
            f"{cells / max(1, drawings):.0f} cells"
        )
        yield f"interface: {sum(used.get(name, 0) for name in INTERFACE):.1%} of a core (target 15 %)"
        parts = sorted(used.items(), key=lambda pair: -pair[1])
        yield "by thread: " + ", ".join(f"{name} {share:.1%}" for name, share in parts if share >= 0.0005)
        yield f"to the terminal: {kib:.1f} KiB/s (target 15)"
        yield keys(running)


def keys(running: Busy) -> str:
    pressed = []
    for place in range(KEYS):
        pressed.append(time.monotonic_ns())
        running.terminal.press(b"jk"[place % 2 : place % 2 + 1])
        time.sleep(random.uniform(0.05, 0.15))
    time.sleep(1)
    handled = running.handled()
    waited = sorted((after - before) / 1e6 for before, after in zip(pressed, handled, strict=True))
    at = [waited[int(len(waited) * part)] for part in (0.5, 0.95)]
    return (
        f"key to handler: p50 {at[0]:.1f} ms, p95 {at[1]:.1f} ms, most {waited[-1]:.1f} ms, n={KEYS} "
        "(target p95 10 ms)"
    )


def memory(minutes: float) -> Iterator[str]:
    with busy(SOAK_FACTOR * EVENTS_PER_S) as running:
        events_before, began = running.counts()[0], time.monotonic()
        sizes: list[tuple[float, int]] = []
        while (now := time.monotonic() - began) < 60 * minutes:
            sizes.append((now / 60, running.memory_kib()))
            time.sleep(SAMPLE_S)
        events = running.counts()[0] - events_before
    yield f"{minutes:g} minutes at {events / (60 * minutes):.0f} engine events/s, {len(sizes)} looks"
    for name, part in (("first half", sizes[: len(sizes) // 2]), ("second half", sizes[len(sizes) // 2 :])):
        slope = statistics.linear_regression(*zip(*part, strict=True)).slope
        first, last = (part[place][1] / 1_024 for place in (0, -1))
        yield f"memory, {name}: {first:.1f} to {last:.1f} MiB, {slope:+.0f} KiB a minute"


def heading() -> str:
    load = ", ".join(f"{part:.1f}" for part in os.getloadavg())
    return (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {platform.platform()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}, {COLUMNS}x{ROWS}, load before {load}"
    )


def ending() -> Iterator[str]:
    yield f"load after {os.getloadavg()[0]:.1f}"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=10.0)
    minutes = parser.parse_args().minutes
    with tempfile.TemporaryDirectory() as compiled, KEPT.open("w", encoding="utf-8") as kept:
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = compiled
        for part in ([heading()], first_frames(), drawing(), memory(minutes), ending()):
            for line in part:
                print(line, flush=True)
                print(line, file=kept, flush=True)


if __name__ == "__main__":
    main()
