"""The practice exchange as a child process of the console."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import IO

from console.config.files import open_private
from console.config.program_settings import PracticeSettings

_START_TIMEOUT_S = 30.0
_STOP_TIMEOUT_S = 5.0

Outage = Callable[[], str | None]
"""What has ended outside the engine and cannot come back by itself."""


class PracticeFailedError(Exception):
    """The practice exchange did not start; the text is one sentence for the operator."""


@contextmanager
def practice_exchange(settings: PracticeSettings, home: Path, logs: Path) -> Iterator[tuple[bytes, Outage]]:
    """The line it printed when it was ready, and whether it has ended; it ends with the block.

    Raises PracticeFailedError.
    """
    # -P: a package in the folder where the console was started must not be taken for ours.
    command = [sys.executable, "-P", "-m", "console.cli", "exchange", "--until-stdin-closes"]
    command += ["--speed", str(settings.speed), "--cash", str(settings.starting_cash_dollars)]
    command += ["--home", str(home)]
    errors = logs / "practice-exchange.log"
    with open_private(errors) as error_file:
        # A session of its own: the terminal's ctrl-c is for the console, which ends the exchange itself.
        child = subprocess.Popen(  # noqa: S603 - our own program
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=error_file,
            start_new_session=True,
        )

    def outage() -> str | None:
        # Its account is gone with it, so there is nothing to come back to.
        return None if child.poll() is None else "the practice exchange has ended: quit and start again"

    try:
        yield _first_line(child, errors), outage
    finally:
        _end(child)


def _first_line(child: subprocess.Popen[bytes], errors: Path) -> bytes:
    lines: SimpleQueue[bytes] = SimpleQueue()
    if child.stdout is None:
        raise PracticeFailedError("the practice exchange has no output")
    threading.Thread(target=_drain, args=(child.stdout, lines), name="practice output", daemon=True).start()
    line = b""
    with contextlib.suppress(Empty):
        line = lines.get(timeout=_START_TIMEOUT_S)
    if not line.strip():
        said = errors.read_text(errors="replace").strip().splitlines()
        why = said[-1] if said else f"it said nothing within {_START_TIMEOUT_S:.0f} s"
        raise PracticeFailedError(f"the practice exchange did not start: {why}")
    return line


def _drain(stream: IO[bytes], lines: SimpleQueue[bytes]) -> None:
    """Pass on the first line and read the rest, so that the child is never blocked by a full pipe."""
    lines.put(stream.readline())
    for _ in stream:
        pass


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.stdin is not None:
        with contextlib.suppress(OSError):
            child.stdin.close()
    try:
        child.wait(_STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
