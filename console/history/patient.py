"""Reads that go on through an outage, at a pace that leaves room for others."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable

from console.domain.ports import Clock, VenueError, VenueRefusedError
from console.exchange import rest
from console.exchange.budget import Budget
from console.exchange.clock import ServerClock
from console.exchange.failures import NotUnderstoodError
from console.exchange.http import Transport
from console.exchange.messages.account import AccountLimitsReply, BucketLimit
from console.exchange.rest import Reply, Request

PATIENCE_S = 120.0
HALF_OF_BASIC = BucketLimit(refill_rate=100, bucket_capacity=200)
"""Half of what the exchange gives everybody: the other half is a console's, should both count as one."""

_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 10.0


class PatientReader:
    """Reads what is public, without a key; ``tell`` hears what it waits for.

    A read that fails for a reason that may pass is repeated until ``patience_s`` after its first failure.
    """

    def __init__(
        self,
        address: str,
        *,
        deadline_s: float,
        tell: Callable[[str], None],
        patience_s: float = PATIENCE_S,
        pace: BucketLimit = HALF_OF_BASIC,
        wall_ns: Clock = time.time_ns,
    ) -> None:
        self._budget = Budget()
        self._pace = pace
        self._transport = Transport(
            address, None, ServerClock(wall_ns), deadline_s=deadline_s, budget=self._budget
        )
        self._tell = tell
        self._patience_s = patience_s
        self.requests = 0

    async def keep_pace(self) -> None:
        """Learn what requests cost; raises VenueError at once where there is no exchange."""
        self.requests += 1
        costs = await self._transport.send(rest.endpoint_costs())
        limits = AccountLimitsReply(usage_tier="", read=self._pace, write=self._pace, grants=[])
        self._budget.use(limits, costs)

    async def send(self, request: Request[Reply]) -> Reply:
        """The reply; raises VenueError for a refusal, nonsense, or when patience is over."""
        until: float | None = None
        pause_s = _FIRST_PAUSE_S
        while True:
            self.requests += 1
            try:
                return await self._transport.send(request)
            except (VenueRefusedError, NotUnderstoodError):
                raise
            except VenueError as error:
                now = time.monotonic()
                until = now + self._patience_s if until is None else until
                if now >= until:
                    raise
                self._tell(f"waiting: {error}")
            await asyncio.sleep(random.uniform(pause_s / 2, pause_s))  # noqa: S311 - jitter
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    async def close(self) -> None:
        await self._transport.close()
