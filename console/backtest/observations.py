"""What could have been bought and what was, from a recording whose results are known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from console.domain.money import COUNT_PER_CONTRACT, PRICE_PER_DOLLAR, Price
from console.history.clean import clean
from console.history.load import History
from console.history.read import find_file, read_columns
from console.history.schema import ColumnSpec, Kind
from console.strategies.edge import Role

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

    Ints = npt.NDArray[np.int64]
    Bools = npt.NDArray[np.bool_]
    Texts = npt.NDArray[np.str_]

PriceSource = Literal["quote", "trade"]
"""A displayed price at which a taker could have bought, or the print of a trade."""

NO_CATEGORY = "(none)"

WIDEST_SPREAD = Price(2_000)
"""A wider quote is of a book that has hardly begun; Bürgi, Deng and Whelan leave the same out."""

_ESTIMATED = ("derived", "inferred")


@dataclass(frozen=True)
class Panel:
    """Prices of outcomes, by one role from one source, in the order of the recording, as columns.

    ``market`` is a row of the history's markets; ``price`` and ``count`` are exact. Markets without a result
    are not in it.
    """

    role: Role
    source: PriceSource
    market: Ints
    is_yes: Bools
    price: Ints
    count: Ints
    won: Bools
    ts_ns: Ints

    def rows(self, which: Ints | Bools) -> Panel:
        return Panel(
            self.role,
            self.source,
            market=self.market[which],
            is_yes=self.is_yes[which],
            price=self.price[which],
            count=self.count[which],
            won=self.won[which],
            ts_ns=self.ts_ns[which],
        )


class Coverage(msgspec.Struct, frozen=True):
    """How much of a recording counts, and what was left out and why.

    ``estimated_results`` are markets that count although their result was read off prices, not announced.
    """

    markets: int
    markets_without_result: int
    estimated_results: int
    quotes: int
    trades: int
    quotes_crossed: int
    quotes_locked: int
    quotes_after_close: int
    quotes_wide: int
    trades_after_close: int
    trades_off_price: int
    rows_without_result: int


@dataclass(frozen=True)
class Observations:
    """The panels of a recording, and of each of its markets the event by number, category and close.

    ``is_estimated`` tells the results that were not announced.
    """

    panels: tuple[Panel, ...]
    event: Ints
    category: Texts
    close_ns: Ints
    is_estimated: Bools
    coverage: Coverage

    @property
    def markets_seen(self) -> Ints:
        """The markets that have a price."""
        import numpy as np

        return np.unique(np.concatenate([panel.market for panel in self.panels]))

    @property
    def period(self) -> tuple[datetime, datetime] | None:
        """The times of the first and the last row, cut to the second; None without rows."""
        times = [panel.ts_ns for panel in self.panels if len(panel.ts_ns)]
        if not times:
            return None
        first, last = min(int(each.min()) for each in times), max(int(each.max()) for each in times)
        return _time(first), _time(last)

    def announced(self) -> Observations:
        """Those of markets whose result was announced: one read off the prices cannot judge them."""
        kept = [panel.rows(~self.is_estimated[panel.market]) for panel in self.panels]
        return replace(self, panels=tuple(kept))


def _time(ns: int) -> datetime:
    return datetime.fromtimestamp(ns // 1_000_000_000, UTC)


def observe(history: History) -> Observations:
    """Every panel that the recording holds; raises HistoryError."""
    import numpy as np

    markets = history.markets
    _, event = np.unique(_texts(markets, "event_ticker"), return_inverse=True)
    result = _texts(history.outcomes, "result")
    close_ns = _ints(markets["close_ns"])
    is_estimated = _estimated_results(history.folder, len(result)) & (result != "")
    cleaned, defects = clean(history)
    quotes = _filtered(cleaned, _ints(cleaned["ask"]) - _ints(cleaned["bid"]) <= WIDEST_SPREAD)
    trades, late, off_price = _tradable(history.trades, close_ns)
    quoted, traded = (_known(rows, result) for rows in (quotes, trades))
    seen = np.unique(np.concatenate([_ints(rows["market"]) for rows in (quotes, trades)]))
    category = _texts(markets, "category")
    return Observations(
        panels=(_displayed(quoted, result), *_printed(traded, result)),
        event=event.astype(np.int64),
        category=np.where(category == "", NO_CATEGORY, category),
        close_ns=close_ns,
        is_estimated=is_estimated,
        coverage=Coverage(
            markets=int((result[seen] != "").sum()),
            markets_without_result=int((result[seen] == "").sum()),
            estimated_results=int(is_estimated[seen].sum()),
            quotes=quoted.num_rows,
            trades=traded.num_rows,
            quotes_crossed=defects.crossed,
            quotes_locked=defects.locked,
            quotes_after_close=defects.after_close,
            quotes_wide=cleaned.num_rows - quotes.num_rows,
            trades_after_close=late,
            trades_off_price=off_price,
            rows_without_result=quotes.num_rows + trades.num_rows - quoted.num_rows - traded.num_rows,
        ),
    )


def _texts(table: pa.Table, name: str) -> Texts:
    """A text column; what is unknown comes as an empty text."""
    import numpy as np

    return np.asarray([text or "" for text in table[name].to_pylist()], dtype=np.str_)


def _ints(column: pa.ChunkedArray[pa.Int64Scalar]) -> Ints:
    import numpy as np

    return column.to_numpy().astype(np.int64)


def _estimated_results(folder: Path, markets: int) -> Bools:
    """Which results a recording's maker read off prices, as the column ``result_source`` says."""
    import numpy as np

    spec = ColumnSpec("result_source", Kind.TEXT, required=False, nullable=True)
    sources = read_columns(find_file(folder, "markets"), (spec,))["result_source"].to_pylist()
    return np.asarray([str(source).lower().startswith(_ESTIMATED) for source in sources], dtype=np.bool_)


def _tradable(trades: pa.Table, close_ns: Ints) -> tuple[pa.Table, int, int]:
    """The trades before their market's close at a price below a dollar, and how many were not."""
    late = _ints(trades["ts_ns"]) >= close_ns[_ints(trades["market"])]
    price = _ints(trades["price"])
    off_price = ~late & ((price <= 0) | (price >= PRICE_PER_DOLLAR))
    return _filtered(trades, ~late & ~off_price), int(late.sum()), int(off_price.sum())


def _known(rows: pa.Table, result: Texts) -> pa.Table:
    return _filtered(rows, result[_ints(rows["market"])] != "")


def _filtered(rows: pa.Table, kept: Bools) -> pa.Table:
    import pyarrow as pa

    return rows.filter(pa.array(kept))


def _displayed(quotes: pa.Table, result: Texts) -> Panel:
    """What a taker could have bought: YES at the ask and NO at a dollar less the bid, where one stood."""
    import numpy as np

    market, bid, ask = (_ints(quotes[name]) for name in ("market", "bid", "ask"))
    won_yes = result[market] == "yes"
    # One after the other, so that the rows stay in order of time.
    price = np.column_stack([ask, PRICE_PER_DOLLAR - bid]).ravel()
    both = Panel(
        role="taker",
        source="quote",
        market=np.repeat(market, 2),
        is_yes=np.tile(np.array([True, False]), len(market)),
        price=price,
        count=np.full(len(price), COUNT_PER_CONTRACT, dtype=np.int64),
        won=np.column_stack([won_yes, ~won_yes]).ravel(),
        ts_ns=np.repeat(_ints(quotes["ts_ns"]), 2),
    )
    return both.rows(price < PRICE_PER_DOLLAR)


def _printed(trades: pa.Table, result: Texts) -> tuple[Panel, Panel, Panel]:
    """Both parties of every trade, each at the price it paid."""
    import numpy as np

    market, yes_price, count, ts_ns = (_ints(trades[name]) for name in ("market", "price", "count", "ts_ns"))
    won_yes = result[market] == "yes"
    takes_yes = _texts(trades, "taker_side") == "yes"

    def party(role: Role, is_yes: Bools) -> Panel:
        price = np.where(is_yes, yes_price, PRICE_PER_DOLLAR - yes_price)
        return Panel(role, "trade", market, is_yes, price, count, won_yes == is_yes, ts_ns)

    maker = party("maker_yes", ~takes_yes)
    return (
        party("taker", takes_yes),
        maker.rows(maker.is_yes),
        replace(maker, role="maker_no").rows(~maker.is_yes),
    )
