"""Writes what the feed of a run tells into a folder a day (UTC)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from console.domain.account_events import MarketSettled
from console.domain.book import BookSide
from console.domain.market import Market, MarketStatus, Ticker
from console.domain.market_events import FeedLost, MarketListed, MarketStatusChanged, TradePrinted
from console.domain.money import PRICE_PER_DOLLAR
from console.domain.time_units import NS_PER_DAY, NS_PER_S
from console.exchange.session import BookMessage
from console.history.collect_books import book_rows, empty_book
from console.history.collect_rows import Asked, BookRow, MarketRow, TradeRow
from console.history.collect_store import CollectStore
from console.history.own_days import DAY_STORE, forget_days, keep_beside, make_folder

_WHOLE_EVERY_NS = 900 * NS_PER_S
"""Books are written whole so often, so that a replay may begin within a day."""

Heard = MarketListed | MarketStatusChanged | MarketSettled | FeedLost | TradePrinted | BookMessage
"""What is recorded; of a feed that is lost that no book is known."""


class DayRecorder:
    """Keeps what is heard until ``save``; belongs to one thread.

    Every call may raise CollectError, LockHeldError, ConfigError or OSError. Settlements of markets that
    closed the day before still go to that day. A market that was paid out is forgotten a while later.
    """

    def __init__(self, days: Path, environment: str, keep_days: int, run_id: str) -> None:
        self._days = days
        self._environment = environment
        self._keep_days = keep_days
        self._run_id = run_id
        self._stores: list[CollectStore] = []
        self._ends_ns = self._whole_ns = self._last_ns = 0
        self._prints = 0
        self._markets: dict[Ticker, MarketRow] = {}
        self._books: dict[Ticker, dict[tuple[str, int], int]] = {}
        self._new_markets: dict[Ticker, MarketRow] = {}
        self._new_books: list[BookRow] = []
        self._new_trades: list[TradeRow] = []

    def take(self, heard: Heard, at_ns: int) -> None:
        """Take what was heard at a time; a clock that was set back puts nothing before what came earlier."""
        at_ns = self._after_all(at_ns)
        if at_ns >= self._ends_ns:
            self._begin_day(at_ns)
        if at_ns >= self._whole_ns:
            self._write_books(at_ns)
            at_ns = self._after_all(at_ns)
        match heard:
            case MarketListed(market=market):
                self._list(market)
            case MarketStatusChanged():
                self._change(heard, at_ns)
            case MarketSettled(settlement=settlement):
                self._settle(settlement.ticker, settlement.yes_value, settlement.at_ns)
            case FeedLost():
                self._books.clear()
            case TradePrinted():
                self._print(heard, at_ns)
            case _:
                self._follow(book_rows(heard, at_ns, self._run_id))

    def lose(self, tickers: Iterable[Ticker]) -> None:
        """Of these markets' books changes were missed: until they come whole they are empty."""
        at_ns = self._after_all(self._last_ns)
        for ticker in tickers:
            if self._books.pop(ticker, None) is not None:
                self._new_books.append(empty_book(ticker, at_ns, self._run_id))

    def save(self) -> None:
        """Have what was heard in the files: a process that dies loses only what came after."""
        for store in self._stores[:-1]:
            store.save_seen(self._new_markets.values(), (), ())
        for store in self._stores[-1:]:
            store.save_seen(self._new_markets.values(), self._new_books, self._new_trades)
        self._new_markets, self._new_books, self._new_trades = {}, [], []

    def close(self) -> None:
        """Let go of the files, without what was not saved."""
        for store in self._stores:
            store.close()
        self._stores = []

    def _after_all(self, at_ns: int) -> int:
        """A time, or the first after what was taken: a change at the time of a snapshot is one of it."""
        self._last_ns = max(self._last_ns + 1, at_ns)
        return self._last_ns

    # --- days ---------------------------------------------------------------------------------------

    def _begin_day(self, at_ns: int) -> None:
        self.save()
        since_ns = at_ns // NS_PER_DAY * NS_PER_DAY
        self._ends_ns, self._whole_ns = since_ns + NS_PER_DAY, at_ns
        for store in self._stores[:-1]:
            store.close()
        self._stores = self._stores[-1:]
        forget_days(self._days, self._keep_days, at_ns)
        store = CollectStore(make_folder(self._days, at_ns), DAY_STORE)
        self._stores.append(store)
        store.ask(Asked(self._environment, (), since_ns, self._ends_ns, 1))
        keep_beside(self._days)
        self._markets = {
            ticker: row for ticker, row in self._markets.items() if row.close_ns > since_ns - NS_PER_DAY
        }
        self._new_markets = dict(self._markets)

    def _write_books(self, at_ns: int) -> None:
        self._whole_ns = at_ns + _WHOLE_EVERY_NS
        self._forget_settled(at_ns - _WHOLE_EVERY_NS)
        for ticker in [*self._books]:
            market = self._markets.get(ticker)
            if market is None or market.close_ns <= at_ns:
                del self._books[ticker]
                continue
            levels = self._books[ticker].items()
            self._new_books += [
                BookRow(at_ns, self._run_id, ticker, side, price, size, True)
                for (side, price), size in levels
            ] or [empty_book(ticker, at_ns, self._run_id)]

    def _forget_settled(self, until_ns: int) -> None:
        """Nothing more is to be heard of these markets, and their rows are in the store."""
        self._markets = {
            ticker: row
            for ticker, row in self._markets.items()
            if row.settlement_ns is None or row.settlement_ns > until_ns
        }

    # --- what is heard ------------------------------------------------------------------------------

    def _follow(self, rows: list[BookRow]) -> None:
        first = rows[0]
        if first.is_snapshot:
            self._books[first.ticker] = {(row.side, row.price): row.size for row in rows if row.size}
        elif (levels := self._books.get(first.ticker)) is not None:
            level = first.side, first.price
            size = levels[level] = levels.get(level, 0) + first.size
            if not size:
                del levels[level]
        else:
            return
        self._new_books += rows

    def _print(self, trade: TradePrinted, at_ns: int) -> None:
        self._prints += 1
        taker = "yes" if trade.taker_side is BookSide.BID else "no"
        name = f"{self._run_id}-{self._prints:012d}"
        self._new_trades.append(TradeRow(name, trade.ticker, at_ns, trade.price, trade.count, taker))

    def _list(self, market: Market) -> None:
        """The first close that was told is the scheduled one."""
        before = self._markets.get(market.ticker)
        if before is not None:
            self._keep(msgspec.structs.replace(before, close_ns=market.close_ns))
            return
        self._keep(
            MarketRow(
                ticker=market.ticker,
                event_ticker=market.event_ticker,
                series_ticker=market.series_ticker,
                category=market.category or None,
                title=market.title or None,
                floor_strike=None,
                open_ns=market.open_ns,
                close_ns=market.close_ns,
                scheduled_close_ns=market.close_ns,
                result=None,
                settlement_value=None,
                settlement_ns=None,
                is_archived=False,
                has_traded=True,
            )
        )

    def _change(self, change: MarketStatusChanged, at_ns: int) -> None:
        row = self._markets.get(change.ticker)
        if row is None:
            return
        close_ns = change.close_ns or row.close_ns
        if change.status in (MarketStatus.DETERMINED, MarketStatus.FINALIZED):
            close_ns = min(close_ns, at_ns)
        self._keep(msgspec.structs.replace(row, close_ns=close_ns))

    def _settle(self, ticker: Ticker, value: int, at_ns: int) -> None:
        self._books.pop(ticker, None)
        row = self._markets.get(ticker)
        if row is None:
            return
        result = {0: "no", PRICE_PER_DOLLAR: "yes"}.get(value, "scalar")
        self._keep(msgspec.structs.replace(row, result=result, settlement_value=value, settlement_ns=at_ns))

    def _keep(self, row: MarketRow) -> None:
        """Put a market in, unless it never was open as far as our clock and the exchange's say."""
        if row.settlement_ns is not None:
            row = msgspec.structs.replace(row, close_ns=min(row.close_ns, row.settlement_ns))
        if row.close_ns > row.open_ns:
            self._markets[row.ticker] = self._new_markets[row.ticker] = row
