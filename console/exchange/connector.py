"""Kalshi by blocking calls, for a caller that has no event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from console.domain.book import Quote
from console.domain.market import Market, Ticker
from console.domain.money import Cash
from console.domain.order import Fill, OrderIntent, OrderReport
from console.domain.ports import SubmitOutcome, Universe, VenueError
from console.exchange.venue import KalshiVenue

_FILLS_WITHIN_S = 5.0
_LOOK_EVERY_S = 0.1


class BlockingConnector:
    """One venue with an event loop of its own, so it is for threads that run none; close it in the end."""

    def __init__(self, venue: KalshiVenue, universe: Universe) -> None:
        self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self._venue = venue
        self._universe = universe

    def now_ns(self) -> int:
        return time.time_ns()

    def balance(self) -> Cash:
        return self._runner.run(self._venue.balance())

    def markets(self) -> Sequence[Market]:
        """The open markets of the universe; raises VenueError."""
        return self._runner.run(self._venue.markets(self._universe))

    def quote(self, ticker: Ticker) -> Quote:
        """The best prices now; raises VenueError."""
        return self._runner.run(self._venue.quote(ticker))

    def submit(self, intent: OrderIntent) -> SubmitOutcome:
        """Send one order, once."""
        return self._runner.run(self._venue.submit(intent))

    def fills(self, order_id: str) -> Sequence[Fill]:
        """Every fill of an order that has ended; raises VenueError when they are not all listed in time."""
        return self._runner.run(self._fills(order_id))

    async def _fills(self, order_id: str) -> Sequence[Fill]:
        # Lists may lag the exchange's own writes.
        deadline = time.monotonic() + _FILLS_WITHIN_S
        while time.monotonic() < deadline:
            order = await self._order(order_id)
            fills = [fill for fill in await self._venue.fills() if fill.order_id == order_id]
            filled = order.filled if order is not None and order.status.is_terminal else None
            if sum(fill.count for fill in fills) == filled:
                return fills
            await asyncio.sleep(_LOOK_EVERY_S)
        raise VenueError(f"order {order_id}: its fills were not listed within {_FILLS_WITHIN_S:.0f} s")

    async def _order(self, order_id: str) -> OrderReport | None:
        return next((o for o in await self._venue.orders() if o.order_id == order_id), None)

    def close(self) -> None:
        self._runner.run(self._venue.close())
        self._runner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
