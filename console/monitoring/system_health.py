"""How the system stands, and what an operator should hear of it."""

from __future__ import annotations

from typing import Literal

import msgspec

from console.config.risk_settings import RiskSettings
from console.config.trading_settings import QualitySettings
from console.domain.money import CASH_PER_DOLLAR, Cash
from console.risk.switches.daily_loss import daily_loss_limit

_TRADES = ("RUNNING", "ACTIVE")


class SystemHealth(msgspec.Struct, frozen=True, kw_only=True):
    """Money in dollars, shares of 1; what is not known is None.

    ``mean_slippage_bps`` is of the newest ``slippage_fills`` of takers, None of too few to judge by.
    ``alerts_active`` are sentences, and so is ``not_judged``: what is not known is not well either.
    """

    trading_state: str
    active_positions: int
    total_exposure: float
    capital: float | None
    daily_pnl: float | None
    exposure_share: float | None
    daily_pnl_share: float | None
    errors_last_hour: int | None = None
    mean_slippage_bps: float | None = None
    slippage_fills: int = 0
    feed_age_s: float | None = None
    order_round_trip_s: float | None = None
    clock_skew_s: float | None = None
    unknown_orders: int | None = None
    log_lines_lost: int | None = None
    disk_free_bytes: int | None = None
    is_connected: bool | None = None
    environment: Literal["practice", "demo", "live"] | None = None
    alerts_active: tuple[str, ...] = ()
    not_judged: tuple[str, ...] = ()


_Found = tuple[str | None, str | None]
"""What is wrong, None when nothing is; and why it cannot be told, None when it can."""


def judged(
    health: SystemHealth, risk: RiskSettings, quality: QualitySettings
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What is wrong by the limits in force, and what cannot be told, one sentence each."""
    found = (
        _state(health),
        _daily_loss(health, risk),
        _exposure(health, risk),
        _slippage(health, quality),
        _errors(health, risk),
        _feed(health, quality),
    )
    return tuple(wrong for wrong, _ in found if wrong), tuple(unknown for _, unknown in found if unknown)


def _state(health: SystemHealth) -> _Found:
    return None if health.trading_state in _TRADES else f"trading is {health.trading_state}", None


def _daily_loss(health: SystemHealth, risk: RiskSettings) -> _Found:
    if health.daily_pnl is None or health.capital is None:
        return None, "the day's loss is not known"
    opening = Cash(round((health.capital - health.daily_pnl) * CASH_PER_DOLLAR))
    lost, most = Cash(round(-health.daily_pnl * CASH_PER_DOLLAR)), daily_loss_limit(risk, opening)
    if lost < most:
        return None, None
    return (
        f"daily loss ${lost / CASH_PER_DOLLAR:,.2f} is at the limit of ${most / CASH_PER_DOLLAR:,.2f}",
        None,
    )


def _exposure(health: SystemHealth, risk: RiskSettings) -> _Found:
    share, cap = health.exposure_share, float(risk.max_total_exposure_pct)
    if share is None:
        return None, "exposure as a share of capital is not known"
    return (
        f"exposure {100 * share:.2f} % is above {100 * cap:g} % of capital" if share > cap else None,
        None,
    )


def _slippage(health: SystemHealth, quality: QualitySettings) -> _Found:
    mean, most, n = health.mean_slippage_bps, float(quality.max_slippage_bps), health.slippage_fills
    if mean is None:
        return None, f"slippage: {n} of takers' fills are too few ({quality.slippage_min_fills} are asked)"
    if mean <= most:
        return None, None
    return f"mean slippage {mean:.2f} bps of the newest {n} of takers' fills is above {most:g} bps", None


def _errors(health: SystemHealth, risk: RiskSettings) -> _Found:
    errors, most = health.errors_last_hour, risk.max_errors_per_hour
    if errors is None:
        return None, "errors are not counted"
    return f"{errors} errors in the last hour, more than {most}" if errors > most else None, None


def _feed(health: SystemHealth, quality: QualitySettings) -> _Found:
    age, stale_s = health.feed_age_s, float(quality.max_stale_book_seconds)
    if age is None:
        return None, "the age of market data is not known"
    return f"market data is {age:.1f} s old, older than {stale_s:g} s" if age > stale_s else None, None
