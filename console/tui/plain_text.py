"""The screen in ASCII, for terminals and fonts that lack block and line characters."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

_DRAWN = {
    **dict.fromkeys("╭╮╰╯┌┐└┘├┤┬┴┼", "+"),
    **dict.fromkeys("─━┄╌▔", "-"),
    **dict.fromkeys("│┃▌▐▎▊┋", "|"),
    **dict.fromkeys("┆┊╎", ":"),
    **dict.fromkeys("▁▂▃▄", "_"),
    **dict.fromkeys("▅▆▇█■", "#"),
    **dict.fromkeys("·•∙", "."),
    "▀": "'", "□": "o", "●": "*", "▲": "!", "▼": "v", "►": ">", "▶": ">", "▸": ">", "◂": "<",
    "‖": "=", "→": ">", "←": "<", "↳": "`", "▒": "%", "±": "~",
    "…": "~", "┴": "+", "≥": ">", "≤": "<", "–": "-", "—": "-", "×": "x", "✕": "x",
}  # fmt: skip
_UNKNOWN = "?"


@lru_cache(maxsize=1024)
def _ascii_of(character: str) -> str:
    drawn = _DRAWN.get(character)
    if drawn is not None:
        return drawn
    plain = unicodedata.normalize("NFKD", character)[:1]
    return plain if plain.isascii() and plain.isprintable() else _UNKNOWN


def in_ascii(text: str) -> str:
    """The text with one ASCII character for each of its own."""
    return text if text.isascii() else "".join(c if c.isascii() else _ascii_of(c) for c in text)


class AsciiFilter(LineFilter):
    """Redraws everything on its way to the terminal."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [Segment(in_ascii(text), style, control) for text, style, control in segments]
