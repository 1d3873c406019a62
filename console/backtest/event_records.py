"""What the event backtester keeps of a run: fills, positions and equity, as any backtest's result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from console.backtest.event_inputs import NEVER_NS, market_of
from console.backtest.result import Result
from console.domain.book import NO_QUOTE, Quote
from console.domain.fees import ProfitFees
from console.domain.market import Ticker
from console.domain.money import Cash, Price
from console.domain.order import Settlement
from console.domain.position import Position
from console.monitoring.records import FillRecord, MarketRecord

_FLAT = Position()


class Shown(NamedTuple):
    """A quote, and since when it has been displayed."""

    at_ns: int
    quote: Quote


@dataclass
class _Traded:
    position: Position = _FLAT
    settlement: Settlement | None = None


class Records:
    """A run as it goes on; ``profit_fees`` count from when a profit is taken, though charged on resolving."""

    def __init__(self, capital: Cash, profit_fees: ProfitFees | None) -> None:
        self.shown: dict[Ticker, Shown] = {}
        self.resolved: set[Ticker] = set()
        self._capital = capital
        self._profit_fees = profit_fees
        self._traded: dict[Ticker, _Traded] = {}
        self._unresolved: dict[Ticker, _Traded] = {}
        self._fills: list[FillRecord] = []
        self._fills_of: dict[Ticker, list[FillRecord]] = {}
        self._equity: list[tuple[int, Cash]] = []
        self._last_equity: Cash | None = capital
        self._first_ns: int | None = None
        self._last_ns = 0
        self._rows = 0

    def show(self, ticker: Ticker, at_ns: int, quote: Quote) -> None:
        self.shown[ticker] = Shown(at_ns, quote)
        self._rows += 1

    def quote(self, ticker: Ticker) -> Quote:
        """What was displayed last."""
        shown = self.shown.get(ticker)
        return NO_QUOTE if shown is None else shown.quote

    def fill(self, record: FillRecord) -> None:
        fill = record.fill
        traded = self._traded.setdefault(fill.ticker, _Traded())
        traded.position = traded.position.filled(fill.side, fill.price, fill.count, fill.fee)
        self._unresolved[fill.ticker] = traded
        self._fills.append(record)
        self._fills_of.setdefault(fill.ticker, []).append(record)

    def settle(self, settlement: Settlement) -> None:
        """``settlement`` is as it was charged."""
        self.resolved.add(settlement.ticker)
        traded = self._unresolved.pop(settlement.ticker, None)
        if traded is not None:
            traded.settlement = settlement
            traded.position = traded.position.settled(settlement.yes_value, settlement.fee)

    def position(self, ticker: Ticker) -> Position:
        traded = self._traded.get(ticker)
        return _FLAT if traded is None else traded.position

    def mark(self, at_ns: int, cash: Cash) -> None:
        """Note what the account is worth now."""
        self._first_ns = at_ns if self._first_ns is None else self._first_ns
        self._last_ns = at_ns
        worth: int = cash
        for ticker, traded in self._unresolved.items():
            value = self._value(ticker, traded.position)
            if value is None:
                self._last_equity = None
                return
            worth += value - self._due(traded.position)
        if worth != self._last_equity:
            self._last_equity = Cash(worth)
            self._equity.append((at_ns, self._last_equity))

    def result(self, cash: Cash, orders: dict[str, int], ticker: Ticker | None = None) -> Result:
        """The run so far, or one market's part in it."""
        records = self._fills if ticker is None else self._fills_of.get(ticker, [])
        tickers = self._traded if ticker is None else {record.fill.ticker for record in records}
        return Result(
            first_ns=self._first_ns or 0,
            last_ns=self._last_ns,
            rows=self._rows,
            dispatched=self._rows,
            events=self._rows,
            markets=len(self.shown),
            capital=self._capital,
            cash=cash,
            final_equity=self._last_equity,
            fees=Cash(sum(self._traded[each].position.fees for each in tickers)),
            fills=tuple(records),
            traded=tuple(self._market(each) for each in tickers),
            equity=tuple(self._equity) if ticker is None else (),
            orders=orders,
            denied={},
            why_not=(),
            latches=(),
            renewals=0,
            prints=0,
            dropped={},
            noted={},
            journal_hash="",
        )

    def _market(self, ticker: Ticker) -> MarketRecord:
        market, traded = market_of(ticker), self._traded[ticker]
        settlement = traded.settlement
        is_over = settlement is not None
        return MarketRecord(
            ticker=ticker,
            event_ticker=market.event_ticker,
            series_ticker=market.series_ticker,
            category=market.category,
            group=market.event_ticker,
            close_ns=NEVER_NS if settlement is None else settlement.at_ns,
            settled_ns=None if settlement is None else settlement.at_ns,
            yes_value=None if settlement is None else settlement.yes_value,
            is_drawn=False,
            position=traded.position.contracts,
            mark=None if is_over else self._closing_price(ticker, traded.position),
            profit_fee=self._due(traded.position) if settlement is None else settlement.fee,
        )

    def _value(self, ticker: Ticker, position: Position) -> Cash | None:
        """What a position could be closed for; None when nobody would take it."""
        if not position.contracts:
            return Cash(0)
        price = self._closing_price(ticker, position)
        return None if price is None else position.value_at(price)

    def _closing_price(self, ticker: Ticker, position: Position) -> Price | None:
        touch = self.quote(ticker).touch(position.side.opposite)
        return None if touch is None else touch.price

    def _due(self, position: Position) -> Cash:
        """The fee on profits that were taken in a market that has not resolved."""
        return Cash(0) if self._profit_fees is None else self._profit_fees.on_profit(position.realised)
