"""What happened in the markets: quotes, trades and candles of a file's part as exact columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

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


def candle_quotes(piece: Piece, market: Column) -> pa.Table:
    """What candles tell of the quote at their end, when all of one is known: as ``quotes``, of unknown size.

    Raises HistoryError.
    """
    import pyarrow as pa

    _check_candles(piece)
    size = pa.nulls(len(market), pa.int32())
    return pa.table(
        {
            "market": market,
            "ts_ns": piece["end_ts"],
            "bid": prices(piece, "yes_bid"),
            "ask": prices(piece, "yes_ask"),
            "bid_size": size,
            "ask_size": size,
        }
    )


def _check_candles(piece: Piece) -> None:
    """Refuse what shows that columns are of another unit or mixed up."""
    import pyarrow as pa
    import pyarrow.compute as pc

    _, _, low, high = (prices(piece, name) for name in ("open", "close", "low", "high"))
    if (row := first(pc.greater(low, high))) is not None:
        raise piece.refuse(row, "low", f"{piece['low'][row]} is above the high of {piece['high'][row]}")
    for name, least, most, what in (
        ("period_min", 1.0, 1e6, "a number of minutes"),
        ("volume", 0.0, 1e12, "a number of contracts"),
    ):
        outside = pc.or_(pc.less(piece[name], pa.scalar(least)), pc.greater(piece[name], pa.scalar(most)))
        if (row := first(outside)) is not None:
            raise piece.refuse(row, name, f"{piece[name][row]} is not {what} of {least:g} to {most:g}")


def sides(piece: Piece, name: str) -> Column:
    """A column of yes and no as text; raises HistoryError."""
    import pyarrow as pa
    import pyarrow.compute as pc

    text = pc.cast(piece[name], pa.string())
    unknown = pc.invert(pc.is_in(text, value_set=pa.array(["yes", "no"])))
    if (row := first(unknown)) is not None:
        raise piece.refuse(row, name, f"{text[row]} is not yes or no")
    return text
