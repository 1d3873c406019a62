"""Stops when the exchange holds other positions for us than we do."""

from __future__ import annotations

from console.domain.trading_state import TradingState
from console.risk.switches.base import READS_KEEP_NS, Reading, RiskView, Switch, safe, tripped, unknown
from console.risk.text import seconds

POSITION_MISMATCH = "position_mismatch"

_GOOD = "equal"


class PositionMismatch(Switch):
    """Halts when two quiet reads in a row agree that positions differ from ours."""

    key = POSITION_MISMATCH
    label = "positions"
    level = TradingState.HALTED
    clears = "operator, once a comparison agrees"
    reads = ("mismatch", "is_compared")
    fed_by = "reconciliation: complete reads of orders, fills, settlements and positions"
    unit = "difference"
    minimum_sample = "2 reads"
    warns_at = "never"
    why = "Any difference means that our books are wrong. A comparison older than 120 s proves nothing."
    threshold = "any difference"

    def evaluate(self, view: RiskView) -> Reading:
        mismatch = view.mismatch
        if mismatch is None:
            return unknown(_GOOD, text="not compared")
        if mismatch:
            return tripped("differ", _GOOD, mismatch)
        if not view.is_compared:
            return unknown(_GOOD, text=f"not for {seconds(READS_KEEP_NS)}")
        return safe("equal", _GOOD, warns=False)
