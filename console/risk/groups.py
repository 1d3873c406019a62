"""Which markets move together."""

from __future__ import annotations

from datetime import UTC, datetime

from console.domain.market import Market

_NS_PER_S = 1_000_000_000


def group_of(market: Market) -> str:
    """The correlation group of a market: its category and close time, or its event without a category.

    Markets of one category that close together share a fate (all coins move together), and the markets of an
    event share both.
    """
    if not market.category:
        return market.event_ticker
    close = datetime.fromtimestamp(market.close_ns // _NS_PER_S, UTC)
    precision = "%Y-%m-%dT%H:%M:%SZ" if close.second else "%Y-%m-%dT%H:%MZ"
    return f"{market.category} @ {close.strftime(precision)}"
