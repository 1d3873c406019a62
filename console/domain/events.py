"""Everything that happens: what the engine is told, and which of it the journal keeps.

Every event carries ``at_ns``, the UTC time in nanoseconds at which it was learned; the engine has no other
clock. Events are immutable and are named in the past tense, except the operator's commands.
"""

from __future__ import annotations

import enum

import msgspec

from console.domain.book import Quote
from console.domain.market import Market, MarketStatus, Ticker
from console.domain.money import Cash, Count
from console.domain.order import Fill, OrderIntent, OrderStatus, Settlement


class Event(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Base of every event."""

    at_ns: int


# --- the market -------------------------------------------------------------------------------------


class MarketListed(Event, frozen=True):
    """A market of our universe is known, or its definition changed."""

    market: Market


class MarketStatusChanged(Event, frozen=True):
    """A market opened, paused, closed or was decided; a new close time comes with it, if any."""

    ticker: Ticker
    status: MarketStatus
    close_ns: int | None = None


class QuoteChanged(Event, frozen=True):
    """The top of a market's book, from a book whose sequence is intact."""

    ticker: Ticker
    quote: Quote


class FeedProved(Event, frozen=True):
    """The subscription showed that it is alive and its sequence intact: a message, a ping or a read."""


class FeedLost(Event, frozen=True):
    """The subscription broke or skipped a message: no book may be used until it is sent anew."""

    reason: str


class ExchangeStatusRead(Event, frozen=True):
    """What the exchange says of itself; times are nanoseconds UTC."""

    exchange_active: bool
    trading_active: bool
    resumes_ns: int | None = None
    pause_starts_ns: int | None = None


# --- our orders and our account ---------------------------------------------------------------------


class AccountOpened(Event, frozen=True):
    """This run trades the account ``account``, which is new to the journal, with ``cash`` in it.

    Positions, orders and fills of an earlier account are not this one's; latches are.
    """

    account: str
    cash: Cash


class OrderIntended(Event, frozen=True):
    """We mean to send this order; on disk before it is sent."""

    intent: OrderIntent


class OrderAcked(Event, frozen=True):
    """The exchange took the order and gave it an id."""

    client_order_id: str
    order_id: str


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


class OrderFilled(Event, frozen=True):
    """An order of ours traded; the same fill may be told more than once."""

    client_order_id: str
    fill: Fill


class MarketSettled(Event, frozen=True):
    """A market paid out."""

    settlement: Settlement


class BalanceRead(Event, frozen=True):
    """The exchange's own figure for our cash."""

    cash: Cash


# --- the engine's own time and state ----------------------------------------------------------------


class TimerFired(Event, frozen=True):
    """A scan is due: everything that depends on marks is looked at."""


class ClockTicked(Event, frozen=True):
    """A second or less has passed: ages and deadlines are looked at."""


class GroupOpened(Event, frozen=True):
    """The exchange gave us an order group on a shard; orders there carry its id."""

    exchange_index: int
    group_id: str


class ErrorHappened(Event, frozen=True):
    """Something outside the engine failed in a way that is counted."""

    source: str
    message: str


class RiskDayBegan(Event, frozen=True):
    """A new day of the daily-loss limit began with this equity."""

    day: str
    equity: Cash


class EquityMarked(Event, frozen=True):
    """Equity at the marks of a scan, and the highest there has been."""

    equity: Cash
    high_water: Cash


class TradingState(enum.IntEnum):
    """From most to least permissive; the effective state is the highest of all latches."""

    RUNNING = 0
    PAUSED = 1
    REDUCE_ONLY = 2
    HALTED = 3


class LatchRaised(Event, frozen=True):
    """A named reason not to trade as usual; only its own clearing ends it."""

    name: str
    level: TradingState
    reason: str
    source: str


class LatchCleared(Event, frozen=True):
    """One named latch was cleared, with a reason."""

    name: str
    reason: str
    source: str


# --- the operator -----------------------------------------------------------------------------------


class PauseEntries(Event, frozen=True):
    """Cancel entry orders and make no new ones."""

    reason: str = "operator"


class Halt(Event, frozen=True):
    """Stop: no orders at all. The gate is closed before the engine hears of it."""

    reason: str = "operator"


class Resume(Event, frozen=True):
    """Clear one named latch, with a reason."""

    latch: str
    reason: str


class CancelAllOrders(Event, frozen=True):
    """Cancel every resting order of ours."""

    reason: str = "operator"


OperatorCommand = PauseEntries | Halt | Resume | CancelAllOrders

JournaledEvent = (
    AccountOpened
    | OrderIntended
    | OrderAcked
    | OrderRejected
    | OrderBecameUnknown
    | OrderReported
    | OrderFilled
    | MarketSettled
    | RiskDayBegan
    | EquityMarked
    | LatchRaised
    | LatchCleared
    | PauseEntries
    | Halt
    | Resume
    | CancelAllOrders
)
"""What the journal keeps: from these alone the account's state is rebuilt."""

EngineEvent = (
    MarketListed
    | MarketStatusChanged
    | QuoteChanged
    | FeedProved
    | FeedLost
    | ExchangeStatusRead
    | BalanceRead
    | TimerFired
    | ClockTicked
    | GroupOpened
    | ErrorHappened
    | JournaledEvent
)
"""What the engine's core takes."""
