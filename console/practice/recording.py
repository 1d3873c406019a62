"""The markets of a history folder, ready to be played any number of times."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from console.domain.book import BookSide
from console.domain.grid import TAPERED_DECI_CENTS, WHOLE_CENTS, PriceGrid
from console.domain.market import FeeTerms, Market, MarketStatus, Outcome
from console.domain.money import PRICE_PER_DOLLAR, Price
from console.domain.time_units import NS_PER_S
from console.history.load import History
from console.history.schema import HistoryError
from console.practice.model import scales_of
from console.practice.player import Part, QuoteRow, Shift, TradeRow

if TYPE_CHECKING:
    import pyarrow as pa

# A market that closes long after its recording ends would stay open, unchanging, through loop after loop.
_LONGEST_AFTERLIFE_NS = 15 * 60 * NS_PER_S
_SAME = ("market", "bid", "ask", "bid_size", "ask_size")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


@dataclass(frozen=True)
class Window:
    """The part of a dataset that is played, end excluded, in recorded nanoseconds."""

    start_ns: int
    end_ns: int

    @property
    def last_close_ns(self) -> int:
        """When a market of the window is closed at the latest."""
        return self.end_ns + _LONGEST_AFTERLIFE_NS


@dataclass(frozen=True)
class RecordedMarket:
    """A market as recorded; ``quotes`` and ``trades`` are its rows of the history's columns.

    ``event_close_ns`` is the last close of the markets of its event.
    """

    dataset: str
    ticker: str
    series_ticker: str
    category: str
    title: str
    strike: float | None
    open_ns: int
    close_ns: int
    event_close_ns: int
    result: Outcome | None
    grid: PriceGrid
    has_sizes: bool
    quotes: pa.Table
    trades: pa.Table | None

    def listed_ns(self, window: Window) -> int:
        """When the market appears, never after its first quote."""
        return max(self.open_ns, window.start_ns)

    def part(self, window: Window, loop: int, serial: int, shift: Shift) -> Part:
        """The market as it is played in one loop; ``serial`` keeps its ticker apart from all others."""
        close_ns = min(self.close_ns, window.last_close_ns)
        event_close_ns = min(self.event_close_ns, window.last_close_ns)
        event = f"{self.series_ticker}-{_stamp(shift.wall(event_close_ns))}"
        market = Market(
            ticker=f"{event}-{serial}",
            event_ticker=event,
            series_ticker=self.series_ticker,
            category=self.category,
            title=self.title,
            open_ns=shift.wall(self.open_ns),
            close_ns=shift.wall(close_ns),
            status=MarketStatus.ACTIVE,
            fees=FeeTerms("quadratic", 10_000),
            grid=self.grid,
        )
        return Part(
            market=market,
            key=self.ticker if loop == 0 else f"{self.ticker}|{loop}",
            listed_ns=self.listed_ns(window),
            close_ns=close_ns,
            quotes=_quote_rows(self.quotes),
            trades=None if self.trades is None else _trade_rows(self.trades),
            strike=self.strike,
            result=self.result,
            scales=scales_of(self.series_ticker),
        )


def _stamp(close_ns: int) -> str:
    """A close time as it stands in a ticker, such as 26NOV22131630, in UTC."""
    close = datetime.fromtimestamp(close_ns // NS_PER_S, UTC)
    return f"{close:%y}{_MONTHS[close.month - 1]}{close:%d%H%M%S}"


def _quote_rows(quotes: pa.Table) -> list[QuoteRow]:
    columns = (quotes[name].to_pylist() for name in ("ts_ns", "bid", "ask", "bid_size", "ask_size"))
    return [QuoteRow(*row) for row in zip(*columns, strict=True)]


def _trade_rows(trades: pa.Table) -> list[TradeRow]:
    columns = (trades[name].to_pylist() for name in ("ts_ns", "price", "count", "taker_side"))
    sides = {"yes": BookSide.BID, "no": BookSide.ASK}
    return [TradeRow(ts, price, count, sides[side]) for ts, price, count, side in zip(*columns, strict=True)]


def recorded_markets(history: History, quotes: pa.Table) -> list[RecordedMarket]:
    """The markets that have a quote in ``quotes``; raises HistoryError for a price off every known grid."""
    rows = history.markets.to_pylist()
    results = history.outcomes["result"].to_pylist()
    event_close: dict[tuple[str, str], int] = {}
    for row in rows:
        event = row["dataset"], row["event_ticker"]
        event_close[event] = max(row["close_ns"], event_close.get(event, 0))
    trades = _by_market(history.trades)
    found = []
    for index, changes in _by_market(_changes(quotes)).items():
        row = rows[index]
        first_ns = changes["ts_ns"][0].as_py()
        found.append(
            RecordedMarket(
                dataset=row["dataset"],
                ticker=row["ticker"],
                series_ticker=row["series_ticker"],
                category=row["category"] or "",
                title=row["title"] or f"Replay of {row['ticker']}",
                strike=row["strike"],
                open_ns=min(row["open_ns"] or first_ns, first_ns),
                close_ns=row["close_ns"],
                event_close_ns=event_close[row["dataset"], row["event_ticker"]],
                result=results[index],
                grid=_grid(history, row["ticker"], changes),
                has_sizes=not (changes["bid_size"].null_count or changes["ask_size"].null_count),
                quotes=changes,
                trades=trades.get(index),
            )
        )
    return found


def _changes(quotes: pa.Table) -> pa.Table:
    """By market, the rows at which something of the quote changes."""
    import pyarrow as pa
    import pyarrow.compute as pc

    rows = quotes.take(pc.array_sort_indices(quotes["market"])).combine_chunks()
    changed: pa.Array[Any] = pa.array([False] * (rows.num_rows - 1), pa.bool_())
    for name in _SAME:
        column = rows[name].combine_chunks()
        known = pc.fill_null(column, pa.scalar(-1, column.type))
        changed = pc.or_(changed, pc.not_equal(known[1:], known[:-1]))
    return rows.filter(pa.concat_arrays([pa.array([True]), changed]))


def _by_market(rows: pa.Table) -> dict[int, pa.Table]:
    """The rows of each market, in their order."""
    import pyarrow.compute as pc

    ordered = rows.take(pc.array_sort_indices(rows["market"]))
    tables: dict[int, pa.Table] = {}
    offset = 0
    for market, length in Counter(ordered["market"].to_pylist()).items():
        assert market is not None
        tables[market] = ordered.slice(offset, length)
        offset += length
    return tables


def _grid(history: History, ticker: str, quotes: pa.Table) -> PriceGrid:
    """The coarsest grid that holds every recorded price."""
    import pyarrow as pa
    import pyarrow.compute as pc

    recorded = pc.unique(pa.chunked_array([*quotes["bid"].chunks, *quotes["ask"].chunks]))
    prices = {Price(price.as_py()) for price in recorded} - {0, PRICE_PER_DOLLAR}
    for grid in (WHOLE_CENTS, TAPERED_DECI_CENTS):
        if all(grid.contains(price) for price in prices):
            return grid
    off = min(p for p in prices if not TAPERED_DECI_CENTS.contains(p))
    raise HistoryError(
        f"{history.folder}: a quote of {ticker} is at {off / 100:g} cents; a price must be "
        "a whole cent, or a tenth of a cent below 10 and above 90 cents"
    )
