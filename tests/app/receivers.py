"""Receivers of alerts on loopback: one that takes everything, and some that do not."""

from __future__ import annotations

import queue
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

PATIENCE_S = 20


@dataclass(frozen=True)
class Request:
    """What came in one request."""

    line: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Wire:
    """A connection whose request was read; an answer is written to it."""

    line: socket.socket
    ended: threading.Event

    def answer(self, status: int) -> None:
        self.line.sendall(
            f"HTTP/1.1 {status} said\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()
        )

    def reset(self) -> None:
        self.line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


Behave = Callable[[Wire, int], None]
"""What is done with a request, given how many came before it."""


def takes_it(wire: Wire, _nth: int) -> None:
    wire.answer(204)


def hangs(wire: Wire, _nth: int) -> None:
    wire.ended.wait()


@dataclass
class HttpReceiver:
    """Serves until its block ends, each connection in a thread of its own."""

    behave: Behave
    requests: queue.Queue[Request] = field(default_factory=queue.Queue)
    ended: threading.Event = field(default_factory=threading.Event)
    _listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))
    _count: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/hooks/top-secret-path"

    def next(self, timeout_s: float = PATIENCE_S) -> Request:
        return self.requests.get(timeout=timeout_s)

    def serve(self) -> None:
        while not self.ended.is_set():
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._take, args=(line, self._count), daemon=True).start()
            self._count += 1

    def _take(self, line: socket.socket, nth: int) -> None:
        # Who sent it may give up before the answer.
        with line, suppress(OSError):
            request = _read(line)
            if request is not None:
                self.requests.put(request)
                self.behave(Wire(line, self.ended), nth)

    def close(self) -> None:
        self.ended.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


def _read(line: socket.socket) -> Request | None:
    data = b""
    while b"\r\n\r\n" not in data:
        part = line.recv(65_536)
        if not part:
            return None
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    first, *rest = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (each.partition(":") for each in rest)}
    while len(body) < int(headers.get("content-length", 0)):
        body += line.recv(65_536)
    return Request(first, headers, body)


@contextmanager
def receiver(behave: Behave = takes_it) -> Iterator[HttpReceiver]:
    made = HttpReceiver(behave)
    threading.Thread(target=made.serve, daemon=True).start()
    try:
        yield made
    finally:
        made.close()
