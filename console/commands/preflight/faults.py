"""An exchange, a feed and a guard that are at fault where they are told to be, and else as they are."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace

import msgspec

from console.domain.account_events import OrderBecameUnknown, OrderFilled, OrderRejected, OrderReported
from console.domain.book import BookSide
from console.domain.events import EngineEvent
from console.domain.market import Market, Ticker
from console.domain.market_events import ExchangeStatusRead
from console.domain.money import PRICE_PER_CENT, Cash, Count, Price
from console.domain.order import Fill, OrderIntent, OrderReport, OrderStatus, PositionReport, Settlement
from console.domain.ports import Feed, HaltLine, KeyRefusedError, SubmitOutcome, Tokens, Universe, Venue
from console.engine.guard import Guard
from console.engine.heartbeats import Beat
from console.engine.plan import Plan

SKEW_MS = 60_000
_PHANTOM = Ticker("KXPREFLIGHT-NOT-HELD")
_CONTRACT = Count(100)


@dataclass
class Faults:
    """What goes wrong while a flag is set, by one thread; the engine's reads them."""

    rejects_orders: bool = False
    loses_answers: bool = False
    loses_cancels: bool = False
    loses_halt_cancels: bool = False
    loses_triggers: bool = False
    refuses_key: bool = False
    stops_trading: bool = False
    is_silent: bool = False
    fills_worse: bool = False
    clock_is_off: bool = False
    holds_more: bool = False
    lists_foreign: bool = False
    guard_is_gone: bool = False

    def end(self) -> None:
        """Nothing goes wrong any more."""
        self.__dict__.update(vars(Faults()))

    def around(self, plan: Plan) -> Plan:
        """The plan with these faults between the engine and what stands around it."""
        guard = plan.guard
        return replace(
            plan,
            make_venue=lambda gate: FaultyVenue(plan.make_venue(gate), self),
            make_feed=lambda venue: FaultyFeed(plan.make_feed(venue), self),
            make_halt_line=lambda: FaultyHaltLine(plan.make_halt_line(), self),
            guard=None if guard is None else FaultyGuard(guard, self),
        )


class FaultyVenue:
    """Implements ``Venue``."""

    def __init__(self, venue: Venue, faults: Faults) -> None:
        self._venue = venue
        self._faults = faults

    async def submit(self, intent: OrderIntent) -> SubmitOutcome:
        name = intent.client_order_id
        if self._faults.rejects_orders:
            at_ns = time.time_ns()
            return OrderRejected(at_ns=at_ns, client_order_id=name, code="preflight", message="refused")
        outcome = await self._venue.submit(intent)
        if self._faults.loses_answers:
            return OrderBecameUnknown(at_ns=outcome.at_ns, client_order_id=name, reason="the answer was lost")
        return outcome

    async def cancel(self, order_id: str, ticker: Ticker, exchange_index: int) -> None:
        if not self._faults.loses_cancels:
            await self._venue.cancel(order_id, ticker, exchange_index)

    async def orders(self, since_ns: int = 0) -> Sequence[OrderReport]:
        listed = await self._venue.orders(since_ns)
        return [*listed, _FOREIGN] if self._faults.lists_foreign else listed

    async def fills(self, since_ns: int = 0) -> Sequence[Fill]:
        fills = await self._venue.fills(since_ns)
        return [_worse(fill) for fill in fills] if self._faults.fills_worse else fills

    async def settlements(self, since_ns: int = 0) -> Sequence[Settlement]:
        return await self._venue.settlements(since_ns)

    async def positions(self) -> Sequence[PositionReport]:
        held = await self._venue.positions()
        return [*held, _MORE] if self._faults.holds_more else held

    async def balance(self) -> Cash:
        if self._faults.refuses_key:
            raise KeyRefusedError("the key was refused for the pre-flight check")
        return await self._venue.balance()

    async def status(self) -> ExchangeStatusRead:
        status = await self._venue.status()
        return msgspec.structs.replace(status, trading_active=False) if self._faults.stops_trading else status

    @property
    def skew_ms(self) -> int | None:
        return SKEW_MS if self._faults.clock_is_off else self._venue.skew_ms

    @property
    def tokens(self) -> Tokens | None:
        return self._venue.tokens

    async def markets(self, universe: Universe) -> Sequence[Market]:
        return await self._venue.markets(universe)

    async def market(self, ticker: Ticker) -> Market:
        return await self._venue.market(ticker)

    async def create_group(self, exchange_index: int) -> str:
        return await self._venue.create_group(exchange_index)

    async def reset_group(self, group_id: str) -> None:
        await self._venue.reset_group(group_id)

    async def close(self) -> None:
        await self._venue.close()


class FaultyFeed:
    """Implements ``Feed``."""

    def __init__(self, feed: Feed, faults: Faults) -> None:
        self._feed = feed
        self._faults = faults

    async def events(self) -> AsyncIterator[EngineEvent]:
        async for event in self._feed.events():
            # Of an order whose answer is lost the feed would tell as well.
            is_lost = self._faults.loses_answers and isinstance(event, OrderFilled | OrderReported)
            if self._faults.is_silent or is_lost:
                continue
            if isinstance(event, OrderFilled) and self._faults.fills_worse:
                yield msgspec.structs.replace(event, fill=_worse(event.fill))
            else:
                yield event

    async def subscribe(self, tickers: Sequence[Ticker]) -> None:
        await self._feed.subscribe(tickers)

    async def unsubscribe(self, tickers: Sequence[Ticker]) -> None:
        await self._feed.unsubscribe(tickers)

    async def close(self) -> None:
        await self._feed.close()


class FaultyHaltLine:
    """Implements ``HaltLine``; what is lost was acknowledged all the same."""

    def __init__(self, line: HaltLine, faults: Faults) -> None:
        self._line = line
        self._faults = faults

    def trigger_group(self, group_id: str, exchange_index: int) -> None:
        if not self._faults.loses_triggers:
            self._line.trigger_group(group_id, exchange_index)

    def resting(self) -> Sequence[OrderReport]:
        return self._line.resting()

    def cancel(self, order_id: str, ticker: Ticker, exchange_index: int) -> None:
        if not self._faults.loses_halt_cancels:
            self._line.cancel(order_id, ticker, exchange_index)

    def close(self) -> None:
        self._line.close()


class FaultyGuard:
    """Implements ``Guard``."""

    def __init__(self, guard: Guard, faults: Faults) -> None:
        self._guard = guard
        self._faults = faults

    def beat(self, whose: Beat) -> None:
        self._guard.beat(whose)

    def stand_down(self, whose: Beat) -> None:
        self._guard.stand_down(whose)

    def absence(self) -> str | None:
        return "taken away for the pre-flight check" if self._faults.guard_is_gone else self._guard.absence()

    def tell_ending(self) -> None:
        self._guard.tell_ending()


def _worse(fill: Fill) -> Fill:
    """The same a cent further from where it was decided."""
    step = PRICE_PER_CENT if fill.side is BookSide.BID else -PRICE_PER_CENT
    return msgspec.structs.replace(fill, price=Price(fill.price + step))


_FOREIGN = OrderReport(
    order_id="preflight",
    client_order_id="kc-another1-1",
    ticker=_PHANTOM,
    side=BookSide.BID,
    price=Price(PRICE_PER_CENT),
    status=OrderStatus.RESTING,
    filled=Count(0),
    remaining=_CONTRACT,
)
_MORE = PositionReport(_PHANTOM, _CONTRACT, Cash(0), Cash(0))
