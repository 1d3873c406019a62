"""The operator's keymap: which of it can be used, and the keys as they are written on the screen."""

from __future__ import annotations

from collections.abc import Mapping

from textual.keys import key_to_character

from console.tui.actions import ALL_ACTIONS, places_of
from console.tui.key_action import KeyAction

_ACTIONS = {action.id: action for action in ALL_ACTIONS}


def key_of(name: str, keymap: Mapping[str, str]) -> str:
    """The key that a sentence on the screen names for an action."""
    return keys_of(_ACTIONS[name], keymap)[0]


def keys_of(action: KeyAction, keymap: Mapping[str, str]) -> list[str]:
    """The keys that trigger an action, as they are written on the screen."""
    keys = keymap.get(action.id, action.keys).split(",")
    return [_DISPLAY.get(key.strip(), key.strip()) for key in keys]


_DISPLAY = {"slash": "/", "question_mark": "?", "pageup": "pgup", "pagedown": "pgdn"} | {
    "full_stop": ".",
    "comma": ",",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
}


def _is_printable(key: str) -> bool:
    return len(key) == 1 or key_to_character(key) is not None


def sound_keymap(keymap: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """The entries of a keymap that can be used, and a sentence for each that cannot.

    A key that must work in a text field may not be one that types a character, and where a key works it has
    one use.
    """
    accepted: dict[str, str] = {}
    problems: list[str] = []
    for name, keys in keymap.items():
        action = _ACTIONS.get(name)
        if action is None:
            names = ", ".join(sorted(_ACTIONS))
            problems.append(f"ui.keymap: there is no binding {name!r}; use one of {names}")
        elif action.priority and any(_is_printable(key.strip()) for key in keys.split(",")):
            problems.append(f"ui.keymap: {name} works in text fields, so {keys!r} cannot be a character key")
        else:
            accepted[name] = keys
    used: dict[tuple[str, str], str] = {}
    for action in ALL_ACTIONS:
        for key in (key.strip() for key in accepted.get(action.id, action.keys).split(",")):
            places = [(place, key) for place in places_of(action)]
            if (other := next((used[place] for place in places if place in used), None)) is not None:
                taker = action.id if action.id in accepted else other
                problems.append(
                    f"ui.keymap: {key!r} is already used by {other if taker == action.id else action.id}"
                )
                accepted.pop(taker, None)
            else:
                used |= dict.fromkeys(places, action.id)
    return accepted, problems
