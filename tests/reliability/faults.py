"""What a fault proxy may do about one request; see ``fault_proxy``."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import itertools
import json
import random
import socket
import struct
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

ROOT = "/trade-api/v2"
ORDERS = "/portfolio/events/orders"

Headers = list[tuple[str, str]]


@dataclass
class Asked:
    """A request as it came: its ``path`` is relative to the base address and without the query."""

    method: str
    path: str
    head: bytes
    body: bytes
    at_s: float = field(default_factory=time.monotonic)
    fault: str = ""
    forwarded: bool = False

    @property
    def client_order_id(self) -> str:
        """That of a new order; empty for any other request."""
        if (self.method, self.path) != ("POST", ORDERS):
            return ""
        return str(json.loads(self.body)["client_order_id"])


@dataclass(frozen=True)
class Answer:
    """The exchange's answer to a request."""

    status: int
    headers: Headers
    body: bytes


class Turn:
    """One request and what may be done about it; an answer that is not given leaves the client waiting."""

    def __init__(
        self, request: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int
    ) -> None:
        self.request = request
        self._reader = reader
        self._writer = writer
        self._port = port

    async def forward(self) -> Answer:
        """Let the exchange have the request, and read its answer."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            self.request.forwarded = True
            writer.write(_closing(self.request.head) + self.request.body)
            status, headers = _parse_head(await reader.readuntil(b"\r\n\r\n"))
            return Answer(status, headers, await reader.read())
        finally:
            writer.close()

    async def answer(self, answer: Answer) -> None:
        """Give the client a whole answer."""
        kept = [(k, v) for k, v in answer.headers if k.lower() not in ("connection", "content-length")]
        await self.send(
            _head(answer.status, [*kept, ("content-length", str(len(answer.body)))]) + answer.body
        )

    async def send(self, data: bytes) -> None:
        """Send the client these bytes."""
        self._writer.write(data)
        await self._writer.drain()

    def reset(self) -> None:
        """Break the client's connection as a crash would: a reset, not an end."""
        reset(self._writer)

    async def until_gone(self) -> None:
        """Wait until the client has given up."""
        with contextlib.suppress(ConnectionError):
            await self._reader.read()


Fault = Callable[[Turn], Awaitable[None]]


# --- faults -----------------------------------------------------------------------------------------


async def passed(turn: Turn) -> None:
    """No fault."""
    await turn.answer(await turn.forward())


async def reset_before(turn: Turn) -> None:
    """The exchange never gets it."""
    turn.reset()


async def reset_after(turn: Turn) -> None:
    """The exchange has it; its answer is lost."""
    await turn.forward()
    turn.reset()


async def reset_in_body(turn: Turn) -> None:
    """The connection breaks in the middle of the answer."""
    answer = await turn.forward()
    length = ("content-length", str(len(answer.body)))
    await turn.send(_head(answer.status, [length]) + answer.body[: len(answer.body) // 2])
    turn.reset()


async def no_answer(turn: Turn) -> None:
    """The exchange has it and does not answer."""
    await turn.forward()
    await turn.until_gone()


async def late_accept(turn: Turn) -> None:
    """The exchange gets it only after the client has given up."""
    await turn.until_gone()
    await turn.forward()


async def dripped(turn: Turn) -> None:
    """The exchange has it; its answer comes a byte at a time, without an end."""
    await turn.forward()
    await turn.send(_head(200, [("content-length", "1000000")]))
    with contextlib.suppress(ConnectionError):
        while True:
            await turn.send(b" ")
            await asyncio.sleep(0.02)


async def endless_headers(turn: Turn) -> None:
    """The exchange has it; the head of its answer never ends."""
    await turn.forward()
    await turn.send(b"HTTP/1.1 200 OK\r\n")
    with contextlib.suppress(ConnectionError):
        for number in itertools.count():
            await turn.send(b"x-%d: %s\r\n" % (number, b"y" * 1000))


def status(
    code: int, body: object = None, headers: Headers | None = None, *, forwards: bool = False
) -> Fault:
    """An answer with this status in place of the exchange's; with ``forwards`` the exchange gets the request.

    A body that is not bytes is sent as JSON; the default is an error object.
    """
    error = {"error": {"code": f"fault_{code}", "message": "by the fault proxy"}}
    sent = body if isinstance(body, bytes) else json.dumps(error if body is None else body).encode()

    async def fault(turn: Turn) -> None:
        if forwards:
            await turn.forward()
        await turn.answer(Answer(code, headers or [], sent))

    fault.__name__ = f"status {code}{' after' if forwards else ''}"
    return fault


def html(code: int, *, forwards: bool = False) -> Fault:
    """A page of a proxy or load balancer."""
    return status(code, b"<html><b>Service</b></html>", [("content-type", "text/html")], forwards=forwards)


def changed(change: Callable[[Answer], Answer]) -> Fault:
    """The exchange's own answer, changed."""

    async def fault(turn: Turn) -> None:
        await turn.answer(change(await turn.forward()))

    return fault


def with_body(body: bytes) -> Fault:
    """The exchange's status with another body."""
    return changed(lambda answer: Answer(answer.status, [], body))


truncated = changed(lambda answer: Answer(answer.status, answer.headers, answer.body[:-5]))
truncated.__name__ = "truncated"


def gzip_bomb(size: int) -> Fault:
    """The exchange has it; its answer unpacks to ``size`` bytes."""
    packed = gzip.compress(b" " * size)
    return changed(lambda answer: Answer(answer.status, [("content-encoding", "gzip")], packed))


AMBIGUOUS: tuple[Fault, ...] = (
    reset_before,
    reset_after,
    reset_in_body,
    no_answer,
    late_accept,
    truncated,
    with_body(b"{}"),
    html(502),
    html(504, forwards=True),
    status(500),
    status(500, forwards=True),
    status(503, forwards=True),
    status(200, {"error": {"code": "deprecated_v1_order_endpoint"}}, forwards=True),
)
"""After each of these on a new order nobody can know from the answer whether the exchange took it."""


def sometimes(share: float, faults: Sequence[Fault], *, seed: int) -> Fault:
    """One of these faults in a share of the requests, drawn with this seed."""
    drawn = random.Random(seed)

    async def fault(turn: Turn) -> None:
        chosen = drawn.choice(faults) if drawn.random() < share else passed
        turn.request.fault = "" if chosen is passed else name_of(chosen)
        await chosen(turn)

    return fault


def in_turn(faults: Sequence[Fault]) -> Fault:
    """Each of these faults after the other, again and again."""
    rest = itertools.cycle(faults)

    async def fault(turn: Turn) -> None:
        chosen = next(rest)
        turn.request.fault = name_of(chosen)
        await chosen(turn)

    return fault


# --- bytes ------------------------------------------------------------------------------------------


def name_of(fault: Fault) -> str:
    return getattr(fault, "_name_of__", "fault")


def _closing(head: bytes) -> bytes:
    """The same request on a connection that ends with its answer."""
    first, *lines = head.rstrip(b"\r\n").split(b"\r\n")
    kept = [line for line in lines if not line.lower().startswith(b"connection:")]
    return b"\r\n".join([first, *kept, b"Connection: close", b"", b""])


def _parse_head(head: bytes) -> tuple[int, Headers]:
    first, *lines = head.decode().split("\r\n")
    headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines if line)]
    return int(first.split(" ")[1]), headers


def _head(code: int, headers: Headers) -> bytes:
    lines = [f"HTTP/1.1 {code} X", *(f"{name}: {value}" for name, value in headers)]
    return "\r\n".join([*lines, "", ""]).encode()


def reset(writer: asyncio.StreamWriter) -> None:
    if not writer.transport.is_closing():
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
