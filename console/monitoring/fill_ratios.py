"""How much of what was ordered was filled."""

from __future__ import annotations

from collections import Counter

import msgspec

from console.domain.money import COUNT_PER_CONTRACT
from console.domain.order import OrderIntent
from console.monitoring.records import Records

_ROLES = ("maker", "taker")


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
    """What fill ratios are made from, makers and takers apart."""

    def __init__(self) -> None:
        self._of = {role: [0, 0, 0, 0] for role in _ROLES}

    def add(self, intent: OrderIntent, sign: int = 1) -> None:
        """An order that was sent, before any fill of it."""
        sums = self._of[_role(intent)]
        sums[0] += sign
        sums[1] += sign * intent.count

    def fill(self, intent: OrderIntent, count: int, *, is_first: bool) -> None:
        """So many contracts of an order, and whether none of it was filled before."""
        sums = self._of[_role(intent)]
        sums[2] += is_first
        sums[3] += count

    def join(self, other: OrderSums, sign: int = 1) -> None:
        """Take another's orders in, or away again."""
        for role, sums in self._of.items():
            for place, each in enumerate(other._of[role]):
                sums[place] += sign * each

    def ratios(self) -> list[FillRatio]:
        """Nothing for a role that sent none."""
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
            for role, (orders, asked, filled, got) in self._of.items()
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


def _role(intent: OrderIntent) -> str:
    return _ROLES[not intent.post_only]
