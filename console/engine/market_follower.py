"""Keeps the engine following the markets of its universe and those it holds."""

from __future__ import annotations

import logging

from console.domain.engine_events import GroupOpened
from console.domain.market import Ticker
from console.domain.market_events import MarketListed
from console.domain.ports import KeyRefusedError, VenueError, VenueRefusedError
from console.engine.core import Engine
from console.engine.crash_points import crash_point
from console.engine.outside import Outside, Step
from console.engine.run_file import RunFileError

log = logging.getLogger(__name__)


class MarketFollower:
    """Reads the universe, lists what is new, and subscribes to what the engine follows."""

    def __init__(self, engine: Engine, outside: Outside, step: Step) -> None:
        self._engine = engine
        self._out = outside
        self._step = step
        self._followed: set[Ticker] = set()
        self._unlisted: set[Ticker] = set()

    async def open_group(self, exchange_index: int) -> None:
        """Have an order group on a shard, without which nothing is sent there; raises VenueError.

        The run file must name it first: else no other process could halt what goes into it.
        """
        group_id = await self._out.venue.create_group(exchange_index)
        crash_point("group: created")
        if self._out.record is not None:
            try:
                self._out.record.add_group(exchange_index, group_id)
            except RunFileError as error:
                raise VenueError(f"no orders on shard {exchange_index}: {error}") from None
        crash_point("group: in the run file")
        self._step(GroupOpened(at_ns=self._out.wall_ns(), exchange_index=exchange_index, group_id=group_id))

    async def refresh(self) -> None:
        """Follow what is open, held or ordered, and stop following what is over; raises VenueError."""
        engine, venue = self._engine, self._out.venue
        listed = {market.ticker: market for market in await venue.markets(self._out.universe)}
        ordered = {order.intent.ticker for order in engine.account.open_orders}
        for ticker in sorted(engine.account.held.keys() | ordered):
            if ticker not in listed and ticker not in self._followed | self._unlisted:
                try:
                    listed[ticker] = await venue.market(ticker)
                except KeyRefusedError:
                    raise
                except VenueRefusedError as refusal:
                    # What is ours there counts as a group of its own; the other markets go on.
                    log.warning("%s is not followed: %s", ticker, refusal)
                    self._unlisted.add(ticker)
        for market in listed.values():
            if engine.markets.get(market.ticker) != market:
                self._step(MarketListed(at_ns=self._out.wall_ns(), market=market))
        for shard in {market.exchange_index for market in listed.values()} - engine.group_ids.keys():
            await self.open_group(shard)
        wanted = set(engine.markets.tickers)
        await self._out.feed.subscribe(sorted(wanted - self._followed))
        await self._out.feed.unsubscribe(sorted(self._followed - wanted))
        self._followed = wanted
