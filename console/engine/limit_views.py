"""What the engine shows of its limits, kill switches and latches."""

from __future__ import annotations

import enum
from typing import Literal

import msgspec

from console.domain.trading_state import TradingState
from console.risk.latches import latch_id

GaugeUnit = Literal["cash", "count", "percent"]
"""Millionths of a dollar, things, or hundredths of a percent."""


class Gauge(msgspec.Struct, frozen=True):
    """A limit in force and how much of it is used, in its unit; None is "not known, refuses".

    ``with_resting`` adds what resting and unknown orders could still cost. ``warn_percent`` is the share of
    the limit from which it warns.
    """

    key: str
    label: str
    used: int | None
    with_resting: int | None
    limit: int | None
    age_ns: int | None
    detail: str = ""
    unit: GaugeUnit = "cash"
    warn_percent: int = 70


class SwitchState(enum.StrEnum):
    """``UNKNOWN`` refuses new orders: what cannot be read is not proved safe."""

    ARMED = "armed"
    WARNING = "warning"
    TRIPPED = "tripped"
    UNKNOWN = "unknown"


class SwitchView(msgspec.Struct, frozen=True):
    """A kill switch: its reading against its threshold, as text with units, and how it clears."""

    key: str
    label: str
    state: SwitchState
    reading: str
    threshold: str
    since_ns: int | None
    clears: str
    evaluated_ns: int | None


class LatchView(msgspec.Struct, frozen=True):
    """A latch in force; an empty ``scope`` is everything, and ``until_ns`` when it may end by itself.

    ``refusal`` is why it may not be cleared now, None when it may.
    """

    name: str
    level: TradingState
    reason: str
    source: str
    since_ns: int
    scope: str = ""
    until_ns: int | None = None
    refusal: str | None = None

    @property
    def id(self) -> str:
        """What the operator names it by."""
        return latch_id(self.name, self.scope)
