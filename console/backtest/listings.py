"""When a market is followed, closes and pays out in a backtest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from console.backtest.agenda import NEVER_NS, Agenda, Phase
from console.backtest.desk import Desk
from console.backtest.exchange_side import ExchangeSide
from console.domain.market import Market, MarketStatus
from console.domain.market_events import MarketListed
from console.domain.time_units import NS_PER_S
from console.history.columns import Quotes
from console.history.scheduled_close import UNKNOWN_CLOSE

if TYPE_CHECKING:
    import numpy.typing as npt

    from console.backtest.setup import Setup
    from console.history.timeline import Timeline

    Ints = npt.NDArray[np.int64]


class Listings:
    """Lists each market of the universe once it is quoted and near enough to its close.

    One that was quoted before it was near is left out where its close is a guess made of the real one: that
    the end was near, nobody knew. ``noted`` counts them. By place ``follow_ns`` is from when on its quotes
    are passed on, ``turns`` its turn among all listed.
    """

    def __init__(
        self,
        setup: Setup,
        timeline: Timeline,
        agenda: Agenda,
        desk: Desk,
        exchange: ExchangeSide,
        deliver_newest: Callable[[int, int], None],
    ) -> None:
        self.follow_ns: Ints = np.full(len(timeline.markets), NEVER_NS, dtype=np.int64)
        self.turns = [len(timeline.markets)] * len(timeline.markets)
        self.noted = Counter[str]()
        self._listed = 0
        self._universe = setup.settings.universe
        self._fees = setup.fees
        self._markets = timeline.markets
        self._outcomes = timeline.outcomes
        self._agenda = agenda
        self._desk = desk
        self._exchange = exchange
        self._deliver_newest = deliver_newest
        self._was_seen = np.zeros(len(timeline.markets), dtype=np.bool_)

    def see(self, quotes: Quotes, at_ns: Ints) -> None:
        """Quotes are on their way; the markets that are new among them will be listed."""
        if self._was_seen.all():
            return
        first = np.full(len(self._markets), -1, dtype=np.int64)
        first[quotes.market[::-1]] = np.arange(len(quotes.market))[::-1]
        for place in np.flatnonzero((first >= 0) & ~self._was_seen).tolist():
            self._was_seen[place] = True
            since_ns = self._followed_since(self._markets[place], int(at_ns[first[place]]))
            if since_ns is not None:
                self.follow_ns[place] = since_ns
                self._agenda.add(since_ns, Phase.LIST, partial(self._list, place))

    def was_listed(self, place: int) -> bool:
        """Whether a market has had its turn, over or not."""
        return self.turns[place] < len(self._markets)

    def _followed_since(self, market: Market, quoted_ns: int) -> int | None:
        """From when on a market belongs to the universe; None if it never does."""
        universe = self._universe
        if universe.series and market.series_ticker not in universe.series:
            return None
        if universe.categories and market.category not in universe.categories:
            return None
        since_ns = max(quoted_ns, market.close_ns - universe.max_seconds_to_close * NS_PER_S)
        if since_ns > quoted_ns and self._outcomes[market.ticker].is_close_guessed:
            self.noted[UNKNOWN_CLOSE] += 1
            return None
        return since_ns if since_ns <= market.close_ns - universe.min_seconds_to_close * NS_PER_S else None

    def _list(self, place: int, at_ns: int) -> None:
        market, outcome = self._markets[place], self._outcomes[self._markets[place].ticker]
        if outcome.close_ns <= at_ns:
            return
        self.turns[place], self._listed = self._listed, self._listed + 1
        self._define(market, at_ns)
        for change_ns in self._fees.changes_ns(market):
            if at_ns < change_ns < outcome.close_ns:
                self._agenda.add(change_ns, Phase.DUE, partial(self._define, market))
        self._agenda.add(outcome.close_ns, Phase.DUE, partial(self._close, place))
        self._agenda.add(
            max(outcome.settles_ns, outcome.close_ns),
            Phase.DUE,
            lambda due_ns: self._exchange.settle(market, outcome, due_ns),
        )
        self._deliver_newest(place, at_ns)

    def _define(self, market: Market, at_ns: int) -> None:
        """Tell both sides of a market, with the fees in force."""
        defined = msgspec.structs.replace(market, fees=self._fees.terms(market, at_ns))
        self._exchange.broker.list_markets([defined])
        self._desk.keep_house(at_ns)
        self._desk.take(MarketListed(at_ns=self._desk.our_ns(at_ns), market=defined))

    def _close(self, place: int, at_ns: int) -> None:
        self._exchange.change_status(self._markets[place].ticker, MarketStatus.CLOSED, at_ns)
