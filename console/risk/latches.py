"""Named reasons not to trade as usual, each independent of the others."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from console.domain.engine_events import LatchCleared, LatchRaised
from console.domain.market import Ticker
from console.domain.time_units import NS_PER_DAY
from console.domain.trading_state import TradingState

RISK_SOURCE = "risk"
"""Source of what the switches raise and clear by themselves."""

HISTORY_NS = NS_PER_DAY
"""How long a trip is remembered after it happened."""


DISARMED = "disarmed"
"""The latch under which demo and live start: clearing it is arming."""

EVERYTHING = ""
"""Scope of a latch that holds for all markets."""


def group_scope(group: str) -> str:
    """Scope of a latch on one correlated group."""
    return f"group:{group}"


def market_scope(ticker: Ticker) -> str:
    """Scope of a latch on one market."""
    return f"market:{ticker}"


def series_scope(series_ticker: str) -> str:
    """Scope of a latch on every market of a series."""
    return f"series:{series_ticker}"


def scopes_of(ticker: Ticker, group: str, series_ticker: str = "") -> tuple[str, ...]:
    """Every scope that holds for a market; without a series none of a series does."""
    scopes = (EVERYTHING, group_scope(group), market_scope(ticker))
    return (*scopes, series_scope(series_ticker)) if series_ticker else scopes


def latch_id(name: str, scope: str = EVERYTHING) -> str:
    """What tells a latch from every other: its name, followed by its scope if it has one."""
    return f"{name} {scope}" if scope else name


class Latch(msgspec.Struct, frozen=True):
    """A reason in force since ``since_ns``; from ``until_ns`` on it may end by itself."""

    name: str
    level: TradingState
    reason: str
    source: str
    since_ns: int
    scope: str = EVERYTHING
    until_ns: int | None = None

    @property
    def id(self) -> str:
        return latch_id(self.name, self.scope)


class Latches:
    """The latches in force, built by applying the events that raised and cleared them, in order.

    ``active`` has the most restrictive first, then the oldest.
    A latch raised again keeps its first time and can only become more restrictive. A clearing ends the latch
    it names and no other; nothing else lowers the state.
    """

    def __init__(self) -> None:
        self.active: tuple[Latch, ...] = ()
        self._active: dict[str, Latch] = {}
        self._trips: list[tuple[int, str]] = []

    def apply(self, event: LatchRaised | LatchCleared) -> None:
        match event:
            case LatchRaised():
                self._raise(event)
            case LatchCleared():
                self._active.pop(latch_id(event.name, event.scope), None)
                if event.source != RISK_SOURCE:
                    self._trips = [trip for trip in self._trips if trip[1] != event.name]
        self.active = tuple(
            sorted(self._active.values(), key=lambda latch: (-latch.level, latch.since_ns, latch.id))
        )

    def _raise(self, event: LatchRaised) -> None:
        key = latch_id(event.name, event.scope)
        known = self._active.get(key)
        if known is not None and event.level <= known.level:
            return
        since_ns = event.at_ns if known is None else known.since_ns
        self._active[key] = Latch(
            event.name, event.level, event.reason, event.source, since_ns, event.scope, event.until_ns
        )
        if known is None and event.source == RISK_SOURCE:
            self._trips = [trip for trip in self._trips if event.at_ns - trip[0] < HISTORY_NS]
            self._trips.append((event.at_ns, event.name))

    @property
    def state(self) -> TradingState:
        """The most restrictive level that holds for everything."""
        return self._level(EVERYTHING)

    def state_for(self, ticker: Ticker, group: str, series_ticker: str = "") -> TradingState:
        """The most restrictive level that holds for a market of a group and a series."""
        return self._level(*scopes_of(ticker, group, series_ticker))

    def _level(self, *scopes: str) -> TradingState:
        levels = (latch.level for latch in self._active.values() if latch.scope in scopes)
        return max(levels, default=TradingState.RUNNING)

    def get(self, latch: str) -> Latch | None:
        """The latch of this id; the id of one that holds for everything is its name."""
        return self._active.get(latch)

    def named(self, name: str) -> tuple[Latch, ...]:
        """Every latch of this name, one a scope."""
        return tuple(latch for latch in self.active if latch.name == name)

    def trips(self, names: Collection[str], now_ns: int) -> int:
        """How often switches raised these latches within the last 24 h.

        An operator's clearing starts the count of the latch it names anew.
        """
        return sum(name in names and now_ns - at_ns < HISTORY_NS for at_ns, name in self._trips)
