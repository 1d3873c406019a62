"""The guard process, as the run that it guards starts it, shows it signs of life and watches it."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import time
from pathlib import Path
from queue import Empty, SimpleQueue

from console.app.guard_duty import ENDED, ENDING, READY
from console.app.launch import Launch
from console.config.files import open_private
from console.engine.guard import STALLED_NS
from console.engine.heartbeats import Beat, Heartbeats, Pulse
from console.engine.worker import EngineFailedError

_START_TIMEOUT_S = 30.0
_END_TIMEOUT_S = 1.0


class GuardProcess:
    """A guard of its own session, which outlives the run for as long as an order of ours may rest.

    Implements ``Guard``.
    """

    def __init__(self, launch: Launch) -> None:
        """Start it; raises EngineFailedError when it cannot be."""
        folder = launch.folder
        # -P: a package in the folder where the console was started must not be taken for ours.
        command = [sys.executable, "-P", "-m", "console.cli", "guard"]
        command += ["--home", str(folder.path.parent), "--env", launch.environment]
        self._errors = folder.logs / "guard-errors.log"
        try:
            self._heartbeats = Heartbeats.create(folder.heartbeats)
            with open_private(self._errors) as errors:
                self._process = subprocess.Popen(  # noqa: S603 - our own program
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    start_new_session=True,
                )
        except OSError as error:
            raise _failed(f"{error.filename or folder.heartbeats}: {error.strerror}") from None
        self._pulse = Pulse()

    def wait_ready(self) -> None:
        """Wait until it watches; raises EngineFailedError."""
        lines: SimpleQueue[bytes] = SimpleQueue()
        threading.Thread(target=lambda: lines.put(self._read_line()), name="guard", daemon=True).start()
        line = b""
        with contextlib.suppress(Empty):
            line = lines.get(timeout=_START_TIMEOUT_S)
        if line != READY:
            raise _failed(self._why_not())

    def _read_line(self) -> bytes:
        return b"" if self._process.stdout is None else self._process.stdout.readline()

    def _why_not(self) -> str:
        said = _last_line(self._errors)
        return said or f"it said nothing within {_START_TIMEOUT_S:.0f} s"

    def beat(self, whose: Beat) -> None:
        self._heartbeats.beat(whose)

    def stand_down(self, whose: Beat) -> None:
        self._heartbeats.stop(whose)

    def absence(self) -> str | None:
        if self._process.poll() is not None:
            return "the guard ended: start again"
        silent_ns = self._pulse.look(self._heartbeats.count(Beat.GUARD), time.monotonic_ns())
        if silent_ns >= STALLED_NS:
            return f"the guard is silent for {STALLED_NS // 1_000_000_000} s"
        return None

    def tell_ending(self) -> None:
        self._tell(ENDING)

    def end(self) -> None:
        """Release it; while the run file tells of orders that must not rest, it goes on by itself."""
        self._tell(ENDED)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_TIMEOUT_S)

    def _tell(self, word: bytes) -> None:
        # A guard that is gone needs no telling.
        with contextlib.suppress(OSError, ValueError):
            if self._process.stdin is not None:
                self._process.stdin.write(word)
                self._process.stdin.flush()


def _failed(why: str) -> EngineFailedError:
    return EngineFailedError(f"the guard process did not start, and nothing is traded without it: {why}")


def _last_line(path: Path) -> str:
    with contextlib.suppress(OSError):
        lines = path.read_text(errors="replace").strip().splitlines()
        return lines[-1].removeprefix("kconsole: ") if lines else ""
    return ""
