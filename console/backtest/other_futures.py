"""The same recording up to a moment, with nothing after it or with something else."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from console.backtest.timeline_parts import DerivedTimeline, Stretch, TimelinePart, rows_where
from console.domain.market import Market, Ticker
from console.domain.money import PRICE_PER_DOLLAR, complement
from console.history.columns import Quotes, Slice, Trades
from console.history.markets import Outcome
from console.history.timeline import Timeline

if TYPE_CHECKING:
    from console.history.columns import Flags, Times


class NoFuture(TimelinePart):
    """The rows up to a moment and the markets that had any; of what became of them only what was known."""

    def __init__(self, whole: Timeline, at_ns: int) -> None:
        """Goes through the rows once; raises HistoryError when a file was changed."""
        super().__init__(whole, Stretch(until_ns=at_ns + 1))
        self.outcomes = {
            market.ticker: _as_known(whole.outcomes[market.ticker], market, at_ns) for market in self.markets
        }


class OtherFuture(DerivedTimeline):
    """After a moment YES and NO are exchanged in every quote, trade and result, and books change no more."""

    def __init__(self, whole: Timeline, at_ns: int) -> None:
        super().__init__(whole)
        self._at_ns = at_ns
        self.outcomes: dict[Ticker, Outcome] = {
            ticker: outcome if outcome.settles_ns <= at_ns else _exchanged(outcome)
            for ticker, outcome in whole.outcomes.items()
        }

    def slices(self) -> Iterator[Slice]:
        """Everything from the beginning, in order of time; raises HistoryError when a file was changed."""
        for each in self._whole.slices():
            books = rows_where(each.books, ~self._is_later(each.books.ts_ns))
            yield Slice(self._trades(each.trades), books, self._quotes(each.quotes))

    def _is_later(self, times: Times) -> Flags:
        later: Flags = times > self._at_ns
        return later

    def _quotes(self, rows: Quotes) -> Quotes:
        import numpy as np

        later, dollar = self._is_later(rows.ts_ns), np.int16(PRICE_PER_DOLLAR)
        return dataclasses.replace(
            rows,
            bid=np.where(later, dollar - rows.ask, rows.bid),
            ask=np.where(later, dollar - rows.bid, rows.ask),
            bid_size=np.where(later, rows.ask_size, rows.bid_size),
            ask_size=np.where(later, rows.bid_size, rows.ask_size),
        )

    def _trades(self, rows: Trades) -> Trades:
        import numpy as np

        later = self._is_later(rows.ts_ns)
        price = np.where(later, np.int16(PRICE_PER_DOLLAR) - rows.price, rows.price)
        return dataclasses.replace(rows, price=price, buys_yes=rows.buys_yes ^ later)


def _as_known(outcome: Outcome, market: Market, at_ns: int) -> Outcome:
    """Without what came after a moment: it will close as scheduled, and its result is not known."""
    if outcome.settles_ns <= at_ns:
        return outcome
    if outcome.close_ns <= at_ns:
        return msgspec.structs.replace(outcome, yes_value=None)
    settles_ns = market.close_ns + outcome.settles_ns - outcome.close_ns
    return msgspec.structs.replace(outcome, close_ns=market.close_ns, yes_value=None, settles_ns=settles_ns)


def _exchanged(outcome: Outcome) -> Outcome:
    value = outcome.yes_value
    return msgspec.structs.replace(outcome, yes_value=None if value is None else complement(value))
