"""Kalshi's live feed: connects, signs, re-connects and says what it knows as events."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.frames import Frame
from websockets.http11 import Request, Response

from console.domain.events import EngineEvent
from console.domain.market import Ticker
from console.domain.market_events import FeedLost, FeedProved, TradePrinted
from console.domain.ports import Clock
from console.domain.time_units import NS_PER_S
from console.exchange.clock import ServerClock, date_ms
from console.exchange.feed_events import Lifecycles
from console.exchange.hosts import Connection
from console.exchange.session import FeedSession, OnBook, SessionLostError
from console.exchange.signing import Signer

_OPEN_TIMEOUT_S = 5.0
# A line that does not answer a ping is dead after 20 s.
_PING_EVERY_S = 5.0
_PONG_WITHIN_S = 15.0
_CLOSE_TIMEOUT_S = 1.0
_LARGEST_MESSAGE = 8 * 1024 * 1024
_QUEUED_MESSAGES = 1024
_PROVE_EVERY_S = 0.5
_FIRST_BACKOFF_S = 0.25
_LONGEST_BACKOFF_S = 10.0
_HEALTHY_S = 60.0


class _Line(ClientConnection):
    """Remembers when it last heard anything at all, the exchange's pings and pongs included."""

    heard_ns = 0

    def process_event(self, event: Request | Response | Frame) -> None:
        self.heard_ns = time.monotonic_ns()
        super().process_event(event)


class _Connect(connect):
    def process_redirect(self, exc: Exception) -> Exception:
        """Signed headers go to the address we were given and to no other."""
        return exc


class KalshiFeed:
    """Implements ``Feed`` over one WebSocket; a gap, an error or silence makes a new connection.

    ``events`` never raises for the line: an outage is one FeedLost (another if its reason changes), and the
    first FeedProved after it says that everything is subscribed again. What happened to our orders in
    between must be read over REST then. What others trade in the markets followed is given to ``on_trade``,
    every message of their books to ``on_book``.
    """

    def __init__(
        self,
        connection: Connection,
        signer: Signer,
        clock: ServerClock,
        *,
        wall_ns: Clock,
        on_trade: Callable[[TradePrinted], None] | None = None,
        on_book: OnBook | None = None,
    ) -> None:
        self._on_trade = on_trade
        self._on_book = on_book
        self._address = connection.ws
        self._signer = signer
        self._clock = clock
        self._wall_ns = wall_ns
        self._wanted: set[Ticker] = set()
        self._lifecycles = Lifecycles()
        self._session: FeedSession | None = None
        self._line: _Line | None = None
        self._sending = asyncio.Lock()
        self._closing = asyncio.Event()

    async def subscribe(self, tickers: Sequence[Ticker]) -> None:
        self._wanted.update(tickers)
        await self._send_commands()

    async def unsubscribe(self, tickers: Sequence[Ticker]) -> None:
        self._wanted.difference_update(tickers)
        await self._send_commands()

    async def close(self) -> None:
        self._closing.set()
        if self._line is not None:
            await self._line.close()

    async def events(self) -> AsyncIterator[EngineEvent]:
        failures, told = 0, ""
        while not self._closing.is_set():
            began_ns = time.monotonic_ns()
            try:
                async with contextlib.aclosing(self._connected()) as events:
                    async for event in events:
                        told = ""
                        yield event
            except (SessionLostError, WebSocketException, OSError) as error:
                reason = self._reason(error)
            if self._closing.is_set():
                return
            if reason != told:
                told = reason
                yield FeedLost(at_ns=self._wall_ns(), reason=reason)
            was_healthy = time.monotonic_ns() - began_ns >= _HEALTHY_S * NS_PER_S
            failures = 0 if was_healthy else failures + 1
            await self._pause(failures)

    async def _connected(self) -> AsyncGenerator[EngineEvent, None]:
        """Events of one connection, which ends by an exception or because the feed is closed."""
        async with await self._connect() as line:
            self._line = line
            session = self._session = FeedSession(
                self._wanted, self._lifecycles, self._wall_ns, self._on_trade, self._on_book
            )
            proved_ns = 0
            try:
                while not self._closing.is_set():
                    if session.has_commands:
                        await self._send_commands()
                    data = await _receive(line)
                    for event in () if data is None else session.take(data):
                        yield event
                    due_ns = proved_ns + _PROVE_EVERY_S * NS_PER_S
                    if session.is_ready and line.heard_ns > proved_ns and time.monotonic_ns() >= due_ns:
                        proved_ns = time.monotonic_ns()
                        yield FeedProved(at_ns=self._wall_ns() - (proved_ns - line.heard_ns))
            finally:
                self._line = self._session = None

    async def _connect(self) -> _Line:
        path = urlsplit(self._address).path
        line = await _Connect(
            self._address,
            additional_headers=self._signer.headers("GET", path, self._clock.now_ms()),
            proxy=None,
            compression=None,
            open_timeout=_OPEN_TIMEOUT_S,
            ping_interval=_PING_EVERY_S,
            ping_timeout=_PONG_WITHIN_S,
            close_timeout=_CLOSE_TIMEOUT_S,
            max_size=_LARGEST_MESSAGE,
            max_queue=_QUEUED_MESSAGES,
            create_connection=_Line,
        )
        assert isinstance(line, _Line)
        return line

    async def _send_commands(self) -> None:
        """Ask for what is wanted and not yet asked for; a broken line asks again when it is back."""
        async with self._sending:
            if self._line is None or self._session is None:
                return
            with contextlib.suppress(ConnectionClosed):
                for command in self._session.commands():
                    await self._line.send(command, text=True)

    def _reason(self, error: Exception) -> str:
        if isinstance(error, InvalidStatus):
            answer = error.response
            self._clock.learn(date_ms(answer.headers), 0)
            body = bytes(answer.body or b"")[:200].decode("utf-8", "replace")
            if answer.status_code in (401, 403):
                return f"{self._address}: the exchange refused our key ({answer.status_code}) {body}".strip()
            return f"{self._address}: refused with {answer.status_code} {body}".strip()
        return f"{self._address}: {str(error) or type(error).__name__}"

    async def _pause(self, failures: int) -> None:
        """Wait a random time that grows with the failures, or until the feed is closed."""
        longest_s = min(_LONGEST_BACKOFF_S, _FIRST_BACKOFF_S * 2.0 ** min(failures, 10))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(random.uniform(0, longest_s)):  # noqa: S311 - jitter
                await self._closing.wait()


async def _receive(line: _Line) -> bytes | None:
    """The next message; None when there was none for a while."""
    try:
        async with asyncio.timeout(_PROVE_EVERY_S):
            return await line.recv(decode=False)
    except TimeoutError:
        return None
