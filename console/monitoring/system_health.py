"""How the system stands, and what an operator should hear of it."""

from __future__ import annotations

from typing import Literal

import msgspec

from console.config.schema import QualitySettings, RiskSettings
from console.domain.money import CASH_PER_DOLLAR, Cash
from console.risk.switches.daily_loss import daily_loss_limit

_TRADES = ("RUNNING", "ACTIVE")


class SystemHealth(msgspec.Struct, frozen=True, kw_only=True):
    """Money in dollars, shares of 1; what is not known is None. ``alerts_active`` are sentences."""

    trading_state: str
    active_positions: int
    total_exposure: float
    capital: float | None
    daily_pnl: float | None
    exposure_share: float | None
    daily_pnl_share: float | None
    errors_last_hour: int | None = None
    mean_slippage_bps: float | None = None
    feed_age_s: float | None = None
    order_round_trip_s: float | None = None
    clock_skew_s: float | None = None
    unknown_orders: int | None = None
    log_lines_lost: int | None = None
    disk_free_bytes: int | None = None
    is_connected: bool | None = None
    environment: Literal["practice", "demo", "live"] | None = None
    alerts_active: tuple[str, ...] = ()


def alerts_of(health: SystemHealth, risk: RiskSettings, quality: QualitySettings) -> tuple[str, ...]:
    """What is wrong by the limits in force, one sentence each; what is not known raises none."""
    found = []
    if health.trading_state not in _TRADES:
        found.append(f"trading is {health.trading_state}")
    if health.daily_pnl is not None and health.capital is not None:
        opening = Cash(round((health.capital - health.daily_pnl) * CASH_PER_DOLLAR))
        lost, most = Cash(round(-health.daily_pnl * CASH_PER_DOLLAR)), daily_loss_limit(risk, opening)
        if lost >= most:
            found.append(
                f"daily loss ${lost / CASH_PER_DOLLAR:,.2f} is at the limit of ${most / CASH_PER_DOLLAR:,.2f}"
            )
    share, cap = health.exposure_share, float(risk.max_total_exposure_pct)
    if share is not None and share > cap:
        found.append(f"exposure {100 * share:.1f} % is above {100 * cap:.0f} % of capital")
    slippage, most_bps = health.mean_slippage_bps, float(quality.max_slippage_bps)
    if slippage is not None and slippage > most_bps:
        found.append(f"mean slippage {slippage:.1f} bps is above {most_bps:.0f} bps")
    errors, most_errors = health.errors_last_hour, risk.max_errors_per_hour
    if errors is not None and errors > most_errors:
        found.append(f"{errors} errors in the last hour, more than {most_errors}")
    age, stale_s = health.feed_age_s, float(quality.max_stale_book_seconds)
    if age is not None and age > stale_s:
        found.append(f"market data is {age:.0f} s old, older than {stale_s:.0f} s")
    return tuple(found)
