"""Stops when too much of the highest equity is lost, over however many days."""

from __future__ import annotations

from fractions import Fraction
from functools import cached_property

from console.config.risk_settings import RiskSettings
from console.domain.money import Cash
from console.domain.trading_state import TradingState
from console.risk.switches.base import (
    EvaluatedAt,
    Measure,
    Reading,
    RiskView,
    Switch,
    nears,
    safe,
    tripped,
    unknown,
)
from console.risk.text import dollars, percent, percent_of

DRAWDOWN = "drawdown"


class Drawdown(Switch):
    """Halts when equity at marks has fallen by the limit from its highest; resuming counts from there."""

    key = DRAWDOWN
    label = "drawdown"
    level = TradingState.HALTED
    evaluated_at = EvaluatedAt.SCAN
    resets_on_resume = True
    clears = "operator; the highest equity then starts anew"
    reads = ("equity", "high_water")
    fed_by = "equity at marks at each scan, against the highest one journaled"
    unit = "% of the highest equity"
    why = "Two daily limits: two of the worst days that are allowed end trading."

    def __init__(self, limits: RiskSettings) -> None:
        self._limits = limits

    @cached_property
    def _share(self) -> Fraction:
        return Fraction(self._limits.max_drawdown_pct)

    @cached_property
    def _most(self) -> str:
        return percent(self._share)

    @property
    def threshold(self) -> str:
        return f">= {self._most}"

    def evaluate(self, view: RiskView) -> Reading:
        share = self._share
        if view.equity is None or view.high_water is None or not view.high_water > 0:
            return unknown(self._most, Measure(self.label, None, None, "cash"))
        lost = Cash(max(0, view.high_water - view.equity))
        limit, scaled_lost = share.numerator * view.high_water, lost * share.denominator
        text = percent_of(lost, view.high_water)
        measure = Measure(self.label, lost, limit // share.denominator, "cash")
        if scaled_lost >= limit:
            reason = f"{dollars(lost)} below the highest equity, {dollars(view.high_water)}: {text}"
            return tripped(text, self._most, reason, measure)
        return safe(text, self._most, measure, warns=nears(scaled_lost, limit))
