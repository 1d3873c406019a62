"""An address that may hold a secret: it is used, and never shown."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from console.config.redaction import conceal

_LONGEST = 2_000


class SecretUrl:
    """An https address, or an http one of this machine; the empty one is none.

    Whatever shows or writes it gets a word in its place; only ``reveal`` gives it. A text that is no such
    address raises ValueError without repeating it.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str = "") -> None:
        if text and not _is_address(text):
            raise ValueError("not an https address, nor an http one of this machine")
        conceal(text)
        self._text = text

    def reveal(self) -> str:
        """The address itself, for the one who calls it."""
        return self._text

    def __bool__(self) -> bool:
        return bool(self._text)

    def __repr__(self) -> str:
        return "(hidden)" if self._text else "(none)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecretUrl) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)


def without_secret(value: object) -> str:
    """For an encoder of settings: no address is written. Raises TypeError for what is none."""
    if isinstance(value, SecretUrl):
        return ""
    raise TypeError(f"{type(value).__name__} cannot be written")


def _is_address(text: str) -> bool:
    if len(text) > _LONGEST or not text.isascii() or not text.isprintable() or " " in text:
        return False
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and _is_here(host or "")))


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
