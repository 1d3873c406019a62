"""Draws the limits in force and how much of each is used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from console.domain.money import Cash
from console.engine.core import Engine
from console.engine.entries import MINUTE_NS
from console.engine.limit_views import Gauge
from console.risk.exposure import Exposure, Largest
from console.risk.manager import SwitchRow
from console.risk.switches.base import WARNS_AT
from console.risk.switches.daily_loss import daily_loss_limit

_NOTHING = Largest("", Cash(0))


def gauges(engine: Engine, exposure: Exposure, rows: Sequence[SwitchRow], now_ns: int) -> tuple[Gauge, ...]:
    """Every limit: of exposure, of the day's loss, those that switches watch, and of orders."""
    return (
        *_exposures(engine, exposure, now_ns),
        _day_loss(engine, exposure, now_ns),
        *_switch_gauges(rows, now_ns),
        _order_rate(engine, now_ns),
    )


def _exposures(engine: Engine, exposure: Exposure, now_ns: int) -> Iterator[Gauge]:
    """Worst cases, of what is held and with every order filled, against their shares of equity."""
    limits, equity, age_ns = engine.settings.risk, engine.equity, _equity_age_ns(engine, now_ns)
    total = Largest("", exposure.total.held), Largest("", exposure.total.with_orders)
    group = exposure.worst_group(held_only=True), exposure.worst_group()
    event = exposure.worst_event(held_only=True), exposure.worst_event()
    market = exposure.worst_market(held_only=True), exposure.worst_market()
    for key, label, (held, with_orders), share in (
        ("total", "total exposure", total, limits.max_total_exposure_pct),
        ("group", "largest group", group, limits.max_correlated_group_pct),
        ("event", "largest event", event, limits.max_event_exposure_pct),
        ("single", "largest single", market, limits.max_single_position_pct),
    ):
        yield Gauge(
            key=key,
            label=label,
            used=(held or _NOTHING).value,
            with_resting=(with_orders or _NOTHING).value,
            limit=None if equity is None else Cash(int(Fraction(share) * max(0, equity))),
            age_ns=age_ns,
            detail=(with_orders or _NOTHING).name,
        )


def _day_loss(engine: Engine, exposure: Exposure, now_ns: int) -> Gauge:
    equity, opening = engine.equity, engine.account.day_open_equity
    loss = None if equity is None or opening is None else Cash(max(0, opening - equity))
    return Gauge(
        key="day_loss",
        label="day loss",
        used=loss,
        with_resting=None if loss is None else Cash(loss + exposure.total.with_orders),
        limit=None if opening is None else daily_loss_limit(engine.settings.risk, opening),
        age_ns=_equity_age_ns(engine, now_ns),
    )


def _equity_age_ns(engine: Engine, now_ns: int) -> int | None:
    return None if engine.equity_ns is None else max(0, now_ns - engine.equity_ns)


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


def _order_rate(engine: Engine, now_ns: int) -> Gauge:
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
