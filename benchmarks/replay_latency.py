"""How long a key waits for its handler in a terminal of 120x40, without and with a replay at full speed, and
while one is watched that still runs ahead.

``python benchmarks/replay_latency.py`` runs the console on its own practice exchange in a temporary home,
presses keys, and prints percentiles; nothing is asserted.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import pty
import statistics
import struct
import tempfile
import termios
import threading
import time
from pathlib import Path

COLUMNS, ROWS = 120, 40
KEYS = 100
BETWEEN_S = 0.1
START_S = 15.0
_NS_PER_MS = 1_000_000


def console(home: str, handled: Path) -> None:
    """Run the console, with the time of each key that moves a cursor in a file."""
    from console.commands.console import add_arguments, run
    from console.tui.pane import Pane

    move = Pane.action_move

    def noted(pane: Pane, rows: int) -> None:
        with handled.open("a") as file:
            file.write(f"{time.monotonic_ns()}\n")
        move(pane, rows)

    Pane.action_move = noted  # type: ignore[assignment, method-assign]
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    run(parser.parse_args(["--home", home]))


def drain(terminal: int) -> None:
    try:
        while os.read(terminal, 65_536):
            pass
    except OSError:
        return


def measure(name: str, terminal: int, handled: Path) -> None:
    """Press keys that move the cursor and print how long each took to arrive."""
    handled.write_text("")
    pressed = []
    for place in range(KEYS):
        pressed.append(time.monotonic_ns())
        os.write(terminal, b"jk"[place % 2 : place % 2 + 1])
        time.sleep(BETWEEN_S)
    time.sleep(1)
    arrived = [int(line) for line in handled.read_text().split()]
    waited = sorted((after - before) / _NS_PER_MS for before, after in zip(pressed, arrived, strict=True))
    p95 = waited[int(0.95 * len(waited))]
    print(f"{name}: p50 {statistics.median(waited):.1f} ms, p95 {p95:.1f} ms, max {waited[-1]:.1f} ms")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        handled = Path(folder) / "handled"
        child, terminal = pty.fork()
        if child == 0:
            console(f"{folder}/home", handled)
            os._exit(0)
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        threading.Thread(target=drain, args=(terminal,), daemon=True).start()
        time.sleep(START_S)
        print(f"{COLUMNS}x{ROWS}, load {os.getloadavg()[0]:.1f}, {KEYS} keys each")
        os.write(terminal, b"b")
        time.sleep(1)
        measure("no replay", terminal, handled)
        os.write(terminal, b"g\x1b[Cx")
        time.sleep(5)
        measure("replay at full speed", terminal, handled)
        os.write(terminal, b"x")
        time.sleep(1)
        os.write(terminal, b"W]]]]]]]")
        time.sleep(3)
        measure("watching, as fast as it goes, while it is run", terminal, handled)
        os.write(terminal, b"B")
        time.sleep(1)
        os.write(terminal, b"q")
        time.sleep(1)
        os.write(terminal, b"\r")
        os.waitpid(child, 0)


if __name__ == "__main__":
    main()
