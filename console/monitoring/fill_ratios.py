"""How much of what was ordered was filled."""

from __future__ import annotations

from collections import Counter

import msgspec

from console.domain.money import COUNT_PER_CONTRACT
from console.domain.order import OrderIntent
from console.monitoring.records import Records

_ROLES = ("maker", "taker")
_SUMS = 4


class FillRatio(msgspec.Struct, frozen=True, kw_only=True):
    """Orders of one role, as they were sent; one that was renewed counts each time.

    ``of_orders`` is the share of them that filled at all, ``of_contracts`` that of what they asked for.
    """

    role: str
    orders: int
    filled_orders: int
    n_contracts: float
    filled_contracts: float
    of_orders: float
    of_contracts: float


class OrderSums:
    """What fill ratios are made from, makers and takers apart.

    Orders, what they asked for, those that filled and what they got: of makers, then of takers. There is one
    of these for every market that was ever traded.
    """

    __slots__ = ("_of",)

    def __init__(self) -> None:
        self._of = [0] * (len(_ROLES) * _SUMS)

    def add(self, intent: OrderIntent, sign: int = 1) -> None:
        """An order that was sent, before any fill of it."""
        first = _first(intent)
        self._of[first] += sign
        self._of[first + 1] += sign * intent.count

    def fill(self, intent: OrderIntent, count: int, *, is_first: bool) -> None:
        """So many contracts of an order, and whether none of it was filled before."""
        first = _first(intent)
        self._of[first + 2] += is_first
        self._of[first + 3] += count

    def join(self, other: OrderSums, sign: int = 1) -> None:
        """Take another's orders in, or away again."""
        for place, each in enumerate(other._of):
            self._of[place] += sign * each

    def ratios(self) -> list[FillRatio]:
        """Nothing for a role that sent none."""
        batched = (self._of[first : first + _SUMS] for first in range(0, len(self._of), _SUMS))
        return [
            FillRatio(
                role=role,
                orders=orders,
                filled_orders=filled,
                n_contracts=asked / COUNT_PER_CONTRACT,
                filled_contracts=got / COUNT_PER_CONTRACT,
                of_orders=filled / orders,
                of_contracts=got / asked,
            )
            for role, (orders, asked, filled, got) in zip(_ROLES, batched, strict=True)
            if asked
        ]


def orders_of(records: Records) -> OrderSums:
    """Of all orders sent in the period.

    Those in markets that are left out are not counted, as their fills are not.
    """
    left_out, sums = set(records.left_out), OrderSums()
    filled: Counter[str] = Counter()
    for record in records.fills:
        filled[record.intent.client_order_id] += record.fill.count
    for intent in (each.intent for each in records.decisions):
        if intent.ticker not in left_out:
            sums.add(intent)
            if got := filled[intent.client_order_id]:
                sums.fill(intent, got, is_first=True)
    return sums


def _first(intent: OrderIntent) -> int:
    """Where the sums of an order's role begin."""
    return 0 if intent.post_only else _SUMS
