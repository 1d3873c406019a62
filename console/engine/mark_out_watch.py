"""Looks where prices go after our fills, beside the core: what it sees changes nothing."""

from __future__ import annotations

import heapq
from collections.abc import Iterable

from console.domain.account_events import OrderFilled
from console.domain.events import JournaledEvent
from console.domain.market import Ticker
from console.engine.markets import Markets
from console.monitoring.mark_outs import NotedMarkOut
from console.monitoring.records import MARK_OUT_NS

_NEVER_NS = 2**63


class MarkOutWatch:
    """Notes the mid of a fill's market at each of ``MARK_OUT_NS`` after it; ``due_ns`` is the next such time.

    Ask ``seen`` from then on, before the event that came later changes a quote.
    """

    def __init__(self, markets: Markets) -> None:
        self.due_ns = _NEVER_NS
        self._markets = markets
        self._due: list[tuple[int, int, str, Ticker]] = []

    def follow(self, records: Iterable[JournaledEvent]) -> None:
        """Wait for the times after new fills; those that passed before a fill was told are not known."""
        for record in records:
            if isinstance(record, OrderFilled):
                fill = record.fill
                for horizon, after_ns in enumerate(MARK_OUT_NS):
                    if fill.at_ns + after_ns > record.at_ns:
                        due = (fill.at_ns + after_ns, horizon, fill.fill_id, fill.ticker)
                        heapq.heappush(self._due, due)
        self._set_due()

    def seen(self, now_ns: int) -> list[NotedMarkOut]:
        """Everything due by now, where the market is open and its book live."""
        noted = []
        while self._due and self._due[0][0] <= now_ns:
            at_ns, horizon, fill_id, ticker = heapq.heappop(self._due)
            twice_mid = self._twice_mid(ticker, at_ns)
            if twice_mid is not None:
                noted.append(NotedMarkOut(horizon=horizon, twice_mid=twice_mid, fill_id=fill_id))
        self._set_due()
        return noted

    def _twice_mid(self, ticker: Ticker, at_ns: int) -> int | None:
        if self._markets.has_closed(ticker, at_ns) or not self._markets.is_live(ticker):
            return None
        return self._markets.quote(ticker).twice_mid

    def _set_due(self) -> None:
        self.due_ns = self._due[0][0] if self._due else _NEVER_NS
