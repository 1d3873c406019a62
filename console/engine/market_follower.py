"""Keeps the engine following the markets of its universe and those it holds."""

from __future__ import annotations

from console.domain.events import GroupOpened, MarketListed
from console.domain.market import Ticker
from console.engine.core import Engine
from console.engine.outside import Outside, Step


class MarketFollower:
    """Reads the universe, lists what is new, and subscribes to what the engine follows."""

    def __init__(self, engine: Engine, outside: Outside, step: Step) -> None:
        self._engine = engine
        self._out = outside
        self._step = step
        self._followed: set[Ticker] = set()

    async def open_group(self, exchange_index: int) -> None:
        """Have an order group on a shard, without which nothing is sent there; raises VenueError."""
        group_id = await self._out.venue.create_group(exchange_index)
        self._step(GroupOpened(at_ns=self._out.wall_ns(), exchange_index=exchange_index, group_id=group_id))

    async def refresh(self) -> None:
        """Follow what is open, held or ordered, and stop following what is over; raises VenueError."""
        engine, venue = self._engine, self._out.venue
        listed = {market.ticker: market for market in await venue.markets(self._out.universe)}
        ordered = {order.intent.ticker for order in engine.account.open_orders}
        for ticker in sorted(engine.account.held.keys() | ordered):
            if ticker not in listed and ticker not in self._followed:
                listed[ticker] = await venue.market(ticker)
        for market in listed.values():
            if engine.markets.get(market.ticker) != market:
                self._step(MarketListed(at_ns=self._out.wall_ns(), market=market))
        for shard in {market.exchange_index for market in listed.values()} - engine.group_ids.keys():
            await self.open_group(shard)
        wanted = set(engine.markets.tickers)
        await self._out.feed.subscribe(sorted(wanted - self._followed))
        await self._out.feed.unsubscribe(sorted(self._followed - wanted))
        self._followed = wanted
