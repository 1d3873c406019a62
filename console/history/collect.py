"""Reads the history of series from the exchange, live and archived, into a store; it may stop anywhere."""

from __future__ import annotations

import time
from collections.abc import Callable

from console.domain.book import BookSide
from console.domain.market import MarketStatus
from console.domain.money import PRICE_PER_DOLLAR, Price, parse_count, parse_price
from console.domain.ports import VenueError
from console.domain.time_units import NS_PER_S
from console.exchange import rest, rest_history, wire
from console.exchange.failures import NOT_FOUND, RefusedReplyError
from console.exchange.messages import market_data
from console.exchange.messages.candles import Candle, CandlesReply, OldCandle, OldCandlesReply
from console.exchange.messages.market_data import HistoricalCutoffReply, MarketsReply
from console.exchange.pages import converted, read_all
from console.exchange.rest import Reply, Request
from console.exchange.rest_history import MOST_CANDLES
from console.history.collect_rows import Asked, CandleRow, MarketRow, Progress, TradeRow
from console.history.collect_store import CollectError, CollectStore
from console.history.patient import PatientReader

_REMEMBER_CUTOFF_S = 60.0
_CUTOFF_MARGIN_NS = 86_400 * NS_PER_S
"""A trade this much younger than the cut-off may be archived while it is looked for."""
_OVERLAP_NS = 600 * NS_PER_S
"""Lists may lag, so that what comes later begins a little earlier."""

Count = Callable[[int, int], None]
"""Hears how many markets are done, of how many."""


class Collector:
    """Brings a store up to what it was asked for; every call raises VenueError and CollectError.

    ``without_candles`` counts markets of which the exchange keeps none any more.
    """

    def __init__(self, reader: PatientReader, store: CollectStore, asked: Asked) -> None:
        self._reader = reader
        self._store = store
        self._asked = asked
        self._cutoff: tuple[float, HistoricalCutoffReply] | None = None
        self._categories: dict[str, str] = {}
        self.without_candles = 0

    @property
    def series(self) -> tuple[str, ...]:
        return self._asked.series

    async def collect(self, count: Count) -> list[MarketRow]:
        """Read all that is missing; the markets of the period."""
        if self._needs_list():
            listed = await self.markets_closing_after(self._asked.since_ns)
            self._store.save_markets(listed, self._asked.until_ns)
        markets = self._store.markets()
        for done, market in enumerate(markets):
            count(done, len(markets))
            await self._read(market)
        count(len(markets), len(markets))
        return markets

    def _needs_list(self) -> bool:
        """Whether there is no list of the whole period yet, or one with results still to come."""
        markets = self._store.markets()
        return self._store.listed_ns < self._asked.until_ns or any(m.settlement_ns is None for m in markets)

    async def markets_closing_after(self, since_ns: int) -> list[MarketRow]:
        """The markets of the series; archived ones are read after the live, so that none slips between.

        One that was archived meanwhile stands in both, last as archived.
        """
        found: list[MarketRow] = []
        for series in self._asked.series:
            category = await self._category(series)
            live = rest_history.markets_closing_after(series, max(0, since_ns // NS_PER_S - 1))
            found += await self._listed(live, series, category, in_archive=False)
            if since_ns < wire.to_ns((await self._newest_cutoff()).market_settled_ts):
                archived = rest_history.archived_markets(series)
                found += await self._listed(archived, series, category, in_archive=True)
        return found

    async def _listed(
        self, request: Request[MarketsReply], series: str, category: str, *, in_archive: bool
    ) -> list[MarketRow]:
        listed = await read_all(self._reader, request, lambda page: page.markets)
        rows = converted(request, listed, lambda each: _market_row(each, series, category, in_archive))
        return [row for row in rows if row is not None]

    async def _category(self, series: str) -> str:
        if series not in self._categories:
            reply = await self._unless_gone(rest.one_series(series))
            if reply is None:
                raise CollectError(f"the exchange has no series {series}; tickers look like KXBTC15M")
            self._categories[series] = reply.series.category
        return self._categories[series]

    async def _newest_cutoff(self) -> HistoricalCutoffReply:
        """Where the live lists begin; it moves on while much is read."""
        now = time.monotonic()
        if self._cutoff is None or now - self._cutoff[0] > _REMEMBER_CUTOFF_S:
            self._cutoff = now, await self._reader.send(rest.historical_cutoff())
        return self._cutoff[1]

    async def _read(self, market: MarketRow) -> None:
        goal_ns = min(self._asked.until_ns, market.close_ns)
        progress = self._store.progress(market.ticker)
        if progress.candles_ns < goal_ns:
            await self._read_candles(market, progress.candles_ns, goal_ns)
        if progress.trades_ns < goal_ns:
            if market.has_traded:
                await self._read_trades(market, progress, goal_ns)
            self._store.end_trades(market.ticker, goal_ns)

    def _is_asked(self, at_ns: int) -> bool:
        return self._asked.since_ns <= at_ns < self._asked.until_ns

    # --- candles --------------------------------------------------------------------------------

    async def _read_candles(self, market: MarketRow, done_ns: int, goal_ns: int) -> None:
        length_s = 60 * self._asked.minutes
        first_ns = max(self._asked.since_ns, market.open_ns, done_ns - _OVERLAP_NS)
        first_s, goal_s = first_ns // NS_PER_S, -(-goal_ns // NS_PER_S)
        while first_s <= goal_s:
            last_s = min(goal_s, first_s + length_s * (MOST_CANDLES - 1))
            rows = await self._candles(market, first_s, last_s)
            if rows is None:
                self.without_candles += 1
                rows, last_s = [], goal_s
            self._store.save_candles(market.ticker, rows, min(goal_ns, last_s * NS_PER_S))
            first_s = last_s + 1

    async def _candles(self, market: MarketRow, first_s: int, last_s: int) -> list[CandleRow] | None:
        """Those of a market, wherever it stands by now; None when the exchange has none of it."""
        where = market.ticker, first_s, last_s, self._asked.minutes
        live = rest_history.market_candles(market.series_ticker, *where)
        archived = rest_history.archived_candles(*where)
        reply: CandlesReply | OldCandlesReply | None
        if market.is_archived:
            reply = await self._unless_gone(archived)
        else:
            reply = await self._unless_gone(live)
            if reply is None:
                reply = await self._unless_gone(archived)
        if reply is None:
            return None
        told: list[Candle | OldCandle] = [*reply.candlesticks]
        rows = converted(archived, told, lambda each: _candle_row(each, market.ticker))
        return [row for row in rows if self._is_asked(row.end_ns)]

    async def _unless_gone(self, request: Request[Reply]) -> Reply | None:
        """The reply; None when the exchange has no such thing."""
        try:
            return await self._reader.send(request)
        except RefusedReplyError as error:
            if error.status != NOT_FOUND:
                raise
            return None

    # --- trades ---------------------------------------------------------------------------------

    async def _read_trades(self, market: MarketRow, progress: Progress, goal_ns: int) -> None:
        """Archived ones after the live, so that none slips between."""
        since_ns = max(self._asked.since_ns, progress.trades_ns - _OVERLAP_NS)
        if not progress.in_archive:
            await self._read_list(market, since_ns, in_archive=False, cursor=progress.cursor)
        cutoff_ns = wire.to_ns((await self._newest_cutoff()).trades_created_ts)
        if max(since_ns, market.open_ns) < cutoff_ns + _CUTOFF_MARGIN_NS:
            cursor = progress.cursor if progress.in_archive else ""
            await self._read_list(market, since_ns, in_archive=True, cursor=cursor)

    async def _read_list(self, market: MarketRow, since_ns: int, *, in_archive: bool, cursor: str) -> None:
        """One list of trades page by page; ``cursor`` is where an earlier run stopped."""
        resumed, seen = bool(cursor), set[str]()
        first_s, last_s = max(0, since_ns // NS_PER_S - 1), self._asked.until_ns // NS_PER_S + 1
        while True:
            request = rest_history.trades(market.ticker, first_s, last_s, archived=in_archive, cursor=cursor)
            try:
                page = await self._reader.send(request)
            except RefusedReplyError:
                # Nobody says for how long a cursor is good.
                if not resumed:
                    raise
                resumed, cursor = False, ""
                continue
            resumed = False
            rows = converted(request, page.trades, lambda each: _trade_row(each, market.ticker))
            following = page.cursor or ""
            if following and following in seen:
                raise VenueError(f"GET {request.path}: the list came round to cursor {following!r}")
            seen.add(following)
            # What is at its end begins the next list, or ends the trades of the market.
            self._store.save_trades(
                market.ticker,
                [row for row in rows if row is not None and self._is_asked(row.ts_ns)],
                in_archive=in_archive or not following,
                cursor=following,
            )
            if not following:
                return
            cursor = following


def _market_row(data: market_data.Market, series: str, category: str, in_archive: bool) -> MarketRow | None:
    """None for a market that never opened."""
    open_ns, close_ns = wire.to_ns(data.open_time), wire.to_ns(data.close_time)
    settlement_ns = None if data.settlement_ts is None else wire.to_ns(data.settlement_ts)
    was_closed_early = data.can_close_early and wire.market_status(data.status) not in _NOT_CLOSED
    scheduled_ns = None if was_closed_early else close_ns
    if settlement_ns is not None:
        close_ns = min(close_ns, settlement_ns)
    if close_ns <= open_ns:
        return None
    value = wire.yes_value(data.result, data.settlement_value_dollars)
    return MarketRow(
        ticker=data.ticker,
        event_ticker=data.event_ticker,
        series_ticker=series,
        category=category or None,
        title=data.title or data.yes_sub_title or None,
        floor_strike=data.floor_strike,
        open_ns=open_ns,
        close_ns=close_ns,
        scheduled_close_ns=scheduled_ns,
        result=None if value is None else {0: "no", PRICE_PER_DOLLAR: "yes"}.get(value, "scalar"),
        settlement_value=value,
        settlement_ns=settlement_ns,
        is_archived=in_archive,
        has_traded=settlement_ns is None or parse_count(data.volume_fp) > 0,
    )


_NOT_CLOSED = (MarketStatus.INITIALIZED, MarketStatus.ACTIVE, MarketStatus.INACTIVE)


def _candle_row(data: Candle | OldCandle, ticker: str) -> CandleRow:
    """Of an empty side either end of the scale is told; no bid is at a dollar and no ask at nothing."""
    bid, ask = parse_price(data.yes_bid.close_dollars), parse_price(data.yes_ask.close_dollars)
    price = data.price
    return CandleRow(
        ticker=ticker,
        end_ns=data.end_period_ts * NS_PER_S,
        open=_price(price.open_dollars),
        high=_price(price.high_dollars),
        low=_price(price.low_dollars),
        close=_price(price.close_dollars),
        bid=0 if bid == PRICE_PER_DOLLAR else bid,
        ask=PRICE_PER_DOLLAR if ask == 0 else ask,
        volume=parse_count(data.volume_fp),
    )


def _price(text: str | None) -> Price | None:
    return None if text is None else parse_price(text)


def _trade_row(data: market_data.Trade, ticker: str) -> TradeRow | None:
    """None for a block trade, which is agreed elsewhere and meets no order of the book."""
    if data.ticker != ticker:
        raise ValueError(f"a trade of {data.ticker} in the list of {ticker}")
    if data.is_block_trade:
        return None
    return TradeRow(
        trade_id=data.trade_id,
        ticker=ticker,
        ts_ns=wire.to_ns(data.created_time),
        price=parse_price(data.yes_price_dollars),
        count=wire.traded_count(data.count_fp),
        taker_side="yes" if data.taker_book_side is BookSide.BID else "no",
    )
