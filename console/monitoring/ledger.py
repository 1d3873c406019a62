"""Records of trading from journaled events: live as they happen, and later from a journal."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from console.domain.account_events import (
    AccountOpened,
    ExternalFilled,
    MarketSettled,
    MarketTraded,
    OrderAcked,
    OrderAdopted,
    OrderBecameUnknown,
    OrderFilled,
    OrderIntended,
    OrderRejected,
    OrderReported,
)
from console.domain.engine_events import EquityMarked, LatchCleared, LatchRaised
from console.domain.events import JournaledEvent
from console.domain.market import Ticker
from console.domain.money import Cash, Price
from console.domain.order import Fill, OrderIntent, OrderStatus, Settlement
from console.domain.position import Position
from console.monitoring.account_value import AccountValue
from console.monitoring.correlated_loss import Change
from console.monitoring.fill_ratios import OrderSums
from console.monitoring.latch_history import LatchHistory
from console.monitoring.records import MARK_OUT_NS, UNKNOWN, FillRecord, MarketRecord, Records
from console.monitoring.sent_orders import SentOrders
from console.monitoring.trades import Trade, trades_from

_UNMARKED: tuple[int | None, ...] = (None,) * len(MARK_OUT_NS)

MarkOuts = Mapping[str, Sequence[int | None]]
"""Twice the mids of ``MARK_OUT_NS`` after a fill, by the fill's id."""


class Traded(msgspec.Struct, frozen=True):
    """What we did in one market: the orders sent, and the fills and trades of the account's time.

    Where somebody else traded too, nothing.
    """

    market: MarketRecord
    orders: OrderSums
    fills: tuple[FillRecord, ...]
    trades: tuple[Trade, ...]


class _Told(msgspec.Struct, frozen=True):
    """What the journal tells of one market, without what nobody asks for later."""

    event_ticker: str
    series_ticker: str
    category: str
    group: str
    close_ns: int | None

    @classmethod
    def by(cls, event: MarketTraded) -> _Told:
        market = event.market
        shared = sys.intern(market.series_ticker), sys.intern(market.category), sys.intern(event.group)
        return cls(market.event_ticker, *shared, market.close_ns)


_UNTOLD = _Told(UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, None)


class Ledger:
    """What the newest account of a journal traded; latches are the journal's, whatever account was traded.

    Feed it every event in order. Times are those of the exchange where it told one. What somebody else traded
    on the account counts in its cash and positions, and the market is left out of all else.

    For who keeps sums of it: ``touched`` are markets of which something is new, until they are taken from
    it, ``value`` what the account is worth, ``changes`` our fills and what settled, as they came, and
    ``restated`` counts how often something earlier turned out to be otherwise.
    """

    def __init__(self) -> None:
        self._latches = LatchHistory()
        self.is_open = False
        self.restated = 0
        self._open(0, AccountValue(0, Cash(0)))

    def _open(self, at_ns: int, value: AccountValue) -> None:
        self.opened_ns = self.last_ns = at_ns
        self.value = value
        self._orders = SentOrders()
        self._fills: list[tuple[Fill, OrderIntent]] = []
        self._ticker_of: dict[str, Ticker] = {}
        self._fills_of: dict[Ticker, list[tuple[Fill, OrderIntent]]] = {}
        self._markets: dict[Ticker, _Told] = {}
        self._settled: dict[Ticker, tuple[Settlement, Position]] = {}
        self._external: set[Ticker] = set()
        self.changes: list[Change] = []
        self.touched: set[Ticker] = set()
        self.restated += 1

    def observe(self, event: JournaledEvent) -> None:
        """Take one event."""
        self.last_ns = max(self.last_ns, event.at_ns)
        match event:
            case AccountOpened():
                self._open_account(event)
            case MarketTraded(market=market):
                self._markets[market.ticker] = _Told.by(event)
                self._restate(market.ticker)
            case OrderIntended(intent=intent):
                self._intend(intent, event.at_ns, OrderStatus.SENDING)
            case OrderAdopted(intent=intent):
                self._intend(intent, event.at_ns, OrderStatus.RESTING)
            case OrderAcked() | OrderRejected() | OrderBecameUnknown() | OrderReported():
                self._orders.take(event)
                if isinstance(event, OrderRejected):
                    self.touched.add(self.intent_of(event.client_order_id).ticker)
            case OrderFilled(client_order_id=owner, fill=fill):
                self._take_fill(owner, fill)
            case ExternalFilled(fill=fill):
                self._external.add(fill.ticker)
                self._restate(fill.ticker)
                self.value.trade(fill)
            case MarketSettled(settlement=settlement):
                self._settle(settlement)
            case EquityMarked(equity=equity):
                self.value.mark(event.at_ns, equity)
            case LatchRaised() | LatchCleared():
                self._latches.take(event)
            case _:
                pass

    def records(
        self,
        first_ns: int | None = None,
        *,
        marks: Mapping[Ticker, Price] | None = None,
        mark_outs: MarkOuts | None = None,
    ) -> Records | None:
        """Everything from ``first_ns`` on, or since the account was opened; None while none was.

        ``marks`` are YES prices at which what is open could be closed, where somebody knows them.
        """
        if not self.is_open:
            return None
        first_ns = self.opened_ns if first_ns is None else max(first_ns, self.opened_ns)
        fills = [each for each in self._fills if each[0].ticker not in self._external]
        tickers = dict.fromkeys(fill.ticker for fill, _ in fills)
        return Records(
            first_ns=first_ns,
            last_ns=max(self.last_ns, first_ns),
            capital=self.value.equity_at(first_ns),
            final_equity=self.value.final_equity,
            fills=tuple(self._fill_record(fill, intent, mark_outs or {}) for fill, intent in fills),
            traded=tuple(self._market_record(ticker, marks or {}) for ticker in tickers),
            equity=tuple((at_ns, equity) for at_ns, equity in self.value.marks() if at_ns >= first_ns),
            orders=self._orders.counts_since(first_ns),
            latches=self._latches.since(first_ns),
            decisions=self._orders.decisions_since(first_ns),
            left_out=self.left_out,
        )

    def trades_in(self, ticker: Ticker) -> list[Trade]:
        """The trades of one market since the account was opened, without what only others can tell."""
        return list(self.traded_in(ticker, {}, {}).trades)

    def traded_in(self, ticker: Ticker, marks: Mapping[Ticker, Price], mark_outs: MarkOuts) -> Traded:
        """All of one market since the account was opened."""
        market = self._market_record(ticker, marks)
        if ticker in self._external:
            return Traded(market, OrderSums(), (), ())
        fills = tuple(self._fill_record(*each, mark_outs) for each in self._fills_of.get(ticker, ()))
        trades = trades_from(fills, {ticker: market})
        return Traded(
            market,
            self._orders.sums(ticker),
            tuple(each for each in fills if each.fill.at_ns >= self.opened_ns),
            tuple(each for each in trades if each.ended_ns is None or each.ended_ns >= self.opened_ns),
        )

    def touch(self, fill_id: str) -> None:
        """Something is new of a fill that no event tells."""
        if ticker := self._ticker_of.get(fill_id):
            self.touched.add(ticker)

    def intent_of(self, client_order_id: str) -> OrderIntent:
        return self._orders.intent(client_order_id)

    def group_of(self, ticker: Ticker) -> str:
        """The group of a market in which we traded."""
        return self._market_record(ticker, {}).group

    @property
    def left_out(self) -> tuple[Ticker, ...]:
        """Markets in which somebody else traded on the account."""
        return tuple(sorted(self._external))

    def is_ours(self, ticker: Ticker) -> bool:
        """Whether nobody else traded there."""
        return ticker not in self._external

    @property
    def tickers(self) -> Iterable[Ticker]:
        """Markets to which we sent an order."""
        return self._orders.tickers

    # --- events -------------------------------------------------------------------------------------

    def _open_account(self, event: AccountOpened) -> None:
        self.is_open = True
        self._open(event.at_ns, AccountValue.opened(event))
        self._external.update(held.ticker for held in event.positions)

    def _intend(self, intent: OrderIntent, at_ns: int, status: OrderStatus) -> None:
        self._orders.intend(intent, at_ns, status)
        self.touched.add(intent.ticker)

    def _take_fill(self, client_order_id: str, fill: Fill) -> None:
        intent = self.intent_of(client_order_id)
        self._orders.fill(client_order_id, fill)
        filled = fill, intent
        self._fills.append(filled)
        self._fills_of.setdefault(fill.ticker, []).append(filled)
        self._ticker_of[fill.fill_id] = fill.ticker
        self.changes.append(Change(fill.at_ns, fill.ticker, fill))
        self.touched.add(fill.ticker)
        self.value.trade(fill)

    def _settle(self, settlement: Settlement) -> None:
        self._settled[settlement.ticker] = (settlement, self.value.position(settlement.ticker))
        self.value.settle(settlement)
        self.changes.append(Change(settlement.at_ns, settlement.ticker, None))
        self.touched.add(settlement.ticker)

    def _restate(self, ticker: Ticker) -> None:
        """What was said of a market in which we traded is no longer so."""
        if ticker in self._fills_of or ticker in self.tickers:
            self.restated += 1

    # --- records ------------------------------------------------------------------------------------

    def _fill_record(self, fill: Fill, intent: OrderIntent, mark_outs: MarkOuts) -> FillRecord:
        return FillRecord(
            fill=fill,
            intent=intent,
            decided_ns=self._orders.decided_ns(intent.client_order_id),
            age_at_decision_ns=None,
            quote_at_fill=None,
            age_at_fill_ns=None,
            slippage=Cash(0),
            is_printed=not fill.is_taker,
            twice_mids=tuple(mark_outs.get(fill.fill_id, _UNMARKED)),
        )

    def _market_record(self, ticker: Ticker, marks: Mapping[Ticker, Price]) -> MarketRecord:
        told = self._markets.get(ticker, _UNTOLD)
        settlement, held = self._settled.get(ticker, (None, self.value.position(ticker)))
        is_open = settlement is None and held.contracts != 0
        return MarketRecord(
            ticker=ticker,
            event_ticker=told.event_ticker,
            series_ticker=told.series_ticker,
            category=told.category,
            group=told.group,
            close_ns=told.close_ns,
            settled_ns=None if settlement is None else settlement.at_ns,
            yes_value=None if settlement is None else settlement.yes_value,
            is_drawn=False,
            position=held.contracts,
            mark=marks.get(ticker) if is_open else None,
            profit_fee=Cash(0) if settlement is None else settlement.fee,
        )
