"""Records of trading from journaled events: live as they happen, and later from a journal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from console.domain.account_events import (
    DENIED,
    NEVER_PLACED,
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
from console.domain.order import Fill, Order, OrderIntent, OrderStatus, Settlement
from console.domain.order_life import OrderNews, order_after
from console.domain.position import Position, cash_change_of_fill, cash_change_of_settlement
from console.monitoring.correlated_loss import Change
from console.monitoring.fill_ratios import OrderSums
from console.monitoring.records import (
    MARK_OUT_NS,
    UNKNOWN,
    Decision,
    FillRecord,
    LatchRecord,
    MarketRecord,
    Records,
)
from console.monitoring.trades import Trade, trades_from

_FLAT = Position()
_OPERATOR = "operator"
_RESTING = "resting"
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


class Ledger:
    """What the newest account of a journal traded; latches are the journal's, whatever account was traded.

    Feed it every event in order. Times are those of the exchange where it told one. What somebody else traded
    on the account counts in its cash and positions, and the market is left out of all else.

    For who keeps sums of it: ``touched`` are markets of which something is new, until they are taken from
    it, ``marks`` equity and ``changes`` our fills and what settled, as they came, and ``restated`` counts
    how often something earlier turned out to be otherwise.
    """

    def __init__(self) -> None:
        self._latches: list[LatchRecord] = []
        self.is_open = False
        self.restated = 0
        self._open(0, Cash(0))

    def _open(self, at_ns: int, cash: Cash) -> None:
        self.opened_ns = self.last_ns = at_ns
        self._cash = self.capital = cash
        self._had_positions = False
        self._is_mark_old = False
        self.marks: list[tuple[int, Cash]] = []
        self._positions: dict[Ticker, Position] = {}
        self._orders: dict[str, Order] = {}
        self._decided: dict[str, int] = {}
        self._unsent: set[str] = set()
        self._fills: list[tuple[Fill, OrderIntent]] = []
        self._ticker_of: dict[str, Ticker] = {}
        self._fills_of: dict[Ticker, list[tuple[Fill, OrderIntent]]] = {}
        self._markets: dict[Ticker, MarketTraded] = {}
        self._settled: dict[Ticker, tuple[Settlement, Position]] = {}
        self._external: set[Ticker] = set()
        self._held: set[Ticker] = set()
        self._sent: dict[Ticker, OrderSums] = {}
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
                self._markets[market.ticker] = event
                self._restate(market.ticker)
            case OrderIntended(intent=intent):
                self._intend(intent, event.at_ns, OrderStatus.SENDING)
            case OrderAdopted(intent=intent):
                self._intend(intent, event.at_ns, OrderStatus.RESTING)
            case OrderAcked() | OrderRejected() | OrderBecameUnknown() | OrderReported():
                self._take_news(event)
            case OrderFilled(client_order_id=owner, fill=fill):
                self._take_fill(fill, self._orders[owner])
            case ExternalFilled(fill=fill):
                self._external.add(fill.ticker)
                self._restate(fill.ticker)
                self._trade(fill)
            case MarketSettled(settlement=settlement):
                self._settle(settlement)
            case EquityMarked(equity=equity):
                self._mark(event.at_ns, equity)
            case LatchRaised() | LatchCleared():
                self._take_latch(event)
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
        begun = [equity for at_ns, equity in self.marks if at_ns <= first_ns]
        fills = [each for each in self._fills if each[0].ticker not in self._external]
        tickers = dict.fromkeys(fill.ticker for fill, _ in fills)
        return Records(
            first_ns=first_ns,
            last_ns=max(self.last_ns, first_ns),
            capital=begun[-1] if begun else self.capital,
            final_equity=self.final_equity,
            fills=tuple(self._fill_record(fill, intent, mark_outs or {}) for fill, intent in fills),
            traded=tuple(self._market_record(ticker, marks or {}) for ticker in tickers),
            equity=tuple((at_ns, equity) for at_ns, equity in self.marks if at_ns >= first_ns),
            orders=self._orders_since(first_ns),
            latches=tuple(each for each in self._latches if (each.cleared_ns or first_ns) >= first_ns),
            decisions=tuple(
                Decision(at_ns, self._orders[name].intent)
                for name, at_ns in self._decided.items()
                if name not in self._unsent and at_ns >= first_ns
            ),
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
        orders = OrderSums()
        if ticker in self._sent:
            orders.join(self._sent[ticker])
        return Traded(
            market,
            orders,
            tuple(each for each in fills if each.fill.at_ns >= self.opened_ns),
            tuple(each for each in trades if each.ended_ns is None or each.ended_ns >= self.opened_ns),
        )

    def touch(self, fill_id: str) -> None:
        """Something is new of a fill that no event tells."""
        if ticker := self._ticker_of.get(fill_id):
            self.touched.add(ticker)

    def intent_of(self, client_order_id: str) -> OrderIntent:
        return self._orders[client_order_id].intent

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
        return self._sent

    # --- events -------------------------------------------------------------------------------------

    def _open_account(self, event: AccountOpened) -> None:
        self.is_open = True
        self._open(event.at_ns, event.cash)
        self._had_positions = bool(event.positions)
        for held in event.positions:
            self._hold(held.ticker, Position(contracts=held.position, paid=held.paid))
            self._external.add(held.ticker)

    def _intend(self, intent: OrderIntent, at_ns: int, status: OrderStatus) -> None:
        if intent.client_order_id not in self._orders:
            self._sent.setdefault(intent.ticker, OrderSums()).add(intent)
            self.touched.add(intent.ticker)
        self._orders[intent.client_order_id] = Order(intent, at_ns, status)
        self._decided[intent.client_order_id] = at_ns

    def _take_news(self, event: OrderNews) -> None:
        self._orders[event.client_order_id] = order_after(self._orders[event.client_order_id], event)
        if isinstance(event, OrderRejected) and event.code in (DENIED, NEVER_PLACED):
            intent = self._orders[event.client_order_id].intent
            self._unsent.add(event.client_order_id)
            self._sent[intent.ticker].add(intent, -1)
            self.touched.add(intent.ticker)

    def _take_fill(self, fill: Fill, order: Order) -> None:
        intent = order.intent
        self._orders[intent.client_order_id] = order.with_fill(fill.order_id, fill.count)
        self._fills.append((fill, intent))
        self._fills_of.setdefault(fill.ticker, []).append((fill, intent))
        if intent.client_order_id not in self._unsent:
            self._sent[fill.ticker].fill(intent, fill.count, is_first=not order.filled)
        self._ticker_of[fill.fill_id] = fill.ticker
        self.changes.append(Change(fill.at_ns, fill.ticker, fill))
        self.touched.add(fill.ticker)
        self._trade(fill)

    def _trade(self, fill: Fill) -> None:
        held = self._positions.get(fill.ticker, _FLAT)
        change = cash_change_of_fill(held.contracts, fill.side, fill.price, fill.count, fill.fee)
        self._cash = Cash(self._cash + change)
        self._hold(fill.ticker, held.filled(fill.side, fill.price, fill.count, fill.fee))

    def _settle(self, settlement: Settlement) -> None:
        held = self._positions.get(settlement.ticker, _FLAT)
        paid_out = cash_change_of_settlement(held.contracts, settlement.yes_value)
        self._cash = Cash(self._cash + paid_out - settlement.fee)
        self._hold(settlement.ticker, held.settled(settlement.yes_value, settlement.fee))
        self._settled[settlement.ticker] = (settlement, held)
        self.changes.append(Change(settlement.at_ns, settlement.ticker, None))
        self.touched.add(settlement.ticker)

    def _hold(self, ticker: Ticker, position: Position) -> None:
        self._positions[ticker] = position
        (self._held.add if position.contracts else self._held.discard)(ticker)
        self._is_mark_old = True

    def _restate(self, ticker: Ticker) -> None:
        """What was said of a market in which we traded is no longer so."""
        if ticker in self._fills_of or ticker in self._sent:
            self.restated += 1

    def _mark(self, at_ns: int, equity: Cash) -> None:
        if at_ns <= self.opened_ns or (self._had_positions and not self.marks):
            # What was held when the account was opened is first known to be worth something here.
            self.capital = equity
        self.marks.append((at_ns, equity))
        self._is_mark_old = False

    def _take_latch(self, event: LatchRaised | LatchCleared) -> None:
        name = f"{event.name} {event.scope}".rstrip()
        if isinstance(event, LatchRaised):
            self._latches.append(LatchRecord(event.at_ns, name, event.level.name, event.reason, None, False))
            return
        for place, record in enumerate(self._latches):
            if record.name == name and record.cleared_ns is None:
                self._latches[place] = msgspec.structs.replace(
                    record, cleared_ns=event.at_ns, by_operator=event.source == _OPERATOR
                )

    # --- records ------------------------------------------------------------------------------------

    @property
    def final_equity(self) -> Cash | None:
        """Cash when nothing is held; else the newest mark, unless something was traded since."""
        if not self._held:
            return self._cash
        return None if self._is_mark_old or not self.marks else self.marks[-1][1]

    def _fill_record(self, fill: Fill, intent: OrderIntent, mark_outs: MarkOuts) -> FillRecord:
        return FillRecord(
            fill=fill,
            intent=intent,
            decided_ns=self._decided[intent.client_order_id],
            age_at_decision_ns=None,
            quote_at_fill=None,
            age_at_fill_ns=None,
            slippage=Cash(0),
            is_printed=not fill.is_taker,
            twice_mids=tuple(mark_outs.get(fill.fill_id, _UNMARKED)),
        )

    def _market_record(self, ticker: Ticker, marks: Mapping[Ticker, Price]) -> MarketRecord:
        told = self._markets.get(ticker)
        settlement, held = self._settled.get(ticker, (None, self._positions.get(ticker, _FLAT)))
        is_open = settlement is None and held.contracts != 0
        return MarketRecord(
            ticker=ticker,
            event_ticker=UNKNOWN if told is None else told.market.event_ticker,
            series_ticker=UNKNOWN if told is None else told.market.series_ticker,
            category=UNKNOWN if told is None else told.market.category,
            group=UNKNOWN if told is None else told.group,
            close_ns=None if told is None else told.market.close_ns,
            settled_ns=None if settlement is None else settlement.at_ns,
            yes_value=None if settlement is None else settlement.yes_value,
            is_drawn=False,
            position=held.contracts,
            mark=marks.get(ticker) if is_open else None,
            profit_fee=Cash(0) if settlement is None else settlement.fee,
        )

    def _orders_since(self, first_ns: int) -> dict[str, int]:
        since = (order for name, order in self._orders.items() if self._decided[name] >= first_ns)
        return dict(Counter(order.status.value if order.status.is_terminal else _RESTING for order in since))
