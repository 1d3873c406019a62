"""Reading requests and paging replies, the same way for every endpoint."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from console.domain.money import Count, MoneyError, parse_count
from console.domain.time_units import NS_PER_S
from console.exchange.messages import encode
from console.practice.auth import Authenticator
from console.practice.errors import RefusedError, invalid_parameter
from console.practice.wire import SHARD

T = TypeVar("T")
Handler = Callable[[Request], Awaitable[Response]]

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000


def signed(handler: Handler, authenticator: Authenticator) -> Handler:
    """A handler that first checks the signature, and that the one account there is was meant."""

    async def checked(request: Request) -> Response:
        path = request.scope["raw_path"].decode()
        authenticator.check(request.method, path, request.headers)
        integer(request, "subaccount", None, 0, 0)
        integer(request, "exchange_index", None, -1, 0)
        return await handler(request)

    return checked


def reply(message: msgspec.Struct, status: int = 200) -> Response:
    return Response(encode(message), status, media_type="application/json")


async def body(request: Request, type_: type[T]) -> T:
    """The JSON body of a request, or RefusedError (400)."""
    try:
        return msgspec.json.decode(await request.body(), type=type_)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RefusedError(400, "invalid_request", str(error)) from error


def check_account_of_body(subaccount: int | None, exchange_index: int | None) -> None:
    """Raise RefusedError (400) where a body means another account than the one there is."""
    if subaccount not in (None, 0):
        raise RefusedError(400, "invalid_parameter", "the practice account has subaccount 0 only")
    if exchange_index not in (None, -1, SHARD):
        raise RefusedError(400, "invalid_parameter", "the practice exchange has shard 0 only")


def count_of(text: str) -> Count:
    """A count of a body, or RefusedError (400)."""
    try:
        return parse_count(text)
    except MoneyError as error:
        raise RefusedError(400, "invalid_order_size", str(error)) from error


def integer(request: Request, name: str, default: int | None, low: int, high: int) -> int | None:
    """A whole number between ``low`` and ``high`` from the query, or RefusedError (400)."""
    text = request.query_params.get(name, "")
    if not text:
        return default
    try:
        value = int(text)
    except ValueError:
        raise invalid_parameter(f"{name} {text[:40]!r} is not a whole number") from None
    if not low <= value <= high:
        raise invalid_parameter(f"{name} must be from {low} to {high}, not {value}")
    return value


def flag(request: Request, name: str) -> bool:
    """A boolean of the query, false when absent, or RefusedError (400)."""
    text = request.query_params.get(name, "false")
    if text not in ("true", "false"):
        raise invalid_parameter(f"{name} must be true or false, not {text[:40]!r}")
    return text == "true"


def choice(request: Request, name: str, allowed: Iterable[str]) -> str | None:
    """One of the allowed words of the query, None when absent, or RefusedError (400)."""
    text = request.query_params.get(name, "")
    if text and text not in (words := list(allowed)):
        raise invalid_parameter(f"{name} must be one of {', '.join(words)}, not {text[:40]!r}")
    return text or None


def names(request: Request, name: str) -> set[str]:
    """A comma-separated list of the query; empty when absent."""
    return {part for part in request.query_params.get(name, "").split(",") if part}


def window(request: Request, low: str, high: str) -> Callable[[int | None], bool]:
    """Whether a time lies between two query parameters, Unix seconds, both included."""
    low_s, high_s = timestamp(request, low), timestamp(request, high)

    def contains(at_ns: int | None) -> bool:
        if at_ns is None:
            return low_s is None and high_s is None
        return (low_s is None or at_ns >= low_s * NS_PER_S) and (
            high_s is None or at_ns < (high_s + 1) * NS_PER_S
        )

    return contains


def timestamp(request: Request, name: str) -> int | None:
    return integer(request, name, None, 0, 10**12)


def page(
    request: Request,
    items: Sequence[T],
    keep: Callable[[T], bool] = lambda _: True,
    *,
    default: int = DEFAULT_LIMIT,
    most: int = MAX_LIMIT,
    least: int = 1,
    first_index: int = 0,
) -> tuple[list[T], str]:
    """Newest first, one page of what ``keep`` keeps, and the cursor of the next page ("" at the end).

    ``items`` only ever grows at its end; ``first_index`` counts what was dropped from its start, so that a
    cursor stays where it is while new items arrive.
    """
    limit = integer(request, "limit", default, least, most) or default
    end = min(_position(request) - first_index, len(items))
    chosen: list[T] = []
    for index in range(end - 1, -1, -1):
        if keep(items[index]):
            if len(chosen) == limit:
                return chosen, _cursor(index + 1 + first_index)
            chosen.append(items[index])
    return chosen, ""


def _cursor(index: int) -> str:
    return base64.urlsafe_b64encode(str(index).encode()).decode().rstrip("=")


def _position(request: Request) -> int:
    """The index before which a page starts."""
    cursor = request.query_params.get("cursor", "")
    if not cursor:
        return 2**62
    try:
        return int(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error):
        raise invalid_parameter(f"cursor {cursor[:40]!r} is not one of ours") from None
