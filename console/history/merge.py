"""Stretches of rows, each in the order of a file, merged into slices in order of time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from console.history.columns import UNKNOWN_SIZE, BookUpdates, Quotes, RowKind, Slice, Trades

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

    Ints = npt.NDArray[np.int64]


@dataclass
class Run:
    """Rows that are read at once, none of them before ``first_ns``; ``held`` are those rows, if kept.

    ``late`` drops and counts rows by what the whole recording told.
    """

    first_ns: int
    kind: RowKind
    again: Callable[[], pa.Table]
    late: Callable[[pa.Table, Counter[str]], pa.Table] | None
    held: pa.Table | None

    def read(self, dropped: Counter[str]) -> pa.Table:
        rows = self.again() if self.held is None else self.held
        return rows if self.late is None else self.late(rows, dropped)


@dataclass
class Tally:
    """What only rows side by side in time tell: how many were dropped, and what was odd, by reason."""

    dropped: Counter[str] = field(default_factory=Counter)
    noted: Counter[str] = field(default_factory=Counter)


def merged(runs: list[Run], tally: Tally) -> Iterator[Slice]:
    """The rows of runs, which are in the order of their files; all rows of one time come in one slice."""
    pending: dict[RowKind, pa.Table | None] = dict.fromkeys(RowKind)
    by_time = sorted(enumerate(runs), key=lambda numbered: numbered[1].first_ns)
    afterwards = [run for _, run in by_time[1:]]
    for (number, run), following in zip(by_time, [*afterwards, None], strict=True):
        waiting, rows = pending[run.kind], _sorted(_numbered(run.read(tally.dropped), number))
        run.held = None
        pending[run.kind] = rows if waiting is None else _joined(waiting, rows)
        until_ns = None if following is None else following.first_ns
        if until_ns == run.first_ns:
            continue
        due: dict[RowKind, pa.Table | None] = {}
        for kind, table in pending.items():
            due[kind], pending[kind] = _split(table, until_ns)
        if any(table is not None for table in due.values()):
            yield _slice(due, tally)


def _times(rows: pa.Table) -> Ints:
    times: Ints = rows["ts_ns"].to_numpy()
    return times


def _numbered(rows: pa.Table, number: int) -> pa.Table:
    """With the number of their run, by which rows of one time keep the order of their file."""
    import numpy as np
    import pyarrow as pa

    return rows.append_column("run", pa.array(np.full(rows.num_rows, number, dtype=np.int32)))


def _sorted(rows: pa.Table) -> pa.Table:
    """In order of time and, within one, of runs."""
    import numpy as np

    times, numbers = _times(rows), rows["run"].to_numpy()
    earlier, later = times[:-1], times[1:]
    if bool(np.all((later > earlier) | ((later == earlier) & (numbers[1:] >= numbers[:-1])))):
        return rows
    return rows.take(np.lexsort((numbers, times)))


def _joined(waiting: pa.Table, rows: pa.Table) -> pa.Table:
    import pyarrow as pa

    return _sorted(pa.concat_tables([waiting, rows]))


def _split(rows: pa.Table | None, until_ns: int | None) -> tuple[pa.Table | None, pa.Table | None]:
    """The rows before a time and the rest, None for none."""
    import numpy as np

    if rows is None or until_ns is None:
        return rows, None
    cut = int(np.searchsorted(_times(rows), until_ns))
    return rows.slice(0, cut) if cut else None, rows.slice(cut) if cut < rows.num_rows else None


def _slice(due: dict[RowKind, pa.Table | None], tally: Tally) -> Slice:
    return Slice(
        _trades(due[RowKind.TRADE], tally), _books(due[RowKind.BOOK]), _quotes(due[RowKind.QUOTE], tally)
    )


def _column(rows: pa.Table | None, name: str, dtype: type[np.generic]) -> npt.NDArray[Any]:
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    if rows is None:
        return np.zeros(0, dtype=dtype)
    column: pa.ChunkedArray[Any] = rows[name]
    if column.null_count:
        column = pc.fill_null(column, pa.scalar(UNKNOWN_SIZE, column.type))
    return column.to_numpy()


def _quotes(rows: pa.Table | None, tally: Tally) -> Quotes:
    """The last quote of a market at each time."""
    import numpy as np

    quotes = Quotes(
        _column(rows, "ts_ns", np.int64),
        _column(rows, "market", np.int32),
        _column(rows, "bid", np.int16),
        _column(rows, "ask", np.int16),
        _column(rows, "bid_size", np.int32),
        _column(rows, "ask_size", np.int32),
    )
    columns = tuple(vars(quotes).values())
    order, again = _at_one_time(quotes.ts_ns, quotes.market)
    if not len(again):
        return quotes
    older, newer = order[again], order[again + 1]
    same = np.logical_and.reduce([column[older] == column[newer] for column in columns])
    tally.dropped["quotes told twice"] += int(same.sum())
    tally.dropped["quotes with a later one at the same time"] += int(len(same) - same.sum())
    kept = np.ones(len(quotes.ts_ns), dtype=np.bool_)
    kept[older] = False
    return Quotes(*(column[kept] for column in columns))


def _trades(rows: pa.Table | None, tally: Tally) -> Trades:
    import numpy as np

    trades = Trades(
        _column(rows, "ts_ns", np.int64),
        _column(rows, "market", np.int32),
        _column(rows, "price", np.int16),
        _column(rows, "count", np.int32),
        _column(rows, "buys_yes", np.bool_),
    )
    # A taker that meets two orders of one size prints the same twice, so these are kept.
    _, again = _at_one_time(trades.ts_ns, trades.market, trades.price, trades.count, trades.buys_yes)
    tally.noted["trades that print the same twice"] += len(again)
    return trades


def _books(rows: pa.Table | None) -> BookUpdates:
    import numpy as np

    return BookUpdates(
        _column(rows, "ts_ns", np.int64),
        _column(rows, "market", np.int32),
        _column(rows, "is_bid", np.bool_),
        _column(rows, "price", np.int16),
        _column(rows, "change", np.int32),
        _column(rows, "clears", np.bool_),
    )


def _at_one_time(ts_ns: Ints, *keys: npt.NDArray[Any]) -> tuple[Ints, Ints]:
    """An order of the rows, and where in it a row is followed by one of the same time and keys."""
    import numpy as np

    close = np.flatnonzero(ts_ns[1:] == ts_ns[:-1])
    if not len(close):
        return close, close
    # Only rows that share their time with another can be followed by such a one.
    rows = np.union1d(close, close + 1)
    order = rows[np.lexsort((rows, *(key[rows] for key in keys), ts_ns[rows]))]
    same = [key[order[1:]] == key[order[:-1]] for key in (ts_ns, *keys)]
    return order, np.flatnonzero(np.logical_and.reduce(same))
