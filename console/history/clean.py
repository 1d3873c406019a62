"""Which recorded quotes are good enough to be shown, and how many were not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from console.domain.money import PRICE_PER_DOLLAR
from console.history.load import History

if TYPE_CHECKING:
    import pyarrow as pa


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
    import pyarrow as pa
    import pyarrow.compute as pc

    quotes = history.quotes
    late = pc.greater_equal(quotes["ts_ns"], pc.take(history.markets["close_ns"], quotes["market"]))
    in_time = quotes.filter(pc.invert(late))
    kept = in_time.filter(pc.less(in_time["bid"], in_time["ask"]))
    empty = pc.or_(pc.equal(kept["bid"], pa.scalar(0)), pc.equal(kept["ask"], pa.scalar(PRICE_PER_DOLLAR)))
    played = pc.take(history.markets["result"], pc.unique(kept["market"]))
    return kept, Defects(
        after_close=quotes.num_rows - in_time.num_rows,
        crossed=_count(pc.greater(in_time["bid"], in_time["ask"])),
        locked=_count(pc.equal(in_time["bid"], in_time["ask"])),
        one_sided=_count(empty),
        without_result=played.null_count,
    )


def _count(mask: pa.Array[Any] | pa.ChunkedArray[Any]) -> int:
    import pyarrow.compute as pc

    total: int = pc.sum(mask, min_count=0).as_py()
    return total
