"""What could have been bought and what was, from a recording whose results are known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from console.backtest.panels import (
    BANDS,
    WON,
    Panel,
    PriceSource,
    band_rows,
    displayed,
    joined,
    no_prices,
    printed,
)
from console.domain.money import PRICE_PER_CENT, PRICE_PER_DOLLAR, Price
from console.strategies.edge import Role

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from console.history.columns import Quotes, Trades
    from console.history.timeline import Timeline

    Ints = npt.NDArray[np.int64]
    Bools = npt.NDArray[np.bool_]
    Texts = npt.NDArray[np.str_]

NO_CATEGORY = "(none)"

WIDEST_SPREAD = Price(2_000)
"""A wider quote is of a book that has hardly begun; Bürgi, Deng and Whelan leave the same out."""

_CENTS = PRICE_PER_DOLLAR // PRICE_PER_CENT
_LOST, _UNKNOWN = 0, -1
_PANELS: tuple[tuple[PriceSource, Role], ...] = (
    ("quote", "taker"),
    ("trade", "taker"),
    ("trade", "maker_yes"),
    ("trade", "maker_no"),
)


class Coverage(msgspec.Struct, kw_only=True):
    """How much of a recording counts, and what was left out and why.

    ``estimated_results`` are markets that count although their result was read off prices, not announced.
    ``dropped`` counts the rows that no backtest could use by reason.
    """

    markets: int = 0
    markets_without_result: int = 0
    estimated_results: int = 0
    quotes: int = 0
    trades: int = 0
    quotes_wide: int = 0
    rows_without_result: int = 0
    results_against_last_quote: int = 0
    dropped: dict[str, int] = msgspec.field(default_factory=dict)


@dataclass(frozen=True)
class Observations:
    """The panels of a recording, and of each of its markets the event by number, category, close and payout.

    ``is_estimated`` tells the results that were not announced, ``period`` the first and last time of a row
    that counts, cut to the second; None without one.
    """

    panels: tuple[Panel, ...]
    event: Ints
    category: Texts
    close_ns: Ints
    settles_ns: Ints
    is_estimated: Bools
    period: tuple[datetime, datetime] | None
    coverage: Coverage

    @property
    def markets_seen(self) -> Ints:
        """The markets that have a price."""
        import numpy as np

        return np.unique(np.concatenate([panel.market for panel in self.panels]))

    def announced(self) -> Observations:
        """Those of markets whose result was announced: one read off the prices cannot judge them."""
        kept = [panel.rows(~self.is_estimated[panel.market]) for panel in self.panels]
        return replace(self, panels=tuple(kept))


def time_of(ns: int) -> datetime:
    """A time cut to the second."""
    return datetime.fromtimestamp(ns // 1_000_000_000, UTC)


def observe(timeline: Timeline) -> Observations:
    """Every panel that the recording holds, candles as quotes at their end; raises HistoryError."""
    import numpy as np

    markets = timeline.markets
    outcomes = [timeline.outcomes[market.ticker] for market in markets]
    _, event = np.unique([market.event_ticker for market in markets], return_inverse=True)
    result_of: dict[int | None, int] = {0: _LOST, PRICE_PER_DOLLAR: WON}
    result = np.array([result_of.get(each.yes_value, _UNKNOWN) for each in outcomes], dtype=np.int64)
    close_ns = np.array([each.close_ns for each in outcomes], dtype=np.int64)
    is_estimated = np.array([not each.is_announced for each in outcomes], dtype=np.bool_)
    reader = _Reader(result, close_ns)
    for each in timeline.slices():
        reader.see(each.quotes, each.trades)
    coverage = reader.coverage
    counted = reader.is_seen & (result != _UNKNOWN)
    coverage.markets = int(counted.sum())
    coverage.markets_without_result = int((reader.is_seen & (result == _UNKNOWN)).sum())
    coverage.estimated_results = int((counted & is_estimated).sum())
    coverage.results_against_last_quote = timeline.noted.get("results against the last quote", 0)
    coverage.dropped = {reason: count for reason, count in timeline.dropped.items() if count}
    return Observations(
        panels=reader.panels(),
        event=event.astype(np.int64),
        category=np.array([market.category or NO_CATEGORY for market in markets], dtype=np.str_),
        close_ns=close_ns,
        settles_ns=np.array([each.settles_ns for each in outcomes], dtype=np.int64),
        is_estimated=is_estimated,
        period=reader.period(),
        coverage=coverage,
    )


class _Reader:
    """Takes from slices what the panels need, which of the quotes are only the first at each chance."""

    def __init__(self, result: Ints, close_ns: Ints) -> None:
        import numpy as np

        self.coverage = Coverage()
        self.is_seen = np.zeros(len(result), dtype=np.bool_)
        self._result, self._close_ns = result, close_ns
        self._is_taken = np.zeros((len(result), 2, _CENTS, len(BANDS)), dtype=np.bool_)
        self._parts = {(source, role): [no_prices(role, source)] for source, role in _PANELS}
        self._times: list[int] = []

    def see(self, quotes: Quotes, trades: Trades) -> None:
        """Take the rows of a slice; slices come in order of time."""
        import numpy as np

        narrow = quotes.ask - quotes.bid <= WIDEST_SPREAD
        quoted = self._known(quotes.market, narrow)
        traded = self._known(trades.market, np.ones(len(trades.market), dtype=np.bool_))
        self.coverage.quotes_wide += int((~narrow).sum())
        self.coverage.quotes += len(quoted)
        self.coverage.trades += len(traded)
        for times in (quotes.ts_ns[quoted], trades.ts_ns[traded]):
            self._times += times[[0, -1]].tolist() if len(times) else []
        chances = self._first_seen(displayed(quotes, quoted, self._result))
        for part in (chances, *printed(trades, traded, self._result)):
            self._parts[part.source, part.role].append(part)

    def _known(self, market: npt.NDArray[np.int32], usable: Bools) -> Ints:
        """The usable rows whose market has a result."""
        import numpy as np

        self.is_seen[market[usable]] = True
        known = usable & (self._result[market] != _UNKNOWN)
        self.coverage.rows_without_result += int(usable.sum() - known.sum())
        return np.flatnonzero(known)

    def _first_seen(self, panel: Panel) -> Panel:
        import numpy as np

        band = band_rows(self._close_ns[panel.market] - panel.ts_ns)
        place = (panel.market, panel.is_yes.astype(np.int64), panel.price // PRICE_PER_CENT, band)
        chance = np.ravel_multi_index(place, self._is_taken.shape)
        is_taken = self._is_taken.reshape(-1)
        new = np.flatnonzero(~is_taken[chance])
        _, first = np.unique(chance[new], return_index=True)
        is_taken[chance[new]] = True
        return panel.rows(new[np.sort(first)])

    def panels(self) -> tuple[Panel, ...]:
        return tuple(joined(parts) for parts in self._parts.values())

    def period(self) -> tuple[datetime, datetime] | None:
        return (time_of(min(self._times)), time_of(max(self._times))) if self._times else None
