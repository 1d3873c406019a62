"""What must never be written down or shown: keys, signatures, and the texts that a run has concealed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

_SHORTEST = 12
"""A shorter text would be found in others that say nothing."""

_HEADER = r"(?:KALSHI-ACCESS-[A-Z]+|(?:PROXY-)?AUTHORIZATION)"
_HEADER_VALUE = re.compile(
    rf"""({_HEADER}['"]?\s*[:=,]\s*(?:b?['"])?)(?:(?:Bearer|Basic)\s+)?[^\s'",)}}\]]+""", re.IGNORECASE
)
_HEADER_NAME = re.compile(_HEADER, re.IGNORECASE)
_USER_OF_ADDRESS = re.compile(r"(://)[^\s/@'\"]+@")
_PEM = re.compile(r"-----BEGIN [^-]*-----.*?(?:-----END [^-]*-----|\Z)", re.DOTALL)

_concealed: tuple[str, ...] = ()


def conceal(*texts: str) -> None:
    """Redact these from now on, wherever ``redacted`` is asked; of an address its path and query too.

    Texts of less than twelve characters, an unset one among them, are left alone.
    """
    global _concealed
    parts = {part for text in texts for part in _parts(text) if len(part) >= _SHORTEST}
    # The longest first: it may hold another.
    _concealed = tuple(sorted({*_concealed, *parts}, key=len, reverse=True))


def _parts(text: str) -> tuple[str, ...]:
    if "://" not in text:
        return (text,)
    try:
        address = urlsplit(text)
    except ValueError:
        return (text,)
    path = address.path.strip("/")
    return (text, path, address.query, f"{path}?{address.query}", address.password or "")


def redacted(text: str) -> str:
    """The text without what is concealed, headers that prove who we are, passwords of addresses and keys."""
    for secret in _concealed:
        text = text.replace(secret, "[redacted]")
    text = _HEADER_VALUE.sub(r"\1[redacted]", text)
    return _PEM.sub("[redacted key]", _USER_OF_ADDRESS.sub(r"\1[redacted]@", text))


def redacted_fields(value: object) -> object:
    """The same in every text of a value that JSON can hold; anything else becomes a text."""
    match value:
        case None | bool() | int():
            return value
        case str():
            return redacted(value)
        case Mapping():
            return {
                redacted(str(name)): "[redacted]" if _HEADER_NAME.search(str(name)) else redacted_fields(each)
                for name, each in value.items()
            }
        case list() | tuple():
            return [redacted_fields(each) for each in value]
        case _:
            return redacted(str(value))


def error_text(error: BaseException) -> str:
    """An exception that nothing expected, in one line that may be shown and kept."""
    return " ".join(redacted(f"{type(error).__name__}: {error}").split())
