"""What the practice exchange remembers: orders, fills, trades and settlements."""

from __future__ import annotations

import msgspec

from console.domain.book import BookSide
from console.domain.fees import FeeAccumulator
from console.domain.market import FeeTerms, Outcome, Ticker
from console.domain.money import Cash, Count, Price
from console.domain.order import OrderStatus, SelfTradePrevention, TimeInForce


class OrderRequest(msgspec.Struct, frozen=True, kw_only=True):
    """An order as a client asked for it, its strings read."""

    ticker: Ticker
    side: BookSide
    price: Price
    count: Count
    time_in_force: TimeInForce
    self_trade_prevention: SelfTradePrevention
    client_order_id: str = ""
    post_only: bool = False
    reduce_only: bool = False
    cancel_on_pause: bool = False
    group_id: str | None = None
    expires_ns: int | None = None


class ExchangeOrder(msgspec.Struct, kw_only=True):
    """An order the exchange took; ``count`` is what it may trade at most, less than asked if reduce-only.

    Costs are at the price of the outcome bought.
    """

    order_id: str
    request: OrderRequest
    event_ticker: str
    terms: FeeTerms
    count: Count
    created_ns: int
    updated_ns: int
    status: OrderStatus = OrderStatus.RESTING
    reason: str = ""
    filled: Count = Count(0)
    taker_cost: Cash = Cash(0)
    maker_cost: Cash = Cash(0)
    taker_fees: Cash = Cash(0)
    maker_fees: Cash = Cash(0)
    rounding: FeeAccumulator = FeeAccumulator()

    @property
    def remaining(self) -> Count:
        """What may still fill; an ended order leaves nothing."""
        return Count(0) if self.status.is_terminal else Count(self.count - self.filled)


class Trade(msgspec.Struct, frozen=True):
    """A public trade."""

    trade_id: str
    ticker: Ticker
    price: Price
    count: Count
    taker_side: BookSide
    at_ns: int


class AccountFill(msgspec.Struct, frozen=True):
    """One execution of an order of the account; ``held_after`` is the signed position it left."""

    trade_id: str
    order: ExchangeOrder
    price: Price
    count: Count
    fee: Cash
    is_taker: bool
    held_after: Count
    at_ns: int


class AccountSettlement(msgspec.Struct, frozen=True):
    """A payout to the account for a signed position that had cost ``paid``."""

    ticker: Ticker
    event_ticker: str
    result: Outcome
    held: Count
    paid: Cash
    revenue: Cash
    fees: Cash
    at_ns: int
