"""What a check found."""

from __future__ import annotations

import msgspec


class Outcome(msgspec.Struct, frozen=True):
    """``detail`` says with figures what was found, and where it failed what would be right.

    Its lines after the first are what else is to be said against it.
    """

    passed: bool
    detail: str


def passed(detail: str) -> Outcome:
    return Outcome(True, detail)


def failed(detail: str) -> Outcome:
    return Outcome(False, detail)
