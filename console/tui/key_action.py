"""A key of the console as data, and what Textual makes of it."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from textual.binding import Binding


class KeyAction(msgspec.Struct, frozen=True, kw_only=True):
    """One thing a key does; ``id`` is what a keymap names and never changes.

    ``priority`` works in a text field, under a dialog and in the palette. ``label`` is the footer's word.
    ``while_watching`` works only while a replay is watched, and there before a pane's own use of the key.
    ``danger`` may cost money or lets more be traded: it asks first, with the harmless answer focused.
    """

    id: str
    keys: str
    action: str
    description: str
    group: str
    label: str = ""
    priority: bool = False
    danger: bool = False
    while_watching: bool = False


def bindings(actions: Iterable[KeyAction], namespace: str = "") -> list[Binding]:
    """The actions of a namespace (``app.`` or ``screen.``) as Textual's bindings."""
    return [
        Binding(a.keys, a.action, a.description, show=False, priority=a.priority or a.while_watching, id=a.id)
        for a in actions
        if a.action.startswith(namespace)
    ]
