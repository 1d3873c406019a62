"""How long after the engine stalls or dies the screen says so in words, and how soon a halt is shown then.

``python benchmarks/engine_silence.py`` runs the console on its own practice exchange in temporary homes, in a
terminal of 120x40, at the default refresh and at the slowest, and prints seconds; nothing is asserted.
"""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import fcntl
import os
import pty
import struct
import tempfile
import termios
import threading
import time
from collections.abc import Callable
from pathlib import Path

COLUMNS, ROWS = 120, 40
TIMES = 3
START_S, TOLD_S, STALL_S = 60.0, 15.0, 60.0
TRADES_S = 3.0
HALT = b"\x1b[24~"
SILENT = (b"LATE", b"STOPPED", b"FAILED")


def console(folder: str, harm: str, refresh_hz: int) -> None:
    """Run the console; once there is a file named ``harm``, its engine's thread stalls or ends."""
    from console.commands.console import add_arguments, run
    from console.engine.loop import EngineLoop

    go_on = EngineLoop.run

    async def noted(engine: EngineLoop, publish: Callable[[], None], every_s: float) -> None:
        loop, thread = asyncio.get_running_loop(), threading.get_ident()
        threading.Thread(target=wait, args=(loop, thread), daemon=True).start()
        await go_on(engine, publish, every_s)

    def wait(loop: asyncio.AbstractEventLoop, thread: int) -> None:
        while not Path(folder, "harm").exists():
            time.sleep(0.005)
        if harm == "stalls":
            loop.call_soon_threadsafe(time.sleep, STALL_S)
        else:
            ended = ctypes.py_object(SystemExit)
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ended)

    EngineLoop.run = noted  # type: ignore[method-assign, assignment]
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    run(parser.parse_args(["--home", f"{folder}/home", "--set", f"ui.refresh_hz={refresh_hz}"]))


class Terminal:
    """What the console writes, and when."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._written: list[tuple[float, bytes]] = []
        threading.Thread(target=self._drain, daemon=True).start()

    def _drain(self) -> None:
        try:
            while text := os.read(self.descriptor, 65_536):
                self._written.append((time.monotonic(), text))
        except OSError:
            return

    def seen_after(self, words: tuple[bytes, ...], since_s: float, at_most_s: float) -> float | None:
        """Seconds until one of the words is written; None when none is."""
        while time.monotonic() < since_s + at_most_s:
            text = b""
            for at_s, part in list(self._written):
                if at_s >= since_s:
                    text += part
                    if any(word in text for word in words):
                        return at_s - since_s
            time.sleep(0.01)
        return None


def measure(harm: str, refresh_hz: int) -> str:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        child, descriptor = pty.fork()
        if child == 0:
            try:
                console(folder, harm, refresh_hz)
            finally:
                os._exit(0)
        fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        terminal = Terminal(descriptor)
        terminal.seen_after((b"RUNNING",), time.monotonic(), START_S)
        time.sleep(TRADES_S)
        began_s = time.monotonic()
        Path(folder, "harm").touch()
        told_s = terminal.seen_after(SILENT, began_s, TOLD_S)
        pressed_s = time.monotonic()
        os.write(descriptor, HALT)
        halted_s = terminal.seen_after((b"HALTED",), pressed_s, TOLD_S)
        os.write(descriptor, b"q")
        time.sleep(1)
        os.write(descriptor, b"\r")
        os.waitpid(child, 0)
    return f"told after {seconds(told_s)}, halted {seconds(halted_s)} after the key"


def seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.2f} s"


def main() -> None:
    for refresh_hz in (4, 1):
        for harm in ("stalls", "dies"):
            for _ in range(TIMES):
                told = measure(harm, refresh_hz)
                print(
                    f"{refresh_hz} Hz, the engine {harm}: {told}, load {os.getloadavg()[0]:.1f}", flush=True
                )


if __name__ == "__main__":
    main()
