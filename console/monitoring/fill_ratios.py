"""How much of what was ordered was filled."""

from __future__ import annotations

from collections import Counter

import msgspec

from console.domain.money import COUNT_PER_CONTRACT
from console.monitoring.records import Records


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


def fill_ratios(records: Records) -> list[FillRatio]:
    """Of all orders sent in the period, makers and takers apart; nothing for a role that sent none.

    Those in markets that are left out are not counted, as their fills are not.
    """
    left_out = set(records.left_out)
    ours = [each.intent for each in records.decisions if each.intent.ticker not in left_out]
    filled: Counter[str] = Counter()
    for record in records.fills:
        filled[record.intent.client_order_id] += record.fill.count
    rows = []
    for role, is_maker in (("maker", True), ("taker", False)):
        sent = [intent for intent in ours if intent.post_only is is_maker]
        asked = sum(intent.count for intent in sent)
        if not asked:
            continue
        got = [filled[intent.client_order_id] for intent in sent]
        rows.append(
            FillRatio(
                role=role,
                orders=len(sent),
                filled_orders=sum(count > 0 for count in got),
                n_contracts=asked / COUNT_PER_CONTRACT,
                filled_contracts=sum(got) / COUNT_PER_CONTRACT,
                of_orders=sum(count > 0 for count in got) / len(sent),
                of_contracts=sum(got) / asked,
            )
        )
    return rows
