"""Pauses while our clock and the exchange's differ too much."""

from __future__ import annotations

from fractions import Fraction

from console.config.schema import QualitySettings
from console.domain.events import TradingState
from console.risk.switches.base import Reading, RiskView, Switch, is_known, safe, tripped, unknown

_MS_PER_S = 1000
_WARNS_FROM_MS = 1000


class ClockSkew(Switch):
    """Pauses when the clocks differ by more than allowed; unknown until the exchange told its time."""

    key = "clock_skew"
    label = "clock skew"
    level = TradingState.PAUSED
    clears_itself = True
    clears = "by itself, after 5 s of a good clock"
    fed_by = "the time in the exchange's answers, read with its status"
    unit = "s"
    warns_at = "1 s"
    why = (
        "Ages and expiries are wrong by the difference, and a signature may be refused. The exchange tells "
        "whole seconds, so less than one cannot be told from none."
    )

    def __init__(self, quality: QualitySettings) -> None:
        self._quality = quality

    @property
    def threshold(self) -> str:
        return f"> {self._quality.max_clock_skew_seconds} s"

    def evaluate(self, view: RiskView) -> Reading:
        threshold = f"{self._quality.max_clock_skew_seconds} s"
        clock = view.clock
        if clock is None or clock.skew_ms is None or not is_known(clock.at_ns, view.now_ns):
            return unknown(threshold)
        limit_ms = Fraction(self._quality.max_clock_skew_seconds) * _MS_PER_S
        text = f"{clock.skew_ms / _MS_PER_S:+.1f} s"
        if abs(clock.skew_ms) > limit_ms:
            ahead = "ahead of" if clock.skew_ms > 0 else "behind"
            seconds = f"{abs(clock.skew_ms) / _MS_PER_S:.1f} s"
            return tripped(text, threshold, f"our clock is {seconds} {ahead} the exchange's")
        return safe(text, threshold, warns=abs(clock.skew_ms) >= _WARNS_FROM_MS)
