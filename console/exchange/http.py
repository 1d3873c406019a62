"""Carries requests over HTTP: the only place that knows the HTTP library.

A failure says how much is known: nothing was sent, an answer was a refusal, or the outcome is open.
"""

from __future__ import annotations

import asyncio
import random
import time
import zlib
from collections.abc import Callable
from functools import partial
from typing import Any

import httpx

from console.domain.ports import KeyRefusedError, VenueError, VenueRefusedError
from console.exchange.backoff import Backoff
from console.exchange.budget import Budget
from console.exchange.clock import ServerClock, date_ms
from console.exchange.messages import decode, encode
from console.exchange.messages.market_data import ErrorReply
from console.exchange.rest import Reply, Request
from console.exchange.signing import Signer

LARGEST_BODY = 8 * 1024 * 1024
_LONGEST_DETAIL = 300
_ATTEMPTS = 3
_FIRST_RETRY_S = 0.25
# An idle connection that the server closes just as an order leaves makes the order's outcome unknown.
_KEEP_IDLE_S = 3.0
_TOO_FAST = 429
_EXPIRED_TIMESTAMP = "header_timestamp_expired"
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class NotSentError(VenueError):
    """The request did not leave: it had no effect."""


class UnansweredError(VenueError):
    """The request may have left and no usable answer came: its effect is not known."""


class NotUnderstoodError(UnansweredError):
    """A whole answer came and was not the one expected."""


class ErrorReplyError(VenueError):
    """The exchange answered with an error status; ``code`` and ``detail`` are its own words."""

    def __init__(self, text: str, status: int, code: str, detail: str) -> None:
        super().__init__(text)
        self.status = status
        self.code = code
        self.detail = detail


class RefusedReplyError(ErrorReplyError, VenueRefusedError):
    """The exchange will not do what was asked: a 4xx other than "too fast" and "too slow"."""


class KeyRefusedReplyError(RefusedReplyError, KeyRefusedError):
    """A 401 or 403 that a fresh timestamp would not help."""


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
                if attempt == _ATTEMPTS or not _may_repeat(request.method, error, attempt):
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
        if status == _TOO_FAST:
            backoff.refused(response.headers.get("retry-after"))
        else:
            backoff.served()
        if status not in request.statuses:
            raise _error_reply(where, status, body)
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
        self, reduce_only: bool, leaving: asyncio.Event, event: str, _info: dict[str, Any]
    ) -> None:
        if event.endswith(("send_request_headers.started", "send_request_body.started")):
            if not self._may_send(reduce_only):
                raise _GateClosedError
            # Without its body nobody can take the order.
            if event.endswith("body.started"):
                leaving.set()


def _may_repeat(method: str, error: VenueError, attempt: int) -> bool:
    if isinstance(error, ErrorReplyError) and error.status == 401 and error.code == _EXPIRED_TIMESTAMP:
        return attempt == 1 and method != "POST"
    if method != "GET":
        return False
    if isinstance(error, ErrorReplyError):
        return error.status == _TOO_FAST or error.status >= 500
    return not isinstance(error, NotUnderstoodError)


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


def _error_reply(where: str, status: int, body: bytes) -> ErrorReplyError:
    code, detail = _error_words(body)
    text = " ".join(part for part in (f"{where}: {status}", code, detail) if part)
    if status in (401, 403) and code != _EXPIRED_TIMESTAMP:
        text += "; check the API key, its private key and what it may do"
        return KeyRefusedReplyError(text, status, code, detail)
    refused = 400 <= status < 500 and status not in (408, 425, _TOO_FAST)
    return (RefusedReplyError if refused else ErrorReplyError)(text, status, code, detail)


def _error_words(body: bytes) -> tuple[str, str]:
    """Code and message of an error body, as far as it has any; some come without the wrapping."""
    try:
        reply = decode(body, ErrorReply)
    except ValueError:
        return "", ""
    error = reply if reply.error is None else reply.error
    if isinstance(error, str):
        return "", error[:_LONGEST_DETAIL]
    detail = ": ".join(part for part in (error.message, error.details) if part)
    return error.code or "", detail[:_LONGEST_DETAIL]


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__
