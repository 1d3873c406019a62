"""At what all that is held is marked, read from the columns of a recording without a quote made of a row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from console.domain.money import PRICE_PER_DOLLAR
from console.history.columns import Quotes

if TYPE_CHECKING:
    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]

_NEVER = -1
_BITS = 16
_MASK = (1 << _BITS) - 1


class Marks:
    """The newest prices of each market among the rows taken; an empty book leaves those before in force.

    What they say is what ``Markets.worth`` says of an engine that was shown every row.
    """

    def __init__(self, markets: int) -> None:
        # Bid and ask in one number, so that there is one to keep of a row: most rows are soon replaced.
        self._newest = np.full(markets, _NEVER, dtype=np.int32)
        self._rows: Ints | None = None
        self._market: npt.NDArray[np.int32]
        self._prices: npt.NDArray[np.int32]
        self._taken = 0

    def enter(self, quotes: Quotes) -> None:
        """Go on to the next stretch of the recording."""
        is_priced = (quotes.bid > 0) | (quotes.ask < PRICE_PER_DOLLAR)
        self._market, self._rows, self._taken = quotes.market, None, 0
        self._prices = quotes.bid.astype(np.int32) << _BITS | quotes.ask
        if not is_priced.all():
            self._rows = np.flatnonzero(is_priced)
            self._market, self._prices = self._market[is_priced], self._prices[is_priced]

    def take(self, end: int) -> None:
        """The rows of the stretch before this one have arrived."""
        until = end if self._rows is None else int(np.searchsorted(self._rows, end))
        rows, self._taken = slice(self._taken, until), until
        self._newest[self._market[rows]] = self._prices[rows]

    def prices(self, places: Ints) -> tuple[Ints, Ints] | None:
        """Bids and asks of these markets; None if one of them never had either."""
        prices = self._newest[places].astype(np.int64)
        return None if (prices == _NEVER).any() else (prices >> _BITS, prices & _MASK)

    def worth(self, places: Ints, contracts: Ints) -> int | None:
        """What these positions could last be sold for; None if one of them was never quoted."""
        prices = self.prices(places)
        if prices is None:
            return None
        bid, ask = prices
        return int(np.where(contracts > 0, bid * contracts, (ask - PRICE_PER_DOLLAR) * contracts).sum())
