"""Whether pre-flight notices a kill switch that trips by another limit than the settings'."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.commands.preflight import switch_limits
from console.commands.preflight.switch_limits import LIMITS, WrongLimitError, check_limits
from console.config.load import ENVIRONMENTS, Environment, load
from console.config.risk_settings import RiskSettings
from console.config.schema import Settings
from console.config.trading_settings import QualitySettings
from console.risk.switches.base import Switch
from console.risk.switches.every import every_switch

NUMBERS = (
    "max_daily_loss_dollars",
    "max_daily_loss_pct",
    "max_drawdown_pct",
    "max_consecutive_losses",
    "max_errors_per_hour",
    "max_scans_without_fill",
    "max_correlated_group_pct",
    "max_rejects_per_minute",
    "tripwire_orders_per_minute",
    "tripwire_notional_pct_per_minute",
    "max_unknown_orders",
    "unknown_pause_seconds",
    "unknown_halt_seconds",
)
QUALITY = (
    "max_slippage_bps",
    "max_slippage_share",
    "slippage_min_fills",
    "max_stale_book_seconds",
    "max_clock_skew_seconds",
)
"""Every setting that a kill switch trips by."""


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize("key", LIMITS)
def test_the_switches_keep_the_limits_of_each_environment(key: str, environment: Environment) -> None:
    assert check_limits(key, load(environment, variables={}).settings)


@given(
    losses=st.integers(1, 1_000),
    errors=st.integers(0, 10_000),
    dollars=st.decimals(0, 10_000, places=2),
    share=st.decimals(0, 1, places=4),
    seconds=st.decimals(1, 3_600, places=3),
)
def test_any_limits_are_kept(
    losses: int, errors: int, dollars: Decimal, share: Decimal, seconds: Decimal
) -> None:
    risk = RiskSettings(
        max_consecutive_losses=losses,
        max_errors_per_hour=errors,
        max_daily_loss_dollars=dollars,
        max_daily_loss_pct=share,
        max_drawdown_pct=share,
        max_correlated_group_pct=share,
        tripwire_notional_pct_per_minute=share,
        max_unknown_orders=errors,
    )
    quality = QualitySettings(max_stale_book_seconds=seconds, max_clock_skew_seconds=seconds)
    for key in LIMITS:
        assert check_limits(key, Settings(risk=risk, quality=quality))


@pytest.mark.parametrize("name", NUMBERS + QUALITY)
@pytest.mark.parametrize("change", [lambda limit: limit * 2, lambda limit: limit / 2])
def test_a_switch_with_another_limit_is_noticed(
    monkeypatch: pytest.MonkeyPatch, name: str, change: Callable[[Decimal], Decimal]
) -> None:
    def wrong(risk: RiskSettings, quality: QualitySettings) -> tuple[Switch, ...]:
        limits = risk if name in NUMBERS else quality
        value = getattr(limits, name)
        other = {name: type(value)(change(Decimal(value)))}
        return every_switch(
            replace(risk, **other) if limits is risk else risk,
            replace(quality, **other) if limits is quality else quality,
        )

    monkeypatch.setattr(switch_limits, "every_switch", wrong)
    noticed = []
    for key in LIMITS:
        try:
            check_limits(key, Settings())
        except WrongLimitError:
            noticed.append(key)
    assert len(noticed) == 1


def test_a_limit_that_nothing_can_pass_is_told() -> None:
    settings = Settings(quality=QualitySettings(max_slippage_share=Decimal(1)))
    with pytest.raises(WrongLimitError, match="it can never trip: 100 % of 50 fills"):
        check_limits("slippage", settings)
