"""Pauses while our clock and the exchange's differ too much, and when ours was set or the machine slept."""

from __future__ import annotations

from fractions import Fraction

from console.config.trading_settings import QualitySettings
from console.domain.time_units import MS_PER_S, NS_PER_S
from console.domain.trading_state import TradingState
from console.risk.switches.base import Reading, RiskView, Switch, safe, tripped, unknown

CLOCK_SKEW = "clock_skew"

_WARNS_FROM_MS = 1000


class ClockSkew(Switch):
    """Pauses when the clocks differ by more than allowed; unknown until the exchange told its time.

    A step of our clock of more than that counts until the feed proved itself and the account was read anew.
    """

    key = CLOCK_SKEW
    label = "clock skew"
    level = TradingState.PAUSED
    clears_itself = True
    clears = "by itself, after 5 s of a good clock"
    reads = ("clock_step_ns", "skew_ms")
    fed_by = (
        "the time in the exchange's answers, read with its status; our clock against one that never steps"
    )
    unit = "s"
    warns_at = "1 s"
    why = (
        "Ages and expiries are wrong by the difference, and a signature may be refused. The exchange tells "
        "whole seconds, so less than one cannot be told from none. A clock that leaps was set, or the "
        "machine slept: nothing that we know is new then."
    )

    def __init__(self, quality: QualitySettings) -> None:
        self._most = f"{quality.max_clock_skew_seconds} s"
        self._limit_s = Fraction(quality.max_clock_skew_seconds)

    @property
    def threshold(self) -> str:
        return f"> {self._most}"

    def evaluate(self, view: RiskView) -> Reading:
        threshold, skew_ms = self._most, view.skew_ms
        if abs(view.clock_step_ns) > self._limit_s * NS_PER_S:
            step = f"{view.clock_step_ns / NS_PER_S:+.1f} s"
            reason = f"our clock stepped by {step}; feed and account must be heard anew"
            return tripped(f"stepped {step}", threshold, reason)
        if skew_ms is None:
            return unknown(threshold)
        text = f"{skew_ms / MS_PER_S:+.1f} s"
        if abs(skew_ms) > self._limit_s * MS_PER_S:
            ahead = "ahead of" if skew_ms > 0 else "behind"
            seconds = f"{abs(skew_ms) / MS_PER_S:.1f} s"
            return tripped(text, threshold, f"our clock is {seconds} {ahead} the exchange's")
        return safe(text, threshold, warns=abs(skew_ms) >= _WARNS_FROM_MS)
