"""Stops adding to a correlated group that has outgrown its share of equity."""

from __future__ import annotations

from fractions import Fraction
from functools import cached_property

from console.config.schema import RiskSettings
from console.domain.events import TradingState
from console.risk.latches import group_scope
from console.risk.switches.base import (
    EvaluatedAt,
    Reading,
    ReadingState,
    RiskView,
    ScopedTrip,
    Switch,
    nears,
    safe,
    unknown,
)
from console.risk.text import percent

CORRELATION = "correlation"


class CorrelationBreach(Switch):
    """Lets a group only be reduced whose worst case, resting orders filled, exceeds its cap on equity now."""

    key = CORRELATION
    label = "correlation"
    level = TradingState.REDUCE_ONLY
    scope = "the group"
    evaluated_at = EvaluatedAt.SCAN
    clears = "operator, once under its cap; or with its last market"
    fed_by = "positions, orders that may fill and equity at marks, at each scan"
    unit = "% of equity"
    why = (
        "The guide's cap. Sizing keeps an order within it; equity that falls, or markets found to belong "
        "together, can still pass it."
    )

    def __init__(self, limits: RiskSettings) -> None:
        self._limits = limits

    @cached_property
    def _share(self) -> Fraction:
        """The cap and its margin: sizing fills a group up to the cap, and the next mark takes it over."""
        limits = self._limits
        return Fraction(limits.max_correlated_group_pct) * (1 + Fraction(limits.group_breach_margin_pct))

    @property
    def threshold(self) -> str:
        return f"> {percent(self._share)}"

    def evaluate(self, view: RiskView) -> Reading:
        share = self._share
        equity = view.equity
        if equity is None or not equity > 0 or view.exposure is None:
            return unknown(percent(share))
        groups, cap = view.exposure.groups, int(share * equity)
        breaches = tuple(
            ScopedTrip(group_scope(name), f"{name}: {percent(Fraction(value, equity))} of equity at worst")
            for name, value in sorted((name, case.with_orders) for name, case in groups.items())
            if value > cap
        )
        most = Fraction(max((case.with_orders for case in groups.values()), default=0), equity)
        if breaches:
            text = percent(most)
            return Reading(ReadingState.TRIPPED, text, percent(share), scoped=breaches)
        return safe(percent(most), percent(share), warns=nears(most, share))

    def is_over(self, scope: str, view: RiskView) -> bool:
        """Whether nothing followed or held is of the group any more; a group that is pinned is never over."""
        exposure = view.exposure
        if exposure is None or not exposure.places or exposure.markets.keys() - exposure.places.keys():
            return False
        groups = {place.group for place in exposure.places.values()} | self._limits.groups.keys()
        return scope not in {group_scope(group) for group in groups}
