"""The operator's keymap: which of it can be used, and the keys as they are written on the screen."""

from __future__ import annotations

from collections.abc import Mapping

from textual.keys import REPLACED_KEYS, Keys, key_to_character

from console.tui.actions import ALL_ACTIONS, places_of
from console.tui.key_action import KeyAction

_ACTIONS = {action.id: action for action in ALL_ACTIONS}
_NAMED = frozenset(key.value for key in Keys)
_MODIFIERS = frozenset({"shift", "alt", "ctrl", "super", "hyper", "meta"})


def key_of(name: str, keymap: Mapping[str, str]) -> str:
    """The key that a sentence on the screen names for an action."""
    return keys_of(_ACTIONS[name], keymap)[0]


def keys_of(action: KeyAction, keymap: Mapping[str, str]) -> list[str]:
    """The keys that trigger an action, as they are written on the screen."""
    keys = keymap.get(action.id, action.keys).split(",")
    return [_DISPLAY.get(key.strip(), key.strip()) for key in keys]


_DISPLAY = {"slash": "/", "question_mark": "?", "pageup": "pgup", "pagedown": "pgdn"} | {
    "left": "←",
    "right": "→",
    "full_stop": ".",
    "comma": ",",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
}


def _character(key: str) -> str | None:
    """What a key types; a character and its name are one key."""
    return key_to_character(REPLACED_KEYS.get(key, key))


def _is_key(name: str) -> bool:
    """Whether a terminal can send a key of this name."""
    *modifiers, key = name.split("+")
    is_known = key in _NAMED or (key.isprintable() and _character(key) is not None)
    return is_known and set(modifiers) <= _MODIFIERS and not (modifiers and key != key.lower())


def _problem(name: str, keys: str) -> str | None:
    """Why an entry cannot be used, whatever the others are."""
    action = _ACTIONS.get(name)
    if action is None:
        return f"ui.keymap: there is no binding {name!r}; use one of {', '.join(sorted(_ACTIONS))}"
    each = [key.strip() for key in keys.split(",")]
    unknown = next((key for key in each if not _is_key(key)), None)
    if unknown is not None:
        return f"ui.keymap: {name} has {unknown!r}, which is no key such as f12, ctrl+x or slash"
    if action.priority and any(map(_character, each)):
        return f"ui.keymap: {name} works in text fields, so {keys!r} cannot be a character key"
    return None


def sound_keymap(keymap: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """The entries of a keymap that can be used, and a sentence for each that cannot.

    A key that must work in a text field may not be one that types a character, and where a key works it has
    one use.
    """
    accepted: dict[str, str] = {}
    problems: list[str] = []
    for name, keys in keymap.items():
        if (problem := _problem(name, keys)) is None:
            accepted[name] = keys
        else:
            problems.append(problem)
    used: dict[tuple[str, str], str] = {}
    for action in ALL_ACTIONS:
        for key in (key.strip() for key in accepted.get(action.id, action.keys).split(",")):
            places = [(place, _character(key) or key) for place in places_of(action)]
            if (other := next((used[place] for place in places if place in used), None)) is not None:
                taker = action.id if action.id in accepted else other
                user = other if taker == action.id else action.id
                problems.append(f"ui.keymap: {key!r} of {taker} is already used by {user}")
                accepted.pop(taker, None)
            else:
                used |= dict.fromkeys(places, action.id)
    return accepted, problems
