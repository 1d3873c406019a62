"""The operator's own halt."""

from __future__ import annotations

from console.domain.events import TradingState
from console.risk.switches.base import Reading, ReadingState, RiskView

MANUAL = "manual"
"""Name of the latch that the operator's halt raises."""


class ManualHalt:
    """Always ready; the operator's command raises its latch, nothing it reads does."""

    key = MANUAL
    label = "halt"
    level = TradingState.HALTED
    clears_itself = False
    clears = "operator, with a reason"

    def evaluate(self, view: RiskView) -> Reading:
        return Reading(ReadingState.ARMED, "ready", "operator")
