"""Pauses when nobody would cancel for a run that hangs or dies."""

from __future__ import annotations

from console.domain.trading_state import TradingState
from console.risk.switches.base import Reading, RiskView, Switch, safe, tripped

_GOOD = "watching"


class GuardGone(Switch):
    """Pauses when the guard process has ended or does not answer; a dry run has none and needs none."""

    key = "guard"
    label = "guard"
    level = TradingState.PAUSED
    clears = "operator, with a guard"
    reads = ("guard",)
    fed_by = "the guard process: whether it lives, and a counter that it advances each second"
    unit = "-"
    warns_at = "never"
    why = "The guard looks once a second, and acts on 5 s of silence; one that is silent itself will not."
    threshold = "ended, or silent for 5 s"

    def evaluate(self, view: RiskView) -> Reading:
        if view.guard is None:
            return safe("none", _GOOD, warns=False)
        if view.guard.absence is not None:
            return tripped("gone", _GOOD, view.guard.absence)
        return safe("watching", _GOOD, warns=False)
