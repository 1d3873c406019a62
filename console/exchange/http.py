"""Carries requests over HTTP: the only place that knows the HTTP library."""

from __future__ import annotations

import asyncio
import random
import time
import zlib
from collections.abc import Callable
from functools import partial

import httpx

from console.domain.ports import VenueError
from console.exchange.backoff import Backoff
from console.exchange.budget import Budget
from console.exchange.clock import ServerClock, date_ms
from console.exchange.failures import (
    TOO_FAST,
    NotSentError,
    NotUnderstoodError,
    UnansweredError,
    error_reply,
    may_repeat,
)
from console.exchange.messages import decode, encode
from console.exchange.rest import Reply, Request
from console.exchange.signing import Signer

LARGEST_BODY = 8 * 1024 * 1024
_ATTEMPTS = 3
_FIRST_RETRY_S = 0.25
# An idle connection that the server closes just as an order leaves makes the order's outcome unknown.
_KEEP_IDLE_S = 3.0
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class _GateClosedError(Exception):
    pass


class _BodyError(Exception):
    pass


def _always(_reduce_only: bool) -> bool:
    return True


class Transport:
    """Sends requests, each answer within one total deadline; no proxy, no redirect, certificates verified.

    GETs are repeated after an error that may pass; of the others, all but POSTs whose timestamp was too old.
    ``may_send`` is asked last, just before the bytes of an order leave, with whether it is reduce-only.
    Where a budget is kept, what is not urgent also waits for as long as a 429 asks, or a random time; waiting
    has the same deadline, apart from the answer's. Without a signer only what is public can be read.
    """

    def __init__(
        self,
        base: str,
        signer: Signer | None,
        clock: ServerClock,
        *,
        deadline_s: float,
        budget: Budget | None = None,
        may_send: Callable[[bool], bool] = _always,
    ) -> None:
        self._base = base
        self._signer = signer
        self._clock = clock
        self._deadline_s = deadline_s
        self._budget = budget
        self._may_send = may_send
        self._read_backoff, self._write_backoff = Backoff(), Backoff()
        self._client = httpx.AsyncClient(
            trust_env=False,
            follow_redirects=False,
            timeout=httpx.Timeout(deadline_s, connect=deadline_s / 2),
            limits=httpx.Limits(max_connections=20, keepalive_expiry=_KEEP_IDLE_S),
            headers={"Accept-Encoding": "gzip", "Accept": "application/json"},
        )

    async def close(self) -> None:
        await self._client.aclose()

    async def send(self, request: Request[Reply]) -> Reply:
        """The reply; raises NotSentError, UnansweredError or ErrorReplyError."""
        attempt = 1
        while True:
            try:
                return await self._send_once(request)
            except VenueError as error:
                if attempt == _ATTEMPTS or not may_repeat(request.method, error, attempt):
                    raise
            await asyncio.sleep(random.uniform(0, _FIRST_RETRY_S * 2 ** (attempt - 1)))  # noqa: S311 - jitter
            attempt += 1

    async def _send_once(self, request: Request[Reply]) -> Reply:
        where = f"{request.method} {self._base}{request.path}"
        backoff = self._read_backoff if request.method == "GET" else self._write_backoff
        if self._budget is not None:
            await self._admit(request, self._budget, backoff, where)
        response, body = await self._answer(request, where)
        status = response.status_code
        if status == TOO_FAST:
            backoff.refused(response.headers.get("retry-after"))
        else:
            backoff.served()
        if status not in request.statuses:
            raise error_reply(where, status, body)
        try:
            return decode(body or b"{}", request.reply)
        except ValueError as error:
            raise NotUnderstoodError(f"{where}: {status} with an answer not understood: {error}") from None

    async def _admit(self, request: Request[Reply], budget: Budget, backoff: Backoff, where: str) -> None:
        """Return when the request may leave; the wait is not taken from the time for its answer."""
        try:
            async with asyncio.timeout(self._deadline_s):
                if not request.urgent:
                    await backoff.wait()
                await budget.admit(request.method, request.path, urgent=request.urgent)
        except TimeoutError:
            raise NotSentError(f"{where}: no tokens left to send it within {self._deadline_s:g} s") from None

    async def _answer(self, request: Request[Reply], where: str) -> tuple[httpx.Response, bytes]:
        """Head and body of the answer within the deadline; raises NotSentError or UnansweredError."""
        leaving = asyncio.Event()
        try:
            async with asyncio.timeout(self._deadline_s):
                return await self._exchange(request, leaving)
        except _GateClosedError:
            raise NotSentError(f"{where}: not sent, the gate is closed") from None
        except _NEVER_SENT as error:
            raise NotSentError(f"{where}: no connection ({_words(error)})") from None
        except TimeoutError:
            kind = UnansweredError if leaving.is_set() else NotSentError
            why = "no answer" if leaving.is_set() else "no connection"
            raise kind(f"{where}: {why} within {self._deadline_s:g} s") from None
        except httpx.HTTPError as error:
            kind = UnansweredError if leaving.is_set() else NotSentError
            raise kind(f"{where}: no answer ({_words(error)})") from None
        except (_BodyError, zlib.error) as error:
            raise UnansweredError(f"{where}: {error}") from None

    async def _exchange(
        self, request: Request[Reply], leaving: asyncio.Event
    ) -> tuple[httpx.Response, bytes]:
        """Head and decoded body of the answer to one request; ``leaving`` is set before that can be heard."""
        message = self._client.build_request(
            request.method,
            self._base + request.path,
            params=request.query or None,
            content=None if request.body is None else encode(request.body),
            headers=None if request.body is None else {"Content-Type": "application/json"},
        )
        path = message.url.raw_path.decode("ascii")
        if self._signer is not None:
            message.headers.update(self._signer.headers(request.method, path, self._clock.now_ms()))
        if request.is_order:
            check = partial(self._check_gate, request.reduce_only, leaving)
            message.extensions = {**message.extensions, "trace": check}
        else:
            leaving.set()
        asked_ns = time.monotonic_ns()
        response = await self._client.send(message, stream=True)
        try:
            self._clock.learn(date_ms(response.headers), (time.monotonic_ns() - asked_ns) // 1_000_000)
            return response, await _read_body(response)
        finally:
            await response.aclose()

    async def _check_gate(
        self, reduce_only: bool, leaving: asyncio.Event, event: str, _info: dict[str, object]
    ) -> None:
        if event.endswith(("send_request_headers.started", "send_request_body.started")):
            if not self._may_send(reduce_only):
                raise _GateClosedError
            # Without its body nobody can take the order.
            if event.endswith("body.started"):
                leaving.set()


async def _read_body(response: httpx.Response) -> bytes:
    """The whole body, decompressed here because the library would decompress without a limit."""
    raw = bytearray()
    async for chunk in response.aiter_raw():
        raw += chunk
        if len(raw) > LARGEST_BODY:
            raise _BodyError(f"an answer of more than {LARGEST_BODY} bytes")
    encoding = response.headers.get("content-encoding", "identity")
    if not raw or encoding == "identity":
        return bytes(raw)
    if encoding != "gzip":
        raise _BodyError(f"an answer in encoding {encoding!r}, which was not asked for")
    unzip = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    body = unzip.decompress(bytes(raw), LARGEST_BODY)
    if not unzip.eof:
        raise _BodyError(f"a compressed answer that is cut short or unpacks to over {LARGEST_BODY} bytes")
    return body


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__
