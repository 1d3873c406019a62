"""Stops adding to a correlated group that has outgrown its share of equity."""

from __future__ import annotations

from fractions import Fraction
from functools import cached_property

from console.config.risk_settings import RiskSettings
from console.domain.money import Cash
from console.domain.trading_state import TradingState
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
from console.risk.text import percent, percent_of

CORRELATION = "correlation"


class CorrelationBreach(Switch):
    """Lets a group only be reduced whose worst case, resting orders filled, exceeds its cap on equity now."""

    key = CORRELATION
    label = "correlation"
    level = TradingState.REDUCE_ONLY
    scope = "the group"
    evaluated_at = EvaluatedAt.SCAN
    clears = "operator, once under its cap; or with its last market"
    reads = ("equity", "exposure")
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

    @cached_property
    def _cap(self) -> str:
        return percent(self._share)

    @property
    def threshold(self) -> str:
        return f"> {self._cap}"

    def evaluate(self, view: RiskView) -> Reading:
        share = self._share
        equity = view.equity
        if equity is None or not equity > 0 or view.exposure is None:
            return unknown(self._cap)
        largest, cap = view.exposure.largest_group, Cash(share.numerator * equity // share.denominator)
        text = percent_of(largest, equity)
        if largest > cap:
            at_stake = sorted((name, case.with_orders) for name, case in view.exposure.groups.items())
            breaches = tuple(
                ScopedTrip(group_scope(name), f"{name}: {percent(Fraction(most, equity))} of equity at worst")
                for name, most in at_stake
                if most > cap
            )
            return Reading(ReadingState.TRIPPED, text, self._cap, scoped=breaches)
        warns = nears(largest * share.denominator, equity * share.numerator)
        return safe(text, self._cap, warns=warns)

    def is_over(self, scope: str, view: RiskView) -> bool:
        """Whether nothing followed or held is of the group any more; a group that is pinned is never over."""
        exposure = view.exposure
        if exposure is None or not exposure.places or exposure.markets.keys() - exposure.places.keys():
            return False
        groups = {place.group for place in exposure.places.values()} | self._limits.groups.keys()
        return scope not in {group_scope(group) for group in groups}
