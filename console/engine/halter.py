"""The halt path: a thread of its own with a connection of its own, which needs neither engine nor screen."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping

from console.domain.order import OrderReport
from console.domain.ports import Clock, HaltLine
from console.engine.crash_points import crash_point
from console.engine.gate import Gate, Sentinel
from console.engine.halt_rounds import HaltRounds
from console.engine.halt_view import NOT_HALTING, HaltPhase, HaltView

log = logging.getLogger(__name__)

_PATIENT_ROUNDS = 3
_FIRST_LOOK_S = 0.5
_LONGEST_LOOK_S = 5.0


class Halter:
    """Closes the gate, triggers our order groups, cancels our orders and lists until none is left.

    ``request`` may be called from any thread and returns at once. Until two complete lists in a row hold
    none of our orders the halt is not confirmed, and the thread goes on trying. A confirmed halt is still
    watched: an order that was on its way may come to rest later.
    """

    def __init__(
        self,
        gate: Gate,
        sentinel: Sentinel,
        line: Callable[[], HaltLine],
        *,
        groups: Callable[[], Mapping[int, str]],
        is_ours: Callable[[OrderReport], bool],
        wall_ns: Clock,
    ) -> None:
        self._gate = gate
        self._sentinel = sentinel
        self._groups = groups
        self._rounds = HaltRounds(line, is_ours)
        self._wall_ns = wall_ns
        self._view = NOT_HALTING
        self._file_error = ""
        self._lock = threading.Lock()
        self._file_lock = threading.Lock()
        self._wanted = threading.Event()
        self._ended = threading.Event()
        self._settled = threading.Event()
        self._thread = threading.Thread(target=self._run, name="halt", daemon=True)
        self._thread.start()

    @property
    def view(self) -> HaltView:
        return self._view

    def request(self, reason: str) -> None:
        """Halt now; a second call cancels again."""
        with self._lock:
            self._gate.close()
            crash_point("halt: gate closed")
            self._settled.clear()
            self._view = HaltView(HaltPhase.CANCELLING, reason, requested_ns=self._wall_ns())
            self._wanted.set()
        # A disk that hangs must not delay the cancels, so the file has a thread of its own.
        threading.Thread(target=self._write_sentinel, name="sentinel", daemon=True).start()

    def outside_halt(self) -> str | None:
        """The reason of a halt that another process asked for by the file, told once; never waits."""
        # Taken while the file is written or removed here: then the next look will do.
        if not self._file_lock.acquire(blocking=False):
            return None
        try:
            return self._sentinel.news()
        finally:
            self._file_lock.release()

    @property
    def file_error(self) -> str:
        """Why the newest halt has no file, without which a restart may not be halted; empty when it has."""
        return self._file_error

    def wait_confirmed(self, timeout_s: float) -> bool:
        """Wait until the newest request is confirmed; False when time ran out first."""
        return self._settled.wait(timeout_s)

    def release(self, requested_ns: int | None) -> None:
        """Forget the halt requested at this time and open the gate; a newer one or one from outside stays.

        The engine's doing, after its last HALT latch was cleared. Raises OSError when the disk refuses.
        """
        with self._file_lock:
            if self._view.requested_ns != requested_ns or self._sentinel.is_foreign:
                return
            # The file goes first: while it stands a restart is halted. A newer request writes it anew.
            self._sentinel.remove()
            crash_point("resume: file removed")
            with self._lock:
                if self._view.requested_ns == requested_ns:
                    self._view = NOT_HALTING
                    self._wanted.set()
                    self._gate.open()

    def open_to_reduce(self, requested_ns: int | None) -> bool:
        """Let orders pass that only reduce, for as long as no newer halt is asked for.

        False, and the gate stays closed, unless the halt requested at this time is the newest and confirmed.
        """
        with self._lock:
            view = self._view
            if view.requested_ns != requested_ns or view.phase is not HaltPhase.CONFIRMED:
                return False
            self._gate.open_to_reduce()
            return True

    def stop(self, patience_s: float = 0) -> None:
        """End the thread, once a halt under way is confirmed or ``patience_s`` is over."""
        if self._thread.is_alive() and self._view.phase is not HaltPhase.IDLE:
            self._settled.wait(patience_s)
        self._ended.set()
        self._wanted.set()
        self._thread.join(timeout=5)

    def _write_sentinel(self) -> None:
        """Write the file unless the halt was released in the meantime."""
        with self._file_lock:
            if self._view.phase is HaltPhase.IDLE:
                return
            try:
                self._sentinel.write(self._view.reason)
                crash_point("halt: file written")
                self._file_error = ""
            except OSError as error:
                self._file_error = "" if self._sentinel.exists else f"{error.filename}: {error.strerror}"
                log.error("the halt file could not be written: %s", error)

    def _run(self) -> None:
        while True:
            self._wanted.wait()
            if self._ended.is_set():
                break
            with self._lock:
                self._wanted.clear()
                started = self._view
            if started.phase is not HaltPhase.IDLE:
                self._pursue(started)
        self._rounds.close()

    def _pursue(self, view: HaltView) -> None:
        """Cancel and list until a newer request, a release or the end takes over."""
        rounds = self._rounds
        rounds.begin(self._groups())
        while not self._wanted.is_set():
            rounds.run()
            if rounds.is_confirmed:
                self._publish(view, HaltPhase.CONFIRMED)
                self._watch()
            if not self._wanted.is_set():
                late = rounds.vain > _PATIENT_ROUNDS or rounds.error
                self._publish(view, HaltPhase.UNCONFIRMED if late else HaltPhase.CANCELLING)
            self._wanted.wait(rounds.pause_s)

    def _watch(self) -> None:
        """Return once one of ours rests, or when something else takes over.

        What was on its way when the halt came may come to rest in the first seconds.
        """
        pause_s = _FIRST_LOOK_S
        while not self._wanted.wait(pause_s):
            self._rounds.run()
            if self._rounds.resting:
                return
            pause_s = min(2 * pause_s, _LONGEST_LOOK_S)

    def _publish(self, started: HaltView, phase: HaltPhase) -> None:
        rounds = self._rounds
        with self._lock:
            if self._view.requested_ns != started.requested_ns:
                return
            confirmed_ns = self._wall_ns() if phase is HaltPhase.CONFIRMED else None
            self._view = HaltView(
                phase,
                started.reason,
                started.requested_ns,
                rounds.attempts,
                rounds.resting,
                confirmed_ns,
                rounds.error,
            )
            if phase is HaltPhase.CONFIRMED:
                crash_point("halt: confirmed")
                self._settled.set()
            else:
                self._settled.clear()
