"""A table of quotes cut into windows to learn from and to trade in, no event in both, and told in order."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from console.backtest.event_inputs import Number, yes_value_from
from console.backtest.event_trades import time_of
from console.backtest.walk_forward import Life, windows_of
from console.domain.market import Ticker
from console.domain.money import PRICE_PER_CENT
from console.domain.time_units import NS_PER_DAY

if TYPE_CHECKING:
    import pandas as pd

_TELLS_THE_OUTCOME = frozenset(
    {
        *("result", "result_source", "settlement_value", "settlement_value_dollars", "expiration_value"),
        *("settlement_time", "settlement_ts", "settled_time", "close_time", "expiration_time"),
        *("expected_expiration_time", "latest_expiration_time", "status", "updated_time"),
    }
)
_MOVES_WITH_TRADING = ("last_price", "previous_", "volume", "open_interest", "liquidity")
# Where one of these stands still in every market it was read once, and mostly after the end.

_MOST_WINDOWS = 10_000
_AT, _SETTLES, _EVENT = "_at_ns", "_settles_ns", "_event"
_NEEDED = ("ts", "ticker", "yes_bid", "yes_ask", "result")


@dataclass(frozen=True, kw_only=True)
class EventWindow:
    """Events to learn from and to trade; ``purged`` counts those alive in it that are in neither."""

    train_ns: int
    test_ns: int
    end_ns: int
    train_events: frozenset[str]
    test_events: frozenset[str]
    purged: int


@dataclass(frozen=True, kw_only=True)
class Told:
    """A quote's row, without what told the outcome; or, without a row, how a market resolved."""

    time: datetime
    ticker: Ticker
    row: dict[str, Any] | None = None
    resolution: Number = 0


class Recorded:
    """The table, checked and in order of time; raises ValueError, naming the column and row."""

    def __init__(self, table: pd.DataFrame) -> None:
        import pandas as pd

        if not isinstance(table, pd.DataFrame):
            raise ValueError(f"historical_df is {type(table).__name__}, not a table")
        for column in _NEEDED:
            if column not in table.columns:
                raise ValueError(f"historical_df has no column {column}")
        settles = next((name for name in ("settlement_time", "close_time") if name in table.columns), None)
        if settles is None:
            raise ValueError("historical_df has no column settlement_time, nor close_time in its place")
        if table.empty:
            raise ValueError("historical_df has no rows")
        for column in ("ticker", "event_ticker"):
            if column in table.columns and table[column].isna().any():
                row = int(table[column].isna().to_numpy().argmax())
                raise ValueError(f"historical_df, column {column}, row {row} is empty")
        self._columns = list(table.columns)
        frame = table.assign(
            **{
                _AT: _ns(table, "ts"),
                _SETTLES: _ns(table, settles),
                _EVENT: table["event_ticker"] if "event_ticker" in table.columns else table["ticker"],
            }
        )
        # Of one market the last row has what came to be known of it.
        known = frame.groupby("ticker", sort=False)["result"].nunique()
        if (known > 1).any():
            raise ValueError(f"historical_df, column result: {known.idxmax()} has more than one")
        self._frame = frame.sort_values(_AT, kind="stable")
        self._shown = [column for column in self._columns if not self._is_of_the_end(column)]
        first = frame.groupby(_EVENT)[_AT].min()
        last = frame.groupby(_EVENT)[[_AT, _SETTLES]].max().max(axis=1)
        self._lives = {str(event): Life(int(first[event]), int(last[event])) for event in first.index}
        self._resolutions = {
            str(ticker): None if pd.isna(result) else yes_value_from(result) / PRICE_PER_CENT
            for ticker, result in frame.groupby("ticker", sort=False)["result"].first().items()
        }

    def windows(self, train_days: float, test_days: float, embargo_days: float) -> Iterator[EventWindow]:
        """Raises ValueError when there is not one whole window."""
        for name, given in (("train_days", train_days), ("test_days", test_days)):
            if not _is_number(given) or given <= 0:
                raise ValueError(f"{name} is {given!r}, not a number above 0")
        if not _is_number(embargo_days) or embargo_days < 0:
            raise ValueError(f"embargo_days is {embargo_days!r}, not a number from 0 on")
        begin_ns = min(life.first_ns for life in self._lives.values())
        days = (max(life.settled_ns for life in self._lives.values()) - begin_ns) / NS_PER_DAY
        if days > test_days * _MOST_WINDOWS:
            raise ValueError(
                f"test_days is {test_days}, more than {_MOST_WINDOWS:,} windows of {days:.0f} days"
            )
        lengths = (round(length * NS_PER_DAY) for length in (train_days, test_days, embargo_days))
        found = windows_of(self._lives, *lengths)
        if not found:
            raise ValueError(f"historical_df is shorter than a window of {train_days} + {test_days} days")
        for window in found:
            assert window.train.since_ns is not None
            assert window.test.since_ns is not None
            assert window.test.until_ns is not None
            yield EventWindow(
                train_ns=window.train.since_ns,
                test_ns=window.test.since_ns,
                end_ns=window.test.until_ns,
                train_events=window.train.events or frozenset(),
                test_events=window.test.events or frozenset(),
                purged=window.purged,
            )

    def rows_of(self, events: frozenset[str]) -> pd.DataFrame:
        """The rows of events, outcomes included, in order of time."""
        return self._of(events)[self._columns].reset_index(drop=True)

    def story_of(self, events: frozenset[str]) -> Iterator[Told]:
        """Rows and resolutions as they came; a market resolves before anything else of that time."""
        frame = self._of(events)
        settles = frame.groupby("ticker", sort=False)[_SETTLES].max().sort_values(kind="stable")
        resolving = [(int(at_ns), str(ticker)) for ticker, at_ns in settles.items()]
        over: set[Ticker] = set()
        rows = frame[self._shown].to_dict("records")
        for at_ns, ticker, row in zip(frame[_AT], frame["ticker"], rows, strict=True):
            while resolving and resolving[0][0] <= at_ns:
                over.add(resolving[0][1])
                yield from self._resolved(*resolving.pop(0))
            if ticker not in over:
                told = {str(column): value for column, value in row.items()}
                yield Told(time=time_of(at_ns), ticker=str(ticker), row=told)
        for settles_ns, ticker in resolving:
            yield from self._resolved(settles_ns, ticker)

    def _resolved(self, at_ns: int, ticker: Ticker) -> Iterator[Told]:
        resolution = self._resolutions[ticker]
        if resolution is not None:
            yield Told(time=time_of(at_ns), ticker=ticker, resolution=resolution)

    def _is_of_the_end(self, column: str) -> bool:
        if str(column).startswith(_MOVES_WITH_TRADING):
            return bool((self._frame.groupby("ticker")[column].nunique() <= 1).all())
        return column in _TELLS_THE_OUTCOME

    def _of(self, events: frozenset[str]) -> pd.DataFrame:
        return self._frame[self._frame[_EVENT].isin(events)]


def _is_number(given: object) -> bool:
    return isinstance(given, int | float) and math.isfinite(given)


def _ns(table: pd.DataFrame, column: str) -> pd.Series[int]:
    import pandas as pd

    if pd.api.types.is_numeric_dtype(table[column]):
        raise ValueError(f"historical_df, column {column} holds numbers; make them times by pd.to_datetime")
    times = pd.to_datetime(table[column], utc=True, errors="coerce")
    if times.isna().any():
        row = int(times.isna().to_numpy().argmax())
        raise ValueError(
            f"historical_df, column {column}, row {row}: {table[column].iloc[row]!r} is not a time"
        )
    return times.astype("datetime64[ns, UTC]").astype("int64")
