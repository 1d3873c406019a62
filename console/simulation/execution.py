"""An order as it arrives in a market, and what becomes of it there."""

from __future__ import annotations

import enum

import msgspec

from console.domain.book import BookSide
from console.domain.money import Count, Price
from console.domain.order import SelfTradePrevention, TimeInForce


class CancelReason(enum.StrEnum):
    """Why the matching ended an order; the values are Kalshi's ``last_update_reason``."""

    UNFILLED = ""
    POST_ONLY_CROSS = "PostOnlyCrossCancel"
    SELF_TRADE = "SelfTradeCancel"


class QueueModel(enum.StrEnum):
    """How a resting order moves up: by trades alone, or also by its share of what others cancel."""

    PESSIMISTIC = "pessimistic"
    PROPORTIONAL = "proportional"


class NewOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order as it arrives."""

    order_id: str
    side: BookSide
    price: Price
    count: Count
    time_in_force: TimeInForce = TimeInForce.GOOD_TILL_CANCELED
    self_trade_prevention: SelfTradePrevention = SelfTradePrevention.TAKER_AT_CROSS
    post_only: bool = False


class Execution(msgspec.Struct, frozen=True):
    """A trade of one of our orders at a YES price.

    ``is_printed`` tells a maker's that a trade of others made from one that a crossing display made.
    """

    order_id: str
    price: Price
    count: Count
    is_taker: bool
    is_printed: bool = False


class Cancellation(msgspec.Struct, frozen=True):
    """The matching ended an order with ``count`` unfilled."""

    order_id: str
    count: Count
    reason: CancelReason


class Outcome(msgspec.Struct, frozen=True):
    """What became of an arriving order: its trades, the orders it ended, what of it rests."""

    executions: list[Execution]
    cancellations: list[Cancellation]
    resting: Count
