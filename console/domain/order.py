"""Orders: what we intend, how far it got, and what the exchange reports."""

from __future__ import annotations

import enum

import msgspec

from console.domain.book import BookSide, Quote
from console.domain.market import Ticker
from console.domain.money import Cash, Count, Price, cost


class TimeInForce(enum.StrEnum):
    GOOD_TILL_CANCELED = "good_till_canceled"
    IMMEDIATE_OR_CANCEL = "immediate_or_cancel"
    FILL_OR_KILL = "fill_or_kill"


class SelfTradePrevention(enum.StrEnum):
    """``TAKER_AT_CROSS`` cancels the incoming order, ``MAKER`` our resting one."""

    TAKER_AT_CROSS = "taker_at_cross"
    MAKER = "maker"


class OrderStatus(enum.StrEnum):
    """Where an order is in its life; the last three are terminal and never reopen."""

    SENDING = "sending"
    UNKNOWN = "unknown"
    RESTING = "resting"
    EXECUTED = "executed"
    CANCELED = "canceled"
    REJECTED = "rejected"

    @property
    def is_terminal(self) -> bool:
        return self in (OrderStatus.EXECUTED, OrderStatus.CANCELED, OrderStatus.REJECTED)


class OrderIntent(msgspec.Struct, frozen=True):
    """An order as we mean to send it; it is on disk before a byte of it leaves.

    ``quote`` is the market at the moment of the decision, against which slippage is measured.
    ``win_probability`` is that of the outcome bought, as a price. ``expires_s`` is Unix seconds.
    """

    client_order_id: str
    ticker: Ticker
    side: BookSide
    price: Price
    count: Count
    time_in_force: TimeInForce
    quote: Quote
    win_probability: Price
    strategy: str
    group_id: str | None = None
    post_only: bool = False
    reduce_only: bool = False
    expires_s: int | None = None
    exchange_index: int = 0

    @property
    def worst_cost(self) -> Cash:
        """What the order costs at most, before fees, if all of it opens a position."""
        return cost(self.side.price_paid(self.price), self.count)


class Order(msgspec.Struct, frozen=True):
    """An order of ours and what is known of it."""

    intent: OrderIntent
    sent_ns: int
    status: OrderStatus
    order_id: str | None = None
    filled: Count = Count(0)
    reason: str = ""

    @property
    def leaves(self) -> Count:
        """What may still fill; a terminal order leaves nothing."""
        return Count(0) if self.status.is_terminal else Count(self.intent.count - self.filled)

    @property
    def reserved(self) -> Cash:
        """Worst cost of what may still fill, resting and unknown orders included."""
        return cost(self.intent.side.price_paid(self.intent.price), self.leaves)


class OrderReport(msgspec.Struct, frozen=True):
    """An order as the exchange lists it, ours or not."""

    order_id: str
    client_order_id: str
    ticker: Ticker
    side: BookSide
    price: Price
    status: OrderStatus
    filled: Count
    remaining: Count
    exchange_index: int = 0
    reason: str = ""


class Fill(msgspec.Struct, frozen=True):
    """One execution of one of our orders, at its YES price, with the fee the exchange charged."""

    fill_id: str
    order_id: str
    ticker: Ticker
    side: BookSide
    price: Price
    count: Count
    fee: Cash
    is_taker: bool
    at_ns: int

    @property
    def signed_count(self) -> Count:
        return Count(self.side.sign * self.count)


class Settlement(msgspec.Struct, frozen=True):
    """A market paid out ``yes_value`` for each YES and the rest of a dollar for each NO."""

    ticker: Ticker
    yes_value: Price
    at_ns: int


class PositionReport(msgspec.Struct, frozen=True):
    """A signed position as the exchange reports it, and the fees it has charged for it."""

    ticker: Ticker
    position: Count
    fees: Cash
