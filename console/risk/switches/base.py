"""What every kill switch is: a reading of the account against a threshold."""

from __future__ import annotations

import enum
from typing import Protocol

import msgspec

from console.domain.events import TradingState
from console.domain.money import Cash


class RiskView(msgspec.Struct, frozen=True, kw_only=True):
    """What switches may read, at ``now_ns``; a figure that is not known is None.

    Equity is at the prices at which positions could be sold, without deposits and withdrawals of the day.
    ``feed_proved_ns`` is when the subscription last proved itself; None before it first did.
    """

    now_ns: int
    equity: Cash | None
    day_open_equity: Cash | None
    feed_proved_ns: int | None


class ReadingState(enum.StrEnum):
    """``UNKNOWN`` refuses new orders without tripping: what cannot be read is not proved safe."""

    ARMED = "armed"
    WARNING = "warning"
    TRIPPED = "tripped"
    UNKNOWN = "unknown"


class Reading(msgspec.Struct, frozen=True):
    """A reading and its threshold, as text with units; ``trip`` is why it trips, if it does."""

    state: ReadingState
    text: str
    threshold: str
    trip: str | None = None


class Switch(Protocol):
    """A kill switch; evaluating it changes nothing.

    Its latch bears its ``key`` and has its ``level``. One that ``clears_itself`` does so after its input was
    good for five seconds; any other waits for the operator. ``clears`` says so on screen.
    """

    key: str
    label: str
    level: TradingState
    clears_itself: bool
    clears: str

    def evaluate(self, view: RiskView) -> Reading: ...
