"""Pauses when orders keep being out and nothing comes of them."""

from __future__ import annotations

from console.config.risk_settings import RiskSettings
from console.domain.trading_state import TradingState
from console.risk.switches.base import Measure, Reading, RiskView, Switch, nears, safe, tripped, unknown

NO_FILLS = "no_fills"


class NoFills(Switch):
    """Pauses after so many scans with orders out and no fill between; one with none out does not count."""

    key = NO_FILLS
    label = "no fills"
    level = TradingState.PAUSED
    resets_on_resume = True
    clears = "operator; the scans then start anew"
    reads = ("scans_without_fill",)
    fed_by = "scans, orders that rested or were sent since the one before, and journaled fills"
    unit = "scans"
    why = "The guide's number."

    def __init__(self, limits: RiskSettings) -> None:
        self._limits = limits

    @property
    def threshold(self) -> str:
        return f">= {self._limits.max_scans_without_fill} scans"

    def evaluate(self, view: RiskView) -> Reading:
        limit, scans = self._limits.max_scans_without_fill, view.scans_without_fill
        threshold = f"{limit} scans"
        if scans is None:
            return unknown(threshold)
        text, measure = f"{scans} scans", Measure("unfilled scans", scans, limit, "count")
        if scans >= limit:
            return tripped(text, threshold, f"{scans} scans with orders out and no fill", measure)
        return safe(text, threshold, measure, warns=nears(scans, limit))
