"""Stops for the day once it has lost too much."""

from __future__ import annotations

from fractions import Fraction

from console.config.schema import RiskSettings
from console.domain.events import TradingState
from console.domain.money import CASH_PER_DOLLAR, Cash
from console.risk.switches.base import Reading, ReadingState, RiskView
from console.risk.text import dollars

_WARNS_AT = Fraction(7, 10)


def daily_loss_limit(limits: RiskSettings, day_open_equity: Cash) -> Cash:
    """The smaller of the dollar limit and the share of the day's opening equity, rounded down."""
    in_dollars = Fraction(limits.max_daily_loss_dollars) * CASH_PER_DOLLAR
    in_share = Fraction(limits.max_daily_loss_pct) * max(0, day_open_equity)
    return Cash(int(min(in_dollars, in_share)))


class DailyLoss:
    """Halts when the day's loss, open positions at their marks, reaches the limit; a profit never does."""

    key = "daily_loss"
    label = "daily loss"
    level = TradingState.HALTED
    clears_itself = False
    clears = "operator, once the loss is under the limit"

    def __init__(self, limits: RiskSettings) -> None:
        self._limits = limits

    def evaluate(self, view: RiskView) -> Reading:
        if view.equity is None or view.day_open_equity is None:
            return Reading(ReadingState.UNKNOWN, "n/a", "n/a")
        limit = daily_loss_limit(self._limits, view.day_open_equity)
        profit = Cash(view.equity - view.day_open_equity)
        text, threshold = dollars(profit, signed=True), f"> {dollars(Cash(-limit))}"
        if -profit >= limit:
            reason = f"day's loss {dollars(Cash(-profit))} reached the limit of {dollars(limit)}"
            return Reading(ReadingState.TRIPPED, text, threshold, reason)
        warning = profit < 0 and -profit >= _WARNS_AT * limit
        return Reading(ReadingState.WARNING if warning else ReadingState.ARMED, text, threshold)
