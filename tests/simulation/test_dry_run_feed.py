"""A dry run's feed and venue: the exchange's markets, and an account that is ours alone."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence

import pytest
from dry_run_builders import (
    CLOSE_NS,
    NOW_NS,
    TICKER,
    Events,
    cents,
    contracts,
    intent,
    market,
    opened_broker,
    quote,
)

from console.domain.account_events import MarketSettled, OrderAcked, OrderFilled, OrderRejected, OrderReported
from console.domain.book import BookSide
from console.domain.events import EngineEvent
from console.domain.market import Market, Ticker
from console.domain.market_events import ExchangeStatusRead, FeedLost, QuoteChanged
from console.domain.money import CASH_PER_DOLLAR, PAYOUT, Cash, Price
from console.domain.order import Fill, OrderStatus, Settlement, TimeInForce
from console.domain.ports import Tokens, Universe, VenueError
from console.simulation.broker import Broker
from console.simulation.venue import SimulatedFeed, SimulatedHaltLine, SimulatedVenue

BID = BookSide.BID
IOC = TimeInForce.IMMEDIATE_OR_CANCEL


class ScriptedFeed:
    """A real feed: tells what it is given, fails where the script has an error, and stays until closed."""

    def __init__(self, *script: EngineEvent | Exception) -> None:
        self._script = script
        self._closed = asyncio.Event()

    async def events(self) -> AsyncIterator[EngineEvent]:
        for event in self._script:
            if isinstance(event, Exception):
                raise event
            yield event
        await self._closed.wait()

    async def subscribe(self, tickers: Sequence[Ticker]) -> None:
        pass

    async def unsubscribe(self, tickers: Sequence[Ticker]) -> None:
        pass

    async def close(self) -> None:
        self._closed.set()


class Reads:
    """The exchange as a dry run may ask it."""

    def __init__(self) -> None:
        self.trading = True
        self.paid: Price | None = None
        self.payouts_asked = 0

    @property
    def tokens(self) -> Tokens | None:
        return None

    @property
    def skew_ms(self) -> int | None:
        return 3

    async def balance(self) -> Cash:
        return Cash(500 * CASH_PER_DOLLAR)

    async def status(self) -> ExchangeStatusRead:
        return ExchangeStatusRead(at_ns=NOW_NS, exchange_active=True, trading_active=self.trading)

    async def markets(self, universe: Universe) -> Sequence[Market]:
        return [market()]

    async def market(self, ticker: Ticker) -> Market:
        return market(ticker)

    async def payout(self, ticker: Ticker) -> Price | None:
        self.payouts_asked += 1
        return self.paid

    async def close(self) -> None:
        pass


def quoted(bid: int, ask: int, size: int = 10) -> QuoteChanged:
    return QuoteChanged(at_ns=NOW_NS, ticker=TICKER, quote=quote(bid=bid, ask=ask, size=size))


def real_account_news() -> list[EngineEvent]:
    """What the real account does meanwhile."""
    fill = Fill("real", "real-order", TICKER, BID, cents(50), contracts(1), Cash(0), True, NOW_NS)
    status = OrderStatus.RESTING
    return [
        OrderFilled(at_ns=NOW_NS, client_order_id="real", fill=fill),
        OrderReported(at_ns=NOW_NS, client_order_id="real", order_id="r", status=status, filled=contracts(0)),
    ]


async def heard(broker: Broker, *script: EngineEvent | Exception) -> list[EngineEvent]:
    """Everything that is told of a feed that ends after its script."""
    feed = SimulatedFeed(ScriptedFeed(*script), broker)
    await feed.close()
    return [event async for event in feed.events()]


def venue(events: Events, reads: Reads, *, may_send: bool = True) -> SimulatedVenue:
    return SimulatedVenue(
        reads,
        events.broker,
        may_send=lambda _reduce_only: may_send,
        wall_ns=lambda: events.now_ns,
        latency_s=0,
    )


# --- the feed ---------------------------------------------------------------------------------------


async def test_the_market_passes_and_the_real_account_does_not() -> None:
    market_news: list[EngineEvent] = [quoted(91, 92), FeedLost(at_ns=NOW_NS, reason="gone")]
    events = opened_broker(quote(bid=80, ask=95, size=1))
    assert await heard(events.broker, *real_account_news(), *market_news) == market_news


async def test_a_quote_that_reaches_our_order_brings_its_fill() -> None:
    events = opened_broker(quote(bid=91, ask=95, size=10))
    events.broker.submit(intent(BID, 91, 5, post_only=True))
    feed = ScriptedFeed(quoted(90, 91))
    told: list[EngineEvent] = []
    async for event in SimulatedFeed(feed, events.broker).events():
        told.append(event)
        if len(told) == 3:
            await feed.close()
    assert [type(event) for event in told] == [QuoteChanged, OrderFilled, OrderReported]
    assert told[1] == OrderFilled(at_ns=NOW_NS, client_order_id="order", fill=events.broker.fills()[0])


async def test_a_settlement_pays_the_simulated_position_before_the_engine_hears_of_it() -> None:
    events = opened_broker(quote(bid=91, ask=92, size=10))
    events.broker.submit(intent(BID, 92, 10, IOC))
    told = MarketSettled(at_ns=NOW_NS, settlement=Settlement(TICKER, PAYOUT, NOW_NS))
    assert await heard(events.broker, told) == [told]
    assert events.broker.settlements() == [told.settlement]


async def test_a_feed_that_fails_is_not_taken_for_one_that_ended() -> None:
    events = opened_broker(quote(bid=91, ask=92, size=10))
    with pytest.raises(RuntimeError, match="broken"):
        await heard(events.broker, quoted(91, 92), RuntimeError("broken"))


# --- the venue --------------------------------------------------------------------------------------


async def test_the_account_opens_with_the_real_cash_and_keeps_its_own() -> None:
    events, reads = Events(), Reads()
    dry = venue(events, reads)
    assert await dry.balance() == 500 * CASH_PER_DOLLAR
    await dry.status()
    await dry.markets(Universe())
    events.broker.show(TICKER, quote(bid=91, ask=92, size=10))
    assert isinstance(await dry.submit(intent(BID, 92, 10, IOC)), OrderAcked)
    assert await dry.balance() < 500 * CASH_PER_DOLLAR
    assert [p.position for p in await dry.positions()] == [contracts(10)]


async def test_nothing_is_sent_after_a_halt_that_came_while_it_was_on_its_way() -> None:
    events = opened_broker(quote(bid=91, ask=92, size=10))
    outcome = await venue(events, Reads(), may_send=False).submit(intent(BID, 92, 10, IOC))
    assert isinstance(outcome, OrderRejected)
    assert events.broker.orders() == []


async def test_a_quote_that_goes_while_the_order_is_on_its_way_is_missed() -> None:
    events = opened_broker(quote(bid=91, ask=92, size=10))
    slow = SimulatedVenue(
        Reads(),
        events.broker,
        may_send=lambda _reduce_only: True,
        wall_ns=lambda: events.now_ns,
        latency_s=0.01,
    )
    sending = asyncio.create_task(slow.submit(intent(BID, 92, 10, IOC)))
    await asyncio.sleep(0)
    events.broker.show(TICKER, quote(bid=91, ask=93, size=10))
    assert isinstance(await sending, OrderAcked)
    assert events.fills == []


async def test_a_pause_that_the_exchange_tells_stops_the_simulation_too() -> None:
    events, reads = opened_broker(quote(bid=91, ask=92, size=10)), Reads()
    reads.trading = False
    dry = venue(events, reads)
    await dry.status()
    outcome = await dry.submit(intent(BID, 92, 10, IOC))
    assert isinstance(outcome, OrderRejected)
    assert outcome.code == "trading_paused"


async def test_a_payout_missed_by_the_feed_is_read_but_not_at_every_look() -> None:
    events, reads = opened_broker(quote(bid=91, ask=92, size=10)), Reads()
    dry = venue(events, reads)
    await dry.submit(intent(BID, 92, 10, IOC))
    assert await dry.settlements() == []
    assert reads.payouts_asked == 0, "the market has not closed"
    events.now_ns = CLOSE_NS
    for _ in range(3):
        assert await dry.settlements() == []
    assert reads.payouts_asked == 1
    reads.paid = PAYOUT
    events.now_ns += 30 * 10**9
    assert [s.yes_value for s in await dry.settlements()] == [PAYOUT]
    await dry.settlements()
    assert reads.payouts_asked == 2


async def test_a_read_that_fails_is_told_and_opens_nothing() -> None:
    class Unreachable(Reads):
        async def balance(self) -> Cash:
            raise VenueError("no answer")

    events = Events()
    dry = venue(events, Unreachable())
    with pytest.raises(VenueError, match="no answer"):
        await dry.balance()


# --- the halt ---------------------------------------------------------------------------------------


async def test_the_halts_thread_cancels_while_orders_arrive_and_leaves_nothing() -> None:
    events = opened_broker(quote(bid=91, ask=95, size=10))
    broker, line = events.broker, SimulatedHaltLine(events.broker)
    group = broker.create_group()
    dry = venue(events, Reads())
    started = threading.Event()

    def halt() -> None:
        started.wait(10)
        line.trigger_group(group, 0)

    halter = threading.Thread(target=halt)
    halter.start()
    outcomes = []
    for number in range(200):
        outcomes.append(await dry.submit(intent(BID, 1, 1, name=str(number), group_id=group)))
        if number == 20:
            started.set()
    halter.join(10)
    assert line.resting() == []
    refused = [outcome for outcome in outcomes if isinstance(outcome, OrderRejected)]
    assert all(outcome.code == "order_group_triggered" for outcome in refused)
    cancelled = [report for report in events.reports if report[1] is OrderStatus.CANCELED]
    assert len(cancelled) + len(refused) == 200


def test_a_halt_after_the_engines_loop_has_ended_still_cancels() -> None:
    events = opened_broker(quote(bid=91, ask=95, size=10))
    asyncio.run(_listen_for_a_moment(events.broker))
    acked = events.broker.submit(intent(BID, 90, 1))
    assert isinstance(acked, OrderAcked)
    line = SimulatedHaltLine(events.broker)
    assert [order.order_id for order in line.resting()] == [acked.order_id]
    line.cancel(acked.order_id, TICKER, 0)
    assert line.resting() == []


async def _listen_for_a_moment(broker: Broker) -> None:
    await heard(broker, quoted(91, 95))
