"""Pauses when things outside the engine keep failing."""

from __future__ import annotations

from console.config.risk_settings import RiskSettings
from console.domain.trading_state import TradingState
from console.risk.switches.base import Measure, Reading, RiskView, Switch, nears, safe, tripped, unknown

ERROR_BURST = "error_burst"


class ErrorBurst(Switch):
    """Pauses when there were more errors within an hour than allowed."""

    key = ERROR_BURST
    label = "errors"
    level = TradingState.PAUSED
    resets_on_resume = True
    clears = "operator; the errors then start anew"
    reads = ("errors_in_hour",)
    fed_by = (
        "failed requests (one that goes on failing counts once), lost connections, orders of unknown outcome"
    )
    unit = "errors in the newest hour"
    why = "The guide's number."

    def __init__(self, limits: RiskSettings) -> None:
        self._limits = limits

    @property
    def threshold(self) -> str:
        return f"> {self._limits.max_errors_per_hour} an hour"

    def evaluate(self, view: RiskView) -> Reading:
        limit, errors = self._limits.max_errors_per_hour, view.errors_in_hour
        threshold = f"{limit} /h"
        if errors is None:
            return unknown(threshold)
        text, measure = f"{errors} /h", Measure("errors /h", errors, limit, "count")
        if errors > limit:
            return tripped(text, threshold, f"{errors} errors within an hour", measure)
        return safe(text, threshold, measure, warns=nears(errors, limit))
