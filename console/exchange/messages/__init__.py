"""Kalshi's wire messages, as the exchange sends them and as it expects them.

Amounts stay the decimal strings of the wire. A field without a default is one that must be there: a reply in
which the exchange renamed it fails to decode. An optional field is None when absent and is left out when
encoded. Fields nobody here knows are ignored.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, TypeVar

import msgspec

Time = Annotated[datetime, msgspec.Meta(tz=True)]
"""An RFC 3339 time with its zone."""

# Later than the last, in 2262, nanoseconds do not fit into 63 bits.
Seconds = Annotated[int, msgspec.Meta(ge=0, le=9_223_372_036)]
"""A Unix time in seconds."""

Milliseconds = Annotated[int, msgspec.Meta(ge=0, le=9_223_372_036_000)]
"""A Unix time in milliseconds."""

Shard = Annotated[int, msgspec.Meta(ge=0, le=65_535)]
"""The number of a part of the exchange with order books of its own."""

_encoder = msgspec.json.Encoder(decimal_format="number")

Decoded = TypeVar("Decoded")


class Message(msgspec.Struct, frozen=True, omit_defaults=True):
    """Base of every message."""


class Page(Message, frozen=True, kw_only=True):
    """Base of a list that comes in pages; an empty cursor ends it, and one that is missing is an error."""

    cursor: str | None


def encode(message: msgspec.Struct) -> bytes:
    """A message as JSON; fee multipliers are numbers there."""
    return _encoder.encode(message)


def decode(data: bytes, type_: type[Decoded]) -> Decoded:
    """What the exchange sent; raises ValueError for anything else, an object with a name twice included."""
    try:
        decoded = msgspec.json.decode(data, type=type_)
        _finds_twice.decode(data.decode())
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(str(error)) from None
    return decoded


def _refuse_twice(pairs: list[tuple[str, object]]) -> None:
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        raise ValueError(f"{max(names, key=names.count)!r} is said twice")


# msgspec takes the last of two values silently.
_finds_twice = json.JSONDecoder(object_pairs_hook=_refuse_twice, strict=False)
