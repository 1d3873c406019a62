"""A proxy in front of an exchange that breaks what passes, as a test tells it to.

``fault_proxy(connection)`` runs one in a thread of its own and gives a ``FaultProxy``; its ``connection`` is
the exchange's with the proxy's addresses (a signature covers no host), ``write_line`` writes that to a file
for ``--attach``. Everything passes unharmed until::

    proxy.on("POST", ORDERS, reset_after)                       every new order
    proxy.on("POST", ORDERS, status(503), times=2)              the next two
    proxy.on("POST", ORDERS, sometimes(0.12, AMBIGUOUS, seed=7))
    proxy.on("GET", "/portfolio/*", no_answer)                  paths are patterns, without the query
    proxy.heal()                                                no more faults

The newest rule that fits a request holds. The faults are in ``faults``; one is an async function of a
``Turn``, so a test can write its own. ``proxy.asked`` has every request in order, with whether the exchange
got it; ``proxy.orders_sent()`` counts the POSTs of each client order id.

Of the WebSocket's messages from the exchange each passes through ``proxy.on_message`` (bytes to a list of
bytes). ``tell`` sends a message of the test's own, ``silence`` holds back what comes from the exchange,
``half_open`` what goes either way, ``speak`` lets it go on, ``cut`` resets every connection.
"""

from __future__ import annotations

import asyncio
import fnmatch
import struct
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from faults import ROOT, Asked, Fault, Turn, name_of, passed, reset

from console.exchange.hosts import Connection

_TEXT = 1
_FINAL = 0x80


@dataclass
class _Rule:
    method: str
    path: str
    fault: Fault
    left: int | None

    def takes(self, request: Asked) -> bool:
        fits = request.method == self.method and fnmatch.fnmatchcase(request.path, self.path)
        if not fits or self.left == 0:
            return False
        if self.left is not None:
            self.left -= 1
        return True


class FaultProxy:
    """See the module; what it counts and holds may be read and set from any thread."""

    def __init__(self, upstream: Connection) -> None:
        rest, ws = urlsplit(upstream.rest), urlsplit(upstream.ws)
        assert rest.port is not None
        self._upstream, self._port, self._ws_path = upstream, rest.port, ws.path
        self.connection = upstream
        self.asked: list[Asked] = []
        self.errors: list[Exception] = []
        self.lines_opened = 0
        self.on_message: Callable[[bytes], Sequence[bytes]] = lambda message: [message]
        self._rules: list[_Rule] = []
        self._lines: set[asyncio.StreamWriter] = set()
        self._writers: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._exchange_heard, self._client_heard = asyncio.Event(), asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ending = asyncio.Event()

    # --- what a test says and asks ------------------------------------------------------------------

    def on(self, method: str, path: str, fault: Fault, *, times: int | None = None) -> None:
        """Do this to such requests, or to the next ``times`` of them."""
        self._rules.insert(0, _Rule(method, path, fault, times))

    def heal(self) -> None:
        """No more faults of requests; those under way go on."""
        self._rules.clear()

    def count(self, method: str, path: str, *, forwarded: bool = False) -> int:
        """How many such requests came; with ``forwarded``, how many of them the exchange got."""
        return sum(
            1
            for asked in tuple(self.asked)
            if asked.method == method
            and fnmatch.fnmatchcase(asked.path, path)
            and (asked.forwarded or not forwarded)
        )

    def orders_sent(self) -> Counter[str]:
        """How many POSTs came of each client order id."""
        return Counter(asked.client_order_id for asked in tuple(self.asked) if asked.client_order_id)

    def write_line(self, path: Path) -> Path:
        """Write the connection as ``kconsole exchange`` prints it, for ``--attach``."""
        path.write_bytes(msgspec.json.encode(self.connection))
        return path

    def tell(self, message: bytes) -> None:
        """Send a message to every WebSocket client, as if the exchange had."""

        def told() -> None:
            for line in self._lines:
                _write_frame(line, _FINAL | _TEXT, message)

        self._call(told)

    def silence(self) -> None:
        """Nothing comes from the exchange over any WebSocket, its pings included."""
        self._call(self._exchange_heard.clear)

    def half_open(self) -> None:
        """The line is dead and nobody says so: nothing passes either way."""
        self._call(self._exchange_heard.clear)
        self._call(self._client_heard.clear)

    def speak(self) -> None:
        """End a silence; what was held back arrives."""
        self._call(self._exchange_heard.set)
        self._call(self._client_heard.set)

    def cut(self) -> None:
        """Reset every WebSocket."""

        def cut() -> None:
            for line in tuple(self._lines):
                reset(line)

        self._call(cut)

    def _call(self, call: Callable[[], object]) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(call)

    # --- its thread ---------------------------------------------------------------------------------

    async def run(self, ready: Callable[[], None]) -> None:
        """Serve until ``end``."""
        self._loop = asyncio.get_running_loop()
        self._exchange_heard.set()
        self._client_heard.set()
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=1 << 20)
        port = server.sockets[0].getsockname()[1]
        self.connection = msgspec.structs.replace(
            self._upstream,
            rest=f"http://127.0.0.1:{port}{ROOT}",
            ws=f"ws://127.0.0.1:{port}{self._ws_path}",
        )
        ready()
        await self._ending.wait()
        server.close()
        serving = tuple(self._writers)
        for task in serving:
            reset(self._writers[task])
            task.cancel()
        await asyncio.gather(*serving)

    def end(self) -> None:
        self._call(self._ending.set)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._writers[task] = writer
        # A client that goes away, or an exchange that is killed, is what tests are about.
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                if urlsplit(head.split(b" ")[1].decode()).path == self._ws_path:
                    await self._relay(head, reader, writer)
                    break
                await self._act(Turn(await _request(head, reader), reader, writer, self._port))
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        except Exception as error:  # noqa: BLE001 - a fault of the test's own that failed must fail the test
            self.errors.append(error)
        finally:
            writer.close()
            del self._writers[task]

    async def _act(self, turn: Turn) -> None:
        request = turn.request
        self.asked.append(request)
        fault = next((rule.fault for rule in self._rules if rule.takes(request)), passed)
        request.fault = "" if fault is passed else name_of(fault)
        await fault(turn)

    async def _relay(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass a WebSocket on: bytes to the exchange, messages from it."""
        theirs, to_exchange = await asyncio.open_connection("127.0.0.1", self._port)
        to_exchange.write(head)
        answer = await theirs.readuntil(b"\r\n\r\n")
        writer.write(answer)
        if not answer.startswith(b"HTTP/1.1 101"):
            writer.write(await theirs.read())
            return
        self.lines_opened += 1
        self._lines.add(writer)
        sides = {
            asyncio.create_task(self._from_client(reader, to_exchange)),
            asyncio.create_task(self._from_exchange(theirs, writer)),
        }
        try:
            await asyncio.wait(sides, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._lines.discard(writer)
            for side in sides:
                side.cancel()
            await asyncio.gather(*sides, return_exceptions=True)
            to_exchange.close()

    async def _from_client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            await self._client_heard.wait()
            writer.write(data)

    async def _from_exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            first, payload = await _read_frame(reader)
            await self._exchange_heard.wait()
            messages = self.on_message(payload) if first == _FINAL | _TEXT else [payload]
            for message in messages:
                _write_frame(writer, first, message)


@contextmanager
def fault_proxy(upstream: Connection) -> Iterator[FaultProxy]:
    """A proxy in front of this exchange until the block ends."""
    proxy, ready = FaultProxy(upstream), threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(proxy.run(ready.set)), name="fault proxy")
    thread.start()
    try:
        assert ready.wait(10)
        yield proxy
    finally:
        proxy.end()
        thread.join(10)
        assert not thread.is_alive()
    assert not proxy.errors, proxy.errors


# --- bytes ------------------------------------------------------------------------------------------


async def _request(head: bytes, reader: asyncio.StreamReader) -> Asked:
    first, *lines = head.decode().split("\r\n")
    method, target, _ = first.split(" ")
    lengths = [line.split(":")[1] for line in lines if line.lower().startswith("content-length:")]
    body = await reader.readexactly(int(lengths[0])) if lengths else b""
    return Asked(method, urlsplit(target).path.removeprefix(ROOT), head, body)


async def _read_frame(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """First byte and payload of a frame of the exchange, which are not masked."""
    first, length = await reader.readexactly(2)
    if length == 126:
        (length,) = struct.unpack("!H", await reader.readexactly(2))
    elif length == 127:
        (length,) = struct.unpack("!Q", await reader.readexactly(8))
    return first, await reader.readexactly(length)


def _write_frame(writer: asyncio.StreamWriter, first: int, payload: bytes) -> None:
    size = len(payload)
    if size < 126:
        head = struct.pack("!BB", first, size)
    elif size < 1 << 16:
        head = struct.pack("!BBH", first, 126, size)
    else:
        head = struct.pack("!BBQ", first, 127, size)
    writer.write(head + payload)
