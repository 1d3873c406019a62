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

    def __init__(self, name: str) -> None:
        # Asked for at every step of every order, and an attribute is found much faster than members.
        self.is_terminal = name in ("executed", "canceled", "rejected")


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
    """An order of ours and what is known of it; a terminal order never changes again.

    ``filled`` counts the fills we have seen. ``ending`` is a terminal status the exchange reported while
    ``reported_filled`` still exceeds ``filled``: the order waits for its fills, so that nothing drops out
    of exposure in between. ``unknown_ns`` is when its outcome was found to be unknown.
    """

    intent: OrderIntent
    sent_ns: int
    status: OrderStatus
    order_id: str | None = None
    filled: Count = Count(0)
    reported_filled: Count = Count(0)
    ending: OrderStatus | None = None
    reason: str = ""
    unknown_ns: int | None = None

    @property
    def leaves(self) -> Count:
        """What may still fill; a terminal order leaves nothing."""
        if self.status.is_terminal:
            return Count(0)
        most = self.intent.count if self.ending is None else self.reported_filled
        return Count(max(0, most - self.filled))

    @property
    def reserved(self) -> Cash:
        """Worst cost of what may still fill, resting and unknown orders included."""
        return cost(self.intent.side.price_paid(self.intent.price), self.leaves)

    def acked(self, order_id: str) -> Order:
        status = self.status if self.status.is_terminal else OrderStatus.RESTING
        return msgspec.structs.replace(self, status=status, order_id=order_id)

    def rejected(self, reason: str) -> Order:
        """Refused for certain; an order that has filled cannot be refused any more."""
        if self.status.is_terminal or self.filled:
            return self
        return msgspec.structs.replace(self, status=OrderStatus.REJECTED, reason=reason)

    def lost_sight(self, reason: str, at_ns: int) -> Order:
        """Its outcome is unknown, unless the exchange has told of it before."""
        if self.status is not OrderStatus.SENDING:
            return self
        return msgspec.structs.replace(self, status=OrderStatus.UNKNOWN, reason=reason, unknown_ns=at_ns)

    def reported(self, order_id: str, status: OrderStatus, filled: Count, reason: str) -> Order:
        """What the exchange says; terminal once every reported fill was seen."""
        if self.status.is_terminal:
            return self
        ending = status if status.is_terminal else self.ending
        return msgspec.structs.replace(
            self,
            order_id=order_id,
            status=OrderStatus.RESTING,
            reported_filled=Count(max(self.reported_filled, filled)),
            ending=ending,
            reason=reason or self.reason,
        )._ended()

    def with_fill(self, order_id: str, count: Count) -> Order:
        """One more fill; the last contract ends the order."""
        filled = Count(self.filled + count)
        changed = msgspec.structs.replace(self, order_id=order_id, filled=filled)
        if changed.status.is_terminal:
            return changed
        if filled >= self.intent.count:
            return msgspec.structs.replace(changed, status=OrderStatus.EXECUTED)
        return msgspec.structs.replace(changed, status=OrderStatus.RESTING)._ended()

    def _ended(self) -> Order:
        if self.ending is None or self.filled < self.reported_filled:
            return self
        return msgspec.structs.replace(self, status=self.ending)


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


class Settlement(msgspec.Struct, frozen=True):
    """A market paid out ``yes_value`` for each YES and the rest of a dollar for each NO.

    ``fee`` is what settling itself was charged: nothing at Kalshi, whose settlements repeat the fees of the
    fills.
    """

    ticker: Ticker
    yes_value: Price
    at_ns: int
    fee: Cash = Cash(0)


class PositionReport(msgspec.Struct, frozen=True):
    """A signed position as the exchange reports it, the fees charged for it, and what was paid for it."""

    ticker: Ticker
    position: Count
    fees: Cash
    paid: Cash
