"""The operator's own halt."""

from __future__ import annotations

from console.domain.trading_state import TradingState
from console.risk.switches.base import Reading, RiskView, Switch, safe

MANUAL = "manual"
"""Name of the latch that the operator's halt raises."""


class ManualHalt(Switch):
    """Always ready; the operator's command raises its latch, nothing it reads does."""

    key = MANUAL
    label = "halt"
    level = TradingState.HALTED
    clears = "operator, with a reason"
    reads = ()
    fed_by = "the operator's halt, `kconsole halt`, the halt file"
    unit = "-"
    warns_at = "never"
    why = "It is the operator's word."
    threshold = "operator"

    def evaluate(self, view: RiskView) -> Reading:
        return safe("ready", self.threshold, warns=False)
