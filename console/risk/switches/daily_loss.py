"""Stops for the day once it has lost too much."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

from console.config.risk_settings import RiskSettings
from console.domain.money import CASH_PER_DOLLAR, Cash
from console.domain.trading_state import TradingState
from console.risk.switches.base import EvaluatedAt, Reading, RiskView, Switch, nears, safe, tripped, unknown
from console.risk.text import dollars, percent


def daily_loss_limit(limits: RiskSettings, day_open_equity: Cash) -> Cash:
    """The smaller of the dollar limit and the share of the day's opening equity, rounded down."""
    most, share = _fraction(limits.max_daily_loss_dollars), _fraction(limits.max_daily_loss_pct)
    in_dollars = most.numerator * CASH_PER_DOLLAR // most.denominator
    return Cash(min(in_dollars, share.numerator * max(0, day_open_equity) // share.denominator))


_fraction = lru_cache(Fraction)


class DailyLoss(Switch):
    """Halts when the day's loss, open positions at their marks, reaches the limit; a profit never does."""

    key = "daily_loss"
    label = "daily loss"
    level = TradingState.HALTED
    evaluated_at = EvaluatedAt.SCAN
    clears = "operator, once the loss is under the limit"
    reads = ("equity", "day_open_equity")
    fed_by = "equity at marks at each scan, against that with which the risk day began"
    unit = "$"
    why = "The guide's numbers; the smaller of the two holds."

    def __init__(self, limits: RiskSettings) -> None:
        self._limits = limits

    @property
    def threshold(self) -> str:
        share = percent(Fraction(self._limits.max_daily_loss_pct))
        return f">= {self._limits.max_daily_loss_dollars:,} $ or {share} of the day's opening equity"

    def evaluate(self, view: RiskView) -> Reading:
        if view.equity is None or view.day_open_equity is None:
            return unknown("n/a")
        limit = daily_loss_limit(self._limits, view.day_open_equity)
        profit = Cash(view.equity - view.day_open_equity)
        text, threshold = dollars(profit, signed=True), f"> {dollars(Cash(-limit))}"
        if -profit >= limit:
            reason = f"day's loss {dollars(Cash(-profit))} reached the limit of {dollars(limit)}"
            return tripped(text, threshold, reason)
        return safe(text, threshold, warns=nears(-profit, limit))
