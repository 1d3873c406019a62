"""What goes to the venue for orders: one request an order, and cancels that may be repeated."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from console.domain.account_events import DENIED, OrderRejected
from console.domain.engine_events import KeyRefused
from console.domain.market import Ticker
from console.domain.order import OrderIntent, OrderStatus
from console.domain.ports import KEY_REFUSED, VenueError
from console.engine.core import Engine
from console.engine.crash_points import crash_point
from console.engine.outside import Outside, Step

_CLOSING_RETRY_S = 0.25


class OrderSender:
    """Sends orders through the gate and cancels them; ``note_error`` is told what failed."""

    def __init__(
        self, engine: Engine, outside: Outside, step: Step, note_error: Callable[[str, VenueError], None]
    ) -> None:
        self.round_trip_ns: int | None = None
        self._engine = engine
        self._out = outside
        self._step = step
        self._note_error = note_error
        self._under_way: set[asyncio.Task[None]] = set()

    def submit(self, intent: OrderIntent, jobs: asyncio.TaskGroup) -> None:
        """Send an order in a task of its own."""
        task = jobs.create_task(self._submit(intent))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _submit(self, intent: OrderIntent) -> None:
        started_ns = self._out.monotonic_ns()
        if self._out.gate.permits(reduce_only=intent.reduce_only):
            crash_point("order: before request")
            outcome = await self._out.venue.submit(intent)
            crash_point("order: answered")
            self.round_trip_ns = self._out.monotonic_ns() - started_ns
        else:
            outcome = OrderRejected(
                at_ns=self._out.wall_ns(),
                client_order_id=intent.client_order_id,
                code=DENIED,
                message="halted before it was sent",
            )
        self._step(outcome)
        if isinstance(outcome, OrderRejected) and outcome.code == KEY_REFUSED:
            self._step(KeyRefused(at_ns=outcome.at_ns, reason=outcome.message))

    async def cancel(self, order_id: str, ticker: Ticker, exchange_index: int) -> None:
        crash_point("cancel: before request")
        try:
            await self._out.venue.cancel(order_id, ticker, exchange_index)
            crash_point("cancel: answered")
        except VenueError as error:
            self._note_error("cancel", error)

    async def cancel_resting(self) -> int | None:
        """Cancel until a list holds none of ours: how many it holds at last, None if that is not known.

        The gate must be closed; orders that passed it before are waited for, so that none comes to rest
        after the list.
        """
        if self._under_way:
            await asyncio.wait(self._under_way)
        left = await self._cancel_listed()
        while left:
            await asyncio.sleep(_CLOSING_RETRY_S)
            left = await self._cancel_listed()
        return left

    async def _cancel_listed(self) -> int | None:
        try:
            listed = await self._out.venue.orders(self._out.wall_ns())
        except VenueError as error:
            self._note_error("orders", error)
            return None
        resting = [order for order in listed if order.status is OrderStatus.RESTING]
        ours = [order for order in resting if order.client_order_id in self._engine.account.orders]
        # All at once: a run that is told to end has only seconds.
        async with asyncio.TaskGroup() as cancels:
            for order in ours:
                cancels.create_task(self.cancel(order.order_id, order.ticker, order.exchange_index))
        return len(ours)
