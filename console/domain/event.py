"""What every event has."""

from __future__ import annotations

import msgspec


class Event(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Base of every event, which is immutable and named in the past tense.

    ``at_ns`` is the UTC time in nanoseconds at which it was learned; the engine has no other clock.
    """

    at_ns: int
