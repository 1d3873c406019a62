"""Stops when more is sent than could be meant, whatever the strategy and its limits think."""

from __future__ import annotations

from fractions import Fraction
from functools import cached_property

from console.config.risk_settings import RiskSettings
from console.domain.money import Cash
from console.domain.trading_state import TradingState
from console.risk.switches.base import Measure, Reading, RiskView, Switch, nears, safe, tripped, unknown
from console.risk.text import dollars, percent, percent_of

TRIPWIRE = "tripwire"

_ORDERS, _NOTIONAL = "orders /min", "sent /min"


class Tripwire(Switch):
    """Halts on too many orders or too much money sent in a minute, or on answers to orders never sent.

    It counts what the journal says was sent, so that a fault in the strategy, in sizing or in the limit on
    orders a minute does not hide itself.
    """

    key = TRIPWIRE
    label = "tripwire"
    level = TradingState.HALTED
    resets_on_resume = True
    clears = "operator; the counts then start anew"
    reads = ("orders_in_minute", "notional_in_minute", "equity", "contradiction")
    fed_by = (
        "journaled intents of orders that may increase a position; acknowledgements, reports and fills, each "
        "against the order it names"
    )
    unit = "orders and $ in the newest minute"
    why = (
        "Twice the orders that sizing lets pass in a minute, and two and a half times the total exposure: "
        "only a failure of those limits, or orders sent again and again, meets them."
    )

    def __init__(self, limits: RiskSettings) -> None:
        self._limits = limits

    @cached_property
    def _share(self) -> Fraction:
        return Fraction(self._limits.tripwire_notional_pct_per_minute)

    @cached_property
    def _most(self) -> str:
        return percent(self._share)

    @property
    def threshold(self) -> str:
        orders = self._limits.tripwire_orders_per_minute
        return f"> {orders} orders or {self._most} of equity a minute; any answer to an order never sent"

    def evaluate(self, view: RiskView) -> Reading:
        most_orders = self._limits.tripwire_orders_per_minute
        share = self._share
        threshold = f"{most_orders} /min {self._most}"
        orders, notional, equity = view.orders_in_minute, view.notional_in_minute, view.equity
        if view.contradiction is not None:
            return tripped("contradiction", threshold, view.contradiction)
        if orders is None or notional is None or equity is None or not equity > 0:
            missing = Measure(_ORDERS, None, None, "count"), Measure(_NOTIONAL, None, None, "cash")
            return unknown(threshold, *missing)
        most = Cash(share.numerator * equity // share.denominator)
        text = f"{orders} /min {percent_of(notional, equity)}"
        measures = (
            Measure(_ORDERS, orders, most_orders, "count"),
            Measure(_NOTIONAL, notional, most, "cash"),
        )
        if orders > most_orders:
            return tripped(text, threshold, f"{orders} orders within a minute", *measures)
        if notional > most:
            reason = f"orders of {dollars(notional)} within a minute, over {self._most} of equity"
            return tripped(text, threshold, reason, *measures)
        return safe(text, threshold, *measures, warns=nears(orders, most_orders) or nears(notional, most))
