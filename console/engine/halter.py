"""The halt path: a thread of its own with a connection of its own, which needs neither engine nor screen."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping

from console.domain.order import OrderReport
from console.domain.ports import Clock, HaltLine, VenueError
from console.engine.gate import Gate, Sentinel
from console.engine.snapshot import NOT_HALTING, HaltPhase, HaltView

log = logging.getLogger(__name__)

_EMPTY_LISTS_TO_CONFIRM = 2
_PATIENT_ATTEMPTS = 3
_RETRY_S = 0.3
_LONGEST_RETRY_S = 2.0


class Halter:
    """Closes the gate, triggers our order groups, cancels our orders and lists until none is left.

    ``request`` may be called from any thread and returns at once. Until two complete lists in a row hold
    none of our orders the halt is not confirmed, and the thread goes on trying.
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
        self._make_line = line
        self._groups = groups
        self._is_ours = is_ours
        self._wall_ns = wall_ns
        self._view = NOT_HALTING
        self._lock = threading.Lock()
        self._wanted = threading.Event()
        self._ended = threading.Event()
        self._settled = threading.Event()
        self._line: HaltLine | None = None
        self._thread = threading.Thread(target=self._run, name="halt", daemon=True)
        self._thread.start()

    @property
    def view(self) -> HaltView:
        return self._view

    def request(self, reason: str) -> None:
        """Halt now; a second call cancels again."""
        self._gate.close()
        with self._lock:
            self._settled.clear()
            self._view = HaltView(HaltPhase.CANCELLING, reason, requested_ns=self._wall_ns())
            self._wanted.set()
        # A disk that hangs must not delay the cancels, so the file has a thread of its own.
        threading.Thread(target=self._write_sentinel, args=(reason,), name="sentinel", daemon=True).start()

    def wait_confirmed(self, timeout_s: float) -> bool:
        """Wait until the newest request is confirmed; False when time ran out first."""
        return self._settled.wait(timeout_s)

    def release(self) -> None:
        """Forget the halt and open the gate: the engine's doing, after its last HALT latch was cleared."""
        with self._lock:
            self._wanted.clear()
            self._view = NOT_HALTING
        self._sentinel.remove()
        self._gate.open()

    def stop(self) -> None:
        """End the thread."""
        self._ended.set()
        self._wanted.set()
        self._thread.join(timeout=5)

    def _write_sentinel(self, reason: str) -> None:
        try:
            self._sentinel.write(reason)
        except OSError as error:
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
        self._drop_line()

    def _pursue(self, view: HaltView) -> None:
        """Cancel and list until confirmed, or until a newer request or the end takes over."""
        empty_lists, attempts = 0, 0
        while not self._wanted.is_set():
            attempts += 1
            resting, error = self._attempt(first=attempts == 1)
            empty_lists = empty_lists + 1 if resting == 0 and not error else 0
            if empty_lists >= _EMPTY_LISTS_TO_CONFIRM:
                self._publish(view, HaltPhase.CONFIRMED, attempts, resting, "")
                return
            late = attempts > _PATIENT_ATTEMPTS and not empty_lists
            phase = HaltPhase.UNCONFIRMED if late or error else HaltPhase.CANCELLING
            self._publish(view, phase, attempts, resting, error)
            self._wanted.wait(0 if empty_lists else min(_RETRY_S * attempts, _LONGEST_RETRY_S))

    def _attempt(self, *, first: bool) -> tuple[int | None, str]:
        """One round: how many of ours were listed (None if no list was complete), and what went wrong."""
        error = ""
        try:
            line = self._line = self._line or self._make_line()
            if first:
                error = self._trigger_groups(line)
            ours = [order for order in line.resting() if self._is_ours(order)]
        except VenueError as failure:
            self._drop_line()
            return None, str(failure)
        for order in ours:
            try:
                line.cancel(order.order_id, order.ticker, order.exchange_index)
            except VenueError as failure:
                error = str(failure)
        return len(ours), error

    def _trigger_groups(self, line: HaltLine) -> str:
        error = ""
        for exchange_index, group_id in self._groups().items():
            try:
                line.trigger_group(group_id, exchange_index)
            except VenueError as failure:
                error = str(failure)
                log.warning("order group %s was not triggered: %s", group_id, failure)
        return error

    def _drop_line(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None

    def _publish(
        self, started: HaltView, phase: HaltPhase, attempts: int, resting: int | None, error: str
    ) -> None:
        with self._lock:
            if self._view.requested_ns != started.requested_ns:
                return
            confirmed_ns = self._wall_ns() if phase is HaltPhase.CONFIRMED else None
            self._view = HaltView(
                phase, started.reason, started.requested_ns, attempts, resting, confirmed_ns, error
            )
            if phase is HaltPhase.CONFIRMED:
                self._settled.set()
