"""Pauses when the exchange keeps rejecting our orders."""

from __future__ import annotations

from console.config.risk_settings import RiskSettings
from console.domain.trading_state import TradingState
from console.risk.switches.base import Measure, Reading, RiskView, Switch, nears, safe, tripped, unknown

REJECT_RATE = "reject_rate"


class RejectRate(Switch):
    """Pauses when so many orders were rejected within a minute; what we denied ourselves does not count."""

    key = REJECT_RATE
    label = "rejects"
    level = TradingState.PAUSED
    resets_on_resume = True
    clears = "operator; the rejects then start anew"
    reads = ("rejects_in_minute",)
    fed_by = "journaled rejections by the exchange"
    unit = "rejects in the newest minute"
    why = "One is chance; five within a minute are a wrong price, a wrong account or a changed rule."

    def __init__(self, limits: RiskSettings) -> None:
        self._limits = limits
        self.minimum_sample = f"{limits.max_rejects_per_minute} orders, by its nature"

    @property
    def threshold(self) -> str:
        return f">= {self._limits.max_rejects_per_minute} a minute"

    def evaluate(self, view: RiskView) -> Reading:
        limit, rejects = self._limits.max_rejects_per_minute, view.rejects_in_minute
        threshold = f"{limit} /min"
        if rejects is None:
            return unknown(threshold)
        text, measure = f"{rejects} /min", Measure("rejects /min", rejects, limit, "count")
        if rejects >= limit:
            return tripped(text, threshold, f"{rejects} orders rejected within a minute", measure)
        return safe(text, threshold, measure, warns=nears(rejects, limit))
