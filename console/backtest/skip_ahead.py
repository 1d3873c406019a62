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

    def needed(self, by_market: ByMarket, may_act: Flags) -> tuple[Flags, Flags]:
        """Those rows and every market's first; and where it may change whether a market could act."""
        order, ends = by_market.order, by_market.ends
        needed, turns = may_act.copy(), may_act.copy()
        places = np.flatnonzero(np.diff(ends))
        begins, after = ends[places], ends[places + 1]
        needed[order[begins[~self._was_seen[places]]]] = True
        turns[order[begins[self._could_act[places]]]] = True
        is_begin = np.zeros(len(order) + 1, dtype=np.bool_)
        is_begin[after] = True
        following = np.flatnonzero(may_act[order]) + 1
        turns[order[following[~is_begin[following]]]] = True
        self._could_act[places] = may_act[order[after - 1]]
        self._was_seen[places] = True
        return needed, turns
