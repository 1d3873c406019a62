"""Draws the engine's snapshot between two of its steps."""

from __future__ import annotations

from typing import Literal

import msgspec

from console.domain.market_events import ExchangeStatusRead
from console.domain.money import Cash
from console.domain.ports import Tokens
from console.engine import account_rows
from console.engine.core import Engine
from console.engine.gauges import gauges
from console.engine.limit_views import LatchView, SwitchState, SwitchView
from console.engine.log_views import DeliveryView, FunnelStep
from console.engine.snapshot import ExchangeView, HealthView, Snapshot
from console.monitoring.slippage import CENTIBPS_PER_BPS
from console.monitoring.why_not import MAX_REASONS
from console.risk.manager import SwitchRow

Environment = Literal["practice", "demo", "live"]


class Surroundings(msgspec.Struct, frozen=True):
    """What the engine's thread knows and its core does not."""

    environment: Environment
    dry_run: bool
    notes: tuple[str, ...]
    connected: bool
    order_round_trip_ns: int | None
    log_lines_lost: int = 0
    tokens: Tokens | None = None
    disk_free_bytes: int | None = None
    journal_bytes: int | None = None
    unkept_settings: frozenset[str] = frozenset()
    deliveries: tuple[DeliveryView, ...] = ()


class Painter:
    """Turns an engine into snapshots; keeps nothing but their number."""

    def __init__(self) -> None:
        self._sequence = 0

    def take(self, engine: Engine, now_ns: int, around: Surroundings) -> Snapshot:
        """One picture of everything the operator can see."""
        self._sequence += 1
        rows = engine.risk.rows(engine.account.latches)
        account, exposure = engine.account, engine.exposure()
        opening = account.day_open_equity
        known = engine.equity is not None and opening is not None
        proved_ns = engine.feed_proved_ns
        return Snapshot(
            sequence=self._sequence,
            at_ns=now_ns,
            environment=around.environment,
            dry_run=around.dry_run,
            notes=around.notes,
            state=account.latches.state,
            latches=_latches(engine, now_ns),
            connected=around.connected,
            cash=account.cash if account.name is not None else None,
            equity=engine.equity,
            day_pnl=Cash((engine.equity or 0) - (opening or 0)) if known else None,
            day_open_equity=opening,
            feed_age_ns=None if proved_ns is None else max(0, now_ns - proved_ns),
            order_round_trip_ns=around.order_round_trip_ns,
            exchange=_exchange(engine.exchange),
            positions=account_rows.positions(engine, exposure),
            resting=account_rows.resting(engine),
            gauges=gauges(engine, exposure, rows, now_ns),
            switches=tuple(_switch(row) for row in rows),
            slippage=tuple(account.slippage),
            slippage_limit_centibps=int(engine.settings.quality.max_slippage_bps * CENTIBPS_PER_BPS),
            log=engine.trade_log.entries,
            funnel=tuple(FunnelStep(*row) for row in engine.entries.why_not.rows(top=MAX_REASONS + 1)),
            alerts=tuple(engine.alerts),
            orders=len(account.orders),
            fills=len(account.fill_ids),
            fees=account.fees,
            worst_case=exposure.total.with_orders,
            order_ids=tuple(account.client_ids),
            log_lines_lost=around.log_lines_lost,
            external=account_rows.external(engine),
            curve=engine.trade_log.day.curve,
            outcomes=engine.trade_log.day.outcomes,
            health=_health(engine, around),
            settings=engine.settings,
            settings_hash=engine.settings_hash,
            unkept_settings=around.unkept_settings,
            deliveries=around.deliveries,
            edits=tuple(engine.trade_log.edits),
            risk=engine.evaluated,
            at_stake=account_rows.at_stake(engine, exposure),
            trips_within_day=engine.risk.trips_within_day(account.latches, now_ns)
            if engine.risk.escalates
            else None,
        )


def _latches(engine: Engine, now_ns: int) -> tuple[LatchView, ...]:
    return tuple(
        LatchView(
            latch.name,
            latch.level,
            latch.reason,
            latch.source,
            latch.since_ns,
            latch.scope,
            latch.until_ns,
            engine.resume_refusal(latch.id, now_ns),
        )
        for latch in engine.account.latches.active
    )


def _exchange(status: ExchangeStatusRead | None) -> ExchangeView:
    if status is None:
        return ExchangeView(None, None, None, None)
    return ExchangeView(
        exchange_active=status.exchange_active,
        trading_active=status.trading_active,
        resumes_ns=status.resumes_ns,
        pause_starts_ns=status.pause_starts_ns,
        read_ns=status.at_ns,
    )


def _health(engine: Engine, around: Surroundings) -> HealthView:
    activity = engine.activity
    compared, guard, clock = activity.positions, activity.guard, activity.clock
    return HealthView(
        clock_skew_ms=clock.skew_ms if clock else None,
        compared_ns=compared.at_ns if compared else None,
        mismatch=compared.mismatch if compared else "",
        cash_difference=engine.cash_difference,
        guard_seen_ns=guard.at_ns if guard else None,
        guard_absence=guard.absence if guard else None,
        journaled_ns=activity.journaled_ns,
        tokens=around.tokens,
        disk_free_bytes=around.disk_free_bytes,
        journal_bytes=around.journal_bytes,
    )


def _switch(row: SwitchRow) -> SwitchView:
    return SwitchView(
        key=row.key,
        label=row.label,
        state=SwitchState(row.state.value),
        reading=row.reading,
        threshold=row.threshold,
        since_ns=row.since_ns,
        clears=row.clears,
        evaluated_ns=row.evaluated_ns,
    )
