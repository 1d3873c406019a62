"""What the engine shows of itself: one immutable picture, made some times a second.

The screen, ``status`` and ``run --json`` read it and nothing else. A figure not known is None, never 0.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from console.config.schema import Settings
from console.domain.engine_events import SettingsChanged
from console.domain.market import Market
from console.domain.money import Cash
from console.domain.ports import Tokens
from console.domain.trading_state import TradingState
from console.engine.account_views import CurvePoint, ExternalView, Outcomes, PositionView, RestingView
from console.engine.limit_views import Gauge, LatchView, SwitchView
from console.engine.log_views import AlertView, DeliveryView, FunnelStep, LogEntry
from console.monitoring.slippage import SlippageSample
from console.risk.switches.base import RiskView


class ExchangeView(msgspec.Struct, frozen=True):
    """The exchange's own word about itself, as of ``read_ns``; None where it has not been read."""

    exchange_active: bool | None
    trading_active: bool | None
    resumes_ns: int | None
    pause_starts_ns: int | None
    read_ns: int | None = None


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
