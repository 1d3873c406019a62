"""Every request of the connector, as it arrives over a socket, against the exchange's own description."""

from __future__ import annotations

import asyncio
import json
import re
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import ed25519
from openapi_core import OpenAPI
from openapi_core.testing import MockRequest

from console.domain.book import NO_QUOTE, BookSide
from console.domain.money import Count, Price
from console.domain.order import OrderIntent, TimeInForce
from console.domain.ports import VenueError
from console.exchange import rest, rest_history
from console.exchange.clock import ServerClock
from console.exchange.http import Transport
from console.exchange.signing import Signer

SPECIFICATION = Path(__file__).parents[2] / ".." / "shared" / "kalshi" / "openapi.yaml"
HOST = "https://external-api.kalshi.com"

pytestmark = pytest.mark.skipif(
    not SPECIFICATION.exists(), reason="../shared/kalshi/openapi.yaml is not on this machine"
)


def order(time_in_force: TimeInForce, *, post_only: bool = False) -> OrderIntent:
    return OrderIntent(
        client_order_id="us-1",
        ticker="KXBTC-1",
        side=BookSide.ASK,
        price=Price(805),
        count=Count(250),
        time_in_force=time_in_force,
        quote=NO_QUOTE,
        win_probability=Price(9500),
        strategy="flb",
        group_id="group-1",
        post_only=post_only,
        reduce_only=not post_only,
        expires_s=1_800_000_000,
        exchange_index=2,
    )


REQUESTS: dict[str, rest.Request[Any]] = {
    "exchange status": rest.exchange_status(),
    "exchange schedule": rest.exchange_schedule(),
    "one series": rest.one_series("KXBTC"),
    "all series": rest.all_series(),
    "one event": rest.one_event("KXBTC-E"),
    "events": rest.events(["KXBTC-E", "KXETH-E"]),
    "one market": rest.one_market("KXBTC-1"),
    "open markets": rest.open_markets("KXBTC"),
    "markets closing after": rest_history.markets_closing_after("KXBTC", 1_790_000_000),
    "archived markets": rest_history.archived_markets("KXBTC"),
    "trades": rest_history.trades("KXBTC-1", 1, 2, archived=False, cursor="next"),
    "archived trades": rest_history.trades("KXBTC-1", 1, 2, archived=True),
    "candles": rest_history.market_candles("KXBTC", "KXBTC-1", 1, 2, 1440),
    "archived candles": rest_history.archived_candles("KXBTC-1", 1, 2, 60),
    "markets closing": rest.markets_closing(None, 1_790_000_000, 1_790_003_600),
    "resting order": rest.create_order(order(TimeInForce.GOOD_TILL_CANCELED, post_only=True)),
    "taking order": rest.create_order(order(TimeInForce.IMMEDIATE_OR_CANCEL)),
    "cancel": rest.cancel_order("order-1", "KXBTC-1", 2),
    "orders": rest.orders(1),
    "historical cutoff": rest.historical_cutoff(),
    "historical orders": rest.historical_orders(1),
    "historical fills": rest.historical_fills(1),
    "resting orders": rest.resting_orders(),
    "fills": rest.fills(1_790_000_000),
    "settlements": rest.settlements(0),
    "positions": rest.positions(),
    "balance": rest.balance(),
    "account limits": rest.account_limits(),
    "endpoint costs": rest.endpoint_costs(),
    "create group": rest.create_group(2, 5000),
    "order groups": rest.order_groups(),
    "trigger group": rest.trigger_group("group-1", 2),
    "reset group": rest.reset_group("group-1", 0),
}
"""One of each request that the connector can make."""


@pytest.fixture(scope="module")
def specification() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.load(SPECIFICATION.read_bytes(), Loader=yaml.CSafeLoader)
    # Its default is not among its own values, so that leaving it out would be an error.
    del loaded["components"]["parameters"]["MveHistoricalFilterQuery"]["schema"]["default"]
    return loaded


@pytest.fixture(scope="module")
def openapi(specification: dict[str, Any]) -> OpenAPI:
    return OpenAPI.from_dict(specification)


class _Seen:
    """A server that keeps the first request and refuses it."""

    def __init__(self) -> None:
        self.method = self.target = ""
        self.headers: dict[str, str] = {}
        self.body = b""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.strip().split("\r\n")
        self.method, self.target, _ = first.split(" ")
        self.headers = dict(line.split(": ", 1) for line in lines)
        length = {name.lower(): value for name, value in self.headers.items()}.get("content-length", "0")
        self.body = await reader.readexactly(int(length))
        writer.write(b"HTTP/1.1 400 X\r\nContent-Length: 2\r\n\r\n{}")
        await writer.drain()
        writer.close()


async def as_sent(request: rest.Request[Any]) -> _Seen:
    seen = _Seen()
    server = await asyncio.start_server(seen.serve, "127.0.0.1", 0)
    base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/trade-api/v2"
    signer = Signer("key-1", ed25519.Ed25519PrivateKey.generate())
    transport = Transport(base, signer, ServerClock(time.time_ns), deadline_s=5)
    with pytest.raises(VenueError):
        await transport.send(request)
    await transport.close()
    server.close()
    return seen


def operation_of(specification: dict[str, Any], method: str, path: str) -> dict[str, Any]:
    """The operation of a path; a path without names in it goes before one with."""
    for template, operations in sorted(specification["paths"].items(), key=lambda item: "{" in item[0]):
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path) and method.lower() in operations:
            operation: dict[str, Any] = operations[method.lower()]
            return operation
    raise AssertionError(f"the exchange has no {method} {path}")


def resolved(specification: dict[str, Any], item: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in item:
        target: Any = specification
        for step in item["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        item = target
    return item


@pytest.mark.parametrize("name", REQUESTS)
async def test_a_request_is_one_that_the_exchange_describes(name: str, openapi: OpenAPI) -> None:
    seen = await as_sent(REQUESTS[name])
    target = urlsplit(seen.target)
    openapi.validate_request(
        MockRequest(
            HOST,
            seen.method,
            target.path,
            args=dict(parse_qsl(target.query)),
            headers=seen.headers,
            data=seen.body or None,
        )
    )


@pytest.mark.parametrize("name", REQUESTS)
async def test_a_request_says_nothing_that_the_exchange_would_ignore(
    name: str, specification: dict[str, Any]
) -> None:
    """An unknown query or body field is dropped in silence, which would change what was asked."""
    seen = await as_sent(REQUESTS[name])
    target = urlsplit(seen.target)
    operation = operation_of(specification, seen.method, target.path.removeprefix("/trade-api/v2"))
    parameters = [resolved(specification, p) for p in operation.get("parameters", [])]
    queries = {p["name"] for p in parameters if p["in"] == "query"}
    assert {key for key, _ in parse_qsl(target.query)} <= queries
    if seen.body:
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        assert json.loads(seen.body).keys() <= resolved(specification, schema)["properties"].keys()
