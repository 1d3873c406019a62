"""Stops when the exchange does not accept our key."""

from __future__ import annotations

from console.domain.trading_state import TradingState
from console.risk.switches.base import Reading, RiskView, Switch, safe, tripped

_GOOD = "accepted"


class ApiKey(Switch):
    """Halts when the exchange refuses our key, or what was asked with it."""

    key = "api_key"
    label = "API key"
    level = TradingState.HALTED
    clears = "operator, once the account was read again"
    reads = ("key_refusal",)
    fed_by = "answers 401 and 403 to any request, but for those that say a timestamp was too old"
    unit = "refusals"
    warns_at = "never"
    why = "Without a key nothing can be sent, read or cancelled, and only its owner can mend that."
    threshold = "a refusal"

    def evaluate(self, view: RiskView) -> Reading:
        if view.key_refusal is not None:
            return tripped("refused", _GOOD, view.key_refusal)
        return safe("accepted", _GOOD, warns=False)
