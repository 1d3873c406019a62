"""The live feed through a line that loses, repeats, reorders, falls silent and says nonsense."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from fault_proxy import FaultProxy, fault_proxy
from own_exchange import MUCH, OwnExchange, feed_to, own_exchange
from practice_runs import journaled_events, wait_for
from whole_engine import BOLD, make_haste, trading

from console.domain.account_events import OrderIntended
from console.domain.book import Quote
from console.domain.engine_events import LatchCleared, LatchRaised
from console.domain.events import EngineEvent
from console.domain.market_events import FeedLost, QuoteChanged
from console.domain.money import Count as Contracts
from console.domain.trading_state import TradingState
from console.engine.snapshot import Snapshot
from console.exchange import feed as feed_module

pytestmark = pytest.mark.timeout(900)

Count = Callable[[int, int], int]
Tell = Callable[[str], None]

AT_ONCE = 8
PATIENCE_S = 60
_BOOKS = (b'"orderbook_delta"', b'"orderbook_snapshot"')


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnExchange]:
    with own_exchange(tmp_path_factory.mktemp("exchange")) as running:
        yield running


@pytest.fixture(autouse=True)
def _haste(monkeypatch: pytest.MonkeyPatch, count: Count) -> None:
    if count(1, 0):
        make_haste(monkeypatch)


@dataclass
class Trial:
    """One feed on a line of its own, following one market."""

    exchange: OwnExchange
    proxy: FaultProxy
    ticker: str
    events: AsyncIterator[EngineEvent]
    seen: list[EngineEvent] = field(default_factory=list)

    async def until(self, holds: Callable[[EngineEvent], bool]) -> list[EngineEvent]:
        """Every event up to the first for which ``holds``, that one included."""
        taken: list[EngineEvent] = []
        async with asyncio.timeout(PATIENCE_S):
            async for event in self.events:
                taken.append(event)
                if holds(event):
                    return taken
        raise AssertionError("the feed ended")

    async def until_quote(self, quote: Quote) -> list[EngineEvent]:
        return await self.until(lambda event: isinstance(event, QuoteChanged) and event.quote == quote)

    async def until_lost(self) -> list[EngineEvent]:
        return await self.until(lambda event: isinstance(event, FeedLost))


@asynccontextmanager
async def a_trial(exchange: OwnExchange, ticker: str) -> AsyncIterator[Trial]:
    exchange.list_market(ticker)
    first = exchange.show(ticker, 80, 81)
    with fault_proxy(exchange.connection) as proxy:
        feed = feed_to(proxy.connection)
        await feed.subscribe([ticker])
        trial = Trial(exchange, proxy, ticker, feed.events())
        await trial.until_quote(first)
        yield trial
        await feed.close()


async def many(number: int, run: Callable[[int], object]) -> None:
    """So many trials, some at once."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(which: int) -> None:
        async with turns:
            await run(which)  # type: ignore[misc]

    async with asyncio.TaskGroup() as trials:
        for which in range(number):
            trials.create_task(one(which))


# --- sequence ---------------------------------------------------------------------------------------


class Tamper:
    """Does one thing to the sequence of books when the next message of a book comes, and then nothing."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.armed = False
        self._held: bytes | None = None

    def __call__(self, message: bytes) -> Sequence[bytes]:
        if self._held is not None:
            held, self._held = self._held, None
            return [message, held]
        if not self.armed or not any(kind in message for kind in _BOOKS):
            return [message]
        self.armed = False
        match self.kind:
            case "gap":
                return []
            case "repeat":
                return [message, message]
            case "swap":
                self._held = message
                return []
            case _:
                return [json.dumps({**json.loads(message), "seq": 1}).encode()]


@pytest.mark.parametrize("kind", ["gap", "repeat", "swap", "restart"])
async def test_a_broken_sequence_loses_the_feed_at_once_and_a_new_book_follows(
    kind: str, exchange: OwnExchange, count: Count, tell: Tell
) -> None:
    number = count(AT_ONCE, 250)

    async def run(which: int) -> None:
        async with a_trial(exchange, f"KX{kind.upper()}-{which}") as trial:
            tamper = trial.proxy.on_message = Tamper(kind)
            # A first change, so that no sequence number is 1 by right.
            await trial.until_quote(exchange.show(trial.ticker, 79, 82))
            tamper.armed = True
            exchange.show(trial.ticker, 70, 71)
            truth = exchange.show(trial.ticker, 60, 61)
            before = await trial.until_lost()
            # What was repeated was a good message the first time; nothing else may be believed.
            believed = [event for event in before if isinstance(event, QuoteChanged)]
            assert len(believed) <= (1 if kind == "repeat" else 0)
            after = await trial.until_quote(truth)
            assert not any(isinstance(e, QuoteChanged) and e.quote != truth for e in after)
            assert trial.proxy.lines_opened == 2

    await many(number, run)
    tell(f"{number} broken sequences, each lost at the next message and sent anew")


# --- nonsense ---------------------------------------------------------------------------------------

_DELTA = '{"type":"orderbook_delta","sid":2,"seq":%s,"msg":{"market_ticker":"T","market_id":"m",%s}}'
NONSENSE = {
    "NaN": _DELTA % ("NaN", '"price_dollars":"0.5","delta_fp":"1","side":"yes"'),
    "Infinity": _DELTA % ("Infinity", '"price_dollars":"0.5","delta_fp":"1","side":"yes"'),
    "1e400": _DELTA % ("1e400", '"price_dollars":"0.5","delta_fp":"1","side":"yes"'),
    "huge int": _DELTA % ("9" * 5000, '"price_dollars":"0.5","delta_fp":"1","side":"yes"'),
    "duplicate key": '{"type":"orderbook_delta","type":"fill"}',
    "deep nesting": '{"type":"x","msg":' + "[" * 100_000 + "]" * 100_000 + "}",
    "lone surrogate": '{"type":"\\ud800"}',
    "not JSON": "<html>Service</html>",
    "truncated": '{"type":"orderbook_delta","sid":2',
    "a list": "[]",
    "empty": "",
    "number for text": _DELTA % ("null", '"price_dollars":0.5,"delta_fp":"1","side":"yes"'),
    "price of 101c": _DELTA % ("null", '"price_dollars":"1.01","delta_fp":"1","side":"yes"'),
    "negative price": _DELTA % ("null", '"price_dollars":"-0.5","delta_fp":"1","side":"yes"'),
    "seven decimals": _DELTA % ("null", '"price_dollars":"0.1234567","delta_fp":"1","side":"yes"'),
    "unknown side": _DELTA % ("null", '"price_dollars":"0.5","delta_fp":"1","side":"maybe"'),
    "missing field": _DELTA % ("null", '"price_dollars":"0.5"'),
    "fill of nothing": '{"type":"fill","sid":1,"msg":{}}',
    "order without an id": '{"type":"user_order","sid":1,"msg":{"order_id":1}}',
}
IGNORED = {
    "unknown type": '{"type":"news","sid":9,"msg":{"text":"hello"}}',
    "no payload": '{"type":"ok"}',
}


@pytest.mark.parametrize("name", NONSENSE)
async def test_nonsense_loses_the_feed_and_it_comes_back(
    name: str, exchange: OwnExchange, count: Count
) -> None:
    async def run(which: int) -> None:
        async with a_trial(exchange, f"KXNONSENSE-{list(NONSENSE).index(name)}-{which}") as trial:
            trial.proxy.tell(NONSENSE[name].replace('"T"', f'"{trial.ticker}"').encode())
            before = await trial.until_lost()
            assert not any(isinstance(event, QuoteChanged) for event in before)
            await trial.until_quote(exchange.show(trial.ticker, 60, 61))

    await many(count(1, 20), run)


@pytest.mark.parametrize("name", IGNORED)
async def test_what_a_newer_exchange_may_say_is_ignored(name: str, exchange: OwnExchange) -> None:
    async with a_trial(exchange, f"KXIGNORED-{list(IGNORED).index(name)}") as trial:
        trial.proxy.tell(IGNORED[name].encode())
        events = await trial.until_quote(exchange.show(trial.ticker, 60, 61))
        assert not any(isinstance(event, FeedLost) for event in events)
        assert trial.proxy.lines_opened == 1


# --- silence ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["half open", "reset"])
async def test_a_dead_line_is_found_out_and_replaced(
    kind: str, exchange: OwnExchange, count: Count, tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_module, "_PING_EVERY_S", 0.2)
    monkeypatch.setattr(feed_module, "_PONG_WITHIN_S", 1.0)
    number = count(AT_ONCE, 100)

    async def run(which: int) -> None:
        async with a_trial(exchange, f"KXDEAD-{kind[0].upper()}{which}") as trial:
            (trial.proxy.half_open if kind == "half open" else trial.proxy.cut)()
            truth = exchange.show(trial.ticker, 60, 61)
            before = await trial.until_lost()
            assert not any(isinstance(event, QuoteChanged) for event in before)
            trial.proxy.speak()
            await trial.until_quote(truth)

    await many(number, run)
    tell(f"{number} dead lines found out")


@pytest.mark.parametrize("kind", ["silence", "half open"])
def test_a_silent_exchange_pauses_the_engine_and_no_order_is_priced_off_the_old_book(
    kind: str, tmp_path: Path
) -> None:
    with own_exchange(tmp_path) as exchange, fault_proxy(exchange.connection) as proxy:
        for ticker in ("KXSILENT-1", "KXTALKS-1"):
            exchange.list_market(ticker)
            exchange.show(ticker, 80, 81)
        sizes = itertools.count(1)

        def has_ordered(snapshot: Snapshot) -> bool:
            """Asked again and again while another market keeps the feed talking."""
            exchange.show("KXTALKS-1", 80, 81, size=Contracts(MUCH + next(sizes) * 100))
            return snapshot.orders > 0

        line = proxy.write_line(tmp_path / "line.json")
        with trading(tmp_path, line, *BOLD, "quality.max_stale_book_seconds=2") as worker:
            wait_for(worker, "a live book", lambda s: s.feed_age_ns is not None)
            (proxy.silence if kind == "silence" else proxy.half_open)()
            # A price that the strategy wants, and of which the engine cannot know.
            exchange.show("KXSILENT-1", 92, 93)
            stale = wait_for(worker, "stale", lambda s: s.state is TradingState.PAUSED)
            assert [latch.name for latch in stale.latches] == ["stale_book"]
            assert stale.orders == 0
            proxy.speak()
            wait_for(worker, "an order at the new price", has_ordered)
    events = journaled_events(tmp_path)
    kinds = [type(event) for event in events]
    raised, cleared = kinds.index(LatchRaised), kinds.index(LatchCleared)
    assert OrderIntended not in kinds[:cleared]
    assert raised < cleared


# --- the engine on a line that keeps breaking -------------------------------------------------------


class Shaken:
    """Drops, repeats and swaps some messages of books, and says nonsense now and then."""

    def __init__(self, share: float, seed: int) -> None:
        self._share = share
        self._drawn = random.Random(seed)
        self._held: bytes | None = None
        self.faults = 0

    def __call__(self, message: bytes) -> Sequence[bytes]:
        if self._held is not None:
            held, self._held = self._held, None
            return [message, held]
        if not any(kind in message for kind in _BOOKS) or self._drawn.random() >= self._share:
            return [message]
        self.faults += 1
        match self._drawn.randrange(4):
            case 0:
                return []
            case 1:
                return [message, message]
            case 2:
                self._held = message
                return []
            case _:
                return [message, b'{"type":"orderbook_delta"']


def test_every_order_is_priced_off_a_book_that_the_exchange_really_showed(
    tmp_path: Path, count: Count, tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = count(60, 600)
    monkeypatch.setattr(feed_module, "_LONGEST_BACKOFF_S", 0.1)
    drawn = random.Random(5)
    shown: dict[str, list[tuple[int, Quote]]] = {}
    ended = threading.Event()
    with own_exchange(tmp_path) as exchange, fault_proxy(exchange.connection) as proxy:
        tickers = [f"KXSHAKEN-{n}" for n in range(number)]
        for ticker in tickers:
            exchange.list_market(ticker)
            shown[ticker] = [(time.time_ns(), exchange.show(ticker, 60, 61))]

        def flip() -> None:
            """Each book that is shown has a size of its own, by which it is known again."""
            for serial in iter(lambda: next(serials), None):
                if ended.wait(0.01):
                    return
                ticker = drawn.choice(tickers)
                cents = drawn.choice([60, 70, 92])
                size = Contracts(MUCH + serial * 100)
                at_ns = time.time_ns()
                shown[ticker].append((at_ns, exchange.show(ticker, cents, cents + 1, size=size)))

        serials = iter(range(1, 1_000_000))
        shaken = proxy.on_message = Shaken(0.005, seed=5)
        flipping = threading.Thread(target=flip)
        flipping.start()
        try:
            with trading(tmp_path, proxy.write_line(tmp_path / "line.json"), *BOLD) as worker:
                wait_for(worker, "orders", lambda s: s.orders >= number * 2 // 3)
        finally:
            ended.set()
            flipping.join()
    intents = [event for event in journaled_events(tmp_path) if isinstance(event, OrderIntended)]
    for event in intents:
        history, quote = shown[event.intent.ticker], event.intent.quote
        bids = [n for n, (_, each) in enumerate(history) if each.bid == quote.bid]
        asks = [n for n, (_, each) in enumerate(history) if each.ask == quote.ask]
        # A book changes level by level, so one side may be a step ahead of the other.
        assert bids, event
        assert asks, event
        assert abs(bids[0] - asks[0]) <= 1, event
        # Superseded for longer than any line delays a message, it would be an old book.
        newer = [at_ns for at_ns, _ in history[max(bids[0], asks[0]) + 1 :]]
        assert not newer or event.at_ns - newer[0] < 10_000_000_000, event
    assert shaken.faults > 0
    tell(f"{len(intents)} orders, {shaken.faults} faults, {proxy.lines_opened} lines, 0 off a wrong book")
