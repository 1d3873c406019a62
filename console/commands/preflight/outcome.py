"""What a check found."""

from __future__ import annotations

import msgspec


class Outcome(msgspec.Struct, frozen=True):
    """``detail`` says with figures what was found, and where it failed what would be right.

    Its lines after the first are what else is to be said against it. ``evidence`` names all that it was found
    from, where that alone decides it: from the same the same is found.
    """

    passed: bool
    detail: str
    evidence: str = ""


def passed(detail: str) -> Outcome:
    return Outcome(True, detail)


def failed(detail: str) -> Outcome:
    return Outcome(False, detail)
