"""The practice exchange as a server on loopback: the tape, the HTTP and WebSocket listener, the API key.

All of it runs in one asyncio loop.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import socket
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec
import uvicorn
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from console.domain.money import Cash
from console.domain.time_units import NS_PER_S
from console.practice.account import STARTING_CASH
from console.practice.app import REST_ROOT, WEBSOCKET_PATH, build_app
from console.practice.auth import Authenticator, PublicKey
from console.practice.exchange import PracticeExchange
from console.practice.tape import TapeEntry

_HOST = "127.0.0.1"
_HEARTBEAT = b"heartbeat"
_HEARTBEAT_S = 10.0
_PONG_WITHIN_S = 20.0
_LONGEST_WAIT_S = 0.1
_SHUTDOWN_S = 1
_ENTRIES_BETWEEN_PAUSES = 200
_FIRST = asyncio.FIRST_COMPLETED


class AddressError(Exception):
    """The port cannot be listened on; the text says which and why."""


class Address(msgspec.Struct, frozen=True):
    """What a client needs; its fields are those of the line ``kconsole exchange`` prints."""

    rest: str
    ws: str
    key_id: str
    private_key_path: str


class GeneratedKey:
    """A fresh RSA key in a file that only its owner may read, locked while in use and removed in the end."""

    def __init__(self, folder: Path) -> None:
        self.key_id = str(uuid.uuid4())
        private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.public: PublicKey = private.public_key()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _remove_abandoned_keys(folder)
        self.path = folder / f"practice-{self.key_id}.pem"
        pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        # Under its name only once it is locked, or another exchange could take it for abandoned.
        unlocked = self.path.with_suffix(".new")
        descriptor = os.open(unlocked, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._file = os.fdopen(descriptor, "wb")
        self._file.write(pem)
        self._file.flush()
        fcntl.flock(self._file, fcntl.LOCK_EX)
        unlocked.rename(self.path)

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)
        self._file.close()


def _remove_abandoned_keys(folder: Path) -> None:
    """Remove the keys of exchanges that were killed: nobody holds their locks."""
    for path in folder.glob("practice-*.pem"):
        with suppress(OSError), path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()


class _HeartbeatProtocol(WebSocketsSansIOProtocol):
    """Pings as Kalshi does: every ten seconds, with the body ``heartbeat``."""

    def send_keepalive_ping(self) -> None:
        self.ping_timer = None
        if self.close_sent or self.transport.is_closing():
            return
        self.pending_ping_payload = _HEARTBEAT
        self.ping_sent_at = self.loop.time()
        self.conn.send_ping(_HEARTBEAT)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.pong_timer = self.loop.call_later(_PONG_WITHIN_S, self.keepalive_timeout)


class _Listener(uvicorn.Server):
    """uvicorn that leaves signals to its caller and says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


def listen(port: int) -> socket.socket:
    """A socket bound to loopback; 0 is any free port. Raises AddressError."""
    # asyncio turns Nagle's delay off only where the protocol is named, and a delayed reply takes 40 ms.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((_HOST, port))
        listening.listen()
    except (OSError, OverflowError) as error:
        listening.close()
        reason = error.strerror if isinstance(error, OSError) else error
        raise AddressError(f"port {port} of {_HOST} cannot be listened on: {reason}") from error
    return listening


class PracticeServer:
    """A practice exchange that clients can talk to."""

    def __init__(
        self, listening: socket.socket, key: GeneratedKey, starting_cash: Cash = STARTING_CASH
    ) -> None:
        host, port = listening.getsockname()
        self.address = Address(
            rest=f"http://{host}:{port}{REST_ROOT}",
            ws=f"ws://{host}:{port}{WEBSOCKET_PATH}",
            key_id=key.key_id,
            private_key_path=str(key.path),
        )
        self.exchange = PracticeExchange(time.time_ns, starting_cash)
        self._listening = listening
        app = build_app(self.exchange, Authenticator(key.key_id, key.public, time.time_ns))
        self._config = uvicorn.Config(
            app,
            http="h11",
            ws=_HeartbeatProtocol,
            ws_ping_interval=_HEARTBEAT_S,
            ws_ping_timeout=_PONG_WITHIN_S,
            ws_per_message_deflate=False,
            lifespan="off",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=_SHUTDOWN_S,
        )

    async def run(
        self, entries: Iterable[TapeEntry], stop: asyncio.Event, ready: Callable[[Address], None]
    ) -> None:
        """Play the tape and serve until ``stop`` is set; ``ready`` is called once clients can connect."""
        listener = _Listener(self._config)
        serving = asyncio.create_task(listener.serve([self._listening]))
        await asyncio.wait(
            {serving, waiting := asyncio.create_task(listener.ready.wait())}, return_when=_FIRST
        )
        waiting.cancel()
        if not serving.done():
            ready(self.address)
        playing = asyncio.create_task(self._play(entries))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({serving, playing, stopping}, return_when=_FIRST)
        listener.should_exit = True
        stopping.cancel()
        playing.cancel()
        await serving
        with suppress(asyncio.CancelledError):
            await playing

    async def _play(self, entries: Iterable[TapeEntry]) -> None:
        """Apply each entry when its time has come; after the last one, orders still expire."""
        exchange = self.exchange
        for number, entry in enumerate(entries):
            if number % _ENTRIES_BETWEEN_PAUSES == 0:
                await asyncio.sleep(0)
            while (wait_ns := entry.at_ns - exchange.floor.clock()) > 0:
                await asyncio.sleep(min(wait_ns / NS_PER_S, _LONGEST_WAIT_S))
                exchange.orders.expire()
            exchange.apply(entry)
        while True:
            await asyncio.sleep(_LONGEST_WAIT_S)
            exchange.orders.expire()
