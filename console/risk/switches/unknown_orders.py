"""Stops when it is not known for too long what became of orders that were sent."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from console.config.risk_settings import RiskSettings
from console.domain.time_units import NS_PER_S
from console.domain.trading_state import TradingState
from console.risk.switches.base import Measure, Reading, RiskView, Switch, safe, tripped, unknown
from console.risk.text import seconds

UNKNOWN_ORDERS = "unknown_orders"


class UnknownOrders(Switch):
    """Pauses on too many orders of unknown outcome or on an old one, and halts on a very old one.

    What such an order can cost stays reserved and its market blocked. It is looked for in complete reads of
    the account. Found, it is known again. It counts as never placed only when five reads over a minute did
    not show it, it would have expired, and neither fills nor positions leave room for it: an order that
    cannot rest settles within about 75 s, one that can not before its expiry, so the latter halts when it
    was really lost, and the halt can be cleared once it has expired.
    """

    key = UNKNOWN_ORDERS
    label = "unknown"
    level = TradingState.PAUSED
    clears = "operator, once few are left and none is old"
    reads = ("unknown_since_ns", "oldest_unknown_ns")
    fed_by = "journaled orders that were sent and neither acknowledged nor refused, until a read finds them"
    unit = "orders; s"
    warns_at = "one"
    why = (
        "One lost answer is the line; several are a fault. By 30 s every list shows an order that exists. "
        "Past 120 s what is at stake is not known and nobody but the operator can find out."
    )

    def __init__(self, limits: RiskSettings) -> None:
        self._limits = limits

    @property
    def threshold(self) -> str:
        limits = self._limits
        return (
            f"> {limits.max_unknown_orders} at once or one older than {limits.unknown_pause_seconds} s; "
            f"HALTED: one older than {limits.unknown_halt_seconds} s"
        )

    def evaluate(self, view: RiskView) -> Reading:
        limits, since_ns = self._limits, view.unknown_since_ns
        threshold = f"{limits.max_unknown_orders}, {limits.unknown_pause_seconds} s"
        if since_ns is None:
            return unknown(threshold)
        count = len(since_ns)
        measure = Measure("unknown orders", count, limits.max_unknown_orders, "count")
        oldest_ns = view.oldest_unknown_ns
        if oldest_ns is None:
            return safe("none", threshold, measure, warns=False)
        text = f"{count}, {seconds(oldest_ns)}"
        if oldest_ns > _ns(limits.unknown_halt_seconds):
            reading = tripped(text, threshold, self._too_old(oldest_ns, limits.unknown_halt_seconds), measure)
            return msgspec.structs.replace(reading, level=TradingState.HALTED)
        if oldest_ns > _ns(limits.unknown_pause_seconds):
            return tripped(text, threshold, self._too_old(oldest_ns, limits.unknown_pause_seconds), measure)
        if count > limits.max_unknown_orders:
            return tripped(text, threshold, f"the outcome of {count} orders is not known", measure)
        return safe(text, threshold, measure, warns=True)

    @staticmethod
    def _too_old(age_ns: int, limit_s: Decimal) -> str:
        return f"the outcome of an order is not known for {seconds(age_ns)}, longer than {limit_s} s"


def _ns(limit_s: Decimal) -> int:
    return int(limit_s * NS_PER_S)
