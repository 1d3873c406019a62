"""A practice exchange with one market, on a clock that tests turn."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from websockets.asyncio.client import ClientConnection, connect

from console.domain.book import BookSide, Level
from console.domain.grid import WHOLE_CENTS
from console.domain.market import FeeTerms, Market, MarketStatus, Outcome
from console.domain.money import Count, Price
from console.domain.order import SelfTradePrevention, TimeInForce
from console.practice.exchange import PracticeExchange
from console.practice.notices import Notice
from console.practice.records import OrderRequest
from console.practice.server import Address, GeneratedKey, PracticeServer, listen
from console.practice.tape import Displayed, Listed, Settled, TapeEntry

NS_PER_S = 1_000_000_000
START_NS = 1_800_000_000 * NS_PER_S
TICKER = "KXTEST15M-26NOV221300-T1"

_names = itertools.count(1)


def listed(ticker: str = TICKER, *, at_ns: int = START_NS, lives_s: int = 900) -> Listed:
    market = Market(
        ticker=ticker,
        event_ticker=ticker.rsplit("-", 1)[0],
        series_ticker=ticker.split("-")[0],
        category="Crypto",
        title="Will it be up?",
        open_ns=at_ns,
        close_ns=at_ns + lives_s * NS_PER_S,
        status=MarketStatus.ACTIVE,
        fees=FeeTerms(),
        grid=WHOLE_CENTS,
    )
    return Listed(at_ns=at_ns, market=market)


def displayed(
    bids: Sequence[tuple[int, int]],
    asks: Sequence[tuple[int, int]],
    ticker: str = TICKER,
    at_ns: int = START_NS,
) -> Displayed:
    """Prices in cents, sizes in contracts."""
    return Displayed(at_ns=at_ns, ticker=ticker, bids=_levels(bids), asks=_levels(asks))


def _levels(levels: Sequence[tuple[int, int]]) -> tuple[Level, ...]:
    return tuple(Level(Price(price * 100), Count(size * 100)) for price, size in levels)


def settled(result: Outcome, *, at_ns: int = START_NS, simulated: bool = False) -> Settled:
    return Settled(at_ns=at_ns, ticker=TICKER, result=result, simulated=simulated)


def request(
    side: BookSide,
    cents: int,
    contracts: int,
    time_in_force: TimeInForce = TimeInForce.GOOD_TILL_CANCELED,
    **details: Any,
) -> OrderRequest:
    details.setdefault("client_order_id", f"test-{next(_names)}")
    return OrderRequest(
        ticker=details.pop("ticker", TICKER),
        side=side,
        price=Price(cents * 100),
        count=Count(contracts * 100),
        time_in_force=time_in_force,
        self_trade_prevention=SelfTradePrevention.TAKER_AT_CROSS,
        **details,
    )


class Bench:
    """An exchange without sockets, its clock, and what it told."""

    def __init__(self) -> None:
        self.now_ns = START_NS
        self.notices: list[Notice] = []
        self.exchange = PracticeExchange(lambda: self.now_ns)
        self.exchange.floor.publish = self.notices.append
        self.exchange.apply(listed())
        self.exchange.apply(displayed([(90, 100), (89, 200)], [(91, 50), (92, 500)]))

    def pass_seconds(self, seconds: float) -> None:
        self.now_ns += int(seconds * NS_PER_S)


# --- over sockets -----------------------------------------------------------------------------------


class Client:
    """Talks to a practice server as a signing client would."""

    def __init__(self, address: Address) -> None:
        self.address = address
        key = load_pem_private_key(Path(address.private_key_path).read_bytes(), None)
        assert isinstance(key, RSAPrivateKey)
        self._key = key
        self.http = httpx.AsyncClient(base_url=address.rest, trust_env=False)

    def headers(self, method: str, path: str, *, late_s: float = 0) -> dict[str, str]:
        timestamp = str(int((time.time() - late_s) * 1000))
        padding = PSS(mgf=MGF1(SHA256()), salt_length=PSS.DIGEST_LENGTH)
        signature = self._key.sign(f"{timestamp}{method}{path}".encode(), padding, SHA256())
        return {
            "KALSHI-ACCESS-KEY": self.address.key_id,
            "KALSHI-ACCESS-TIMESTAMP": timestamp,
            "KALSHI-ACCESS-SIGNATURE": base64.b64encode(signature).decode(),
        }

    async def call(self, method: str, path: str, body: object = None, **params: Any) -> httpx.Response:
        headers = self.headers(method, f"/trade-api/v2{path}")
        return await self.http.request(method, path, json=body, params=params or None, headers=headers)

    async def get(self, path: str, **params: Any) -> Any:
        reply = await self.call("GET", path, **params)
        assert reply.status_code == 200, reply.text
        return reply.json()

    async def place(self, side: str, price: str, count: str, **details: Any) -> httpx.Response:
        return await self.call(
            "POST",
            "/portfolio/events/orders",
            {
                "ticker": TICKER,
                "side": side,
                "price": price,
                "count": count,
                "time_in_force": "good_till_canceled",
                "self_trade_prevention_type": "taker_at_cross",
                **details,
            },
        )

    def socket(self) -> connect:
        headers = self.headers("GET", "/trade-api/ws/v2")
        return connect(self.address.ws, additional_headers=headers, proxy=None)


@asynccontextmanager
async def running(key: GeneratedKey) -> AsyncIterator[tuple[Client, PracticeServer]]:
    """A server on a free port with one market."""
    server = PracticeServer(listen(0), key)
    now_ns = time.time_ns()
    entries: list[TapeEntry] = [
        listed(at_ns=now_ns),
        displayed([(90, 100), (89, 200)], [(91, 50), (92, 500)], at_ns=now_ns),
    ]
    for entry in entries:
        server.exchange.apply(entry)
    stop, ready = asyncio.Event(), asyncio.Event()
    serving = asyncio.create_task(server.run([], stop, lambda _: ready.set()))
    await ready.wait()
    client = Client(server.address)
    try:
        yield client, server
    finally:
        await client.http.aclose()
        stop.set()
        await serving


async def receive(socket: ClientConnection, type_: str) -> Any:
    """The next message of a type."""
    while True:
        message = json.loads(await socket.recv())
        if message["type"] == type_:
            return message
