"""What the engine shows of itself: one immutable picture, made some times a second.

The screen, ``status`` and ``run --json`` read it and nothing else. A figure not known is None, never 0.
"""

from __future__ import annotations

import enum
from typing import Literal

import msgspec

from console.config.schema import Settings
from console.domain.actions import AlertLevel
from console.domain.book import BookSide
from console.domain.engine_events import SettingsChanged
from console.domain.market import Market, Ticker
from console.domain.money import Cash, Count, Price
from console.domain.order import OrderStatus
from console.domain.ports import Tokens
from console.domain.trading_state import TradingState
from console.monitoring.slippage import SlippageSample
from console.risk.latches import latch_id
from console.risk.switches.base import RiskView


class ExitView(msgspec.Struct, frozen=True):
    """Selling a whole position at the best price there is: what is not known is None.

    ``price`` is that of the outcome held, ``displayed`` the size there; ``slippage`` is what the middle would
    bring more, ``proceeds`` are before the fee.
    """

    price: Price | None
    displayed: Count | None
    proceeds: Cash | None
    fee: Cash | None
    slippage: Cash | None


NO_EXIT = ExitView(None, None, None, None, None)


class PositionView(msgspec.Struct, frozen=True):
    """A held position; prices are those of the outcome held. Of an external one not all was bought by us.

    ``expected`` is the probability of winning that it was entered at, as a price, ``entered_ns`` when first
    and ``as_maker`` how many of what we ``bought`` was bought resting; None where we did not.
    """

    ticker: Ticker
    side: BookSide
    contracts: Count
    average_price: Price
    mark: Price | None
    unrealised: Cash | None
    realised: Cash
    fees: Cash
    worst_case: Cash
    group: str
    close_ns: int | None
    exit: ExitView = NO_EXIT
    is_external: bool = False
    series: str = ""
    title: str = ""
    expected: Price | None = None
    category: str = ""
    entered_ns: int | None = None
    bought: Count | None = None
    as_maker: Count | None = None


class RestingView(msgspec.Struct, frozen=True):
    """An order that may still fill; its price is that of the outcome it buys."""

    client_order_id: str
    order_id: str | None
    ticker: Ticker
    side: BookSide
    price: Price
    leaves: Count
    count: Count
    status: OrderStatus
    sent_ns: int
    close_ns: int | None
    series: str = ""
    title: str = ""


class ExternalView(msgspec.Struct, frozen=True):
    """A resting order of the account that is not ours; its price is that of the outcome it buys."""

    order_id: str
    ticker: Ticker
    side: BookSide
    price: Price
    leaves: Count


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
    """One alert; ``kind`` says what to do about it, in ``monitoring.responses``."""

    sequence: int
    at_ns: int
    level: AlertLevel
    text: str
    kind: str = ""


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


class ExchangeView(msgspec.Struct, frozen=True):
    """The exchange's own word about itself; None where it has not been read."""

    exchange_active: bool | None
    trading_active: bool | None
    resumes_ns: int | None
    pause_starts_ns: int | None


class CurvePoint(msgspec.Struct, frozen=True):
    """The day's profit or loss, with open positions at their marks."""

    at_ns: int
    profit: Cash


class Outcomes(msgspec.Struct, frozen=True):
    """How the markets ended that we held to the end, one position a trade.

    ``expected`` and ``paid`` are sums of prices: of the probability of winning that each entry was made at,
    and of the average price paid, so that ``paid`` is where one breaks even before fees. Those of an event
    are one draw: ``squares`` sums the squares of their numbers, ``variance`` that of what they pay, in prices
    squared, if it is what was expected.
    """

    trades: int = 0
    won: int = 0
    expected: int = 0
    paid: int = 0
    events: int = 0
    squares: int = 0
    variance: int = 0

    @property
    def effective_events(self) -> float:
        """How many equally large events they are worth."""
        return self.trades**2 / self.squares if self.squares else 0.0


class HealthView(msgspec.Struct, frozen=True):
    """What trading stands on; a figure not known, or not kept here, is None.

    ``cash_difference`` is the exchange's cash less ours, as last read.
    """

    clock_skew_ms: int | None = None
    compared_ns: int | None = None
    mismatch: str = ""
    cash_difference: Cash | None = None
    guard_seen_ns: int | None = None
    guard_absence: str | None = None
    journaled_ns: int | None = None
    tokens: Tokens | None = None
    disk_free_bytes: int | None = None
    journal_bytes: int | None = None


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the operator can see, at one moment between two steps of the engine.

    ``settings`` are those in force, named by their hash; ``unkept_settings`` are keys that the next start
    will not find as they are. ``risk`` is what the switches read last, ``at_stake`` has the markets in which
    something can be lost. ``trips_within_day`` counts those of switches that clear themselves; None where
    their number halts nothing.
    """

    sequence: int
    at_ns: int
    environment: Literal["practice", "demo", "live"]
    dry_run: bool
    notes: tuple[str, ...]
    state: TradingState
    latches: tuple[LatchView, ...]
    connected: bool
    cash: Cash | None
    equity: Cash | None
    day_pnl: Cash | None
    day_open_equity: Cash | None
    feed_age_ns: int | None
    order_round_trip_ns: int | None
    exchange: ExchangeView
    positions: tuple[PositionView, ...]
    resting: tuple[RestingView, ...]
    gauges: tuple[Gauge, ...]
    switches: tuple[SwitchView, ...]
    slippage: tuple[SlippageSample, ...]
    slippage_limit_centibps: int
    log: tuple[LogEntry, ...]
    funnel: tuple[FunnelStep, ...]
    alerts: tuple[AlertView, ...]
    orders: int
    fills: int
    fees: Cash
    worst_case: Cash
    order_ids: tuple[str, ...]
    log_lines_lost: int = 0
    external: tuple[ExternalView, ...] = ()
    curve: tuple[CurvePoint, ...] = ()
    outcomes: Outcomes = Outcomes()
    health: HealthView = HealthView()
    settings: Settings = Settings()
    settings_hash: str = ""
    unkept_settings: frozenset[str] = frozenset()
    edits: tuple[SettingsChanged, ...] = ()
    risk: RiskView | None = None
    at_stake: tuple[Market, ...] = ()
    trips_within_day: int | None = None
    deliveries: tuple[DeliveryView, ...] = ()


class HaltPhase(enum.StrEnum):
    IDLE = "idle"
    CANCELLING = "cancelling"
    CONFIRMED = "confirmed"
    UNCONFIRMED = "unconfirmed"


class HaltView(msgspec.Struct, frozen=True):
    """How far a halt got, written by the halt thread alone.

    ``resting`` is how many of our orders the exchange listed last; None while no list was complete.
    ``confirmed_ns`` is when two complete lists in a row had none of ours.
    """

    phase: HaltPhase
    reason: str = ""
    requested_ns: int | None = None
    attempts: int = 0
    resting: int | None = None
    confirmed_ns: int | None = None
    error: str = ""


NOT_HALTING = HaltView(HaltPhase.IDLE)
