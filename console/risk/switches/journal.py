"""Stops when what happens cannot be written down."""

from __future__ import annotations

from console.domain.trading_state import TradingState
from console.risk.switches.base import Reading, RiskView, Switch, safe, tripped
from console.risk.text import seconds

JOURNAL = "journal"

_GOOD = "writes"


class JournalHealth(Switch):
    """Halts when the journal refuses a write; the engine then ends, and the halt file keeps the halt."""

    key = JOURNAL
    label = "journal"
    level = TradingState.HALTED
    clears = "operator, after a start that can write"
    reads = ("journal_failure", "journaled_ns", "now_ns")
    fed_by = "the journal, which every order and every change of state waits for"
    unit = "failures"
    warns_at = "never"
    why = "An order that is not on disk before it is sent may be sent twice."
    threshold = "a failed write"

    def evaluate(self, view: RiskView) -> Reading:
        if view.journal_failure is not None:
            return tripped("failed", _GOOD, view.journal_failure)
        if view.journaled_ns is None:
            return safe("no write yet", _GOOD, warns=False)
        age_ns = max(0, view.now_ns - view.journaled_ns)
        return safe(f"{seconds(age_ns)} ago", _GOOD, warns=False)
