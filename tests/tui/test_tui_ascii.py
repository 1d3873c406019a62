"""What ``--ascii`` makes of the characters that the console draws with."""

from __future__ import annotations

from pathlib import Path

import console
from console.tui.plain_text import in_ascii

PACKAGE = Path(console.__file__).parent
DRAWN = sorted(
    {
        character
        for folder in ("tui", "monitoring", "engine", "backtest")
        for source in (PACKAGE / folder).rglob("*.py")
        if source.name != "plain_text.py"
        for character in source.read_text(encoding="utf-8")
        if not character.isascii()
    }
)


def test_nothing_that_the_console_draws_becomes_a_question_mark() -> None:
    assert [character for character in DRAWN if in_ascii(character) == "?"] == []
    assert in_ascii("".join(DRAWN)).isascii()
