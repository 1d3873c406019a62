"""Pauses for some hours after a run of losses."""

from __future__ import annotations

from console.config.risk_settings import RiskSettings
from console.domain.time_units import NS_PER_HOUR
from console.domain.trading_state import TradingState
from console.risk.switches.base import Measure, Reading, RiskView, Switch, nears, safe, tripped, unknown

LOSS_STREAK = "loss_streak"


class LossStreak(Switch):
    """Pauses when so many positions in a row ended in a loss; another loss after the pause pauses again."""

    key = LOSS_STREAK
    label = "loss streak"
    level = TradingState.PAUSED
    resets_on_resume = True
    reads = ("losses_in_a_row", "losses_answered")
    fed_by = "journaled fills that close a position and settlements, each with its fees, in exchange order"
    unit = "losses in a row"
    why = "The guide's number."

    def __init__(self, limits: RiskSettings) -> None:
        self._limits = limits
        self.lasts_ns = int(limits.loss_streak_pause_hours * NS_PER_HOUR)
        self.clears = f"by itself after {limits.loss_streak_pause_hours} h, or operator"

    @property
    def threshold(self) -> str:
        return f">= {self._limits.max_consecutive_losses}"

    def evaluate(self, view: RiskView) -> Reading:
        limit, losses = self._limits.max_consecutive_losses, view.losses_in_a_row
        if losses is None:
            return unknown(str(limit))
        measure = Measure(self.label, losses, limit, "count")
        if losses >= limit and losses > view.losses_answered:
            return tripped(str(losses), str(limit), f"{losses} losses in a row", measure)
        return safe(str(losses), str(limit), measure, warns=nears(losses, limit))
