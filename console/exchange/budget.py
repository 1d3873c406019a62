"""Our side of the exchange's token buckets, so that it does not have to refuse us.

Cancels and order-group calls never wait, and new orders leave them a share of the write bucket.
"""

from __future__ import annotations

import asyncio
import re
import time

from console.domain.ports import Clock, Tokens
from console.domain.time_units import NS_PER_S
from console.exchange.messages.account import AccountLimitsReply, BucketLimit
from console.exchange.messages.market_data import EndpointCostsReply

RESERVED_FOR_CANCELS = 0.3
_BASE_PATH = "/trade-api/v2"
_BASIC_READ = BucketLimit(refill_rate=200, bucket_capacity=400)
_BASIC_WRITE = BucketLimit(refill_rate=100, bucket_capacity=100)
_DEFAULT_COST = 10


class TokenBucket:
    """Tokens that come back continuously up to a capacity; an urgent taker may overdraw."""

    def __init__(self, limit: BucketLimit, monotonic_ns: Clock) -> None:
        self.limit = limit
        self._monotonic_ns = monotonic_ns
        self._tokens = float(limit.bucket_capacity)
        self._filled_ns = monotonic_ns()

    def wait_s(self, cost: int, keep: float) -> float:
        """How long until ``cost`` can be taken with ``keep`` tokens left."""
        self._refill()
        needed = min(cost + keep, float(max(cost, self.limit.bucket_capacity)))
        return max(0.0, needed - self._tokens) / self.limit.refill_rate

    def take(self, cost: int) -> None:
        self._refill()
        self._tokens -= cost

    @property
    def left(self) -> int:
        """Whole tokens there are now; none while an urgent taker's are owed."""
        self._refill()
        return max(0, int(self._tokens))

    def _refill(self) -> None:
        now_ns = self._monotonic_ns()
        gained = (now_ns - self._filled_ns) / NS_PER_S * self.limit.refill_rate
        self._tokens = min(float(self.limit.bucket_capacity), self._tokens + gained)
        self._filled_ns = now_ns


class Budget:
    """Both buckets and what each endpoint costs; the smallest tier's until the account's are known."""

    def __init__(self, monotonic_ns: Clock = time.monotonic_ns) -> None:
        self._monotonic_ns = monotonic_ns
        self._read = TokenBucket(_BASIC_READ, monotonic_ns)
        self._write = TokenBucket(_BASIC_WRITE, monotonic_ns)
        self._default_cost = _DEFAULT_COST
        self._costs: list[tuple[str, re.Pattern[str], int]] = []

    def use(self, limits: AccountLimitsReply, costs: EndpointCostsReply) -> None:
        """Take the account's own limits and costs; a limit that stays keeps the tokens it has."""
        if limits.read != self._read.limit:
            self._read = TokenBucket(limits.read, self._monotonic_ns)
        if limits.write != self._write.limit:
            self._write = TokenBucket(limits.write, self._monotonic_ns)
        self._default_cost = costs.default_cost
        self._costs = [(c.method.upper(), _path_pattern(c.path), c.cost) for c in costs.endpoint_costs]

    def left(self) -> Tokens:
        """What is left in each bucket, of its capacity."""
        read, write = self._read, self._write
        return Tokens(read.left, read.limit.bucket_capacity, write.left, write.limit.bucket_capacity)

    def cost(self, method: str, path: str) -> int:
        """Tokens of a request; ``path`` is relative to the base address."""
        for known_method, pattern, cost in self._costs:
            if known_method == method and pattern.fullmatch(path):
                return cost
        return self._default_cost

    async def admit(self, method: str, path: str, *, urgent: bool) -> None:
        """Wait until a request may be sent, and take its tokens; an urgent one does not wait."""
        cost = self.cost(method, path)
        bucket = self._read if method == "GET" else self._write
        keep = 0.0 if method == "GET" else RESERVED_FOR_CANCELS * bucket.limit.bucket_capacity
        while not urgent and (wait_s := bucket.wait_s(cost, keep)) > 0:  # noqa: ASYNC110 - no event, only time
            await asyncio.sleep(wait_s)
        bucket.take(cost)


def _path_pattern(path: str) -> re.Pattern[str]:
    """``/orders/:id/*rest`` as a pattern: a name stands for one segment, a star for any."""
    parts = path.removeprefix(_BASE_PATH).split("/")
    rendered = (".+" if p[:1] == "*" else "[^/]+" if p[:1] == ":" else re.escape(p) for p in parts)
    return re.compile("/".join(rendered))
