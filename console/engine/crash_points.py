"""Named places between two effects, at which a test may end the process to see what a crash there leaves."""

from __future__ import annotations

from collections.abc import Callable


def _go_on(_name: str) -> None:
    pass


on_reached: Callable[[str], None] = _go_on
"""Called with the name of each place; a test replaces it."""


def crash_point(name: str) -> None:
    """Say that the program is at this place, named ``what: where``."""
    on_reached(name)
