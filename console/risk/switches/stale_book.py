"""Pauses while the market data cannot be trusted."""

from __future__ import annotations

from decimal import Decimal

from console.config.schema import QualitySettings
from console.domain.events import TradingState
from console.risk.switches.base import Reading, ReadingState, RiskView
from console.risk.text import seconds

_NS_PER_S = 1_000_000_000
_WARNS_AT_PERCENT = 70
_CLOCK_MAY_STEP_BACK_NS = _NS_PER_S


class StaleBook:
    """Pauses when the feed has proved nothing for longer than allowed; unknown until it first did."""

    key = "stale_book"
    label = "stale book"
    level = TradingState.PAUSED
    clears_itself = True
    clears = "by itself, after 5 s of good data"

    def __init__(self, quality: QualitySettings) -> None:
        self._limit_ns = int(quality.max_stale_book_seconds * Decimal(_NS_PER_S))
        self._threshold = f"{quality.max_stale_book_seconds} s"

    def evaluate(self, view: RiskView) -> Reading:
        threshold = self._threshold
        if view.feed_proved_ns is None:
            return Reading(ReadingState.UNKNOWN, "no feed yet", threshold)
        age_ns = view.now_ns - view.feed_proved_ns
        if age_ns < -_CLOCK_MAY_STEP_BACK_NS:
            return Reading(ReadingState.UNKNOWN, "the clock stepped back", threshold)
        text = seconds(max(0, age_ns))
        if age_ns > self._limit_ns:
            reason = f"the feed proved nothing for {text}, longer than {threshold}"
            return Reading(ReadingState.TRIPPED, text, threshold, reason)
        warning = 100 * age_ns >= _WARNS_AT_PERCENT * self._limit_ns
        return Reading(ReadingState.WARNING if warning else ReadingState.ARMED, text, threshold)
