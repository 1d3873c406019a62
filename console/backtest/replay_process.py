"""A replay's process: it computes for seconds, and the engine and the screen must not wait."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence

import msgspec

from console.backtest.replay import ReplayRequest
from console.config.secret_url import without_secret

_NICENESS = 10


class ReplayProcess(ABC):
    """A module that runs from now on in a process of its own, which ends with this one.

    It is given one request and speaks in lines, which ``_hear`` takes in a thread; ``_end`` hears at last why
    it ended. It inherits ``files`` under the same numbers.
    """

    def __init__(
        self, module: str, request: ReplayRequest, *, files: Sequence[int] = (), arguments: Sequence[str] = ()
    ) -> None:
        """Raises OSError when no process can be started."""
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed when the child has ended
        # -P: a package in the folder where the console was started must not be taken for ours.
        self._child = subprocess.Popen(  # noqa: S603 - a module of ours
            [sys.executable, "-P", "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            pass_fds=files,
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

    @abstractmethod
    def _hear(self, line: bytes) -> None: ...

    @abstractmethod
    def _end(self, why: str) -> None: ...

    def _listen(self, request: ReplayRequest) -> None:
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        with self._errors, self._child.stdout as lines:
            # Left open: the child ends itself when this process is gone.
            with contextlib.suppress(BrokenPipeError):
                self._child.stdin.write(msgspec.json.encode(request, enc_hook=without_secret) + b"\n")
                self._child.stdin.flush()
            why = self._hear_all(lines)
            code = self._child.wait()
            with contextlib.suppress(BrokenPipeError):
                self._child.stdin.close()
            self._end(f"the replay ended before its time: {why or self._why(code)}")

    def _hear_all(self, lines: Iterable[bytes]) -> str | None:
        """Until the child says no more; why it is not listened to any longer."""
        for line in lines:
            if line.endswith(b"\n"):
                try:
                    self._hear(line)
                except msgspec.MsgspecError as error:
                    self._child.kill()
                    return f"it said what is not understood ({error})"
        return None

    def _why(self, code: int) -> str:
        self._errors.seek(0)
        told = self._errors.read().decode(errors="replace").strip().splitlines()
        return told[-1] if told else f"signal {-code}" if code < 0 else f"exit code {code}"


def take_request() -> ReplayRequest:
    """In the child: what one line of standard input asks for; it ends when that is closed."""
    os.nice(_NICENESS)
    request = msgspec.json.decode(
        sys.stdin.buffer.readline(), type=ReplayRequest, dec_hook=lambda kind, text: kind(text)
    )
    threading.Thread(target=_end_with_parent, daemon=True).start()
    return request


def _end_with_parent() -> None:
    # Not the file object, whose lock a daemon thread would hold at exit.
    os.read(sys.stdin.fileno(), 1)
    os._exit(1)
