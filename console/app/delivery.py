"""Threads that send alerts and heartbeats, so that a receiver that hangs holds up nobody else."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from queue import Full, Queue

import msgspec

from console.app.http_exchange import NotDeliveredError, Receiver
from console.domain.actions import Alert
from console.engine.log_views import DeliveryView
from console.monitoring.alert_messages import Message

DEADLINE_S = 5.0
"""A try that takes longer has failed."""

MOST_WAITING = 100
RETRY_AFTER_S = (1.0, 5.0, 25.0)

Trouble = Callable[[str, str], None]
"""Told of a receiver's name and what went wrong, once until it has taken something again."""


class Sender:
    """Sends each alert to one receiver, in order; what cannot arrive is counted and told.

    A try that got no answer may have arrived: the next bears the same id.
    """

    def __init__(
        self, name: str, receiver: Receiver, message_of: Callable[[Alert], Message], on_trouble: Trouble
    ) -> None:
        self._receiver = receiver
        self._message_of = message_of
        self._on_trouble = on_trouble
        self._waiting: Queue[Alert | None] = Queue(MOST_WAITING)
        self._state = DeliveryView(name)
        self._taken = self._dropped = 0
        self._is_told = False
        self._under_way = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def view(self) -> DeliveryView:
        waiting = self._waiting.qsize() + self._under_way
        return msgspec.structs.replace(self._state, waiting=waiting, dropped=self._dropped)

    @property
    def missing(self) -> int:
        """How many have not arrived, as far as is known."""
        return self._taken - self._state.delivered

    def start(self) -> None:
        self._thread.start()

    def put(self, alert: Alert) -> None:
        """Have it sent, or count it where too many wait; never waits itself."""
        self._taken += 1
        try:
            self._waiting.put_nowait(alert)
        except Full:
            self._dropped += 1

    def end(self) -> None:
        """Let what waits go once more, without another try; do not wait for it."""
        self._ended.set()
        # Wakes a thread that waits; one with a full queue is awake.
        with suppress(Full):
            self._waiting.put_nowait(None)

    def join(self, timeout_s: float) -> None:
        """Wait until nothing waits any more, or that long."""
        if self._thread.ident is not None:
            self._thread.join(timeout_s)

    def _run(self) -> None:
        while not (self._ended.is_set() and self._waiting.empty()):
            alert = self._waiting.get()
            if alert is not None:
                self._under_way = 1
                self._deliver(self._message_of(alert))
                self._under_way = 0

    def _deliver(self, message: Message) -> None:
        for wait_s in (*RETRY_AFTER_S, None):
            try:
                self._receiver.send("POST", message.headers, message.body)
            except NotDeliveredError as error:
                self._change(trouble=str(error))
                if not error.may_pass or wait_s is None or self._ended.is_set():
                    self._change(failed=self._state.failed + 1)
                    self._tell(str(error))
                    return
                self._ended.wait(wait_s * random.uniform(0.8, 1.2))  # noqa: S311 - jitter
            else:
                self._is_told = False
                delivered = self._state.delivered + 1
                self._change(delivered=delivered, trouble="", delivered_ns=time.time_ns())
                return

    def _tell(self, text: str) -> None:
        if not self._is_told:
            self._is_told = True
            self._on_trouble(self._state.name, text)

    def _change(self, **fields: object) -> None:
        self._state = msgspec.structs.replace(self._state, **fields)


class Heartbeat:
    """Asks an address now and then for as long as progress is fresh: it is the silence that tells."""

    NAME = "heartbeat"

    def __init__(
        self, receiver: Receiver, every_s: float, is_fresh: Callable[[], bool], on_trouble: Trouble
    ) -> None:
        self._receiver = receiver
        self._every_s = every_s
        self._is_fresh = is_fresh
        self._on_trouble = on_trouble
        self.view = DeliveryView(self.NAME)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=self.NAME, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        self._ended.set()

    def _run(self) -> None:
        while not self._ended.is_set():
            if self._is_fresh():
                self._beat()
            self._ended.wait(self._every_s)

    def _beat(self) -> None:
        view = self.view
        try:
            self._receiver.send("GET")
        except NotDeliveredError as error:
            self.view = msgspec.structs.replace(view, failed=view.failed + 1, trouble=str(error))
            if not view.trouble:
                self._on_trouble(self.NAME, str(error))
        else:
            self.view = msgspec.structs.replace(
                view, delivered=view.delivered + 1, trouble="", delivered_ns=time.time_ns()
            )
