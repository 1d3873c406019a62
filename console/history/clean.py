"""Which recorded quotes are good enough to be shown, and how many were not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from console.domain.money import PRICE_PER_DOLLAR
from console.history.load import History

if TYPE_CHECKING:
    import pyarrow as pa

    from console.history.typed import Column


class Defects(msgspec.Struct, frozen=True):
    """Rows dropped, by the first reason that holds, and what was kept although something is missing.

    ``one_sided`` rows are kept, with an empty side; so are markets ``without_result``.
    """

    after_close: int
    crossed: int
    locked: int
    one_sided: int
    without_result: int


def clean(history: History) -> tuple[pa.Table, Defects]:
    """The quotes before their market's close that are neither crossed nor locked, as ``History.quotes``.

    ``without_result`` counts the markets that keep a quote.
    """
    import pyarrow.compute as pc

    quotes = history.quotes
    in_time = before_close(quotes, history.markets["close_ns"].combine_chunks())
    kept, crossed, locked = uncrossed(in_time)
    played = pc.take(history.outcomes["result"], pc.unique(kept["market"]))
    return kept, Defects(
        after_close=quotes.num_rows - in_time.num_rows,
        crossed=crossed,
        locked=locked,
        one_sided=one_sided(kept),
        without_result=played.null_count,
    )


def one_sided(quotes: pa.Table) -> int:
    """How many quotes have an empty side."""
    import pyarrow as pa
    import pyarrow.compute as pc

    no_ask = pc.equal(quotes["ask"], pa.scalar(PRICE_PER_DOLLAR))
    return _count(pc.or_(pc.equal(quotes["bid"], pa.scalar(0)), no_ask))


def before_close(rows: pa.Table, close_ns: Column) -> pa.Table:
    """The rows before the close of their market."""
    import pyarrow.compute as pc

    return rows.filter(pc.less(rows["ts_ns"], pc.take(close_ns, rows["market"])))


def uncrossed(quotes: pa.Table) -> tuple[pa.Table, int, int]:
    """The quotes whose bid is below the ask, and how many were crossed and locked."""
    import pyarrow.compute as pc

    kept = quotes.filter(pc.less(quotes["bid"], quotes["ask"]))
    crossed = _count(pc.greater(quotes["bid"], quotes["ask"]))
    return kept, crossed, quotes.num_rows - kept.num_rows - crossed


def _count(mask: pa.Array[Any] | pa.ChunkedArray[Any]) -> int:
    import pyarrow.compute as pc

    total: int = pc.sum(mask, min_count=0).as_py()
    return total
