"""What the rows of a recording tell of each market beside its definition."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.domain.grid import TAPERED_DECI_CENTS, WHOLE_CENTS, PriceGrid, PriceRange
from console.domain.money import PRICE_PER_DOLLAR, Price

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

_GRIDS = (
    WHOLE_CENTS,
    TAPERED_DECI_CENTS,
    PriceGrid((PriceRange(Price(0), Price(PRICE_PER_DOLLAR), Price(10)),)),
    PriceGrid((PriceRange(Price(0), Price(PRICE_PER_DOLLAR), Price(1)),)),
)
_DECISIVE = 9_700
_UNSEEN = 2**63 - 1


class Facts:
    """By market: when its first row comes, which grid its prices need, its last quote."""

    def __init__(self, markets: int) -> None:
        import numpy as np

        self.first_ns = np.full(markets, _UNSEEN, dtype=np.int64)
        self._grid = np.zeros(markets, dtype=np.int8)
        self._bid = np.zeros(markets, dtype=np.int16)
        self._ask = np.full(markets, PRICE_PER_DOLLAR, dtype=np.int16)

    def see(self, rows: pa.Table) -> None:
        """Take rows that are in order of time within a market."""
        import numpy as np

        market = rows["market"].to_numpy()
        # The first of several assignments has to win.
        first_ns = np.full(len(self.first_ns), _UNSEEN, dtype=np.int64)
        first_ns[market[::-1]] = rows["ts_ns"].to_numpy()[::-1]
        np.minimum(self.first_ns, first_ns, out=self.first_ns)
        for name in {"bid", "ask", "price"} & set(rows.column_names):
            self._see_prices(market, rows[name].to_numpy())
        if "bid" in rows.column_names:
            self._bid[market], self._ask[market] = rows["bid"].to_numpy(), rows["ask"].to_numpy()

    def _see_prices(self, market: npt.NDArray[np.int32], prices: npt.NDArray[np.int16]) -> None:
        import numpy as np

        broken = np.flatnonzero(prices % 100)
        price = prices[broken]
        in_tail = (price < 1_000) | (price > 9_000)
        grid = np.where(price % 10 != 0, 3, np.where(in_tail, 1, 2)).astype(np.int8)
        np.maximum.at(self._grid, market[broken], grid)

    def grids(self, series: list[str]) -> list[PriceGrid]:
        """By market, of which the series is given, the coarsest grid that holds the prices of its series.

        That of the market alone would tell from the beginning how near to an end its price came.
        """
        import numpy as np

        names, number = np.unique(series, return_inverse=True)
        finest = np.zeros(len(names), dtype=np.int8)
        np.maximum.at(finest, number, self._grid)
        return [_GRIDS[grid] for grid in finest[number].tolist()]

    def is_seen(self, market: int) -> bool:
        return bool(self.first_ns[market] != _UNSEEN)

    def contradicts(self, market: int, yes_value: Price | None) -> bool:
        """Whether the last quote was all but certain of the other result."""
        paid_no = yes_value == 0 and self._bid[market] >= _DECISIVE
        paid_yes = yes_value == PRICE_PER_DOLLAR and self._ask[market] <= PRICE_PER_DOLLAR - _DECISIVE
        return bool(paid_no or paid_yes)
