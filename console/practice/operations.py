"""Kalshi's operations that the practice exchange refuses by name: not part of it, or ended by Kalshi."""

from __future__ import annotations

from collections.abc import Iterator

from starlette.requests import Request
from starlette.responses import Response

from console.practice.errors import RefusedError
from console.practice.requests import Handler

_NOT_PART = """
POST /account/api_usage_level/upgrade
GET /account/api_usage_level/volume_progress
POST /api_keys
GET /api_keys
POST /api_keys/generate
DELETE /api_keys/{api_key}
POST /communications/block-trade-proposals
GET /communications/block-trade-proposals
POST /communications/block-trade-proposals/{block_trade_proposal_id}/accept
GET /communications/id
POST /communications/quotes
GET /communications/quotes
DELETE /communications/quotes/{quote_id}
GET /communications/quotes/{quote_id}
PUT /communications/quotes/{quote_id}/accept
PUT /communications/quotes/{quote_id}/confirm
POST /communications/rfqs
GET /communications/rfqs
DELETE /communications/rfqs/{rfq_id}
GET /communications/rfqs/{rfq_id}
DELETE /communications/rfqs/{rfq_id}/quotes/{quote_id}
GET /communications/rfqs/{rfq_id}/quotes/{quote_id}
PUT /communications/rfqs/{rfq_id}/quotes/{quote_id}/accept
PUT /communications/rfqs/{rfq_id}/quotes/{quote_id}/confirm
GET /events/fee_changes
GET /events/multivariate
GET /events/{event_ticker}/metadata
GET /fcm/orders
GET /fcm/positions
GET /historical/markets
GET /historical/markets/{ticker}
GET /historical/markets/{ticker}/candlesticks
GET /historical/positions
GET /historical/trades
GET /incentive_programs
GET /live_data/batch
GET /live_data/events/{event_ticker}
GET /live_data/milestone/{milestone_id}
GET /live_data/milestone/{milestone_id}/game_stats
GET /live_data/weather/{city}
GET /live_data/{type}/milestone/{milestone_id}
GET /markets/candlesticks
GET /milestones
GET /milestones/{milestone_id}
GET /multivariate_event_collections
POST /multivariate_event_collections/{collection_ticker}
GET /multivariate_event_collections/{collection_ticker}
GET /portfolio/deposits
POST /portfolio/events/orders/batched
POST /portfolio/events/orders/{order_id}/amend
POST /portfolio/intra_exchange_instance_transfer
GET /portfolio/intra_exchange_instance_transfers
GET /portfolio/intra_exchange_instance_transfers/{transfer_id}
POST /portfolio/subaccounts
GET /portfolio/subaccounts/balances
PUT /portfolio/subaccounts/netting
GET /portfolio/subaccounts/netting
POST /portfolio/subaccounts/transfer
GET /portfolio/subaccounts/transfers
GET /portfolio/summary/total_resting_order_value
POST /portfolio/target_balance_allocation
GET /portfolio/target_balance_allocation
GET /portfolio/withdrawals
GET /search/filters_by_sport
GET /search/tags_by_categories
GET /series/{series_ticker}/events/{ticker}/candlesticks
GET /series/{series_ticker}/events/{ticker}/forecast_percentile_history
GET /series/{series_ticker}/markets/{ticker}/candlesticks
GET /structured_targets
GET /structured_targets/{structured_target_id}
"""

# The first version of the order endpoints; Kalshi answers 410 since June 2026.
_ENDED = """
POST /portfolio/orders
POST /portfolio/orders/batched
DELETE /portfolio/orders/batched
DELETE /portfolio/orders/{order_id}
POST /portfolio/orders/{order_id}/amend
POST /portfolio/orders/{order_id}/decrease
"""


async def _not_implemented(request: Request) -> Response:
    operation = f"{request.method} {request.url.path}"
    raise RefusedError(501, "not_implemented", f"{operation} is not part of the practice exchange")


async def _ended(request: Request) -> Response:
    raise RefusedError(
        410,
        "deprecated_v1_order_endpoint",
        "Please switch to the V2 endpoints",
        "https://docs.kalshi.com/api-reference/orders/create-order-v2",
    )


def table() -> list[tuple[str, str, Handler]]:
    """Every operation of Kalshi's that is refused; what no table has, Kalshi does not have either."""
    return [*_refused(_NOT_PART, _not_implemented), *_refused(_ENDED, _ended)]


def _refused(operations: str, handler: Handler) -> Iterator[tuple[str, str, Handler]]:
    for line in operations.split("\n"):
        if line:
            method, path = line.split(" ")
            yield method, path, handler
