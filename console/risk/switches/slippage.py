"""Pauses when executions keep costing more than they should."""

from __future__ import annotations

from fractions import Fraction
from functools import cached_property
from math import floor

from console.config.trading_settings import QualitySettings
from console.domain.trading_state import TradingState
from console.risk.switches.base import Measure, Reading, RiskView, Switch, nears, safe, tripped, unknown
from console.risk.text import percent

SLIPPAGE = "slippage"

_CENTIBPS_PER_BPS = 100
_HUNDREDTHS_OF_PERCENT = 10_000


class Slippage(Switch):
    """Pauses when too many of the newest taker fills slipped beyond the line, given enough of them."""

    key = SLIPPAGE
    label = "slippage"
    level = TradingState.PAUSED
    resets_on_resume = True
    clears = "operator; the fills then start anew"
    reads = ("taker_slippage",)
    fed_by = "journaled taker fills, each against the touch at its decision"
    unit = "share of taker fills above the line"
    why = (
        "The line is the guide's, 50 bps consistently: more often than not. If one fill in four is bad by "
        "chance, eleven of twenty come once in 250 times."
    )

    def __init__(self, quality: QualitySettings) -> None:
        self._quality = quality
        self.minimum_sample = (
            f"{quality.slippage_min_fills} of the last {quality.slippage_window_fills} fills"
        )

    @cached_property
    def _most(self) -> Fraction:
        return Fraction(self._quality.max_slippage_share)

    @cached_property
    def _line(self) -> int:
        """Samples are whole hundredths of a basis point, so one is beyond the line from the next whole on."""
        line = self._quality.max_slippage_bps * _CENTIBPS_PER_BPS
        if not line.is_finite():
            raise ValueError(f"max_slippage_bps is {self._quality.max_slippage_bps}")
        return floor(line)

    @cached_property
    def _texts(self) -> tuple[str, str]:
        return percent(self._most), f"{self._quality.max_slippage_bps.normalize():f} bps"

    @property
    def threshold(self) -> str:
        share, line = self._texts
        return f"> {share} of fills > {line}"

    def evaluate(self, view: RiskView) -> Reading:
        quality = self._quality
        most, threshold = self._most, " > ".join(self._texts)
        if view.taker_slippage is None:
            return unknown(threshold)
        fills = view.taker_slippage[-quality.slippage_window_fills :]
        line = self._line
        if len(fills) < quality.slippage_min_fills:
            return safe(f"n={len(fills)} of {quality.slippage_min_fills}", threshold, warns=False)
        beyond = sum([fill > line for fill in fills])
        share = Fraction(beyond, len(fills))
        text = f"{percent(share)} n={len(fills)}"
        measure = Measure(
            "slipped fills",
            int(share * _HUNDREDTHS_OF_PERCENT),
            int(most * _HUNDREDTHS_OF_PERCENT),
            "percent",
        )
        if share > most:
            reason = f"{beyond} of {len(fills)} taker fills slipped more than {quality.max_slippage_bps} bps"
            return tripped(text, threshold, reason, measure)
        return safe(text, threshold, measure, warns=nears(share, most))
