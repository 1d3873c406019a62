"""Dry run: an exchange's own markets and quotes, and a local broker that takes the orders.

Nothing here can change the account at the exchange: all it is given there are reads.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Protocol

from console.domain.account_events import MarketSettled, OrderFilled, OrderRejected, OrderReported
from console.domain.events import EngineEvent
from console.domain.market import Market, Ticker
from console.domain.market_events import ExchangeStatusRead, FeedLost, MarketStatusChanged, QuoteChanged
from console.domain.money import Cash, Price
from console.domain.order import Fill, OrderIntent, OrderReport, OrderStatus, PositionReport, Settlement
from console.domain.ports import Clock, Feed, SubmitOutcome, Tokens, Universe
from console.domain.time_units import NS_PER_S
from console.simulation.broker import Broker

ORDER_LATENCY_S = 0.1
"""How long an order is on its way before it meets the book: our guess of a request over the internet, on
the slow side, so that a quote that does not last is missed."""

_PAYOUT_READ_NS = 30 * NS_PER_S


class ExchangeReads(Protocol):
    """What a dry run may ask of the exchange."""

    async def balance(self) -> Cash: ...

    async def status(self) -> ExchangeStatusRead: ...

    @property
    def skew_ms(self) -> int | None: ...

    @property
    def tokens(self) -> Tokens | None: ...

    async def markets(self, universe: Universe) -> Sequence[Market]: ...

    async def market(self, ticker: Ticker) -> Market: ...

    async def payout(self, ticker: Ticker) -> Price | None:
        """What a YES of a market was settled at; None before that."""

    async def close(self) -> None: ...


class SimulatedVenue:
    """Implements ``Venue``; the account opens with the cash of the real one, read once, and no positions.

    ``may_send`` is asked when an order arrives, with whether it is reduce-only.
    """

    def __init__(
        self,
        reads: ExchangeReads,
        broker: Broker,
        *,
        may_send: Callable[[bool], bool],
        wall_ns: Clock,
        latency_s: float = ORDER_LATENCY_S,
    ) -> None:
        self._reads = reads
        self._broker = broker
        self._may_send = may_send
        self._wall_ns = wall_ns
        self._latency_s = latency_s
        self._is_open = False
        self._payouts_asked_ns: dict[Ticker, int] = {}

    async def submit(self, intent: OrderIntent) -> SubmitOutcome:
        await asyncio.sleep(self._latency_s)
        if not self._may_send(intent.reduce_only):
            return OrderRejected(
                at_ns=self._wall_ns(),
                client_order_id=intent.client_order_id,
                code="denied",
                message="halted before it was sent",
            )
        return self._broker.submit(intent)

    async def cancel(self, order_id: str, ticker: Ticker, exchange_index: int) -> None:
        await asyncio.sleep(self._latency_s)
        self._broker.cancel(order_id)

    async def orders(self, since_ns: int = 0) -> Sequence[OrderReport]:
        return self._broker.orders()

    async def fills(self, since_ns: int = 0) -> Sequence[Fill]:
        return [fill for fill in self._broker.fills() if fill.at_ns >= since_ns]

    async def settlements(self, since_ns: int = 0) -> Sequence[Settlement]:
        """Payouts, those among them that the feed did not tell of while it was lost."""
        for ticker in self._broker.awaiting_payout():
            await self._ask_payout(ticker)
        return [s for s in self._broker.settlements() if s.at_ns >= since_ns]

    async def positions(self) -> Sequence[PositionReport]:
        return self._broker.positions()

    async def balance(self) -> Cash:
        if not self._is_open:
            self._broker.open_account(await self._reads.balance())
            self._is_open = True
        return self._broker.cash()

    async def status(self) -> ExchangeStatusRead:
        status = await self._reads.status()
        self._broker.change_trading(status.exchange_active and status.trading_active)
        return status

    @property
    def skew_ms(self) -> int | None:
        return self._reads.skew_ms

    @property
    def tokens(self) -> Tokens | None:
        return self._reads.tokens

    async def markets(self, universe: Universe) -> Sequence[Market]:
        markets = await self._reads.markets(universe)
        self._broker.list_markets(markets)
        return markets

    async def market(self, ticker: Ticker) -> Market:
        market = await self._reads.market(ticker)
        self._broker.list_markets([market])
        return market

    async def create_group(self, exchange_index: int) -> str:
        return self._broker.create_group()

    async def reset_group(self, group_id: str) -> None:
        self._broker.reset_group(group_id)

    async def close(self) -> None:
        await self._reads.close()

    async def _ask_payout(self, ticker: Ticker) -> None:
        """Read what a closed market paid, now and then: hours may pass before it is decided."""
        now_ns = self._wall_ns()
        if now_ns - self._payouts_asked_ns.get(ticker, 0) < _PAYOUT_READ_NS:
            return
        self._payouts_asked_ns[ticker] = now_ns
        value = await self._reads.payout(ticker)
        if value is not None:
            self._broker.settle(Settlement(ticker, value, now_ns))


class SimulatedFeed:
    """Implements ``Feed``: the markets of the real feed, and our account as the broker has it."""

    def __init__(self, feed: Feed, broker: Broker) -> None:
        self._feed = feed
        self._broker = broker

    async def events(self) -> AsyncIterator[EngineEvent]:
        loop = asyncio.get_running_loop()
        queue: asyncio.Queue[EngineEvent | None] = asyncio.Queue()

        def publish(event: EngineEvent) -> None:
            # The halt may cancel when the engine's loop has ended already; nobody listens then.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(queue.put_nowait, event)

        self._broker.publish = publish
        pump = asyncio.create_task(self._pump(queue))
        try:
            while (event := await queue.get()) is not None:
                yield event
            await pump
        finally:
            pump.cancel()

    async def subscribe(self, tickers: Sequence[Ticker]) -> None:
        await self._feed.subscribe(tickers)

    async def unsubscribe(self, tickers: Sequence[Ticker]) -> None:
        await self._feed.unsubscribe(tickers)

    async def close(self) -> None:
        await self._feed.close()

    async def _pump(self, queue: asyncio.Queue[EngineEvent | None]) -> None:
        """Pass the feed on, each event after the broker has heard of it; None ends it."""
        try:
            async for event in self._feed.events():
                if not isinstance(event, OrderReported | OrderFilled):
                    self._tell_broker(event)
                    queue.put_nowait(event)
        finally:
            queue.put_nowait(None)

    def _tell_broker(self, event: EngineEvent) -> None:
        match event:
            case QuoteChanged():
                self._broker.show(event.ticker, event.quote)
            case FeedLost():
                self._broker.hide_all()
            case MarketStatusChanged():
                self._broker.change_status(event.ticker, event.status, event.close_ns)
            case MarketSettled():
                self._broker.settle(event.settlement)
            case _:
                pass


class SimulatedHaltLine:
    """Implements ``HaltLine`` on the broker, from the halt's own thread."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def trigger_group(self, group_id: str, exchange_index: int) -> None:
        self._broker.trigger_group(group_id)

    def resting(self) -> Sequence[OrderReport]:
        return [order for order in self._broker.orders() if order.status is OrderStatus.RESTING]

    def cancel(self, order_id: str, ticker: Ticker, exchange_index: int) -> None:
        self._broker.cancel(order_id)

    def close(self) -> None:
        pass
