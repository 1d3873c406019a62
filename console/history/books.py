"""Recordings of whole books: snapshots and the changes after them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from console.domain.money import PRICE_PER_DOLLAR
from console.history import schema
from console.history.exact import MarketRows, counts, prices
from console.history.read import Piece, find_file, read_part
from console.history.rows import sides
from console.history.schema import HistoryError
from console.history.typed import Part
from console.history.usable import Selection

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

    from console.history.typed import Column

    Ints = npt.NDArray[np.int64]

_LEVELS = 2 * (PRICE_PER_DOLLAR + 1)
_NEVER = 2**63 - 1
_Pair = tuple[str, str]
"""Run and ticker."""


def recordings_in(folder: Path) -> list[tuple[Path, Path]]:
    """The snapshots and deltas of the folder and of the folders in it; raises HistoryError."""
    found = []
    inner = sorted(each for each in folder.iterdir() if each.is_dir() and not each.is_symlink())
    for place in (folder, *inner):
        snapshots, deltas = find_file(place, "snapshots"), find_file(place, "deltas")
        if not snapshots.exists() and not deltas.exists():
            continue
        for path, other in ((snapshots, deltas), (deltas, snapshots)):
            if not path.exists():
                raise HistoryError(f"{path} is missing beside {other.name}; a book needs both")
        found.append((snapshots, deltas))
    return found


class Recording:
    """One recording's snapshots, each of which begins a session of its run and ticker.

    Changes are given part by part in the order of the file, which is that of time within a run. A session
    whose sizes fall below zero missed something and is left out whole, as is one begun before the period. It
    ends where another run begins one of its ticker: the changes of both would count twice.
    """

    def __init__(self, path: Path, places: MarketRows, asked: Selection, dropped: Counter[str]) -> None:
        """Raises HistoryError."""
        import numpy as np

        self._starts: dict[_Pair, list[int]] = {}
        self._numbers: dict[_Pair, list[int]] = {}
        self._ends_ns = np.zeros(0, dtype=np.int64)
        rows = self._begin(read_part(Part(path), schema.SNAPSHOTS), places)
        self.snapshots = asked.in_time(rows, dropped, "book snapshots")
        sessions = sum(len(each) for each in self._starts.values())
        self._is_usable = np.zeros(sessions, dtype=np.bool_)
        self._is_usable[self.snapshots["session"].to_numpy()] = True
        self._is_broken = np.zeros(sessions, dtype=np.bool_)
        self._sizes = np.zeros(0, dtype=np.int64)
        self._keys = np.zeros(0, dtype=np.int64)
        self.follow(self.snapshots)

    def _begin(self, piece: Piece, places: MarketRows) -> pa.Table:
        """The snapshots in order of time, each a session: when those of a run and ticker start, and which."""
        import numpy as np

        rows = _book_rows(piece, places, counts(piece, "size"))
        time = piece["recv_ns"].to_numpy()
        pairs = list(zip(piece.texts("run_id"), piece.texts("ticker"), strict=True))
        order = np.argsort(time, kind="stable")
        session = np.zeros(len(order), dtype=np.int32)
        clears = np.zeros(len(order), dtype=np.bool_)
        ends_ns: list[int] = []
        newest: dict[str, int] = {}
        for at, row in enumerate(order.tolist()):
            starts, sessions = (each.setdefault(pairs[row], []) for each in (self._starts, self._numbers))
            if not starts or starts[-1] != time[row]:
                ticker = pairs[row][1]
                if ticker in newest:
                    ends_ns[newest[ticker]] = int(time[row])
                newest[ticker] = len(ends_ns)
                starts.append(int(time[row]))
                sessions.append(len(ends_ns))
                ends_ns.append(_NEVER)
                clears[at] = True
            session[at] = sessions[-1]
        self._ends_ns = np.array(ends_ns, dtype=np.int64)
        return _with(rows.take(_arrow(order)), session, clears)

    def changes(self, piece: Piece, places: MarketRows, asked: Selection, dropped: Counter[str]) -> pa.Table:
        """The rows of a part of the deltas that may be used; raises HistoryError."""
        import numpy as np

        rows = _book_rows(piece, places, counts(piece, "delta", signed=True))
        session = self._session_of(piece)
        rows = _with(rows, session, np.zeros(len(session), dtype=np.bool_))
        rows = asked.in_time(rows, dropped, "book updates")
        session = rows["session"].to_numpy()
        is_known = session >= 0
        is_usable = is_known & np.append(self._is_usable, False)[session]
        is_over = is_usable & (rows["ts_ns"].to_numpy() >= np.append(self._ends_ns, _NEVER)[session])
        dropped["book updates before a snapshot"] += int((~is_known).sum())
        dropped["book updates of sessions begun before the period"] += int((is_known & ~is_usable).sum())
        dropped["book updates after another run's snapshot"] += int(is_over.sum())
        return rows.filter(_arrow(is_usable & ~is_over))

    def whole(self, rows: pa.Table, dropped: Counter[str]) -> pa.Table:
        """The rows of sessions that are not broken, once all were followed."""
        kept = rows.filter(_arrow(~self._is_broken[rows["session"].to_numpy()]))
        dropped["book updates of sessions whose sizes fall below zero"] += rows.num_rows - kept.num_rows
        return kept

    def _session_of(self, piece: Piece) -> npt.NDArray[np.int32]:
        """The session of each row, the newest of its run and ticker by then; -1 when there is none yet."""
        import numpy as np

        (runs, run), (tickers, ticker) = piece.names("run_id"), piece.names("ticker")
        code = run.to_numpy().astype(np.int64) * len(tickers) + ticker.to_numpy()
        time = piece["recv_ns"].to_numpy()
        session = np.full(len(code), -1, dtype=np.int32)
        order = np.argsort(code, kind="stable")
        edges = np.flatnonzero(np.diff(code[order])) + 1
        for own in np.split(order, edges) if len(order) else ():
            pair = runs[code[own[0]] // len(tickers)], tickers[code[own[0]] % len(tickers)]
            newest = np.searchsorted(self._starts.get(pair, []), time[own], side="right") - 1
            # The last one stands for "none yet", which is found at -1.
            session[own] = np.array([*self._numbers.get(pair, []), -1])[newest]
        return session

    def follow(self, rows: pa.Table) -> None:
        """Keep the sizes through the next rows, to find the sessions that are broken."""
        import numpy as np

        session = rows["session"].to_numpy().astype(np.int64)
        level = rows["price"].to_numpy() + rows["is_bid"].to_numpy() * (PRICE_PER_DOLLAR + 1)
        keys = session * _LEVELS + level
        order = np.argsort(keys, kind="stable")
        keys, change = keys[order], rows["change"].to_numpy().astype(np.int64)[order]
        if not len(keys):
            return
        first = np.flatnonzero(np.append(True, keys[1:] != keys[:-1]))
        last = np.append(first[1:], len(keys)) - 1
        total = np.cumsum(change)
        base = total[first] - change[first]
        sizes = total + np.repeat(self._known(keys[first]) - base, last - first + 1)
        self._is_broken[np.unique(session[order][sizes < 0])] = True
        merged = np.concatenate([keys[first], self._keys])
        merged, newest = np.unique(merged, return_index=True)
        known = np.concatenate([sizes[last], self._sizes])[newest]
        self._keys, self._sizes = merged[known != 0], known[known != 0]

    def _known(self, keys: Ints) -> Ints:
        import numpy as np

        if not len(self._keys):
            return np.zeros(len(keys), dtype=np.int64)
        at = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        return np.where(self._keys[at] == keys, self._sizes[at], 0)


def _book_rows(piece: Piece, places: MarketRows, change: Column) -> pa.Table:
    """Rows on the YES scale: a bid for NO at a price is an ask at a dollar less it."""
    import pyarrow as pa
    import pyarrow.compute as pc

    price = prices(piece, "price")
    is_bid = pc.equal(sides(piece, "side"), pa.scalar("yes"))
    return pa.table(
        {
            "market": places.of(piece),
            "ts_ns": piece["recv_ns"],
            "is_bid": is_bid,
            "price": pc.if_else(is_bid, price, pc.subtract(pa.scalar(PRICE_PER_DOLLAR, pa.int16()), price)),
            "change": change,
        }
    )


def _with(rows: pa.Table, session: npt.NDArray[np.int32], clears: npt.NDArray[np.bool_]) -> pa.Table:
    return rows.append_column("clears", _arrow(clears)).append_column("session", _arrow(session))


def _arrow(values: npt.NDArray[np.generic]) -> Column:
    import pyarrow as pa

    array: Column = pa.array(values)
    return array
