"""An alert as its receivers get it: one JSON document, or ntfy's text with headers."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from console.config.program_settings import MonitoringSettings
from console.domain.actions import Alert, AlertLevel
from console.domain.time_units import NS_PER_S
from console.monitoring.alerts import SLIPPAGE
from console.monitoring.responses import LATCH_RESPONSES, response_to

_LONGEST_TEXT = 1_000
"""ntfy makes an attachment of what is longer than four times as much."""

_PRIORITIES = {AlertLevel.INFO: "3", AlertLevel.WARNING: "4", AlertLevel.CRITICAL: "5"}
_TAGS = {
    AlertLevel.INFO: "information_source",
    AlertLevel.WARNING: "warning",
    AlertLevel.CRITICAL: "rotating_light",
}


class Message(msgspec.Struct, frozen=True):
    """What is sent: ``id`` is the same however often it is tried, and no other's."""

    id: str
    headers: dict[str, str]
    body: bytes


class Origin(msgspec.Struct, frozen=True):
    """Which run tells; ``run`` is no other's."""

    run: str
    environment: str
    dry_run: bool = False


def is_sent(alert: Alert, settings: MonitoringSettings) -> bool:
    """Whether an alert goes to the receivers too."""
    if alert.level < AlertLevel[settings.alert_level.upper()]:
        return False
    if alert.kind == SLIPPAGE.kind:
        return settings.alert_on_high_slippage
    return settings.alert_on_kill_switch or alert.kind not in LATCH_RESPONSES


def webhook_message(alert: Alert, origin: Origin) -> Message:
    """The alert as a JSON object; what others wrote stands in ``text`` alone, without control characters."""
    name = _id(alert, origin)
    document = {
        "id": name,
        "at": datetime.fromtimestamp(alert.at_ns // NS_PER_S, UTC).isoformat(),
        "program": "kconsole",
        "environment": origin.environment,
        "dry_run": origin.dry_run,
        "level": alert.level.name.lower(),
        "kind": alert.kind,
        "title": _title(alert, origin),
        "text": inert(alert.text),
        "response": response_to(alert.kind),
    }
    headers = {"Content-Type": "application/json", "Idempotency-Key": name}
    return Message(name, headers, msgspec.json.encode(document))


def ntfy_message(alert: Alert, origin: Origin) -> Message:
    """The alert as plain text; headers hold our own words alone."""
    name = _id(alert, origin)
    headers = {
        "Content-Type": "text/plain; charset=utf-8",
        "Title": _title(alert, origin),
        "Priority": _PRIORITIES[alert.level],
        "Tags": _TAGS[alert.level],
        "X-Sequence-ID": name,
    }
    return Message(name, headers, f"{inert(alert.text)}\n→ {response_to(alert.kind)}".encode())


def inert(text: str) -> str:
    """The text on one line, not too long, with a picture for each character that could steer its reader."""
    shown = "".join(character if character.isprintable() else "\ufffd" for character in text[:_LONGEST_TEXT])
    return shown if len(text) <= _LONGEST_TEXT else f"{shown}…"


def _id(alert: Alert, origin: Origin) -> str:
    return f"{origin.run}-{alert.sequence}"


def _title(alert: Alert, origin: Origin) -> str:
    dry = " dry run" if origin.dry_run else ""
    return f"kconsole {origin.environment}{dry}: {alert.level.name.lower()} {alert.kind}"
