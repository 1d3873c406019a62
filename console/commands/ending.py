"""How a session ends that is not ended by its operator: by a signal, or by a failure that nothing caught."""

from __future__ import annotations

import faulthandler
import logging
import os
import resource
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from types import FrameType, TracebackType
from typing import Self

from console.commands.errors import ExitCode, SignalledError
from console.config.redaction import error_text
from console.engine.worker import EngineWorker

log = logging.getLogger(__name__)

END_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
FORCE_AFTER_S = 4.5
"""After this long a session that was told to end is ended by force."""
_ENGINE_S = 1.5
_HALT_S = 1.5
_RESTORE_S = 0.3


class Ending:
    """Ends a session at SIGINT, SIGTERM, SIGHUP or a thread's failure; SIGUSR1 halts and ends nothing.

    A thread of its own cancels what rests, so that neither a hung screen nor a hung engine is in the way.
    While the session starts, a signal raises SignalledError in the main thread.
    """

    def __init__(self) -> None:
        self.exit_code: int | None = None
        self.failure: str | None = None
        self.restore_terminal: Callable[[], None] = _nothing
        self._events: SimpleQueue[signal.Signals | str] = SimpleQueue()
        self._is_starting = True
        self._lock = threading.Lock()
        self._worker: EngineWorker | None = None
        self._halt_asked = False
        self._faults: int | None = None
        self._tell: Callable[[int], None] | None = None

    def __enter__(self) -> Self:
        handled = (*END_SIGNALS, signal.SIGUSR1)
        self._handlers = {number: signal.signal(number, self._take) for number in handled}
        self._hook, threading.excepthook = threading.excepthook, self._thread_failed
        threading.Thread(target=self._act, name="signals", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # The watchdog goes on: what hangs may be the interpreter's own exit.
        threading.excepthook = self._hook
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def watch(self, worker: EngineWorker) -> None:
        """The engine that is halted by a signal from now on, or at once if one came before."""
        with self._lock:
            self._worker = worker
            halt_asked = self._halt_asked
        if halt_asked:
            worker.halt(signal.SIGUSR1.name)

    def keep_faults(self, folder: Path) -> None:
        """Have a crash or a hang leave its stacks in ``folder``, and no image of the memory with its keys."""
        _, hard = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (0, hard))
        # Open for as long as the process lives: a signal's handler writes to it.
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
        self._faults = os.open(folder / "faults.log", flags, 0o600)
        if not faulthandler.is_enabled():
            faulthandler.enable(self._faults)

    def tell(self, told: Callable[[int], None]) -> None:
        """From now on a signal calls ``told`` with the exit code, in another thread, and raises nothing."""
        self._tell = told
        self._is_starting = False
        if self.exit_code is not None:
            told(self.exit_code)

    def stop(self, worker: EngineWorker, *, cancel_resting: bool) -> int | None:
        """As the worker's, within the time that is left."""
        if self.exit_code is None:
            return worker.stop(cancel_resting=cancel_resting)
        return worker.stop(cancel_resting=True, timeout_s=_ENGINE_S, halt_patience_s=_HALT_S)

    def _take(self, number: int, _frame: FrameType | None) -> None:
        """The handler: it may interrupt anything in the main thread, so it takes no lock."""
        self._events.put(signal.Signals(number))
        if self._is_starting and number in END_SIGNALS:
            self._is_starting = False
            raise SignalledError(number)

    def _thread_failed(self, failed: threading.ExceptHookArgs) -> None:
        if failed.exc_type is SystemExit:
            return
        name = failed.thread.name if failed.thread else "?"
        error = failed.exc_value or failed.exc_type()
        log.critical("thread %s failed", name, exc_info=error)
        self._events.put(f"thread {name} failed: {error_text(error)}")

    def _act(self) -> None:
        while True:
            event = self._events.get()
            if event is signal.SIGUSR1:
                self._halt(signal.SIGUSR1.name)
            elif isinstance(event, signal.Signals):
                self._end(128 + event)
            else:
                self._halt(event)
                self.failure = self.failure or event
                self._end(ExitCode.FAILED)

    def _halt(self, reason: str) -> None:
        with self._lock:
            self._halt_asked = True
            worker = self._worker
        if worker is not None:
            worker.halt(reason)

    def _end(self, exit_code: int) -> None:
        if self.exit_code is not None:
            return
        self.exit_code = exit_code
        watchdog = threading.Timer(FORCE_AFTER_S, self._force)
        watchdog.daemon = True
        watchdog.start()
        if self._tell is not None:
            self._tell(exit_code)
        if self._worker is not None:
            self.stop(self._worker, cancel_resting=True)

    def _force(self) -> None:
        """End the process now: the disk and the terminal may be what hangs."""
        last = threading.Thread(target=self._last_words, daemon=True)
        last.start()
        last.join(_RESTORE_S)
        os._exit(self.exit_code or ExitCode.FAILED)

    def _last_words(self) -> None:
        text = f"the session did not end within {FORCE_AFTER_S} s and is ended by force"
        log.critical(text)
        if self._faults is not None:
            faulthandler.dump_traceback(self._faults)
        self.restore_terminal()
        os.write(2, f"kconsole: {text}\n".encode())


def _nothing() -> None:
    pass
