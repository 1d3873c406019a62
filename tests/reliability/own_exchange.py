"""A practice exchange in a thread of the test's own, whose markets do what the test says."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from console.domain.book import NO_QUOTE, BookSide, Level, Quote
from console.domain.grid import WHOLE_CENTS
from console.domain.market import FeeTerms, Market, MarketStatus, Outcome, Ticker
from console.domain.money import Cash, Count, Price
from console.domain.order import OrderIntent, TimeInForce
from console.exchange.clock import ServerClock
from console.exchange.feed import KalshiFeed
from console.exchange.hosts import Connection
from console.exchange.messages.account import AccountLimitsReply, BucketLimit
from console.exchange.signing import load_signer
from console.exchange.venue import KalshiVenue
from console.practice.exchange import PracticeExchange
from console.practice.server import GeneratedKey, PracticeServer, listen
from console.practice.tape import Closed, Displayed, Listed, Settled

Result = TypeVar("Result")

NS_PER_S = 1_000_000_000
MUCH = Count(100_000_000)
NO_LIMITS = msgspec.json.encode(
    AccountLimitsReply(
        usage_tier="test",
        read=BucketLimit(refill_rate=1_000_000, bucket_capacity=1_000_000),
        write=BucketLimit(refill_rate=1_000_000, bucket_capacity=1_000_000),
        grants=[],
    )
)
"""What an exchange answers to ``GET /account/limits`` that lets a campaign run at full speed."""


@dataclass(frozen=True)
class OwnExchange:
    """Where it is; ``do`` asks and tells it things in its own thread."""

    connection: Connection
    loop: asyncio.AbstractEventLoop
    exchange: PracticeExchange

    def do(self, call: Callable[[PracticeExchange], Result]) -> Result:
        async def called() -> Result:
            return call(self.exchange)

        return asyncio.run_coroutine_threadsafe(called(), self.loop).result(30)

    def list_market(self, ticker: Ticker, *, lives_s: int = 3600) -> None:
        """A market that opens now."""
        now_ns = time.time_ns()
        market = Market(
            ticker=ticker,
            event_ticker=f"{ticker}-E",
            series_ticker=f"{ticker}-S",
            category="Crypto",
            title="Will it be up?",
            open_ns=now_ns,
            close_ns=now_ns + lives_s * NS_PER_S,
            status=MarketStatus.ACTIVE,
            fees=FeeTerms(),
            grid=WHOLE_CENTS,
        )
        self.do(lambda exchange: exchange.apply(Listed(at_ns=now_ns, market=market)))

    def show(self, ticker: Ticker, bid: int, ask: int, *, size: Count = MUCH) -> Quote:
        """A deep book with one level a side, in cents."""
        quote = Quote(Level(Price(bid * 100), size), Level(Price(ask * 100), size))
        assert quote.bid is not None
        assert quote.ask is not None
        entry = Displayed(at_ns=time.time_ns(), ticker=ticker, bids=(quote.bid,), asks=(quote.ask,))
        self.do(lambda exchange: exchange.apply(entry))
        return quote

    def close_market(self, ticker: Ticker) -> None:
        self.do(lambda exchange: exchange.apply(Closed(at_ns=time.time_ns(), ticker=ticker)))

    def settle(self, ticker: Ticker, result: Outcome) -> None:
        entry = Settled(at_ns=time.time_ns(), ticker=ticker, result=result, simulated=False)
        self.do(lambda exchange: exchange.apply(entry))

    def client_ids(self) -> list[str]:
        """That of every order it ever took, once for each."""
        return self.do(lambda exchange: [o.request.client_order_id for o in exchange.account.orders])


@contextmanager
def own_exchange(folder: Path) -> Iterator[OwnExchange]:
    """An exchange with a rich account and no markets, until the block ends."""
    key = GeneratedKey(folder)
    started: list[OwnExchange] = []
    ready = threading.Event()
    stop = asyncio.Event()

    async def serve() -> None:
        server = PracticeServer(listen(0), key, Cash(10_000_000_000_000))
        at = server.address
        connection = Connection(at.rest, at.ws, at.key_id, at.private_key_path)
        started.append(OwnExchange(connection, asyncio.get_running_loop(), server.exchange))
        await server.run([], stop, lambda _: ready.set())

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="own exchange")
    thread.start()
    try:
        assert ready.wait(10)
        yield started[0]
    finally:
        started[0].loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        key.remove()


# --- who trades there -------------------------------------------------------------------------------


def venue_to(connection: Connection, *, deadline_s: float = 5.0) -> KalshiVenue:
    return KalshiVenue(
        connection,
        load_signer(connection.key_id, Path(connection.private_key_path)),
        ServerClock(time.time_ns),
        wall_ns=time.time_ns,
        deadline_s=deadline_s,
        group_contracts_limit=1_000_000,
        may_send=lambda _: True,
    )


def feed_to(connection: Connection) -> KalshiFeed:
    signer = load_signer(connection.key_id, Path(connection.private_key_path))
    return KalshiFeed(connection, signer, ServerClock(time.time_ns), wall_ns=time.time_ns)


def order(client_order_id: str, ticker: Ticker, *, cents: int = 93) -> OrderIntent:
    """A bid for one contract that takes what it gets."""
    return OrderIntent(
        client_order_id=client_order_id,
        ticker=ticker,
        side=BookSide.BID,
        price=Price(cents * 100),
        count=Count(100),
        time_in_force=TimeInForce.IMMEDIATE_OR_CANCEL,
        quote=NO_QUOTE,
        win_probability=Price(9_500),
        strategy="test",
    )
