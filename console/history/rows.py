"""What happened in the markets: quotes, trades and candles of a file's part as exact columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.domain.money import COUNT_PER_CONTRACT
from console.history.exact import counts, first, prices

if TYPE_CHECKING:
    import pyarrow as pa

    from console.history.read import Piece
    from console.history.typed import Column


def quotes(piece: Piece, market: Column) -> pa.Table:
    """Columns market, ts_ns, bid, ask, bid_size, ask_size; raises HistoryError."""
    import pyarrow as pa

    return pa.table(
        {
            "market": market,
            "ts_ns": piece["ts"],
            "bid": prices(piece, "yes_bid"),
            "ask": prices(piece, "yes_ask"),
            "bid_size": counts(piece, "yes_bid_size"),
            "ask_size": counts(piece, "yes_ask_size"),
        }
    )


def trades(piece: Piece, market: Column) -> pa.Table:
    """Columns market, ts_ns, price, count, taker_side (yes or no); raises HistoryError."""
    import pyarrow as pa

    return pa.table(
        {
            "market": market,
            "ts_ns": piece["ts"],
            "price": prices(piece, "yes_price_cents"),
            "count": counts(piece, "count"),
            "taker_side": sides(piece, "taker_side"),
        }
    )


def candles(piece: Piece, market: Column) -> pa.Table:
    """Columns market, ts_ns, period_min, open, high, low, close, bid, ask, volume; raises HistoryError.

    A candle is stamped with its end, when all of it is known; bid and ask are those of that time.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    low, high = prices(piece, "low"), prices(piece, "high")
    if (row := first(pc.greater(low, high))) is not None:
        raise piece.refuse(row, "low", f"{piece['low'][row]} is above the high of {piece['high'][row]}")
    for name, least, most, what in (
        ("period_min", 1.0, 1e6, "a number of minutes"),
        ("volume", 0.0, 1e12, "a number of contracts"),
    ):
        outside = pc.or_(pc.less(piece[name], pa.scalar(least)), pc.greater(piece[name], pa.scalar(most)))
        if (row := first(outside)) is not None:
            raise piece.refuse(row, name, f"{piece[name][row]} is not {what} of {least:g} to {most:g}")
    volume = pc.round(pc.multiply(piece["volume"], pa.scalar(float(COUNT_PER_CONTRACT))))
    return pa.table(
        {
            "market": market,
            "ts_ns": piece["end_ts"],
            "period_min": pc.cast(pc.round(piece["period_min"]), pa.int32()),
            "open": prices(piece, "open"),
            "high": high,
            "low": low,
            "close": prices(piece, "close"),
            "bid": prices(piece, "yes_bid"),
            "ask": prices(piece, "yes_ask"),
            "volume": pc.cast(volume, pa.int64()),
        }
    )


def candle_quotes(piece: Piece, market: Column) -> pa.Table:
    """What candles tell of the quote: as ``quotes``, of unknown size; raises HistoryError."""
    import pyarrow as pa

    table = candles(piece, market)
    size = pa.nulls(table.num_rows, pa.int32())
    return (
        table.select(["market", "ts_ns", "bid", "ask"])
        .append_column("bid_size", size)
        .append_column("ask_size", size)
    )


def sides(piece: Piece, name: str) -> Column:
    """A column of yes and no as text; raises HistoryError."""
    import pyarrow as pa
    import pyarrow.compute as pc

    text = pc.cast(piece[name], pa.string())
    unknown = pc.invert(pc.is_in(text, value_set=pa.array(["yes", "no"])))
    if (row := first(unknown)) is not None:
        raise piece.refuse(row, name, f"{text[row]} is not yes or no")
    return text
