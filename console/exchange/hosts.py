"""Where an exchange is and who we are there."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import msgspec

REST_PATH = "/trade-api/v2"
WS_PATH = "/trade-api/ws/v2"
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_SCHEMES = {"rest": ("https", "http"), "ws": ("wss", "ws")}


class ConnectionDataError(ValueError):
    """What should say where the exchange is and who we are does not, or names an unsafe address."""


class Hosts(msgspec.Struct, frozen=True):
    """Base addresses of REST and of the WebSocket."""

    rest: str
    ws: str


DEMO = Hosts(
    rest=f"https://external-api.demo.kalshi.co{REST_PATH}",
    ws=f"wss://external-api-ws.demo.kalshi.co{WS_PATH}",
)
LIVE = Hosts(
    rest=f"https://external-api.kalshi.com{REST_PATH}",
    ws=f"wss://external-api-ws.kalshi.com{WS_PATH}",
)


class Connection(msgspec.Struct, frozen=True):
    """Addresses, key id and key file; also the line that ``kconsole exchange`` prints."""

    rest: str
    ws: str
    key_id: str
    private_key_path: str

    def __post_init__(self) -> None:
        _check_address("rest", self.rest, REST_PATH)
        _check_address("ws", self.ws, WS_PATH)
        if not self.key_id:
            raise ValueError("key_id is empty; give the id of the API key")
        if not (self.key_id.isascii() and self.key_id.isprintable()):
            raise ValueError(f"key_id {self.key_id!r} has characters that no API key id has")
        if not self.private_key_path:
            raise ValueError("private_key_path is empty; give the file of the private key")


def _check_address(name: str, address: str, path: str) -> None:
    """Signed requests go nowhere but over TLS, or to this machine itself."""
    parts = urlsplit(address)
    encrypted, plain = _SCHEMES[name]
    safe = parts.scheme == encrypted or (parts.scheme == plain and parts.hostname in _LOOPBACK)
    try:
        safe = safe and parts.port != 0
    except ValueError:
        safe = False
    if not safe or not parts.hostname or parts.path != path or parts.query or parts.username:
        raise ValueError(
            f"{name} {address!r} is not an address like {encrypted}://HOST{path} "
            f"({plain}:// only for this machine)"
        )


def connection_to(hosts: Hosts, key_id: str, private_key_path: str) -> Connection:
    """A connection with a key of our own; raises ConnectionDataError."""
    try:
        return Connection(hosts.rest, hosts.ws, key_id, private_key_path)
    except ValueError as error:
        raise ConnectionDataError(f"exchange settings: {error}") from None


def parse_connection(line: str | bytes, source: str) -> Connection:
    """Read the JSON line of a practice exchange; raises ConnectionDataError naming ``source``."""
    try:
        return msgspec.json.decode(line, type=Connection)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConnectionDataError(
            f"{source} does not hold the line that `kconsole exchange` prints: {error}"
        ) from None


def read_connection(path: Path) -> Connection:
    """Read a file that holds the line of a practice exchange; raises ConnectionDataError."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise ConnectionDataError(f"{path} cannot be read: {error.strerror}") from None
    return parse_connection(text, str(path))
