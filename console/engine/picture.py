"""Draws the engine's snapshot between two of its steps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Literal

import msgspec

from console.domain.market import Market
from console.domain.money import Cash, Count, Price
from console.domain.ports import Tokens
from console.domain.position import Position
from console.engine.core import Engine
from console.engine.entries import MINUTE_NS
from console.engine.flatten import exit_view
from console.engine.snapshot import (
    DeliveryView,
    ExchangeView,
    ExternalView,
    FunnelStep,
    Gauge,
    HealthView,
    LatchView,
    PositionView,
    RestingView,
    Snapshot,
    SwitchState,
    SwitchView,
)
from console.monitoring.slippage import CENTIBPS_PER_BPS
from console.monitoring.why_not import MAX_REASONS
from console.risk.exposure import Exposure
from console.risk.manager import SwitchRow
from console.risk.switches.base import WARNS_AT
from console.risk.switches.daily_loss import daily_loss_limit

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
        proved_ns, exchange = engine.feed_proved_ns, engine.exchange
        return Snapshot(
            sequence=self._sequence,
            at_ns=now_ns,
            environment=around.environment,
            dry_run=around.dry_run,
            notes=around.notes,
            state=account.latches.state,
            latches=tuple(
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
                for latch in account.latches.active
            ),
            connected=around.connected,
            cash=account.cash if account.name is not None else None,
            equity=engine.equity,
            day_pnl=Cash((engine.equity or 0) - (opening or 0)) if known else None,
            day_open_equity=opening,
            feed_age_ns=None if proved_ns is None else max(0, now_ns - proved_ns),
            order_round_trip_ns=around.order_round_trip_ns,
            exchange=ExchangeView(
                exchange_active=exchange.exchange_active if exchange else None,
                trading_active=exchange.trading_active if exchange else None,
                resumes_ns=exchange.resumes_ns if exchange else None,
                pause_starts_ns=exchange.pause_starts_ns if exchange else None,
            ),
            positions=_positions(engine, exposure),
            resting=_resting(engine),
            gauges=(
                *self._gauges(engine, exposure, now_ns),
                *_switch_gauges(rows, now_ns),
                self._order_rate(engine, now_ns),
            ),
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
            external=_external(engine),
            curve=engine.trade_log.day.curve,
            outcomes=engine.trade_log.day.outcomes,
            health=_health(engine, around),
            settings=engine.settings,
            settings_hash=engine.settings_hash,
            unkept_settings=around.unkept_settings,
            deliveries=around.deliveries,
            edits=tuple(engine.trade_log.edits),
            risk=engine.evaluated,
            at_stake=_at_stake(engine, exposure),
            trips_within_day=engine.risk.trips_within_day(account.latches, now_ns)
            if engine.risk.escalates
            else None,
        )

    def _order_rate(self, engine: Engine, now_ns: int) -> Gauge:
        """The limit that refuses the next entry; the tripwire's, which halts, is beyond it."""
        return Gauge(
            key="order_rate",
            label="order rate",
            used=engine.account.orders_since(now_ns - MINUTE_NS),
            with_resting=None,
            limit=engine.settings.risk.max_orders_per_minute,
            age_ns=0,
            detail="in the newest minute",
            unit="count",
        )

    def _gauges(self, engine: Engine, exposure: Exposure, now_ns: int) -> tuple[Gauge, ...]:
        limits, equity = engine.settings.risk, engine.equity
        age_ns = None if engine.equity_ns is None else max(0, now_ns - engine.equity_ns)

        def cap(share: Fraction) -> Cash | None:
            return None if equity is None else Cash(int(share * max(0, equity)))

        group, group_held = exposure.worst_group(), exposure.worst_group(held_only=True)
        event, event_held = exposure.worst_event(), exposure.worst_event(held_only=True)
        market, market_held = exposure.worst_market(), exposure.worst_market(held_only=True)
        opening = engine.account.day_open_equity
        known = equity is not None and opening is not None
        loss = Cash(max(0, (opening or 0) - (equity or 0))) if known else None
        worst = None if loss is None else Cash(loss + exposure.total.with_orders)
        return (
            Gauge(
                key="total",
                label="total exposure",
                used=exposure.total.held,
                with_resting=exposure.total.with_orders,
                limit=cap(Fraction(limits.max_total_exposure_pct)),
                age_ns=age_ns,
            ),
            Gauge(
                key="group",
                label="largest group",
                used=group_held.value if group_held else Cash(0),
                with_resting=group.value if group else Cash(0),
                limit=cap(Fraction(limits.max_correlated_group_pct)),
                age_ns=age_ns,
                detail=group.name if group else "",
            ),
            Gauge(
                key="event",
                label="largest event",
                used=event_held.value if event_held else Cash(0),
                with_resting=event.value if event else Cash(0),
                limit=cap(Fraction(limits.max_event_exposure_pct)),
                age_ns=age_ns,
                detail=event.name if event else "",
            ),
            Gauge(
                key="single",
                label="largest single",
                used=market_held.value if market_held else Cash(0),
                with_resting=market.value if market else Cash(0),
                limit=cap(Fraction(limits.max_single_position_pct)),
                age_ns=age_ns,
                detail=market.name if market else "",
            ),
            Gauge(
                key="day_loss",
                label="day loss",
                used=loss,
                with_resting=worst,
                limit=None if opening is None else daily_loss_limit(limits, opening),
                age_ns=age_ns,
            ),
        )


def _switch_gauges(rows: Sequence[SwitchRow], now_ns: int) -> Iterator[Gauge]:
    """The limits that switches watch, as they were read last."""
    for row in rows:
        age_ns = None if row.evaluated_ns is None else max(0, now_ns - row.evaluated_ns)
        for measure in row.measures:
            yield Gauge(
                key=measure.label,
                label=measure.label,
                used=measure.used,
                with_resting=None,
                limit=measure.limit,
                age_ns=age_ns,
                unit=measure.unit,
                warn_percent=int(100 * WARNS_AT),
            )


def _positions(engine: Engine, exposure: Exposure) -> tuple[PositionView, ...]:
    views = []
    for ticker, position in engine.account.held.items():
        market = engine.markets.get(ticker)
        exit_price = engine.markets.exit_price(ticker, position.side)
        quote, entry = engine.markets.quote(ticker), engine.trade_log.day.entry(ticker)
        views.append(
            PositionView(
                ticker=ticker,
                side=position.side,
                contracts=Count(abs(position.contracts)),
                average_price=_average(position),
                mark=None if exit_price is None else position.side.price_paid(exit_price),
                unrealised=None if exit_price is None else position.unrealised_at(exit_price),
                realised=position.realised,
                fees=position.fees,
                worst_case=exposure.market(ticker).worst.with_orders,
                group=engine.markets.group(ticker),
                close_ns=market.close_ns if market else None,
                exit=exit_view(position, market, quote if engine.markets.is_live(ticker) else None),
                is_external=ticker in engine.account.external,
                series=market.series_ticker if market else "",
                title=market.title if market else "",
                expected=entry.expected if entry else None,
                category=market.category if market else "",
                entered_ns=entry.first_ns if entry else None,
                bought=Count(entry.contracts) if entry else None,
                as_maker=Count(entry.as_maker) if entry else None,
            )
        )
    return tuple(views)


def _average(position: Position) -> Price:
    average = position.average_price
    if average is None:
        raise ValueError("a flat position has no average price")
    return average


def _resting(engine: Engine) -> tuple[RestingView, ...]:
    views = []
    for order in engine.account.open_orders:
        intent, market = order.intent, engine.markets.get(order.intent.ticker)
        views.append(
            RestingView(
                client_order_id=intent.client_order_id,
                order_id=order.order_id,
                ticker=intent.ticker,
                side=intent.side,
                price=intent.side.price_paid(intent.price),
                leaves=order.leaves,
                count=intent.count,
                status=order.status,
                sent_ns=order.sent_ns,
                close_ns=market.close_ns if market else None,
                series=market.series_ticker if market else "",
                title=market.title if market else "",
            )
        )
    return tuple(views)


def _at_stake(engine: Engine, exposure: Exposure) -> tuple[Market, ...]:
    return tuple(m for ticker in exposure.markets if (m := engine.markets.get(ticker)) is not None)


def _external(engine: Engine) -> tuple[ExternalView, ...]:
    return tuple(
        ExternalView(
            order.order_id, order.ticker, order.side, order.side.price_paid(order.price), order.remaining
        )
        for order in engine.external_orders
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
