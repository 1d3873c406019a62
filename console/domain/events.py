"""Everything that happens: what the engine is told, and which of it the journal keeps.

Every event carries ``at_ns``, the UTC time in nanoseconds at which it was learned; the engine has no other
clock. Events are immutable and are named in the past tense, except the operator's commands.
"""

from __future__ import annotations

import enum

import msgspec

from console.domain.book import BookSide, Quote
from console.domain.market import Market, MarketStatus, Ticker
from console.domain.money import Cash, Count, Price
from console.domain.order import Fill, OrderIntent, OrderReport, OrderStatus, PositionReport, Settlement


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


class QuoteChanged(Event, frozen=True, gc=False):
    """The top of a market's book, from a book whose sequence is intact."""

    ticker: Ticker
    quote: Quote


class TradePrinted(Event, frozen=True):
    """Somebody traded; ``taker_side`` is the side that crossed."""

    ticker: Ticker
    price: Price
    count: Count
    taker_side: BookSide


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


# --- the engine's own time and state ----------------------------------------------------------------


class TimerFired(Event, frozen=True):
    """A scan is due: everything that depends on marks is looked at.

    Of the markets only those of ``only`` need a look, in this order; None is all of them.
    """

    only: tuple[Ticker, ...] | None = None


class ClockTicked(Event, frozen=True):
    """A second or less has passed: ages and deadlines are looked at.

    ``monotonic_ns`` is a clock that no step of the wall clock moves; its zero means nothing.
    """

    monotonic_ns: int


class HaltProgressed(Event, frozen=True):
    """How far the halt path got: ours that the exchange listed last, None while no list was complete.

    It is confirmed once two complete lists in a row held none of ours.
    """

    resting: int | None
    is_confirmed: bool


class FlattenDue(Event, frozen=True):
    """Nothing of ours rests and the account was read anew: the next orders of a flatten may go."""


class GroupOpened(Event, frozen=True):
    """The exchange gave us an order group on a shard; orders there carry its id."""

    exchange_index: int
    group_id: str


class ErrorHappened(Event, frozen=True):
    """Something outside the engine failed in a way that is counted."""

    source: str
    message: str


class Noticed(Event, frozen=True):
    """Something that the operator should know of and that is no error; ``kind`` names the condition."""

    kind: str
    text: str


class KeyRefused(Event, frozen=True):
    """The exchange does not accept our key, or not for what was asked of it."""

    reason: str


class JournalFailed(Event, frozen=True):
    """What just happened could not be written down; the engine ends."""

    reason: str


class GuardSeen(Event, frozen=True):
    """A look at the process that guards this run; ``absence`` is why nobody does, None while it does."""

    absence: str | None = None


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
    """A named reason not to trade as usual; only its own clearing ends it.

    ``scope`` is empty for everything, ``group:<name>``, ``series:<ticker>`` or ``market:<ticker>`` for a part
    of it. A latch of the same name and another scope is another latch. From ``until_ns`` on it may end by
    itself.
    """

    name: str
    level: TradingState
    reason: str
    source: str
    scope: str = ""
    until_ns: int | None = None


class LatchCleared(Event, frozen=True):
    """One latch was cleared, with a reason: that of this name and scope."""

    name: str
    reason: str
    source: str
    scope: str = ""


class FlattenEnded(Event, frozen=True):
    """A flatten is over; ``reason`` says what is left and why, and the halt stays."""

    reason: str
    is_flat: bool


# --- the operator -----------------------------------------------------------------------------------


class PauseEntries(Event, frozen=True):
    """Cancel entry orders and make no new ones."""

    reason: str = "operator"


class ReduceOnly(Event, frozen=True):
    """Cancel what increases a position and make nothing that does."""

    reason: str = "operator"


class Halt(Event, frozen=True):
    """Stop: no orders at all. The gate is closed before the engine hears of it."""

    reason: str = "operator"


class Flatten(Event, frozen=True):
    """Halt, and once nothing of ours rests sell every position at the best price there is."""

    reason: str = "operator"


class Disarm(Event, frozen=True):
    """Cancel everything and make no new entries until armed again."""

    reason: str = "operator"


class Arm(Event, frozen=True):
    """Clear the latch under which demo and live start, and which Disarm raises; with a reason."""

    reason: str


class Resume(Event, frozen=True):
    """Clear one latch, with a reason; ``latch`` is its name, and its scope after a space if it has one."""

    latch: str
    reason: str


class CancelAllOrders(Event, frozen=True):
    """Cancel every resting order of ours."""

    reason: str = "operator"


class CancelOrder(Event, frozen=True):
    """Cancel one resting order of ours."""

    client_order_id: str
    reason: str = "operator"


class StopTrading(Event, frozen=True):
    """Cancel the entry orders of a part of the markets and make no new ones; ``scope`` as of a latch."""

    scope: str
    reason: str = "operator"


class ClosePosition(Event, frozen=True):
    """Stop trading a market and sell what is held in it, at ``least_price`` of the outcome held or better."""

    ticker: Ticker
    least_price: Price
    reason: str = "operator"


class ChangeSettings(Event, frozen=True):
    """Trade by other settings from now on: each a key with the text of its value."""

    changes: tuple[tuple[str, str], ...]
    reason: str = "operator"


class SettingChange(msgspec.Struct, frozen=True):
    """One setting's values before and after, each as a text that says it exactly."""

    key: str
    old: str
    new: str


class SettingsChanged(Event, frozen=True):
    """Other settings are in force, by the order of ``source`` to a program of this version.

    ``settings`` is the hash of all of them as they are now.
    """

    changes: tuple[SettingChange, ...]
    reason: str
    source: str
    program: str
    settings: str


OperatorCommand = (
    PauseEntries
    | ReduceOnly
    | Halt
    | Flatten
    | Disarm
    | Arm
    | Resume
    | CancelAllOrders
    | CancelOrder
    | StopTrading
    | ClosePosition
    | ChangeSettings
)

JournaledEvent = (
    RunStarted
    | AccountOpened
    | AccountRead
    | MarketTraded
    | OrderIntended
    | OrderAcked
    | OrderRejected
    | OrderBecameUnknown
    | OrderReported
    | OrderAdopted
    | OrderFilled
    | ExternalFilled
    | MarketSettled
    | RiskDayBegan
    | EquityMarked
    | LatchRaised
    | LatchCleared
    | FlattenEnded
    | PauseEntries
    | ReduceOnly
    | Halt
    | Flatten
    | Disarm
    | Arm
    | Resume
    | CancelAllOrders
    | CancelOrder
    | StopTrading
    | ClosePosition
    | ChangeSettings
    | SettingsChanged
)
"""What the journal keeps: from these alone the account's state is rebuilt."""

OtherEvent = (
    MarketListed
    | MarketStatusChanged
    | FeedProved
    | FeedLost
    | ExchangeStatusRead
    | BalanceRead
    | ExternalOrdersListed
    | DifferencesFound
    | PositionsCompared
    | ClockSkewRead
    | TimerFired
    | ClockTicked
    | HaltProgressed
    | FlattenDue
    | GroupOpened
    | ErrorHappened
    | Noticed
    | KeyRefused
    | JournalFailed
    | GuardSeen
    | JournaledEvent
)
"""What the engine's core takes besides quotes, of which there are most."""

EngineEvent = QuoteChanged | OtherEvent
"""What the engine's core takes."""
