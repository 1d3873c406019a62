"""A replay in a process of its own, and what it says until it is done."""

from __future__ import annotations

import sys
import time
from typing import IO

import msgspec

from console.backtest.replay import ReplayRequest, replay
from console.backtest.replay_process import ReplayProcess, take_request
from console.backtest.side_by_side import SideBySide
from console.config.errors import ConfigError

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


class ReplayChild(ReplayProcess):
    """A replay that runs from now on; ``said`` is the last that it said, ``said_s`` when by the monotonic
    clock. Both may be read from any thread.
    """

    def __init__(self, request: ReplayRequest) -> None:
        """Raises OSError when no process can be started."""
        self.said: Said = Progress()
        self.said_s = time.monotonic()
        super().__init__("console.backtest.replay_child", request)

    def _hear(self, line: bytes) -> None:
        self.said, self.said_s = _decoder.decode(line), time.monotonic()

    def _end(self, why: str) -> None:
        if isinstance(self.said, Progress):
            self.said = Failed(why)


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

    request = take_request()
    voice = _Voice(sys.stdout.buffer)
    try:
        voice.say(Finished(replay(request, voice.tell)))
    except (ConfigError, HistoryError) as error:
        voice.say(Failed(str(error)))


if __name__ == "__main__":
    main()
