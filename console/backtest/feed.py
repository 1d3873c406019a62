"""The quotes of a recording on their way to us: when each arrives, and which of them are passed on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from console.backtest.display import ByMarket
from console.backtest.modelled_depth import ModelledDepth
from console.backtest.skip_ahead import Points
from console.domain.market import Market
from console.history.columns import UNKNOWN_SIZE, Quotes

if TYPE_CHECKING:
    import numpy.typing as npt

    from console.backtest.setup import Setup

    Ints = npt.NDArray[np.int64]
    Counts = npt.NDArray[np.int32]
    Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Arrivals:
    """A stretch of quotes: ``at_ns`` is when each reaches us, ``may_act`` whether the strategy may act at it,
    ``needed`` whether the engine must see it, ``turns`` whether it may change if its market could act by what
    is quoted, ``by_market`` its rows by market where these were found out."""

    quotes: Quotes
    at_ns: Ints
    may_act: Flags
    needed: Flags
    turns: Flags
    by_market: ByMarket | None = None

    def from_row(self, row: int) -> Arrivals:
        return Arrivals(
            Quotes(*(column[row:] for column in vars(self.quotes).values())),
            self.at_ns[row:],
            self.may_act[row:],
            self.needed[row:],
            self.turns[row:],
        )

    def followed_by(self, later: Arrivals) -> Arrivals:
        if not len(self.at_ns):
            return later
        both = zip(vars(self.quotes).values(), vars(later.quotes).values(), strict=True)
        return Arrivals(
            Quotes(*(np.concatenate(columns) for columns in both)),
            np.concatenate([self.at_ns, later.at_ns]),
            np.concatenate([self.may_act, later.may_act]),
            np.concatenate([self.needed, later.needed]),
            np.concatenate([self.turns, later.turns]),
        )


class QuoteFeed:
    """Delays quotes, in their order; a size that was not recorded is drawn, the one assumed, or none."""

    def __init__(self, setup: Setup, points: Points, markets: Sequence[Market]) -> None:
        self._latency = setup.latency
        self._modelled = ModelledDepth(setup.seed, markets) if setup.modelled_depth else None
        self._unknown_size = setup.assumed_depth or 0
        self._draws = np.random.default_rng(setup.seed)
        self._last_ns = 0
        self._markets = len(markets)
        self._points = points
        self._skips = setup.skip_ahead

    def take(self, quotes: Quotes) -> Arrivals:
        """The next quotes of the recording."""
        quotes = self._sized(quotes)
        at_ns = quotes.ts_ns + self._latency.feed_ns if self._latency.feed_ns else quotes.ts_ns
        jitter_ns = self._latency.jitter_ns
        if jitter_ns and len(at_ns):
            # One draw a row, so that it does not matter in how many pieces a recording is read.
            late_ns = (self._draws.random(len(at_ns)) * (jitter_ns + 1)).astype(np.int64)
            at_ns = np.maximum(np.maximum.accumulate(at_ns + late_ns), self._last_ns)
            self._last_ns = int(at_ns[-1])
        may_act = self._points.may_act(quotes)
        if not self._skips:
            every_row = np.ones_like(may_act)
            return Arrivals(quotes, at_ns, may_act, every_row, every_row)
        by_market = ByMarket(quotes.market, self._markets)
        return Arrivals(quotes, at_ns, may_act, *self._points.needed(by_market, may_act), by_market)

    def _sized(self, quotes: Quotes) -> Quotes:
        if self._modelled is not None:
            return self._modelled.sized(quotes)
        return replace(quotes, bid_size=self._known(quotes.bid_size), ask_size=self._known(quotes.ask_size))

    def _known(self, sizes: Counts) -> Counts:
        unknown = sizes == UNKNOWN_SIZE
        return np.where(unknown, np.int32(self._unknown_size), sizes) if unknown.any() else sizes
