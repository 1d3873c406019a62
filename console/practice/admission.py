"""Which orders the exchange takes."""

from __future__ import annotations

from console.domain.money import Count
from console.domain.order import TimeInForce
from console.practice.account import Account
from console.practice.errors import RefusedError
from console.practice.groups import OrderGroups
from console.practice.market import ListedMarket
from console.practice.records import OrderRequest

# No date can be written after the year 9999.
_END_OF_TIME_NS = 253_402_300_800 * 10**9


def admit(
    request: OrderRequest,
    count: Count,
    market: ListedMarket,
    account: Account,
    groups: OrderGroups,
    now_ns: int,
) -> None:
    """Raise RefusedError unless an order of an open market is well formed, new, allowed and paid for.

    ``count`` is what it may trade.
    """
    if not market.definition.grid.contains(request.price):
        raise RefusedError(400, "invalid_price", "the price is not on the market's price grid")
    if request.count <= 0:
        raise RefusedError(400, "invalid_order_size", "the count must be at least 0.01")
    _check_terms(request, now_ns)
    if request.client_order_id and account.knows_client_order_id(request.client_order_id):
        raise RefusedError(
            409, "order_already_exists", f"client_order_id {request.client_order_id} was used before"
        )
    if request.group_id is not None:
        groups.admit(request.group_id)
    if not account.can_afford(request, count, market.definition):
        raise RefusedError(400, "insufficient_balance", "the balance does not cover this order")


def _check_terms(request: OrderRequest, now_ns: int) -> None:
    immediate = request.time_in_force is not TimeInForce.GOOD_TILL_CANCELED
    expires_ns = request.expires_ns
    if expires_ns is not None and (immediate or not now_ns < expires_ns < _END_OF_TIME_NS):
        raise RefusedError(
            400, "invalid_order", "expiration_time needs good_till_canceled and a time to come"
        )
    if immediate and request.post_only:
        raise RefusedError(400, "invalid_order", "post_only needs good_till_canceled")
    if request.reduce_only and not immediate:
        raise RefusedError(400, "invalid_order", "reduce_only needs immediate_or_cancel or fill_or_kill")
