"""Which orders the exchange would not take."""

from __future__ import annotations

from console.domain.fees import UnknownFeeTypeError
from console.domain.market import Market
from console.domain.order import OrderIntent, TimeInForce
from console.domain.time_units import NS_PER_S
from console.simulation.ledger import Ledger


def refusal(
    intent: OrderIntent, market: Market | None, ledger: Ledger, now_ns: int, *, is_group_open: bool
) -> str | None:
    """The exchange's code for an order that its market or the account would not take, or None."""
    if market is None:
        return "market_not_found"
    if not market.is_open(now_ns):
        return "market_inactive"
    rests = intent.time_in_force is TimeInForce.GOOD_TILL_CANCELED
    if intent.count <= 0 or not market.grid.contains(intent.price) or (intent.reduce_only and rests):
        return "invalid_order"
    if intent.expires_s is not None and intent.expires_s * NS_PER_S <= now_ns:
        return "invalid_order"
    if not is_group_open:
        return "order_group_triggered"
    if market.fees is None:
        return "fee_unknown"
    try:
        affordable = ledger.can_afford(intent, market.fees)
    except UnknownFeeTypeError:
        return "fee_unknown"
    return None if affordable else "insufficient_balance"
