"""A server on a real socket that answers as a test tells it to, faults included."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

ROOT = "/trade-api/v2"


@dataclass
class Received:
    """A request as it arrived."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path.removeprefix(ROOT)

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.target).query)


Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]
Script = Callable[[Received], Answer]


def raw(status: int, body: bytes, headers: Mapping[str, str] | None = None) -> Answer:
    """A whole answer."""
    fields = {"Content-Length": str(len(body)), **(headers or {})}
    head = f"HTTP/1.1 {status} X\r\n" + "".join(f"{k}: {v}\r\n" for k, v in fields.items()) + "\r\n"

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(head.encode() + body)
        await writer.drain()

    return answer


def reply(status: int, data: object, headers: Mapping[str, str] | None = None) -> Answer:
    return raw(status, json.dumps(data).encode(), {"Content-Type": "application/json", **(headers or {})})


def html(status: int) -> Answer:
    return raw(status, b"<html>Service</html>", {"Content-Type": "text/html"})


def cut_short(status: int, body: bytes) -> Answer:
    """Promises the whole body and closes in the middle of it."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body[:-3])
        await writer.drain()
        writer.close()

    return answer


def gzip_bomb(size: int) -> Answer:
    return raw(200, gzip.compress(b" " * size), {"Content-Encoding": "gzip"})


async def reset(writer: asyncio.StreamWriter) -> None:
    """Break the connection as a crash would: a reset, not an end."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def silence(writer: asyncio.StreamWriter) -> None:
    """Answer nothing until the client goes away."""
    await writer.wait_closed()


async def drip(writer: asyncio.StreamWriter) -> None:
    """A byte at a time, always just in time for a timeout between two bytes."""
    writer.write(b"HTTP/1.1 201 X\r\nContent-Length: 100000\r\n\r\n")
    while not writer.is_closing():
        writer.write(b" ")
        await asyncio.sleep(0.02)


@dataclass
class ScriptedExchange:
    """Answers each request by ``script``; ``received`` has every request, in order."""

    script: Script
    rest: str = ""
    received: list[Received] = field(default_factory=list)

    def asked(self, method: str, path: str) -> list[Received]:
        return [r for r in self.received if (r.method, r.path) == (method, path)]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (request := await _read_request(reader)) is not None:
                self.received.append(request)
                await self.script(request)(writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def scripted(script: Script) -> AsyncIterator[ScriptedExchange]:
    exchange = ScriptedExchange(script)
    connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections[task] = writer
        await exchange._serve(reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    exchange.rest = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}{ROOT}"
    try:
        yield exchange
    finally:
        server.close()
        for writer in connections.values():
            writer.transport.abort()
        await asyncio.gather(*connections)


async def _read_request(reader: asyncio.StreamReader) -> Received | None:
    head = await reader.readuntil(b"\r\n\r\n") if not reader.at_eof() else b""
    if not head:
        return None
    first, *lines = head.decode().split("\r\n")
    method, target, _ = first.split(" ")
    headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in lines if line)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Received(method, target, headers, body)
