"""Which rows of a recording can change a decision, so that the engine need not see the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from console.backtest.display import ByMarket
from console.history.columns import Quotes
from console.strategies.base import SkipsAhead, Strategy

if TYPE_CHECKING:
    import numpy.typing as npt

    Flags = npt.NDArray[np.bool_]


class Points:
    """Asks a strategy, stretch by stretch, at which rows it may act; one that cannot tell may at any."""

    def __init__(self, strategy: Strategy, markets: int) -> None:
        self._strategy = strategy if isinstance(strategy, SkipsAhead) else None
        self._markets = markets
        self._could_act = np.zeros(markets, dtype=np.bool_)
        self._was_seen = np.zeros(markets, dtype=np.bool_)

    @property
    def tells(self) -> bool:
        """Whether the strategy can tell."""
        return self._strategy is not None

    def may_act(self, quotes: Quotes) -> Flags:
        """The rows at which it may propose or withdraw an order."""
        if self._strategy is None:
            return np.ones(len(quotes.ts_ns), dtype=np.bool_)
        return self._strategy.may_act(quotes)

    def needed(self, quotes: Quotes, may_act: Flags) -> Flags:
        """Those rows, the one after each in its market, and every market's first.

        So what the engine knows of a market is either what is quoted or as little reason to act.
        """
        order = ByMarket(quotes.market, self._markets).order
        market, acts = quotes.market[order], may_act[order]
        if not len(order):
            return may_act
        begins = np.concatenate([[True], market[1:] != market[:-1]])
        before = np.concatenate([[False], acts[:-1]])
        before[begins] = self._could_act[market[begins]] | ~self._was_seen[market[begins]]
        ends = np.concatenate([begins[1:], [True]])
        self._could_act[market[ends]] = acts[ends]
        self._was_seen[market[ends]] = True
        needed = may_act.copy()
        needed[order[before]] = True
        return needed
