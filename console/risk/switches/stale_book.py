"""Pauses while the market data cannot be trusted."""

from __future__ import annotations

from decimal import Decimal

from console.config.trading_settings import QualitySettings
from console.domain.time_units import NS_PER_S
from console.domain.trading_state import TradingState
from console.risk.switches.base import (
    MAY_OVERTAKE_NS,
    Reading,
    RiskView,
    Switch,
    nears,
    safe,
    tripped,
    unknown,
)
from console.risk.text import seconds


class StaleBook(Switch):
    """Pauses when the feed has proved nothing for longer than allowed; unknown until it first did.

    A single market without a live book is not traded either; how many there are is told beside the age.
    """

    key = "stale_book"
    label = "stale book"
    level = TradingState.PAUSED
    clears_itself = True
    clears = "by itself, after 5 s of good data"
    reads = ("feed_age_ns", "followed_books", "dark_books")
    fed_by = "messages and pings of the subscription with its sequence intact; books lost and sent anew"
    unit = "s"
    why = "The guide's number."

    def __init__(self, quality: QualitySettings) -> None:
        self._quality = quality

    @property
    def threshold(self) -> str:
        return f"> {self._quality.max_stale_book_seconds} s"

    def evaluate(self, view: RiskView) -> Reading:
        limit_ns = int(self._quality.max_stale_book_seconds * Decimal(NS_PER_S))
        threshold = f"{self._quality.max_stale_book_seconds} s"
        age_ns = view.feed_age_ns
        if age_ns is None:
            return unknown(threshold, text="no feed yet")
        if age_ns < -MAY_OVERTAKE_NS:
            return unknown(threshold, text="clock stepped")
        text = seconds(max(0, age_ns))
        if age_ns > limit_ns:
            reason = f"the feed proved nothing for {text}, longer than {threshold}"
            return tripped(text, threshold, reason)
        dark = f", {view.dark_books} of {view.followed_books} dark" if view.dark_books else ""
        return safe(f"{text}{dark}", threshold, warns=nears(age_ns, limit_ns))
