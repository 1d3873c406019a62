"""Pauses while the exchange itself does not trade."""

from __future__ import annotations

from console.domain.trading_state import TradingState
from console.risk.switches.base import Reading, RiskView, Switch, safe, tripped, unknown

_GOOD = "trading"


class ExchangePaused(Switch):
    """Pauses while the exchange says that it, or trading on it, is not active."""

    key = "exchange_paused"
    label = "exchange"
    level = TradingState.PAUSED
    clears_itself = True
    clears = "by itself, after 5 s of trading"
    reads = ("status",)
    fed_by = "the exchange's status, read every few seconds"
    unit = "-"
    warns_at = "never"
    why = "The exchange's own word. One that is older than 120 s proves nothing."
    threshold = "not trading"

    def evaluate(self, view: RiskView) -> Reading:
        status = view.status
        if status is None:
            return unknown(_GOOD)
        if not status.exchange_active:
            return tripped("closed", _GOOD, "the exchange is closed")
        if not status.trading_active:
            return tripped("paused", _GOOD, "the exchange has paused trading")
        return safe("trading", _GOOD, warns=False)
