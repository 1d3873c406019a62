"""Kalshi's wire messages, as the exchange sends them and as it expects them.

Amounts stay the decimal strings of the wire. A field without a default is one that must be there: a reply in
which the exchange renamed it fails to decode. An optional field is None when absent and is left out when
encoded. Fields nobody here knows are ignored.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

Time = Annotated[datetime, msgspec.Meta(tz=True)]
"""An RFC 3339 time with its zone."""

# Later than the last, in 2262, nanoseconds do not fit into 63 bits.
Seconds = Annotated[int, msgspec.Meta(ge=0, le=9_223_372_036)]
"""A Unix time in seconds."""

Milliseconds = Annotated[int, msgspec.Meta(ge=0, le=9_223_372_036_000)]
"""A Unix time in milliseconds."""

_encoder = msgspec.json.Encoder(decimal_format="number")


class Message(msgspec.Struct, frozen=True, omit_defaults=True):
    """Base of every message."""


class Page(Message, frozen=True, kw_only=True):
    """Base of a list that comes in pages; an empty cursor ends it, and one that is missing is an error."""

    cursor: str | None


def encode(message: msgspec.Struct) -> bytes:
    """A message as JSON; fee multipliers are numbers there."""
    return _encoder.encode(message)
