"""Markets with what their event and series say of them; events and series are remembered for a while."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TypeVar

from console.domain.market import Market, MarketStatus, Ticker
from console.domain.ports import Clock, Universe, VenueError
from console.domain.time_units import NS_PER_S
from console.exchange import rest, wire
from console.exchange.failures import NOT_FOUND, RefusedReplyError
from console.exchange.http import Transport
from console.exchange.messages import market_data
from console.exchange.pages import read_all

log = logging.getLogger(__name__)

_REMEMBER_NS = 600 * NS_PER_S
_SERIES_WORTH_ONE_LIST = 20

Value = TypeVar("Value")


class _Memory(dict[str, tuple[int, Value]]):
    """Values by key with the time they were read; old ones are forgotten."""

    def missing(self, keys: Iterable[str], now_ns: int) -> list[str]:
        """Those of ``keys`` that must be read."""
        for old in [key for key, (read_ns, _) in self.items() if read_ns < now_ns - _REMEMBER_NS]:
            del self[old]
        return sorted(set(keys) - self.keys())


class Catalog:
    """Reads markets as records; raises VenueError."""

    def __init__(self, transport: Transport, wall_ns: Clock) -> None:
        self._transport = transport
        self._wall_ns = wall_ns
        self._events: _Memory[market_data.EventData] = _Memory()
        self._series: _Memory[market_data.Series] = _Memory()

    async def markets(self, universe: Universe) -> list[Market]:
        """The open markets of a universe; one whose data make no sense is left out and logged."""
        listed: dict[Ticker, market_data.Market] = {}
        for series in universe.series or (None,):
            request = self._request(universe, series)
            for data in await read_all(self._transport, request, lambda page: page.markets):
                listed[data.ticker] = data
        wanted = [data for data in listed.values() if self._is_wanted(data, universe)]
        await self._learn(data.event_ticker for data in wanted)
        markets = [market for data in wanted if (market := self._resolved(data)) is not None]
        return [m for m in markets if not universe.categories or m.category in universe.categories]

    async def market(self, ticker: Ticker) -> Market:
        data = (await self._transport.send(rest.one_market(ticker))).market
        await self._learn([data.event_ticker])
        market = self._resolved(data)
        if market is None:
            raise VenueError(f"market {ticker}: its data make no sense (see the log)")
        return market

    def _request(self, universe: Universe, series: str | None) -> rest.Request[market_data.MarketsReply]:
        if universe.max_seconds_to_close is None:
            return rest.open_markets(series)
        now_s = self._wall_ns() // NS_PER_S
        earliest_s = now_s + universe.min_seconds_to_close - 1
        return rest.markets_closing(series, earliest_s, now_s + universe.max_seconds_to_close + 1)

    def _is_wanted(self, data: market_data.Market, universe: Universe) -> bool:
        if wire.market_status(data.status) is not MarketStatus.ACTIVE:
            return False
        seconds_to_close = (wire.to_ns(data.close_time) - self._wall_ns()) / NS_PER_S
        longest = universe.max_seconds_to_close
        return universe.min_seconds_to_close <= seconds_to_close and (
            longest is None or seconds_to_close <= longest
        )

    async def _learn(self, event_tickers: Iterable[str]) -> None:
        """Read the events that are not known, and their series."""
        now_ns = self._wall_ns()
        wanted = set(event_tickers)
        missing = self._events.missing(wanted, now_ns)
        for start in range(0, len(missing), rest.EVENTS_PAGE_SIZE):
            request = rest.events(missing[start : start + rest.EVENTS_PAGE_SIZE])
            for event in await read_all(self._transport, request, lambda page: page.events):
                self._events[event.event_ticker] = (now_ns, event)
        for ticker in self._events.missing(wanted, now_ns):
            await self._learn_event(ticker, now_ns)
        events = (self._events[ticker][1] for ticker in wanted if ticker in self._events)
        await self._learn_series([event.series_ticker for event in events], now_ns)

    async def _learn_event(self, ticker: str, now_ns: int) -> None:
        try:
            reply = await self._transport.send(rest.one_event(ticker))
        except RefusedReplyError as error:
            if error.status != NOT_FOUND:
                raise
            log.warning("event %s has markets and is not there itself", ticker)
            return
        self._events[ticker] = (now_ns, reply.event)

    async def _learn_series(self, tickers: list[str], now_ns: int) -> None:
        missing = self._series.missing(tickers, now_ns)
        if len(missing) > _SERIES_WORTH_ONE_LIST:
            found = (await self._transport.send(rest.all_series())).series
        else:
            found = [(await self._transport.send(rest.one_series(ticker))).series for ticker in missing]
        for series in found:
            self._series[series.ticker] = (now_ns, series)

    def _resolved(self, data: market_data.Market) -> Market | None:
        try:
            event = self._events[data.event_ticker][1]
            return wire.market(data, event, self._series[event.series_ticker][1])
        except KeyError as error:
            log.warning("market %s is left out: %s is not listed", data.ticker, error)
        except ValueError as error:
            log.warning("market %s is left out: %s", data.ticker, error)
        return None
