"""The settings with which earlier runs traded, of which a journal keeps the changes and a hash."""

from __future__ import annotations

from collections.abc import Sequence

from console.config.assignments import Layer, Source
from console.config.changes import settings_hash
from console.config.errors import ConfigError
from console.config.load import with_changes
from console.config.schema import Settings
from console.domain.engine_events import SettingsChanged
from console.domain.events import JournaledEvent

_JOURNAL = Source(Layer.OVERRIDES, "the journal")


def settings_by_hash(now: Settings, events: Sequence[JournaledEvent]) -> dict[str, Settings]:
    """Those of now, and each that undoing the journaled changes leads back to, newest first."""
    found = {settings_hash(now): now}
    settings = now
    for event in reversed(events):
        if isinstance(event, SettingsChanged):
            before = [(change.key, change.old) for change in event.changes]
            try:
                settings = with_changes(settings, before, _JOURNAL)
            except ConfigError:
                # Written by another version, which had other settings.
                break
            found.setdefault(settings_hash(settings), settings)
    return found
