"""Text from outside, made safe to draw: one line, no control of the terminal, one cell a character."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from rich.cells import get_character_cell_size

LONGEST = 200
"""Cells of the longest text that is drawn."""

_INVISIBLE = {"Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_COMBINING = {"Mn", "Mc", "Me"}


def _visible(character: str) -> str:
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    category = unicodedata.category(character)
    if category == "Zs":
        return " "
    if category in _COMBINING:
        return ""
    if category == "Cc" or category in _INVISIBLE:
        return f"<U+{code:04X}>"
    return character if get_character_cell_size(character) == 1 else "\u25a1"


@lru_cache(maxsize=1024)
def _inert(text: str) -> str:
    shown = "".join(_visible(character) for character in unicodedata.normalize("NFC", text[: 4 * LONGEST]))
    return shown if len(shown) <= LONGEST else shown[: LONGEST - 1] + "…"


def inert(text: str) -> str:
    """The text as it may be drawn: control characters as their pictures, bidi marks as ``<U+202E>``.

    Every character of the result takes one cell, so its length is its width; wide ones become ``□`` because
    terminals disagree about them, and a text is cut after 200 cells.
    """
    if len(text) <= LONGEST and text.isascii() and text.isprintable():
        return text
    return _inert(text)
