"""Order groups: the exchange's own circuit breaker over a client's orders."""

from __future__ import annotations

import uuid
from collections import deque

from console.domain.money import Count
from console.domain.time_units import NS_PER_S
from console.practice.errors import RefusedError, not_found

_WINDOW_NS = 15 * NS_PER_S


class OrderGroup:
    """Cancels its orders and refuses new ones once too much was filled within 15 seconds."""

    def __init__(self, limit: Count) -> None:
        self.group_id = str(uuid.uuid4())
        self.limit = limit
        self.triggered = False
        self._fills: deque[tuple[int, Count]] = deque()

    def record(self, count: Count, now_ns: int) -> None:
        """Count a fill of one of its orders."""
        self._fills.append((now_ns, count))

    def exceeds(self, now_ns: int) -> bool:
        """Whether more was filled within the window than the limit allows."""
        while self._fills and self._fills[0][0] <= now_ns - _WINDOW_NS:
            self._fills.popleft()
        return sum(count for _, count in self._fills) > self.limit

    def reset(self) -> None:
        self.triggered = False
        self._fills.clear()


class OrderGroups:
    """The account's groups by id."""

    def __init__(self) -> None:
        self._groups: dict[str, OrderGroup] = {}

    def create(self, limit: Count) -> OrderGroup:
        group = OrderGroup(limit)
        self._groups[group.group_id] = group
        return group

    def all(self) -> list[OrderGroup]:
        return list(self._groups.values())

    def get(self, group_id: str) -> OrderGroup:
        """A group, or RefusedError (404)."""
        if group_id not in self._groups:
            raise not_found(f"order group {group_id}")
        return self._groups[group_id]

    def delete(self, group_id: str) -> None:
        del self._groups[group_id]

    def admit(self, group_id: str) -> None:
        """Raise RefusedError unless the group takes orders now."""
        if group_id not in self._groups:
            raise RefusedError(404, "order_group_not_found", f"order group {group_id} not found")
        if self._groups[group_id].triggered:
            raise RefusedError(
                400,
                "exceeded_order_group_risk_limit",
                f"order group {group_id} was triggered and takes no orders until it is reset",
            )
