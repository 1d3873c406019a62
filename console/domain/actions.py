"""What the engine wants done, in the order in which it must be done."""

from __future__ import annotations

import enum

import msgspec

from console.domain.events import JournaledEvent
from console.domain.market import Ticker
from console.domain.order import OrderIntent


class Append(msgspec.Struct, frozen=True, tag=True):
    """Write this to the journal and fsync it before any later action takes effect."""

    record: JournaledEvent


class Submit(msgspec.Struct, frozen=True, tag=True):
    """Send an order whose intent was appended before; exactly once."""

    intent: OrderIntent


class Cancel(msgspec.Struct, frozen=True, tag=True):
    """Cancel one resting order of ours."""

    order_id: str
    client_order_id: str
    ticker: Ticker
    exchange_index: int


class BeginHalt(msgspec.Struct, frozen=True, tag=True):
    """Close the gate and have the halt thread cancel and verify, unless it is at it already."""

    reason: str


class EndHalt(msgspec.Struct, frozen=True, tag=True):
    """The last HALT latch was cleared: open the gate."""


class BeginFlatten(msgspec.Struct, frozen=True, tag=True):
    """Halt anew; once nothing of ours rests let orders pass that only reduce, and tell FlattenDue."""

    reason: str


class EndFlatten(msgspec.Struct, frozen=True, tag=True):
    """Close the gate to every order again."""


class AlertLevel(enum.IntEnum):
    INFO = 0
    WARNING = 1
    CRITICAL = 2


class Alert(msgspec.Struct, frozen=True, tag=True):
    """Tell the operator; ``sequence`` counts what this run told, ``kind`` says what to do about it."""

    sequence: int
    at_ns: int
    level: AlertLevel
    text: str
    kind: str


Action = Append | Submit | Cancel | BeginHalt | EndHalt | BeginFlatten | EndFlatten | Alert
