"""What everybody sees at the practice exchange: its markets, what traded in them, and who is told."""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Callable

from console.domain.book import BookSide
from console.domain.market import Ticker
from console.domain.money import Count, Price
from console.domain.ports import Clock
from console.domain.time_units import NS_PER_DAY
from console.practice.market import ListedMarket
from console.practice.notices import BookChanged, LifecycleChanged, Notice, Traded
from console.practice.records import Trade
from console.practice.tape import Listed

_TRADES_KEPT = 20_000
_SETTLED_KEPT = 1_000
_LIVE_WINDOW_NS = 90 * NS_PER_DAY


def _tell_nobody(notice: Notice) -> None:
    pass


class Floor:
    """Markets by ticker, by event and by series, the newest trades, and the clock by which all happens."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.publish: Callable[[Notice], None] = _tell_nobody
        # As at Kalshi, which archives what is older; here nothing grows as old.
        self.live_since_ns = clock() - _LIVE_WINDOW_NS
        self.markets: dict[Ticker, ListedMarket] = {}
        self.events: dict[str, list[ListedMarket]] = {}
        self.series: dict[str, ListedMarket] = {}
        self.trades: deque[Trade] = deque(maxlen=_TRADES_KEPT)
        self.trades_total = 0
        self._settled: deque[Ticker] = deque()

    def add(self, entry: Listed) -> None:
        market = ListedMarket(entry)
        self.markets[entry.market.ticker] = market
        self.events.setdefault(entry.market.event_ticker, []).append(market)
        self.series.setdefault(entry.market.series_ticker, market)
        self.publish(LifecycleChanged(market, "created"))

    def trade(self, market: ListedMarket, price: Price, count: Count, taker_side: BookSide) -> Trade:
        """Let a market trade, and tell."""
        trade = Trade(str(uuid.uuid4()), market.definition.ticker, price, count, taker_side, self.clock())
        market.record(trade)
        self.trades.append(trade)
        self.trades_total += 1
        self.publish(Traded(market, trade))
        return trade

    def flush(self, market: ListedMarket, client_order_id: str | None = None) -> None:
        """Tell what changed in a market's book; ``client_order_id`` names the order that caused it."""
        deltas = market.publish()
        if deltas:
            market.updated_ns = self.clock()
            market.candles.see_quote(market.updated_ns, market.quote())
            self.publish(BookChanged(market, deltas, client_order_id or None))

    def is_archived(self, market: ListedMarket) -> bool:
        """Whether a market stands in the historical endpoints alone."""
        return market.settled_ns is not None and market.settled_ns < self.live_since_ns

    def retire(self, settled: Ticker) -> None:
        """Forget markets settled long ago: loop after loop brings new ones."""
        self._settled.append(settled)
        if len(self._settled) <= _SETTLED_KEPT:
            return
        market = self.markets.pop(self._settled.popleft())
        siblings = self.events[market.definition.event_ticker]
        siblings.remove(market)
        if not siblings:
            del self.events[market.definition.event_ticker]
