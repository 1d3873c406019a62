"""Which markets move together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from fnmatch import fnmatchcase

import msgspec

from console.domain.market import Market, Ticker
from console.domain.time_units import NS_PER_S


class Place(msgspec.Struct, frozen=True):
    """Where a market stands among the others; of an exclusive event at most one market ends in YES."""

    group: str
    event: str
    is_exclusive: bool = False

    @classmethod
    def alone(cls, ticker: Ticker) -> Place:
        """The place of a market of which nothing is known."""
        return cls(group=ticker, event=ticker)


class Grouping:
    """Groups markets by the configuration's pins, and those that no pin names by a rule.

    ``pins`` are patterns of tickers by group, as in a shell; the first that fits decides.
    """

    def __init__(self, pins: Mapping[str, Sequence[str]]) -> None:
        self.pin(pins)
        self._event_groups: dict[str, str] = {}

    def pin(self, pins: Mapping[str, Sequence[str]]) -> None:
        """Let these pins hold from now on; the groups by rule stay as they were found."""
        self._pins = [(group, pattern) for group, patterns in pins.items() for pattern in patterns]

    def place(self, market: Market) -> Place:
        """The place of a market; by the rule the markets of an event share the group of its first one.

        A leg that closes early therefore stays with the others.
        """
        group = self._pinned(market.ticker)
        if group is None:
            group = self._event_groups.setdefault(market.event_ticker, group_of(market))
        return Place(group, market.event_ticker, market.mutually_exclusive)

    def forget(self, event_ticker: str) -> None:
        """No market of the event is left."""
        self._event_groups.pop(event_ticker, None)

    def _pinned(self, ticker: Ticker) -> str | None:
        return next((group for group, pattern in self._pins if fnmatchcase(ticker, pattern)), None)


def group_of(market: Market) -> str:
    """The group of a market by rule: its category and close time, or without a category its event.

    Markets of one category that close together share a fate (all coins move together), and the markets of an
    event share both.
    """
    if not market.category:
        return market.event_ticker
    close = datetime.fromtimestamp(market.close_ns // NS_PER_S, UTC)
    precision = "%Y-%m-%dT%H:%M:%SZ" if close.second else "%Y-%m-%dT%H:%MZ"
    return f"{market.category} @ {close.strftime(precision)}"
