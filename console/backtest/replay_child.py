"""A replay in a process of its own: it computes for seconds, and the engine and the screen must not wait."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import threading
import time
from typing import IO

import msgspec

from console.backtest.replay import ReplayRequest, replay
from console.backtest.side_by_side import SideBySide
from console.config.errors import ConfigError

_NICENESS = 10
_TOLD_EVERY_S = 0.1


class Progress(msgspec.Struct, frozen=True, tag=True):
    """How far a run is; ``name`` is empty while the recording is opened."""

    name: str = ""
    rows: int = 0
    total: int = 0
    rows_per_s: float = 0.0


class Finished(msgspec.Struct, frozen=True, tag=True):
    compared: SideBySide


class Failed(msgspec.Struct, frozen=True, tag=True):
    """Why there is no result, in one sentence."""

    text: str


Said = Progress | Finished | Failed

_decoder: msgspec.json.Decoder[Said] = msgspec.json.Decoder(Said)


class ReplayChild:
    """A replay that runs from now on; ``said`` is the last that it said, and may be read from any thread."""

    def __init__(self, request: ReplayRequest) -> None:
        """Raises OSError when no process can be started."""
        self.said: Said = Progress()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed when the child has ended
        # -P: a package in the folder where the console was started must not be taken for ours.
        self._child = subprocess.Popen(
            [sys.executable, "-P", "-m", "console.backtest.replay_child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            start_new_session=True,
        )
        self._thread = threading.Thread(target=self._listen, args=(request,), name="replay", daemon=True)
        self._thread.start()

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive()

    def cancel(self) -> None:
        """End it at once; what it said last stays."""
        self._child.kill()
        self._thread.join()

    def _listen(self, request: ReplayRequest) -> None:
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        with self._errors, self._child.stdout as lines:
            # Left open: the child ends itself when this process is gone.
            with contextlib.suppress(BrokenPipeError):
                self._child.stdin.write(msgspec.json.encode(request) + b"\n")
                self._child.stdin.flush()
            for line in lines:
                if line.endswith(b"\n"):
                    self.said = _decoder.decode(line)
            code = self._child.wait()
            with contextlib.suppress(BrokenPipeError):
                self._child.stdin.close()
            if isinstance(self.said, Progress):
                self.said = Failed(f"the replay ended before its time: {self._why(code)}")

    def _why(self, code: int) -> str:
        self._errors.seek(0)
        told = self._errors.read().decode(errors="replace").strip().splitlines()
        return told[-1] if told else f"signal {-code}" if code < 0 else f"exit code {code}"


class _Voice:
    """What the child says, a line each, and progress not too often."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out = out
        self._name = ""
        self._began_s = self._told_s = 0.0

    def say(self, said: Said) -> None:
        self._out.write(msgspec.json.encode(said) + b"\n")
        self._out.flush()

    def tell(self, name: str, rows: int, total: int) -> None:
        now_s = time.monotonic()
        if name != self._name:
            self._name, self._began_s, self._told_s = name, now_s, 0.0
        if now_s - self._told_s >= _TOLD_EVERY_S or rows == total:
            self._told_s = now_s
            self.say(Progress(name, rows, total, rows / max(now_s - self._began_s, 1e-9)))


def main() -> None:
    """Run what one line of standard input asks for, while that stays open."""
    from console.history.schema import HistoryError

    os.nice(_NICENESS)
    request = msgspec.json.decode(sys.stdin.buffer.readline(), type=ReplayRequest)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    voice = _Voice(sys.stdout.buffer)
    try:
        voice.say(Finished(replay(request, voice.tell)))
    except (ConfigError, HistoryError) as error:
        voice.say(Failed(str(error)))


def _end_with_parent() -> None:
    # Not the file object, whose lock a daemon thread would hold at exit.
    os.read(sys.stdin.fileno(), 1)
    os._exit(1)


if __name__ == "__main__":
    main()
