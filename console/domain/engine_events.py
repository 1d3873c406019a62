"""The engine's own time and state, and what its surroundings tell of themselves."""

from __future__ import annotations

import msgspec

from console.domain.event import Event
from console.domain.market import Ticker
from console.domain.money import Cash
from console.domain.trading_state import TradingState


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
