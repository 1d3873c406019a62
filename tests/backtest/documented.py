"""What the guide to backtesting says that programs get."""

from __future__ import annotations

import re
from pathlib import Path

GUIDE = Path(__file__).parents[2] / "docs" / "backtesting.md"


def documented_fields(command: str) -> set[str]:
    """The fields of a command's ``--json``."""
    _, _, table = GUIDE.read_text(encoding="utf-8").partition("## For programs")
    ((first, more),) = re.findall(rf"\| `{command}` \|(.*)\n((?:\| \|.*\n)*)", table)
    return set(re.findall(r"`(\w+)(?:\[\])?`", first + more))
