"""The markets of a history folder: what was known of them, and apart from it what became of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from console.domain.money import PRICE_PER_DOLLAR, Price
from console.history import schema
from console.history.exact import first, prices
from console.history.read import Piece, read_part
from console.history.schema import HistoryError
from console.history.typed import Part

if TYPE_CHECKING:
    import pyarrow as pa

    from console.history.typed import Column

NS_PER_S = 1_000_000_000
_NS_PER_MINUTE = 60 * NS_PER_S
_NS_PER_DAY = 86_400 * NS_PER_S
_SETTLES_AFTER_NS = 15 * NS_PER_S
"""The usual time from close to payout where the recording does not tell it."""


class Outcome(msgspec.Struct, frozen=True):
    """What became of a market: for settlement alone, never for a strategy.

    It really closed at ``close_ns``, early or as scheduled, and paid ``yes_value`` for a YES at
    ``settles_ns``; the value is None where it was not recorded.
    """

    close_ns: int
    yes_value: Price | None
    settles_ns: int


def read_markets(path: Path) -> tuple[pa.Table, pa.Table]:
    """The markets and, row by row beside them, their outcomes; raises HistoryError.

    Outcomes: ``result`` is yes, no or null; ``yes_value`` is the payout of a YES, null when not recorded, and
    stands without a result for a scalar; ``settles_ns``.
    """
    import pyarrow as pa

    piece = read_part(Part(path), schema.MARKETS)
    _check(piece)
    close = piece["close_time"]
    markets = {
        name: piece[name]
        for name in ("dataset", "ticker", "event_ticker", "series_ticker", "category", "title")
    }
    markets |= {
        "strike": piece["floor_strike"],
        "open_ns": piece["open_time"],
        "close_ns": close,
        "scheduled_close_ns": scheduled(close, piece["scheduled_close_time"]),
    }
    told = prices(piece, "settlement_value"), piece["settlement_time"]
    return pa.table(markets), payouts(piece["result"], close, *told)


def scheduled(close: Column, told: Column) -> Column:
    """When each market was to close, as far as that was known before.

    Where it is not told: a close on a whole minute was scheduled. Any other was early and would betray the
    end of a game; it counts as the noon after it (UTC), when the night's games are over all over America.
    """
    import pyarrow as pa

    closes: list[Any] = close.to_pylist()
    known = [
        when if when is not None else at if at % _NS_PER_MINUTE == 0 else _noon_after(at)
        for at, when in zip(closes, told.to_pylist(), strict=True)
    ]
    return pa.array(known, pa.int64())


def _noon_after(ns: int) -> int:
    noon = _NS_PER_DAY // 2
    return (ns + noon) // _NS_PER_DAY * _NS_PER_DAY + noon


def payouts(
    text: Column, close: Column, value: Column | None = None, paid_ns: Column | None = None
) -> pa.Table:
    """The outcomes of results given as text, with the payouts and their times where they are known."""
    import pyarrow as pa
    import pyarrow.compute as pc

    result = pc.if_else(pc.equal(text, pa.scalar("scalar")), pa.scalar(None, pa.string()), text)
    one, nothing = pa.scalar(PRICE_PER_DOLLAR, pa.int16()), pa.scalar(0, pa.int16())
    of_result = pc.if_else(pc.equal(result, pa.scalar("yes")), one, nothing)
    usual_ns = pc.add(close, pa.scalar(_SETTLES_AFTER_NS))
    return pa.table(
        {
            "result": result,
            "yes_value": of_result if value is None else pc.coalesce(value, of_result),
            "settles_ns": usual_ns if paid_ns is None else pc.coalesce(paid_ns, usual_ns),
        }
    )


def _check(piece: Piece) -> None:
    import pyarrow as pa
    import pyarrow.compute as pc

    text, close = piece["result"], piece["close_time"]
    if not len(text):
        raise HistoryError(f"{piece.part.path} has no rows; it must hold a market in each")
    unknown = pc.invert(pc.is_in(text, value_set=pa.array(["yes", "no", "scalar", None])))
    if (row := first(unknown)) is not None:
        raise piece.refuse(row, "result", f"{text[row]} is not yes, no, scalar or empty")
    if (row := first(pc.less_equal(close, piece["open_time"]))) is not None:
        raise piece.refuse(row, "close_time", "is not after open_time")
    if (row := first(pc.less(piece["settlement_time"], close))) is not None:
        raise piece.refuse(row, "settlement_time", "is before close_time")
    _check_settlement(piece)
    seen: set[tuple[str, str]] = set()
    keys = zip(piece.texts("dataset"), piece.texts("ticker"), strict=True)
    for row, (dataset, ticker) in enumerate(keys):
        if (dataset, ticker) in seen:
            raise piece.refuse(row, "ticker", f"{ticker} stands twice in dataset {dataset}")
        seen.add((dataset, ticker))


def _check_settlement(piece: Piece) -> None:
    pays: dict[Any, float] = {"yes": 100.0, "no": 0.0}
    told = zip(piece["result"].to_pylist(), piece["settlement_value"].to_pylist(), strict=True)
    for row, (result, value) in enumerate(told):
        if result == "scalar" and value is None:
            raise piece.refuse(row, "settlement_value", "is empty; a scalar market needs it, in cents")
        if value is not None and value != pays.get(result, value):
            raise piece.refuse(row, "result", f"{result} contradicts a settlement_value of {value:g} cents")
