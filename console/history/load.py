"""A history folder as checked columns of exact integers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from console.domain.money import COUNT_PER_CONTRACT, PRICE_PER_CENT
from console.history import schema
from console.history.read import find_file, read_columns, refuse
from console.history.schema import HistoryError

if TYPE_CHECKING:
    import pyarrow as pa

    from console.history.read import Column

# A price kept as a 32-bit float is off by up to 1e-4 of the 1e-4 dollar it stands for.
_PRICE_TOLERANCE = 1e-3


@dataclass(frozen=True)
class History:
    """What a folder holds. Times are nanoseconds UTC, prices Price, sizes Count; null is unknown.

    ``markets``: dataset, ticker, event_ticker, series_ticker, category, title, strike, open_ns, close_ns,
    result. ``quotes``: market, ts_ns, bid, ask, bid_size, ask_size, a bid of 0 and an ask of one dollar being
    empty sides. ``trades``: market, ts_ns, price, count, taker_side. ``market`` is a row of ``markets``. Both
    are in the order of the file, which is that of time within a dataset.
    """

    folder: Path
    markets: pa.Table
    quotes: pa.Table
    trades: pa.Table


def load(folder: Path) -> History:
    """Read and check a folder of markets and quotes, trades or both; raises HistoryError."""
    if not folder.is_dir():
        raise HistoryError(f"{folder}: there is no such folder; a history folder holds markets.parquet")
    path = find_file(folder, "markets")
    quotes, trades = find_file(folder, "quotes"), find_file(folder, "trades")
    if not path.exists():
        raise HistoryError(f"{path} is missing (or markets.csv)")
    if not quotes.exists() and not trades.exists():
        raise HistoryError(f"{quotes} is missing (or quotes.csv), and so is trades.parquet")
    markets = _markets(path)
    return History(folder, markets, _quotes(quotes, markets), _trades(trades, markets))


def _first(mask: Column) -> int | None:
    import pyarrow.compute as pc

    row: int = pc.index(mask, True).as_py()
    return None if row < 0 else row


def _keys(columns: Mapping[str, Column]) -> Column:
    import pyarrow as pa
    import pyarrow.compute as pc

    separator = pa.scalar("\n")
    keys: Column = pc.binary_join_element_wise(  # type: ignore[call-overload] # the stubs know no scalar
        columns["dataset"], columns["ticker"], separator
    )
    return keys


def _markets(path: Path) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    columns = read_columns(path, schema.MARKETS)
    unknown = pc.invert(pc.is_in(columns["result"], value_set=pa.array(["yes", "no", None])))
    if (row := _first(unknown)) is not None:
        raise refuse(path, row, "result", f"{columns['result'][row]} is not yes, no or empty")
    backwards = pc.less_equal(columns["close_time"], columns["open_time"])
    if (row := _first(backwards)) is not None:
        raise refuse(path, row, "close_time", "is not after open_time")
    keys = _keys(columns)
    again = pc.not_equal(pc.index_in(keys, value_set=keys), pa.array(range(len(keys)), pa.int32()))
    if (row := _first(again)) is not None:
        ticker = columns["ticker"][row]
        raise refuse(path, row, "ticker", f"{ticker} stands twice in dataset {columns['dataset'][row]}")
    renamed = {"floor_strike": "strike", "open_time": "open_ns", "close_time": "close_ns"}
    return pa.table({renamed.get(name, name): column for name, column in columns.items()})


def _market_rows(path: Path, columns: dict[str, Column], markets: pa.Table) -> Column:
    """The market of each row; also checks that rows are in order of time within their dataset."""
    import pyarrow.compute as pc

    known = _keys({name: markets[name].combine_chunks() for name in ("dataset", "ticker")})
    rows = pc.index_in(_keys(columns), value_set=known)
    if (row := _first(pc.is_null(rows))) is not None:
        ticker, dataset = columns["ticker"][row], columns["dataset"][row]
        raise refuse(path, row, "ticker", f"{ticker} of dataset {dataset} is not in the markets file")
    for dataset in pc.unique(columns["dataset"]):
        where = pc.indices_nonzero(pc.equal(columns["dataset"], dataset))
        times = pc.take(columns["ts"], where)
        if (step := _first(pc.less(times[1:], times[:-1]))) is not None:
            row = where[step + 1].as_py()
            raise refuse(
                path, row, "ts", f"is earlier than the row before it in dataset {dataset}; sort by ts"
            )
    return rows


def _prices(path: Path, name: str, cents: Column) -> Column:
    import pyarrow as pa
    import pyarrow.compute as pc

    outside = pc.or_(pc.less(cents, pa.scalar(0.0)), pc.greater(cents, pa.scalar(100.0)))
    if (row := _first(outside)) is not None:
        raise refuse(path, row, name, f"{cents[row]} is not a price of 0 to 100 cents")
    scaled = pc.multiply(cents, pa.scalar(float(PRICE_PER_CENT)))
    whole = pc.round(scaled)
    off = pc.greater(pc.abs(pc.subtract(scaled, whole)), pa.scalar(_PRICE_TOLERANCE))
    if (row := _first(off)) is not None:
        raise refuse(path, row, name, f"{cents[row]} cents is finer than a hundredth of a cent")
    prices = pc.cast(whole, pa.int32())
    # No market trades in steps below a tenth of a cent.
    is_finer = any(price.as_py() % 10 for price in pc.unique(prices))
    if is_finer and pc.max(prices).as_py() <= PRICE_PER_CENT:
        raise HistoryError(f"{path}: column {name} never exceeds 1; prices are YES cents, not dollars")
    return prices


def _counts(path: Path, name: str, contracts: Column) -> Column:
    import pyarrow as pa
    import pyarrow.compute as pc

    if (row := _first(pc.less(contracts, pa.scalar(0.0)))) is not None:
        raise refuse(path, row, name, f"{contracts[row]} is not a number of contracts; it is below 0")
    return pc.cast(pc.round(pc.multiply(contracts, pa.scalar(float(COUNT_PER_CONTRACT)))), pa.int64())


def _quotes(path: Path, markets: pa.Table) -> pa.Table:
    import pyarrow as pa

    columns = read_columns(path, schema.QUOTES)
    return pa.table(
        {
            "market": _market_rows(path, columns, markets),
            "ts_ns": columns["ts"],
            "bid": _prices(path, "yes_bid", columns["yes_bid"]),
            "ask": _prices(path, "yes_ask", columns["yes_ask"]),
            "bid_size": _counts(path, "yes_bid_size", columns["yes_bid_size"]),
            "ask_size": _counts(path, "yes_ask_size", columns["yes_ask_size"]),
        }
    )


def _trades(path: Path, markets: pa.Table) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    columns = read_columns(path, schema.TRADES)
    unknown = pc.invert(pc.is_in(columns["taker_side"], value_set=pa.array(["yes", "no"])))
    if (row := _first(unknown)) is not None:
        raise refuse(path, row, "taker_side", f"{columns['taker_side'][row]} is not yes or no")
    return pa.table(
        {
            "market": _market_rows(path, columns, markets),
            "ts_ns": columns["ts"],
            "price": _prices(path, "yes_price_cents", columns["yes_price_cents"]),
            "count": _counts(path, "count", columns["count"]),
            "taker_side": columns["taker_side"],
        }
    )
