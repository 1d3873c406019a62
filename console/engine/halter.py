"""The halt path: a thread of its own with a connection of its own, which needs neither engine nor screen."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping

from console.domain.order import OrderReport
from console.domain.ports import Clock, HaltLine, VenueError, VenueRefusedError
from console.engine.gate import Gate, Sentinel
from console.engine.snapshot import NOT_HALTING, HaltPhase, HaltView

log = logging.getLogger(__name__)

_EMPTY_LISTS_TO_CONFIRM = 2
_PATIENT_ATTEMPTS = 3
_RETRY_S = 0.3
_LONGEST_RETRY_S = 2.0
_WATCH_S = 5.0


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
        self._make_line = line
        self._groups = groups
        self._is_ours = is_ours
        self._wall_ns = wall_ns
        self._view = NOT_HALTING
        self._lock = threading.Lock()
        self._file_lock = threading.Lock()
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
        with self._lock:
            self._gate.close()
            self._settled.clear()
            self._view = HaltView(HaltPhase.CANCELLING, reason, requested_ns=self._wall_ns())
            self._wanted.set()
        # A disk that hangs must not delay the cancels, so the file has a thread of its own.
        threading.Thread(target=self._write_sentinel, name="sentinel", daemon=True).start()

    def wait_confirmed(self, timeout_s: float) -> bool:
        """Wait until the newest request is confirmed; False when time ran out first."""
        return self._settled.wait(timeout_s)

    def release(self, requested_ns: int | None) -> None:
        """Forget the halt requested at this time and open the gate; a newer one stays in force.

        The engine's doing, after its last HALT latch was cleared. Raises OSError when the disk refuses.
        """
        with self._file_lock:
            if self._view.requested_ns != requested_ns:
                return
            # The file goes first: while it stands a restart is halted. A newer request writes it anew.
            self._sentinel.remove()
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
        """Cancel and list until a newer request, a release or the end takes over."""
        untriggered = dict(self._groups())
        empty_lists, attempts = 0, 0
        while not self._wanted.is_set():
            attempts += 1
            resting, error = self._attempt(untriggered)
            empty_lists = empty_lists + 1 if resting == 0 and not error else 0
            if empty_lists >= _EMPTY_LISTS_TO_CONFIRM:
                self._publish(view, HaltPhase.CONFIRMED, attempts, resting, "")
                self._watch()
                empty_lists = 0
                continue
            late = attempts > _PATIENT_ATTEMPTS and not empty_lists
            phase = HaltPhase.UNCONFIRMED if late or error else HaltPhase.CANCELLING
            self._publish(view, phase, attempts, resting, error)
            self._wanted.wait(0 if empty_lists else min(_RETRY_S * attempts, _LONGEST_RETRY_S))

    def _watch(self) -> None:
        """Return once one of ours rests, or when something else takes over."""
        while not self._wanted.wait(_WATCH_S):
            resting, _ = self._attempt({})
            if resting:
                return

    def _attempt(self, untriggered: dict[int, str]) -> tuple[int | None, str]:
        """One round: how many of ours were listed (None if no list was complete), and what went wrong.

        Groups that were triggered leave ``untriggered``.
        """
        try:
            line = self._line = self._line or self._make_line()
            error = _trigger_groups(line, untriggered)
            ours = [order for order in line.resting() if self._is_ours(order)]
        except Exception as failure:  # noqa: BLE001 - whatever went wrong, the halt goes on
            self._drop_line()
            return None, _words(failure)
        for order in ours:
            try:
                line.cancel(order.order_id, order.ticker, order.exchange_index)
            except Exception as failure:  # noqa: BLE001 - the other orders must be cancelled all the same
                error = _words(failure)
        return len(ours), error

    def _drop_line(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            try:
                line.close()
            except Exception as failure:  # noqa: BLE001 - a line that cannot be closed must not end the halt
                log.warning("the halt's line was not closed: %s", _words(failure))

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
            else:
                self._settled.clear()


def _trigger_groups(line: HaltLine, untriggered: dict[int, str]) -> str:
    """Trigger what is left; a group that the exchange refuses to trigger is not tried again."""
    error = ""
    for exchange_index, group_id in list(untriggered.items()):
        try:
            line.trigger_group(group_id, exchange_index)
        except VenueRefusedError as refusal:
            log.warning("order group %s was not triggered: %s", group_id, refusal)
        except VenueError as failure:
            error = str(failure)
            log.warning("order group %s was not triggered yet: %s", group_id, failure)
            continue
        del untriggered[exchange_index]
    return error


def _words(failure: Exception) -> str:
    return str(failure) if isinstance(failure, VenueError) else f"{type(failure).__name__}: {failure}"
