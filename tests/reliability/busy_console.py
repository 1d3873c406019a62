"""kconsole with much to do: 5,000 quotes a second, and an order for each market at each scan."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

from console.cli import main
from console.domain.book import Level, Quote
from console.domain.events import EngineEvent
from console.domain.market import Ticker
from console.domain.market_events import QuoteChanged
from console.domain.money import COUNT_PER_CONTRACT, PRICE_PER_CENT, Count, Price
from console.engine.gate import Gate
from console.engine.loop import EngineLoop
from console.exchange.feed import KalshiFeed

TICKERS = tuple(Ticker(f"KXBUSY-{number}-YES") for number in range(8))
BID, ASK = 92, 93
"""What the feed says, in cents; the exchange asks for more, so that no order is ever filled."""
QUOTES_PER_S = 5_000
_MOST_AT_ONCE = 500

SETTINGS = (
    "strategy_flb.style=taker",
    "strategy_flb.scan_interval=0.1",
    "edge.constant_points=7",
    "quality.max_spread_bps=10000",
    "risk.max_order_contracts=1",
    "risk.max_scans_without_fill=100000",
    "risk.max_orders_per_minute=6000",
    "risk.tripwire_orders_per_minute=10000",
    "risk.tripwire_notional_pct_per_minute=100",
    "risk.max_errors_per_hour=10000",
    "risk.max_rejects_per_minute=10000",
)


def home_of(arguments: list[str]) -> Path:
    return Path(arguments[arguments.index("--home") + 1])


def busy_console(arguments: list[str]) -> int:
    """Notes in ``gate`` what the gate does, and in ``rate`` how many quotes a second the engine took."""
    _note_gate(home_of(arguments) / "gate")
    rate = home_of(arguments) / "rate"
    real = KalshiFeed.events

    async def events(self: KalshiFeed) -> AsyncIterator[EngineEvent]:
        said: asyncio.Queue[EngineEvent] = asyncio.Queue()

        async def listen() -> None:
            async for event in real(self):
                said.put_nowait(event)

        listening = asyncio.create_task(listen())
        flood = _flood(rate)
        try:
            while not listening.done():
                while not said.empty():
                    yield said.get_nowait()
                for _ in range(next(flood)):
                    yield _quote()
                await asyncio.sleep(0.001)
        finally:
            listening.cancel()

    KalshiFeed.events = events  # type: ignore[method-assign]
    return main(arguments)


def _flood(rate: Path) -> Iterator[int]:
    """How many quotes are due, each time that is asked."""
    began, told, sent = time.monotonic(), time.monotonic(), 0
    while True:
        now = time.monotonic()
        if now - told > 1:
            rate.write_text(f"{sent / (now - began):.0f}")
            told = now
        due = min(_MOST_AT_ONCE, int((now - began) * QUOTES_PER_S) - sent)
        sent += due
        yield due


def _quote() -> QuoteChanged:
    now_ns = time.time_ns()
    size = Count((now_ns % 1_000 + 100) * COUNT_PER_CONTRACT)
    return QuoteChanged(
        at_ns=now_ns,
        ticker=TICKERS[now_ns // 1_000 % len(TICKERS)],
        quote=Quote(Level(Price(BID * PRICE_PER_CENT), size), Level(Price(ASK * PRICE_PER_CENT), size)),
    )


def _note_gate(path: Path) -> None:
    """Append when it was closed, just after, and when it let an order pass, just before it was asked."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    close, permits = Gate.close, Gate.permits

    def note(what: str, at_ns: int) -> None:
        os.write(descriptor, f"{what} {at_ns}\n".encode())

    def closed(self: Gate) -> None:
        close(self)
        note("closed", time.monotonic_ns())

    def permitted(self: Gate, *, reduce_only: bool) -> bool:
        asked_ns = time.monotonic_ns()
        permission = permits(self, reduce_only=reduce_only)
        if permission:
            note("permitted", asked_ns)
        return permission

    Gate.close, Gate.permits = closed, permitted  # type: ignore[method-assign]


# --- engines that stand still once there is a file ``hang`` in the home --------------------------------


def deadlocked_console(arguments: list[str]) -> int:
    def hang() -> None:
        lock = threading.Lock()
        lock.acquire()
        lock.acquire()

    return _hanging(arguments, hang)


def sleeping_console(arguments: list[str]) -> int:
    return _hanging(arguments, lambda: time.sleep(3600))


def spinning_console(arguments: list[str]) -> int:
    def hang() -> None:
        while True:
            pass

    return _hanging(arguments, hang)


def dying_console(arguments: list[str]) -> int:
    def die() -> None:
        raise RuntimeError("nothing expected this")

    return _hanging(arguments, die)


def _hanging(arguments: list[str], hang: Callable[[], None]) -> int:
    _note_gate(home_of(arguments) / "gate")
    wanted, reached = home_of(arguments) / "hang", home_of(arguments) / "hung"
    tick = EngineLoop._tick

    async def ticked(self: EngineLoop) -> None:
        if wanted.exists():
            reached.touch()
            hang()
        await tick(self)

    EngineLoop._tick = ticked  # type: ignore[method-assign]
    return main(arguments)
