"""Who is told beside screen and log, as the settings name them."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from console.app.delivery import DEADLINE_S, Heartbeat, Sender
from console.app.http_exchange import NotDeliveredError, Receiver
from console.config.program_settings import MonitoringSettings
from console.config.secret_url import SecretUrl
from console.domain.actions import Alert, AlertLevel
from console.domain.time_units import NS_PER_S
from console.engine.log_views import DeliveryView
from console.engine.worker import EngineWorker
from console.monitoring.alert_messages import Message, Origin, ntfy_message, webhook_message
from console.monitoring.alerts import DELIVERY
from console.monitoring.responses import TEST

log = logging.getLogger(__name__)

_FRESH_NS = 10 * NS_PER_S
"""Progress older than this is none: the engine takes a step twice a second."""

_CLOSING_S = 1.0

_MakeMessage = Callable[[Alert, Origin], Message]


class Alerting:
    """The receivers of one run; trouble with them is told once there is an engine to tell it."""

    def __init__(self, settings: MonitoringSettings, environment: str, *, dry_run: bool) -> None:
        origin = Origin(uuid.uuid4().hex[:12], environment, dry_run)
        self._settings = settings
        self._engine: EngineWorker | None = None
        self._untold: list[str] = []
        self._lock = threading.Lock()
        self._heartbeat: Heartbeat | None = None
        self._senders = [
            Sender(name, Receiver(url, DEADLINE_S), partial(_made, make, origin), self._tell_trouble)
            for name, url, make in _receivers(settings)
        ]
        for sender in self._senders:
            sender.start()

    def tell(self, alert: Alert) -> None:
        """Have every receiver get it; never waits."""
        for sender in self._senders:
            sender.put(alert)

    def views(self) -> tuple[DeliveryView, ...]:
        """Every receiver and what became of what it was to get."""
        heartbeat = () if self._heartbeat is None else (self._heartbeat.view,)
        return (*(sender.view for sender in self._senders), *heartbeat)

    def follow(self, engine: EngineWorker) -> None:
        """Let the heartbeat be that of an engine that runs, and tell it of receivers that fail."""
        with self._lock:
            self._engine = engine
            for text in self._untold:
                engine.notice(DELIVERY, text)
        if self._settings.heartbeat_url:
            self._heartbeat = Heartbeat(
                Receiver(self._settings.heartbeat_url, DEADLINE_S),
                self._settings.heartbeat_interval_seconds,
                lambda: engine.failure() is None and engine.heartbeat_age_ns() < _FRESH_NS,
                self._tell_trouble,
            )
            self._heartbeat.start()

    def stop(self) -> None:
        """End; what is under way gets a second to arrive."""
        if self._heartbeat is not None:
            self._heartbeat.end()
        for sender in self._senders:
            sender.end()
        until = time.monotonic() + _CLOSING_S
        for sender in self._senders:
            sender.join(max(0.0, until - time.monotonic()))
            if sender.missing:
                log.warning("%s: %d alerts of this run did not arrive", sender.view.name, sender.missing)

    def _tell_trouble(self, name: str, text: str) -> None:
        with self._lock:
            if self._engine is None:
                self._untold.append(f"{name}: {text}")
            else:
                self._engine.notice(DELIVERY, f"{name}: {text}")


@dataclass(frozen=True)
class Tried:
    """What became of a test alert; ``trouble`` is why it did not arrive, None when it did."""

    name: str
    took_ms: int
    trouble: str | None


def try_receivers(settings: MonitoringSettings, environment: str) -> list[Tried]:
    """Send a test alert to each receiver, and a heartbeat; once, and waiting for each. Empty without any."""
    origin = Origin(uuid.uuid4().hex[:12], environment)
    alert = Alert(
        0, time.time_ns(), AlertLevel.WARNING, "this is a test: alerts of kconsole arrive here", TEST
    )
    tried = []
    for name, url, make in _receivers(settings):
        message = make(alert, origin)
        tried.append(_tried(name, url, message))
    if settings.heartbeat_url:
        tried.append(_tried(Heartbeat.NAME, settings.heartbeat_url, None))
    return tried


def _tried(name: str, url: SecretUrl, message: Message | None) -> Tried:
    begun, trouble = time.monotonic(), None
    try:
        receiver = Receiver(url, DEADLINE_S)
        if message is None:
            receiver.send("GET")
        else:
            receiver.send("POST", message.headers, message.body)
    except NotDeliveredError as error:
        trouble = str(error)
    return Tried(name, round((time.monotonic() - begun) * 1_000), trouble)


def _receivers(settings: MonitoringSettings) -> Iterator[tuple[str, SecretUrl, _MakeMessage]]:
    if settings.webhook_url:
        yield "webhook", settings.webhook_url, webhook_message
    if settings.ntfy_url:
        yield "ntfy", settings.ntfy_url, ntfy_message


def _made(make: _MakeMessage, origin: Origin, alert: Alert) -> Message:
    return make(alert, origin)
