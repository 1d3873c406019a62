"""A replay to be watched: it runs ahead in a process of its own, and what it showed can be seen at any step.

The steps go to a file that has no name: whatever ends the two processes, nothing is left of it.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
import zlib
from typing import IO

import msgspec

from console.backtest.replay import ReplayRequest
from console.backtest.replay_process import ReplayProcess, take_request
from console.backtest.replay_steps import Step, Steps, read_step, write_steps
from console.config.errors import ConfigError
from console.engine.snapshot import Snapshot

_TOLD_EVERY_S = 0.1


class Opened(msgspec.Struct, frozen=True, tag=True):
    """When the first and the last row were recorded."""

    first_ns: int
    last_ns: int


class Written(msgspec.Struct, frozen=True, tag=True):
    steps: tuple[Step, ...]


class Ended(msgspec.Struct, frozen=True, tag=True):
    """There is no more; ``failure`` is why it is not all, in one sentence."""

    failure: str | None = None


_Said = Opened | Written | Ended

_decoder: msgspec.json.Decoder[_Said] = msgspec.json.Decoder(_Said)


class WatchedReplay(ReplayProcess):
    """A replay that runs from now on; ``opened`` and ``ended`` are None until it has and is."""

    def __init__(self, request: ReplayRequest) -> None:
        """Raises OSError when no process can be started or no file made."""
        self.request = request
        self.steps = Steps()
        self.opened: Opened | None = None
        self.ended: Ended | None = None
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close
        try:
            number = self._file.fileno()
            super().__init__(
                "console.backtest.replay_watch",
                request,
                files=[number],
                # Looked up where it is known: on a full disk, looking again finds another folder.
                arguments=[str(number), tempfile.gettempdir()],
            )
        except OSError:
            self._file.close()
            raise

    def close(self) -> None:
        """End it, and give back what its steps took."""
        self.cancel()
        self._file.close()

    def seen_at(self, index: int) -> Snapshot | None:
        """What could be seen at a step; None where it cannot be read back, which ends the replay."""
        try:
            return read_step(self._file.fileno(), *self.steps.place(index), self.request.under_test)
        except (OSError, zlib.error, msgspec.MsgspecError) as error:
            self.cancel()
            self.ended = Ended(f"the replay cannot be read back from {tempfile.gettempdir()}: {error}")
            return None

    def _hear(self, line: bytes) -> None:
        match _decoder.decode(line):
            case Opened() as opened:
                self.opened = opened
            case Written(steps=steps):
                for step in steps:
                    self.steps.add(step)
            case Ended() as ended:
                self.ended = ended

    def _end(self, why: str) -> None:
        if self.ended is None:
            self.ended = Ended(why)


class _Voice:
    """What the child says, a line each; of steps some at a time, once they are in the file."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._steps: list[Step] = []
        self._told_s = 0.0

    def open(self, first_ns: int, last_ns: int) -> None:
        self._say(Opened(first_ns, last_ns))

    def tell(self, step: Step) -> None:
        self._steps.append(step)
        if time.monotonic() - self._told_s >= _TOLD_EVERY_S:
            self._flush()

    def end(self, failure: str | None) -> None:
        if failure is None:
            self._flush()
        self._say(Ended(failure))

    def _flush(self) -> None:
        self._file.flush()
        self._say(Written(tuple(self._steps)))
        self._steps.clear()
        self._told_s = time.monotonic()

    def _say(self, said: _Said) -> None:
        sys.stdout.buffer.write(msgspec.json.encode(said) + b"\n")
        sys.stdout.buffer.flush()


def main() -> None:
    """Run what one line of standard input asks for, while that stays open, into an inherited file."""
    from console.history.schema import HistoryError

    request = take_request()
    file = os.fdopen(int(sys.argv[1]), "wb")
    voice = _Voice(file)
    try:
        write_steps(request, file, voice.open, voice.tell)
        voice.end(None)
    except (ConfigError, HistoryError) as error:
        voice.end(str(error))
    except OSError as error:
        voice.end(f"the replay cannot be kept in {sys.argv[2]}: {error.strerror}")


if __name__ == "__main__":
    main()
