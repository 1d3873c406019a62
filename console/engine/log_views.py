"""What the engine shows of what it did, told and did not do."""

from __future__ import annotations

import enum

import msgspec

from console.domain.actions import AlertLevel
from console.domain.book import BookSide
from console.domain.market import Ticker
from console.domain.money import Cash, Count, Price
from console.monitoring.slippage import SlippageSample


class LogKind(enum.StrEnum):
    FILL = "fill"
    SETTLED = "settle"
    REJECTED = "reject"
    UNKNOWN = "unknown"
    DENIED = "denied"
    STATE = "state"


class LogEntry(msgspec.Struct, frozen=True):
    """One line of the trade log; ``sequence`` grows by one and identifies it."""

    sequence: int
    at_ns: int
    kind: LogKind
    ticker: Ticker | None
    text: str
    side: BookSide | None = None
    price: Price | None = None
    contracts: Count | None = None
    fee: Cash | None = None
    is_taker: bool | None = None
    profit: Cash | None = None
    slippage: SlippageSample | None = None


class FunnelStep(msgspec.Struct, frozen=True):
    """How many reached a step of the why-not funnel, and the reasons to stop there, the commonest first."""

    label: str
    reached: int
    stopped: tuple[tuple[str, int], ...]


class AlertView(msgspec.Struct, frozen=True):
    """One alert; ``kind`` says what to do about it, in ``monitoring.responses``.

    ``latch`` is the id of the one that was raised, if it tells of that.
    """

    sequence: int
    at_ns: int
    level: AlertLevel
    text: str
    kind: str = ""
    latch: str = ""


class DeliveryView(msgspec.Struct, frozen=True):
    """One receiver of alerts, or of heartbeats, and what became of those it was to get.

    ``failed`` were tried to the end, ``dropped`` found no room to wait. ``trouble`` is why the newest try
    failed, empty when it did not; ``delivered_ns`` is when one arrived last.
    """

    name: str
    delivered: int = 0
    waiting: int = 0
    failed: int = 0
    dropped: int = 0
    trouble: str = ""
    delivered_ns: int | None = None

    @property
    def lost(self) -> int:
        return self.failed + self.dropped
