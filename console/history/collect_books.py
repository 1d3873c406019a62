"""Keeps whole books from the live feed in a store."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from console.domain.engine_events import ErrorHappened
from console.domain.market_events import FeedLost, MarketStatusChanged
from console.domain.money import PRICE_PER_DOLLAR, complement, parse_count, parse_price
from console.domain.ports import Clock, VenueError
from console.domain.time_units import NS_PER_S
from console.exchange.feed import KalshiFeed
from console.exchange.messages.ws import OrderbookSnapshot
from console.exchange.session import BookMessage, OnBook
from console.history.collect import Collector
from console.history.collect_rows import BookRow
from console.history.collect_store import CollectStore

_SAVE_EVERY_S = 1.0
_LIST_EVERY_S = 20.0
_FIRST = asyncio.FIRST_COMPLETED


class BookRecorder:
    """Records the books of all markets of the series that are or come open, until it is told to stop.

    After an outage each book begins anew with a snapshot. ``make_feed`` gives a feed that tells what it is
    given of books.
    """

    def __init__(
        self,
        store: CollectStore,
        collector: Collector,
        make_feed: Callable[[OnBook], KalshiFeed],
        tell: Callable[[str], None],
        *,
        wall_ns: Clock = time.time_ns,
    ) -> None:
        self._store = store
        self._collector = collector
        self._feed = make_feed(self._take)
        self._tell = tell
        self._wall_ns = wall_ns
        self._run_id = f"run-{wall_ns()}"
        self._last_ns = 0
        self._waiting: list[BookRow] = []
        self._followed: set[str] = set()
        self._is_list_old = False
        self.rows = 0

    async def record(self, stop: asyncio.Event, until_ns: int | None) -> None:
        """Return once stopped, or at a time; raises CollectError, and VenueError for the first list."""
        await self._follow()
        left_s = None if until_ns is None else max(0, until_ns - self._wall_ns()) / NS_PER_S
        working = [asyncio.create_task(each) for each in (self._listen(), self._every_so_often())]
        stopping = asyncio.create_task(stop.wait())
        try:
            ended, _ = await asyncio.wait({*working, stopping}, timeout=left_s, return_when=_FIRST)
            for task in ended:
                task.result()
        finally:
            await self._feed.close()
            for task in (*working, stopping):
                task.cancel()
            await asyncio.gather(*working, stopping, return_exceptions=True)
            self._save()

    async def _listen(self) -> None:
        async for event in self._feed.events():
            match event:
                case FeedLost():
                    self._tell(f"waiting for the feed: {event.reason}")
                case ErrorHappened():
                    self._tell(f"the feed: {event.message}")
                case MarketStatusChanged(ticker=ticker) if ticker not in self._followed:
                    # Names promise nothing, but where this one misleads the next list is not far.
                    self._is_list_old |= ticker.split("-")[0] in self._collector.series

    async def _every_so_often(self) -> None:
        listed_s = time.monotonic()
        while True:
            await asyncio.sleep(_SAVE_EVERY_S)
            self._save()
            if self._is_list_old or time.monotonic() - listed_s >= _LIST_EVERY_S:
                self._is_list_old, listed_s = False, time.monotonic()
                try:
                    await self._follow()
                except VenueError as error:
                    self._tell(f"new markets wait: {error}")

    async def _follow(self) -> None:
        """Follow what is listed and not over: a market's book begins with its trading."""
        now_ns = self._wall_ns()
        self._store.save_markets(await self._collector.markets_closing_after(now_ns))
        wanted = {market.ticker for market in self._store.markets() if market.close_ns > now_ns}
        await self._feed.subscribe(sorted(wanted - self._followed))
        await self._feed.unsubscribe(sorted(self._followed - wanted))
        self._followed = wanted

    def _take(self, message: BookMessage, at_ns: int) -> None:
        # A clock that was set back must not put a change before an earlier one.
        self._last_ns = max(self._last_ns, at_ns)
        self._waiting += book_rows(message, self._last_ns, self._run_id)

    def _save(self) -> None:
        rows, self._waiting = self._waiting, []
        self.rows += len(rows)
        if rows:
            self._store.save_book(rows)


def book_rows(message: BookMessage, at_ns: int, run_id: str) -> list[BookRow]:
    """What a message says of a book; one that is empty has a level without a size, or it were no snapshot.

    The feed has prices of both sides on the YES scale, a recording those of bids.
    """
    ticker = message.market_ticker
    if not isinstance(message, OrderbookSnapshot):
        price, size = _own_price(message.side, message.price_dollars), parse_count(message.delta_fp)
        return [BookRow(at_ns, run_id, ticker, message.side, price, size, False)]
    sides = {"yes": message.yes_dollars_fp or (), "no": message.no_dollars_fp or ()}
    rows = [
        BookRow(at_ns, run_id, ticker, side, _own_price(side, price), parse_count(size), True)
        for side, levels in sides.items()
        for price, size in levels
    ]
    return rows or [empty_book(ticker, at_ns, run_id)]


def empty_book(ticker: str, at_ns: int, run_id: str) -> BookRow:
    """The snapshot of a book without orders."""
    return BookRow(at_ns, run_id, ticker, "yes", PRICE_PER_DOLLAR // 100, 0, True)


def _own_price(side: str, price: str) -> int:
    yes = parse_price(price)
    return yes if side == "yes" else complement(yes)
