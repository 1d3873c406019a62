"""The markets of a history folder: what was known of them, and apart from it what became of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from console.domain.money import PRICE_PER_DOLLAR, Price
from console.domain.time_units import NS_PER_S
from console.history import schema
from console.history.exact import first, prices
from console.history.read import Piece, read_part
from console.history.scheduled_close import scheduled
from console.history.schema import HistoryError
from console.history.typed import Part

if TYPE_CHECKING:
    import pyarrow as pa

    from console.history.typed import Column

_SETTLES_AFTER_NS = 15 * NS_PER_S
"""The usual time from close to payout where the recording does not tell it."""

_READ_OFF = "^(?i)(derived|inferred)"


class Outcome(msgspec.Struct, frozen=True):
    """What became of a market: for settlement alone, never for a strategy.

    It really closed at ``close_ns``, early or as scheduled, and paid ``yes_value`` for a YES at
    ``settles_ns``; the value is None where it was not recorded, and not announced where the recording's maker
    read it off prices. Where it ``is_close_guessed``, when it was to close is not known but by when it did.
    """

    close_ns: int
    yes_value: Price | None
    settles_ns: int
    is_announced: bool = True
    is_close_guessed: bool = False


def read_markets(path: Path) -> tuple[pa.Table, pa.Table]:
    """The markets and, row by row beside them, their outcomes; raises HistoryError.

    Outcomes: ``result`` is yes, no or null; ``yes_value`` is the payout of a YES, null when not recorded, and
    stands without a result for a scalar; ``settles_ns``; ``is_announced``; ``is_close_guessed``.
    """
    import pyarrow as pa

    piece = read_part(Part(path), schema.MARKETS)
    check_rows(piece)
    check_times(piece, "open_time", "close_time")
    _check_settlement(piece)
    close = piece["close_time"]
    markets = {
        name: piece[name]
        for name in ("dataset", "ticker", "event_ticker", "series_ticker", "category", "title")
    }
    scheduled_ns, are_guessed = scheduled(
        close, piece["scheduled_close_time"], piece["series_ticker"], piece["event_ticker"]
    )
    markets |= {
        "strike": piece["floor_strike"],
        "open_ns": piece["open_time"],
        "close_ns": close,
        "scheduled_close_ns": scheduled_ns,
    }
    told = prices(piece, "settlement_value"), piece["settlement_time"], piece["result_source"]
    return pa.table(markets), payouts(piece["result"], close, *told, are_guessed)


def payouts(
    text: Column, close: Column, value: Column, paid_ns: Column, source: Column, are_guessed: Column
) -> pa.Table:
    """The outcomes of results given as text, with the payouts, their times and sources as far as known."""
    import pyarrow as pa
    import pyarrow.compute as pc

    result = pc.if_else(pc.equal(text, pa.scalar("scalar")), pa.scalar(None, pa.string()), text)
    one, nothing = pa.scalar(PRICE_PER_DOLLAR, pa.int16()), pa.scalar(0, pa.int16())
    of_result = pc.if_else(pc.equal(result, pa.scalar("yes")), one, nothing)
    usual_ns = pc.add(close, pa.scalar(_SETTLES_AFTER_NS))
    read_off: Any = pc.match_substring_regex(pc.coalesce(source, pa.scalar("")), _READ_OFF)
    return pa.table(
        {
            "result": result,
            "yes_value": pc.coalesce(value, of_result),
            "settles_ns": pc.coalesce(paid_ns, usual_ns),
            "is_announced": pc.invert(read_off),
            "is_close_guessed": are_guessed,
        }
    )


def check_rows(piece: Piece) -> None:
    """Refuse a file without markets, a result that is none and a market told twice; raises HistoryError."""
    import pyarrow as pa
    import pyarrow.compute as pc

    text = piece["result"]
    if not len(text):
        raise HistoryError(f"{piece.part.path} has no rows; it must hold a market in each")
    unknown = pc.invert(pc.is_in(text, value_set=pa.array(["yes", "no", "scalar", None])))
    if (row := first(unknown)) is not None:
        raise piece.refuse(row, "result", f"{text[row]} is not yes, no, scalar or empty")
    tickers = piece.texts("ticker")
    datasets = piece.texts("dataset") if "dataset" in piece.columns else [None] * len(tickers)
    seen: set[tuple[str | None, str]] = set()
    for row, key in enumerate(zip(datasets, tickers, strict=True)):
        if key in seen:
            of_dataset = f" in dataset {key[0]}" if key[0] is not None else ""
            raise piece.refuse(row, "ticker", f"{key[1]} stands twice{of_dataset}")
        seen.add(key)


def check_times(piece: Piece, opens: str, closes: str) -> None:
    """Refuse a close that is not after the opening; raises HistoryError."""
    import pyarrow.compute as pc

    if (row := first(pc.less_equal(piece[closes], piece[opens]))) is not None:
        raise piece.refuse(row, closes, f"is not after {opens}")


def _check_settlement(piece: Piece) -> None:
    import pyarrow.compute as pc

    if (row := first(pc.less(piece["settlement_time"], piece["close_time"]))) is not None:
        raise piece.refuse(row, "settlement_time", "is before close_time")
    pays: dict[Any, float] = {"yes": 100.0, "no": 0.0}
    told = zip(piece["result"].to_pylist(), piece["settlement_value"].to_pylist(), strict=True)
    for row, (result, value) in enumerate(told):
        if result == "scalar" and value is None:
            raise piece.refuse(row, "settlement_value", "is empty; a scalar market needs it, in cents")
        # A scalar pays whole cents, so that less than one was written in another unit.
        if value is not None and 0 < value < 1:
            raise piece.refuse(row, "settlement_value", f"{value:g} looks like dollars; it must be in cents")
        if value is not None and value != pays.get(result, value):
            raise piece.refuse(row, "result", f"{result} contradicts a settlement_value of {value:g} cents")
