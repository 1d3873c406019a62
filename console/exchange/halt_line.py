"""The halt's own line to Kalshi: blocking calls on a connection that nothing else uses."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from console.domain.market import Ticker
from console.domain.order import OrderReport
from console.exchange import rest
from console.exchange.clock import ServerClock
from console.exchange.failures import NOT_FOUND, RefusedReplyError
from console.exchange.hosts import Connection
from console.exchange.http import Transport
from console.exchange.signing import Signer
from console.exchange.venue import cancel, read_orders


class BlockingHaltLine:
    """Implements ``HaltLine``; no token budget holds it back, and each request has a total deadline.

    It runs an event loop of its own, so it is for threads that run none.
    """

    def __init__(
        self, connection: Connection, signer: Signer, clock: ServerClock, *, deadline_s: float
    ) -> None:
        self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self._transport = Transport(connection.rest, signer, clock, deadline_s=deadline_s)

    def trigger_group(self, group_id: str, exchange_index: int) -> None:
        """Where that is refused the group is deleted, which cancels as well; one that is gone has no orders.

        Raises VenueError.
        """
        self._runner.run(self._trigger_group(group_id, exchange_index))

    async def _trigger_group(self, group_id: str, exchange_index: int) -> None:
        try:
            await self._transport.send(rest.trigger_group(group_id, exchange_index))
        except RefusedReplyError as refusal:
            if refusal.status != NOT_FOUND:
                await self._delete_group(group_id, exchange_index)

    async def _delete_group(self, group_id: str, exchange_index: int) -> None:
        try:
            await self._transport.send(rest.delete_group(group_id, exchange_index))
        except RefusedReplyError as refusal:
            if refusal.status != NOT_FOUND:
                raise

    def resting(self) -> Sequence[OrderReport]:
        return self._runner.run(read_orders(self._transport, rest.resting_orders()))

    def cancel(self, order_id: str, ticker: Ticker, exchange_index: int) -> None:
        self._runner.run(cancel(self._transport, order_id, ticker, exchange_index))

    def close(self) -> None:
        self._runner.run(self._transport.close())
        self._runner.close()
