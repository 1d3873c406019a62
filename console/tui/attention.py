"""What is new in a picture and wants the operator's attention."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol

from console.domain.actions import AlertLevel
from console.engine.log_views import AlertView
from console.engine.snapshot import Snapshot
from console.tui.picture import Picture


class Toast(Protocol):
    def __call__(self, text: str, severity: Literal["information", "warning"]) -> None: ...


class Attention:
    """Rings and toasts for what the pictures before did not have.

    ``critical`` is the newest halt or breach, until it is acknowledged.
    """

    def __init__(self, ring: Callable[[], None], toast: Toast) -> None:
        self.critical: AlertView | None = None
        self._ring = ring
        self._toast = toast
        self._alerts_seen: int | None = None
        self._latches_seen: frozenset[str] | None = None

    def acknowledge(self) -> None:
        """The operator has seen what is critical."""
        self.critical = None

    def note(self, picture: Picture, *, is_watching: bool) -> None:
        """Look at the engine's picture; ``is_watching`` while a replay is shown in the panes."""
        if picture.snapshot is not None:
            is_grave = self._note_alerts(picture.snapshot, is_watching=is_watching)
            if self._note_latches(picture.snapshot) or is_grave:
                self._ring()

    def _note_alerts(self, snapshot: Snapshot, *, is_watching: bool) -> bool:
        """Toast what is new; whether a halt or a breach is, which stays until it is acknowledged."""
        is_grave = False
        switches = {switch.key for switch in snapshot.switches}
        for alert in snapshot.alerts:
            is_new = self._alerts_seen is None or alert.sequence > self._alerts_seen
            is_breach = alert.kind in switches and self._alerts_seen is not None
            if is_new and (alert.level is AlertLevel.CRITICAL or is_breach):
                self.critical = alert
                is_grave = True
            elif is_new and self._alerts_seen is not None:
                # Beside a replay's panes it must not be taken for the replay's.
                whose = "live: " if is_watching else ""
                self._toast(
                    f"{whose}{alert.text}", "warning" if alert.level is AlertLevel.WARNING else "information"
                )
        self._alerts_seen = max((alert.sequence for alert in snapshot.alerts), default=self._alerts_seen or 0)
        return is_grave

    def _note_latches(self, snapshot: Snapshot) -> bool:
        """Whether a switch tripped or a latch was raised otherwise, whatever its level."""
        seen, latched = self._latches_seen, frozenset(latch.id for latch in snapshot.latches)
        self._latches_seen = latched
        return seen is not None and not latched <= seen
