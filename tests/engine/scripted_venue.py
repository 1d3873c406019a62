"""An exchange in memory for the tests of the engine's thread: venue, feed and halt line onto one account."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
from engine_builders import A, dollars, market, settings, shipped

from console.config.schema import Settings
from console.domain.account_events import OrderAcked, OrderBecameUnknown
from console.domain.book import Quote
from console.domain.events import EngineEvent, JournaledEvent
from console.domain.market import Market, Ticker
from console.domain.market_events import ExchangeStatusRead, FeedProved, QuoteChanged
from console.domain.money import Cash, Count
from console.domain.order import Fill, OrderIntent, OrderReport, OrderStatus, PositionReport, Settlement
from console.domain.ports import HaltLine, SubmitOutcome, Tokens, Universe, VenueError
from console.engine.journal import Journal
from console.engine.overrides import Overrides
from console.engine.plan import Plan
from console.engine.snapshot import Snapshot
from console.engine.worker import EngineWorker
from console.risk.manager import RiskManager

PATIENCE_S = 20.0


class ScriptedExchange:
    """One account; ``trouble`` may fail a call by name and number, ``before`` may hold it up."""

    def __init__(self, *markets: Market) -> None:
        self.listed = {m.ticker: m for m in markets or (wide_market(A),)}
        self.resting: dict[str, OrderReport] = {}
        self.fills: list[Fill] = []
        self.settlements: list[Settlement] = []
        self.positions: list[PositionReport] = []
        self.cash = dollars("10000")
        self.balances: Iterator[Cash] | None = None
        self.orders_since_ns: int | None = None
        self.loses_answers = False
        self.calls: list[tuple[str, str]] = []
        self.trouble: Callable[[str, int], Exception | None] = lambda call, number: None
        self.before: dict[str, threading.Event] = {}
        self._seen = threading.Condition()
        self._numbers = itertools.count(1)

    def note(self, call: str, subject: str = "") -> None:
        with self._seen:
            self.calls.append((call, subject))
            number = self.count(call)
            self._seen.notify_all()
        trouble = self.trouble(call, number)
        if trouble is not None:
            raise trouble

    def count(self, call: str) -> int:
        return sum(name == call for name, _ in self.calls)

    def subjects(self, call: str) -> list[str]:
        return [subject for name, subject in self.calls if name == call]

    def wait_for(self, call: str, number: int = 1) -> None:
        with self._seen:
            assert self._seen.wait_for(lambda: self.count(call) >= number, PATIENCE_S), (call, self.calls)

    def accept(self, intent: OrderIntent, order_id: str | None = None) -> str:
        order_id = order_id or f"x-{next(self._numbers)}"
        self.resting[order_id] = OrderReport(
            order_id=order_id,
            client_order_id=intent.client_order_id,
            ticker=intent.ticker,
            side=intent.side,
            price=intent.price,
            status=OrderStatus.RESTING,
            filled=Count(0),
            remaining=intent.count,
        )
        return order_id


class ScriptedVenue:
    """The engine's own line."""

    skew_ms: int | None = 0

    def __init__(self, exchange: ScriptedExchange) -> None:
        self._exchange = exchange

    async def _call(self, call: str, subject: str = "") -> None:
        held_up = self._exchange.before.get(call)
        self._exchange.note(call, subject)
        if held_up is not None:
            await asyncio.to_thread(held_up.wait, PATIENCE_S)

    async def submit(self, intent: OrderIntent) -> SubmitOutcome:
        await self._call("submit", intent.client_order_id)
        if self._exchange.loses_answers:
            self._exchange.accept(intent)
            return OrderBecameUnknown(
                at_ns=time.time_ns(), client_order_id=intent.client_order_id, reason="no answer"
            )
        return OrderAcked(
            at_ns=time.time_ns(),
            client_order_id=intent.client_order_id,
            order_id=self._exchange.accept(intent),
        )

    async def cancel(self, order_id: str, ticker: Ticker, exchange_index: int) -> None:
        await self._call("cancel", order_id)
        self._exchange.resting.pop(order_id, None)

    async def orders(self, since_ns: int = 0) -> Sequence[OrderReport]:
        await self._call("orders")
        self._exchange.orders_since_ns = since_ns
        return tuple(self._exchange.resting.values())

    async def fills(self, since_ns: int = 0) -> Sequence[Fill]:
        await self._call("fills")
        return [fill for fill in self._exchange.fills if fill.at_ns >= since_ns]

    async def settlements(self, since_ns: int = 0) -> Sequence[Settlement]:
        await self._call("settlements")
        return [paid for paid in self._exchange.settlements if paid.at_ns >= since_ns]

    async def positions(self) -> Sequence[PositionReport]:
        await self._call("positions")
        return tuple(self._exchange.positions)

    async def balance(self) -> Cash:
        await self._call("balance")
        if self._exchange.balances is not None:
            return next(self._exchange.balances)
        return self._exchange.cash

    async def status(self) -> ExchangeStatusRead:
        await self._call("status")
        return ExchangeStatusRead(at_ns=time.time_ns(), exchange_active=True, trading_active=True)

    async def markets(self, universe: Universe) -> Sequence[Market]:
        await self._call("markets")
        return tuple(self._exchange.listed.values())

    async def market(self, ticker: Ticker) -> Market:
        await self._call("market", ticker)
        return self._exchange.listed[ticker]

    @property
    def tokens(self) -> Tokens | None:
        return Tokens(190, 200, 40, 100)

    async def create_group(self, exchange_index: int) -> str:
        await self._call("create_group")
        return "group-0"

    async def reset_group(self, group_id: str) -> None:
        await self._call("reset", group_id)

    async def close(self) -> None:
        pass


class ScriptedFeed:
    """Says what the test wants said, once the engine listens."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._events: asyncio.Queue[EngineEvent] = asyncio.Queue()

    def say(self, event: EngineEvent) -> None:
        self._loop.call_soon_threadsafe(self._events.put_nowait, event)

    async def events(self) -> AsyncIterator[EngineEvent]:
        while True:
            yield await self._events.get()

    async def subscribe(self, tickers: Sequence[Ticker]) -> None:
        pass

    async def unsubscribe(self, tickers: Sequence[Ticker]) -> None:
        pass

    async def close(self) -> None:
        pass


class ScriptedHaltLine:
    """The halt's own line; its calls are named apart from the engine's."""

    def __init__(self, exchange: ScriptedExchange) -> None:
        self._exchange = exchange

    def _call(self, call: str, subject: str = "") -> None:
        held_up = self._exchange.before.get(call)
        self._exchange.note(call, subject)
        if held_up is not None:
            held_up.wait(PATIENCE_S)

    def trigger_group(self, group_id: str, exchange_index: int) -> None:
        self._call("trigger", group_id)

    def resting(self) -> Sequence[OrderReport]:
        self._call("halt list")
        return tuple(self._exchange.resting.values())

    def cancel(self, order_id: str, ticker: Ticker, exchange_index: int) -> None:
        self._call("halt cancel", order_id)
        self._exchange.resting.pop(order_id, None)

    def close(self) -> None:
        pass


class Run:
    """A worker onto a scripted exchange."""

    def __init__(
        self,
        home: Path,
        exchange: ScriptedExchange,
        with_settings: Settings | None = None,
        overrides: Overrides | None = None,
    ) -> None:
        self.home = home
        self.overrides = overrides
        self.exchange = exchange
        self.feed: ScriptedFeed | None = None
        self.worker = EngineWorker(self._plan(with_settings or settings("maker")))

    def _make_feed(self, _venue: object) -> ScriptedFeed:
        self.feed = ScriptedFeed()
        return self.feed

    def _plan(self, used: Settings) -> Plan:
        def halt_line() -> HaltLine:
            return ScriptedHaltLine(self.exchange)

        return Plan(
            environment="practice",
            dry_run=False,
            account_name="account-1",
            notes=(),
            settings=used,
            universe=Universe(),
            arms_itself=True,
            journal=self.home / "journal.sqlite",
            sentinel=self.home / "HALT",
            make_strategy=shipped,
            make_risk=lambda: RiskManager(used.risk, used.quality, escalates=False),
            make_venue=lambda gate: ScriptedVenue(self.exchange),
            make_feed=self._make_feed,
            make_halt_line=halt_line,
            wall_ns=time.time_ns,
            monotonic_ns=time.monotonic_ns,
            overrides=self.overrides,
        )

    def say(self, event: EngineEvent) -> None:
        assert self.feed is not None
        self.feed.say(event)

    def show(self, quote: Quote, ticker: Ticker = A) -> None:
        now_ns = time.time_ns()
        self.say(FeedProved(at_ns=now_ns))
        self.say(QuoteChanged(at_ns=now_ns, ticker=ticker, quote=quote))

    def seen(self, what: str, holds: Callable[[Snapshot], bool]) -> Snapshot:
        """The first snapshot for which ``holds``."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            snapshot = self.worker.snapshot()
            if snapshot is not None and holds(snapshot):
                return snapshot
            time.sleep(0.01)
        raise AssertionError(f"not seen: {what}; last: {self.worker.snapshot()}")

    def failed(self) -> str:
        """Why the engine ended by itself."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            failure = self.worker.failure()
            if failure is not None:
                return failure
            time.sleep(0.01)
        raise AssertionError("the engine did not fail")

    def journaled(self) -> list[JournaledEvent]:
        journal = Journal(self.home / "journal.sqlite")
        try:
            return list(journal.replay())
        finally:
            journal.close()


@contextmanager
def run_of(
    home: Path,
    exchange: ScriptedExchange,
    with_settings: Settings | None = None,
    *,
    started: bool = True,
    overrides: Overrides | None = None,
) -> Iterator[Run]:
    """A run that is stopped at the end, whatever was left waiting."""
    run = Run(home, exchange, with_settings, overrides)
    try:
        if started:
            run.worker.start(PATIENCE_S)
        yield run
    finally:
        for held_up in exchange.before.values():
            held_up.set()
        exchange.trouble = lambda call, number: None
        run.worker.stop(cancel_resting=True)


def wide_market(ticker: Ticker) -> Market:
    """A market that trades at the time of the test."""
    return msgspec.structs.replace(market(ticker), open_ns=0, close_ns=time.time_ns() + 86_400 * 10**9)


def fails(call: str, *numbers: int, text: str = "no answer") -> Callable[[str, int], Exception | None]:
    """Trouble with one call, each time or those times only."""
    return lambda name, number: (
        VenueError(text) if name == call and (not numbers or number in numbers) else None
    )
