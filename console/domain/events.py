"""Everything that happens: what the engine is told, and which of it the journal keeps."""

from __future__ import annotations

from console.domain.account_events import (
    AccountOpened,
    AccountRead,
    BalanceRead,
    ClockSkewRead,
    DifferencesFound,
    ExternalFilled,
    ExternalOrdersListed,
    MarketSettled,
    MarketTraded,
    OrderAcked,
    OrderAdopted,
    OrderBecameUnknown,
    OrderFilled,
    OrderIntended,
    OrderRejected,
    OrderReported,
    PositionsCompared,
    RunStarted,
)
from console.domain.commands import OperatorCommand
from console.domain.engine_events import (
    ClockTicked,
    EquityMarked,
    ErrorHappened,
    FlattenDue,
    FlattenEnded,
    GroupOpened,
    GuardSeen,
    HaltProgressed,
    JournalFailed,
    KeyRefused,
    LatchCleared,
    LatchRaised,
    Noticed,
    RiskDayBegan,
    SettingsChanged,
    TimerFired,
)
from console.domain.market_events import (
    ExchangeStatusRead,
    FeedLost,
    FeedProved,
    MarketListed,
    MarketStatusChanged,
    QuoteChanged,
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
    | SettingsChanged
    | OperatorCommand
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
