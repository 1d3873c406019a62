"""Stops when another kconsole trades on the same account."""

from __future__ import annotations

from console.domain.trading_state import TradingState
from console.risk.switches.base import Reading, RiskView, Switch, safe, tripped, unknown

FOREIGN_INSTANCE = "foreign_instance"

_GOOD = "none"


class ForeignInstance(Switch):
    """Halts when an order of the account bears the id of another kconsole and rests, or is new.

    Ours are cancelled, the other's are left alone. Orders with any other id, or none, are the owner's own and
    count as external.
    """

    key = FOREIGN_INSTANCE
    label = "instance"
    level = TradingState.HALTED
    clears = "operator, once none of its orders rests"
    reads = ("foreign_order",)
    fed_by = "complete reads of orders, by their client order ids"
    unit = "order"
    warns_at = "never"
    why = "Two consoles on one account each take the other's trades for their own room within the limits."
    threshold = "any order of it"

    def evaluate(self, view: RiskView) -> Reading:
        if view.foreign_order is None:
            return unknown(_GOOD, text="not read")
        if view.foreign_order:
            return tripped("seen", _GOOD, view.foreign_order)
        return safe("none", _GOOD, warns=False)
