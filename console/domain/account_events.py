"""What becomes of our orders and our account."""

from __future__ import annotations

from console.domain.event import Event
from console.domain.market import Market
from console.domain.money import Cash, Count
from console.domain.order import Fill, OrderIntent, OrderReport, OrderStatus, PositionReport, Settlement


class RunStarted(Event, frozen=True):
    """A program of this version began to trade with settings of this hash."""

    program: str
    settings: str


class AccountOpened(Event, frozen=True):
    """This run trades the account ``account``, which is new to the journal, with ``cash`` in it.

    What it held then was not bought by us and counts all the same; ``earlier_fills`` are the newest fills
    that the cash and the positions hold already. Positions, orders and fills of another account are not this
    one's; latches are.
    """

    account: str
    cash: Cash
    positions: tuple[PositionReport, ...] = ()
    earlier_fills: tuple[str, ...] = ()


class AccountRead(Event, frozen=True):
    """Everything the exchange listed up to ``read_ns`` was taken: a later read may begin shortly before."""

    read_ns: int


class MarketTraded(Event, frozen=True):
    """What a market was when we first meant to trade in it, or held something there; its correlated group."""

    market: Market
    group: str


class OrderIntended(Event, frozen=True):
    """We mean to send this order; on disk before it is sent."""

    intent: OrderIntent


class OrderAcked(Event, frozen=True):
    """The exchange took the order and gave it an id."""

    client_order_id: str
    order_id: str


DENIED = "denied"
NEVER_PLACED = "never_placed"
"""Codes of rejections that are ours, not the exchange's: such an order was not sent."""


class OrderRejected(Event, frozen=True):
    """The exchange refused the order for certain: it does not exist there."""

    client_order_id: str
    code: str
    message: str


class OrderBecameUnknown(Event, frozen=True):
    """The order was sent and its outcome is not known: it may exist."""

    client_order_id: str
    reason: str


class OrderReported(Event, frozen=True):
    """The exchange says where an order of ours is in its life."""

    client_order_id: str
    order_id: str
    status: OrderStatus
    filled: Count
    reason: str = ""


class OrderAdopted(Event, frozen=True):
    """The exchange has an order under an id of ours that the journal does not know; it is ours from now on.

    ``intent`` is what its listing tells, ``filled`` what had filled before the fills that are still told.
    """

    intent: OrderIntent
    order_id: str
    filled: Count


class OrderFilled(Event, frozen=True):
    """An order of ours traded; the same fill may be told more than once."""

    client_order_id: str
    fill: Fill


class ExternalFilled(Event, frozen=True):
    """An order that is not ours traded on our account."""

    fill: Fill


class ExternalOrdersListed(Event, frozen=True):
    """Every resting order of the account that is not ours; they count, and are never touched.

    ``foreign`` names one that another kconsole placed, resting or new; empty when there is none.
    """

    orders: tuple[OrderReport, ...]
    foreign: str = ""


class DifferencesFound(Event, frozen=True):
    """What the exchange knew better when the run started, one line each; all of it was taken."""

    differences: tuple[str, ...]


class MarketSettled(Event, frozen=True):
    """A market paid out."""

    settlement: Settlement


class BalanceRead(Event, frozen=True):
    """The exchange's own figure for our cash."""

    cash: Cash


class PositionsCompared(Event, frozen=True):
    """The exchange's positions were held against ours; ``mismatch`` says how they differ, empty when not."""

    mismatch: str = ""


class ClockSkewRead(Event, frozen=True):
    """How far our clock is ahead of the exchange's, in milliseconds; None when its answers do not tell."""

    skew_ms: int | None
