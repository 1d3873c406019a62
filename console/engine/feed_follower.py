"""Follows the feed for as long as there is one."""

from __future__ import annotations

from collections.abc import Callable

from console.domain.market_events import FeedLost, FeedProved, QuoteChanged
from console.domain.ports import Feed
from console.engine.markets import Markets
from console.engine.outside import Step


class FeedFollower:
    """Has the core take what the feed tells; ``reconnected`` is told when it is proved again."""

    def __init__(self, feed: Feed, markets: Markets, step: Step, reconnected: Callable[[], None]) -> None:
        self.connected = False
        self._feed = feed
        self._markets = markets
        self._step = step
        self._reconnected = reconnected

    async def run(self) -> None:
        async for event in self._feed.events():
            if isinstance(event, FeedLost):
                self.connected = False
            elif isinstance(event, FeedProved) and not self.connected:
                self.connected = True
                self._reconnected()
            if isinstance(event, QuoteChanged) and self._is_over(event):
                event = FeedProved(at_ns=event.at_ns)
            self._step(event)

    def _is_over(self, event: QuoteChanged) -> bool:
        """Whether a quote is of a market that closed, or was forgotten since and is still subscribed to.

        Its book is taken down, which says nothing of what a position is worth.
        """
        markets = self._markets
        return markets.get(event.ticker) is None or markets.has_closed(event.ticker, event.at_ns)
