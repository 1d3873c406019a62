"""A recording in order of time: the markets as they were known, slices of rows, and apart the outcomes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from console.domain.grid import PriceGrid
from console.domain.market import Market, MarketStatus, Ticker
from console.domain.money import Price
from console.history.clean import one_sided
from console.history.columns import RowKind, Slice
from console.history.exact import TimeOrder
from console.history.facts import Facts
from console.history.markets import Outcome
from console.history.merge import Run, Tally, merged
from console.history.read import Piece, parts_of, read_part
from console.history.schema import ColumnSpec, EmptyHistoryError

if TYPE_CHECKING:
    import pyarrow as pa

    from console.history.typed import Part

UNSIZED = "quotes without sizes"
"""As what quotes are noted whose sizes were not recorded."""

IN_MEMORY_ROWS = 8_000_000
"""Up to so many rows are held; a longer recording is read anew, row group by row group, in every pass."""


@dataclass(frozen=True)
class Source:
    """A file of rows: how a piece of it becomes usable rows, with what was dropped counted by reason.

    ``follow`` is told the rows once, in the order of the file. ``late`` drops and counts rows by what was
    found after all were seen. ``within`` names the column within which rows are in order of time.
    """

    path: Path
    columns: tuple[ColumnSpec, ...]
    kind: RowKind
    time: str
    within: str | None
    rows: Callable[[Piece, Counter[str]], pa.Table]
    follow: Callable[[pa.Table], None] | None = None
    late: Callable[[pa.Table, Counter[str]], pa.Table] | None = None


class Timeline:
    """What a backtest runs on; ``columns`` says in which order rows count.

    ``markets`` hold nothing that was not known while they traded, and a market is to be listed when its first
    row comes; ``outcomes`` are for closes and settlements alone. ``dropped`` counts rows left out and
    ``noted`` what was kept although it is odd, both by reason; of a recording that is not held in memory they
    are complete once ``slices`` has run through.
    """

    def __init__(
        self,
        folder: Path,
        table: pa.Table,
        outcomes: pa.Table,
        sources: list[Source],
        snapshots: list[Run],
        dropped: Counter[str],
        in_memory_rows: int = IN_MEMORY_ROWS,
    ) -> None:
        """Reads everything once; raises HistoryError. Of ``dropped`` the counts so far are taken over."""
        self._facts = Facts(table.num_rows)
        self._surveyed, self._noted = dropped, Counter[str]()
        self._tally = Tally()
        self._held: list[Slice] | None = None
        self._limit, self._in_memory = in_memory_rows, True
        self._runs = [*snapshots]
        self.rows = 0
        for run in snapshots:
            self._see(run.again())
        for source in sources:
            self._survey(source)
        if not self.rows:
            left_out = ", ".join(f"{what} {count:,}" for what, count in dropped.items() if count)
            why = f"left out were {left_out}" if left_out else "none is of the series and period"
            raise EmptyHistoryError(f"{folder} holds no usable row: {why}")
        self.outcomes: Mapping[Ticker, Outcome] = _outcomes(table, outcomes)
        grids = self._facts.grids([str(series) for series in table["series_ticker"].to_pylist()])
        self.markets: tuple[Market, ...] = tuple(
            self._market(place, row, grids[place]) for place, row in enumerate(table.to_pylist())
        )
        self._note_outcomes(table)
        if self._in_memory:
            self._held = list(self._slices())
            self.rows = sum(each.rows for each in self._held)
            self._runs = []

    @property
    def dropped(self) -> dict[str, int]:
        return dict(self._surveyed + self._tally.dropped)

    @property
    def noted(self) -> dict[str, int]:
        return dict(self._noted + self._tally.noted)

    @property
    def is_held(self) -> bool:
        """Whether all of it is in memory."""
        return self._held is not None

    def slices(self) -> Iterator[Slice]:
        """Everything from the beginning, in order of time; raises HistoryError when a file was changed."""
        return self._slices() if self._held is None else iter(self._held)

    def _slices(self) -> Iterator[Slice]:
        tally = Tally()
        yield from merged(self._runs, tally)
        self._tally = tally

    def _survey(self, source: Source) -> None:
        """Check every part of a file and keep its rows while there is room."""
        order = TimeOrder(source.time, source.within)
        for part in parts_of(source.path, source.columns):
            piece = read_part(part, source.columns)
            order.check(piece)
            rows = source.rows(piece, self._surveyed)
            if source.follow is not None:
                source.follow(rows)
            if not rows.num_rows:
                continue
            self._noted[f"rows of {source.path.stem}"] += rows.num_rows
            self._see(rows)
            first_ns = int(rows["ts_ns"].to_numpy().min())
            held = rows if self._in_memory else None
            self._runs.append(Run(first_ns, source.kind, _reader(source, part), source.late, held))
            if self.rows > self._limit and self._in_memory:
                self._in_memory = False
                for run in self._runs:
                    run.held = None

    def _see(self, rows: pa.Table) -> None:
        self.rows += rows.num_rows
        self._facts.see(rows)
        if "bid_size" in rows.column_names:
            self._noted["quotes with an empty side"] += one_sided(rows)
            self._noted[UNSIZED] += rows["bid_size"].null_count

    def _market(self, place: int, row: dict[str, object], grid: PriceGrid) -> Market:
        open_ns, close_ns = row["open_ns"], row["scheduled_close_ns"]
        if open_ns is None:
            open_ns = int(self._facts.first_ns[place]) if self._facts.is_seen(place) else close_ns
        assert isinstance(open_ns, int)
        assert isinstance(close_ns, int)
        return Market(
            ticker=str(row["ticker"]),
            event_ticker=str(row["event_ticker"]),
            series_ticker=str(row["series_ticker"]),
            category=str(row["category"] or ""),
            title=str(row["title"] or ""),
            open_ns=open_ns,
            close_ns=close_ns,
            status=MarketStatus.ACTIVE,
            fees=None,
            grid=grid,
        )

    def _note_outcomes(self, table: pa.Table) -> None:
        early = zip(table["close_ns"].to_pylist(), table["scheduled_close_ns"].to_pylist(), strict=True)
        for place, (close_ns, scheduled_ns) in enumerate(early):
            if self._facts.is_seen(place):
                value = self.outcomes[self.markets[place].ticker].yes_value
                self._noted["markets"] += 1
                self._noted["markets without a result"] += value is None
                self._noted["results against the last quote"] += self._facts.contradicts(place, value)
                self._noted["closes that were not scheduled"] += close_ns != scheduled_ns


def _reader(source: Source, part: Part) -> Callable[[], pa.Table]:
    return lambda: source.rows(read_part(part, source.columns), Counter())


def _outcomes(markets: pa.Table, outcomes: pa.Table) -> dict[Ticker, Outcome]:
    told = (outcomes[name] for name in ("yes_value", "settles_ns", "is_announced", "is_close_guessed"))
    columns = (markets["ticker"], markets["close_ns"], *told)
    return {
        ticker: Outcome(close_ns, None if value is None else Price(value), *rest)
        for ticker, close_ns, value, *rest in zip(*(column.to_pylist() for column in columns), strict=True)
    }
