"""The deterministic core: every event in, the actions it calls for out; no I/O, no clock, no randomness."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime

from console.config.schema import Settings
from console.domain.actions import Action, Alert, AlertLevel, Append, BeginHalt, Cancel, EndHalt, Submit
from console.domain.events import (
    AccountOpened,
    BalanceRead,
    CancelAllOrders,
    ClockTicked,
    EngineEvent,
    EquityMarked,
    ErrorHappened,
    ExchangeStatusRead,
    FeedLost,
    FeedProved,
    GroupOpened,
    Halt,
    JournaledEvent,
    LatchCleared,
    LatchRaised,
    MarketListed,
    MarketSettled,
    MarketStatusChanged,
    OrderAcked,
    OrderBecameUnknown,
    OrderFilled,
    OrderIntended,
    OrderRejected,
    OrderReported,
    PauseEntries,
    QuoteChanged,
    Resume,
    RiskDayBegan,
    TimerFired,
    TradingState,
)
from console.domain.market import Ticker
from console.domain.money import Cash, format_cash
from console.domain.order import Order, OrderIntent
from console.engine.account import Account
from console.engine.entries import Denied, Entries
from console.engine.markets import Markets
from console.engine.snapshot import AlertView
from console.engine.trade_log import TradeLog
from console.risk.exposure import Exposure
from console.risk.manager import RiskManager
from console.risk.switches.base import RiskView
from console.risk.switches.manual import MANUAL
from console.strategies.base import Strategy

PAUSE = "pause"
OVERFILL = "overfill"
OPERATOR = "operator"
ALERTS_KEPT = 200
RECANCEL_NS = 2_000_000_000
FORGET_AFTER_CLOSE_NS = 600_000_000_000


class Engine:
    """One account's trading: feed it events in order and carry out the actions in theirs.

    The same events give the same actions. ``account`` changes only by events that the actions append to the
    journal, so replaying those rebuilds it.
    """

    def __init__(
        self,
        settings: Settings,
        strategy: Strategy,
        risk: RiskManager,
        *,
        client_id_prefix: str,
        account: Account | None = None,
        trade_log: TradeLog | None = None,
    ) -> None:
        self.account = account or Account()
        self.trade_log = trade_log or TradeLog()
        self.markets = Markets()
        self.risk = risk
        self.entries = Entries(settings, strategy, risk, client_id_prefix)
        self.exchange: ExchangeStatusRead | None = None
        self.equity: Cash | None = None
        self.equity_ns: int | None = None
        self.feed_proved_ns: int | None = None
        self.exchange_cash: Cash | None = None
        self.alerts: deque[AlertView] = deque(maxlen=ALERTS_KEPT)
        self._alerts_ever = 0
        self._cancels_sent: dict[str, int] = {}
        self._actions: list[Action] = []

    def handle(self, event: EngineEvent) -> list[Action]:
        """Take one event and return what must be done, in the order in which it must be done."""
        self._actions = []
        self._take(event)
        if self.account.latches.state is not TradingState.RUNNING:
            self._cancel_open_orders(event.at_ns)
        return self._actions

    @property
    def group_ids(self) -> dict[int, str]:
        """Our order group on each shard."""
        return self.entries.group_ids

    def exposure(self) -> Exposure:
        """Worst cases of what is held and of every order that may still fill."""
        return Exposure.of(self.account.held, self.account.open_orders, self.markets.groups)

    def risk_view(self, now_ns: int) -> RiskView:
        return RiskView(
            now_ns=now_ns,
            equity=self.equity,
            day_open_equity=self.account.day_open_equity,
            feed_proved_ns=self.feed_proved_ns,
        )

    def mark(self, ticker: Ticker) -> Cash | None:
        """What the position could be sold for; None when no quote was ever seen."""
        position = self.account.position(ticker)
        price = self.markets.exit_price(ticker, position.side)
        return None if price is None else position.value_at(price)

    def _take(self, event: EngineEvent) -> None:
        match event:
            case QuoteChanged():
                self.feed_proved_ns = event.at_ns
                self.markets.take_quote(event.ticker, event.quote)
                self._look_at(event.ticker, event.at_ns)
            case FeedProved():
                self.feed_proved_ns = event.at_ns
            case ClockTicked():
                self._evaluate_switches(event.at_ns)
            case TimerFired():
                self._scan(event.at_ns)
            case FeedLost():
                self.markets.lose_quotes()
            case MarketListed():
                self.markets.list(event.market)
            case MarketStatusChanged():
                self.markets.change_status(event.ticker, event.status, event.close_ns)
            case ExchangeStatusRead():
                self.exchange = event
            case GroupOpened():
                self.entries.group_ids[event.exchange_index] = event.group_id
            case BalanceRead():
                self._compare_cash(event)
            case ErrorHappened():
                self._alert(event.at_ns, AlertLevel.WARNING, f"{event.source}: {event.message}")
            case _:
                self._take_journaled(event)

    def _take_journaled(self, event: JournaledEvent) -> None:
        match event:
            case OrderFilled():
                self._take_fill(event)
            case OrderAcked() | OrderRejected() | OrderBecameUnknown() | OrderReported():
                self._take_order_news(event)
            case MarketSettled():
                self._settle(event)
            case LatchRaised():
                self._raise(event)
            case Halt():
                self._append(event)
                self._raise(_operators_latch(event, MANUAL, TradingState.HALTED))
            case PauseEntries():
                self._append(event)
                self._raise(_operators_latch(event, PAUSE, TradingState.PAUSED))
            case Resume():
                self._resume(event)
            case CancelAllOrders():
                self._append(event)
                self._cancels_sent.clear()
                self._cancel_open_orders(event.at_ns)
            case AccountOpened():
                self._append(event)
                self.equity = None
            case _:
                self._append(event)

    # --- effects ------------------------------------------------------------------------------------

    def _append(self, event: JournaledEvent) -> None:
        """The one way in which durable state changes."""
        self._actions.append(Append(event))
        self.trade_log.observe(event, self.account)
        self.account.apply(event)

    def _alert(self, at_ns: int, level: AlertLevel, text: str) -> None:
        self._alerts_ever += 1
        self.alerts.append(AlertView(self._alerts_ever, at_ns, level, text))
        self._actions.append(Alert(level, text))

    def _raise(self, event: LatchRaised) -> None:
        """Raise a latch, unless one of its name and level or above is in force."""
        latch = self.account.latches.get(event.name)
        if latch is not None and latch.level >= event.level:
            return
        self._append(event)
        halts = event.level is TradingState.HALTED
        level = AlertLevel.CRITICAL if halts else AlertLevel.WARNING
        self._alert(event.at_ns, level, f"{event.level.name} {event.name}: {event.reason}")
        if halts:
            self._actions.append(BeginHalt(event.reason))

    # --- orders -------------------------------------------------------------------------------------

    def _take_fill(self, event: OrderFilled) -> None:
        order = self.account.orders.get(event.client_order_id)
        if order is None or self.account.knows_fill(event.fill.fill_id):
            return
        if not order.filled:
            self.entries.why_not.filled()
        self._append(event)
        filled = self.account.orders[event.client_order_id]
        if filled.filled > filled.intent.count:
            reason = f"{event.client_order_id} filled more than was ordered"
            self._raise(
                LatchRaised(
                    at_ns=event.at_ns,
                    name=OVERFILL,
                    level=TradingState.HALTED,
                    reason=reason,
                    source="invariant",
                )
            )

    def _take_order_news(
        self, event: OrderAcked | OrderRejected | OrderBecameUnknown | OrderReported
    ) -> None:
        before = self.account.orders.get(event.client_order_id)
        if before is None or _after(before, event) == before:
            return
        self._append(event)
        after = self.account.orders[event.client_order_id]
        if after.status.is_terminal:
            self._cancels_sent.pop(event.client_order_id, None)
            if not after.filled:
                self.entries.why_not.unfilled(after.reason or after.status.value)

    def _settle(self, event: MarketSettled) -> None:
        ticker = event.settlement.ticker
        if self.account.position(ticker).contracts and ticker not in self.account.settled:
            self._append(event)
        if not any(order.intent.ticker == ticker for order in self.account.open_orders):
            self._forget(ticker)

    def _cancel_open_orders(self, at_ns: int) -> None:
        for order in self.account.open_orders:
            self._cancel(order, at_ns)

    def _cancel(self, order: Order, at_ns: int) -> None:
        """Ask once, and again if nothing was heard for two seconds."""
        client_order_id = order.intent.client_order_id
        asked_ns = self._cancels_sent.get(client_order_id)
        if order.order_id is None or (asked_ns is not None and at_ns - asked_ns < RECANCEL_NS):
            return
        self._cancels_sent[client_order_id] = at_ns
        intent = order.intent
        self._actions.append(Cancel(order.order_id, client_order_id, intent.ticker, intent.exchange_index))

    # --- looking ------------------------------------------------------------------------------------

    def _look_at(self, ticker: Ticker, at_ns: int) -> None:
        """Consider one market: withdraw an order that is no longer wanted, or enter."""
        market = self.markets.get(ticker)
        if market is None or not self.markets.is_live(ticker):
            return
        quote = self.markets.quote(ticker)
        working = [order for order in self.account.open_orders if order.intent.ticker == ticker]
        for order in working:
            if not self.entries.still_wants(order, market, quote, at_ns):
                self._cancel(order, at_ns)
        if working:
            return
        decision = self.entries.decide(
            market, quote, self.risk_view(at_ns), self.account, self.exchange, self.exposure
        )
        match decision:
            case Denied():
                self.trade_log.note_denied(at_ns, ticker, decision.reason)
            case OrderIntent():
                self._append(OrderIntended(at_ns=at_ns, intent=decision))
                self._actions.append(Submit(decision))

    def _scan(self, at_ns: int) -> None:
        """Mark the book, look at every switch and every market."""
        self.equity = self._equity()
        self.equity_ns = at_ns
        if self.equity is not None:
            self._mark_equity(self.equity, at_ns)
        self._evaluate_switches(at_ns)
        for ticker in self.markets.tickers:
            market = self.markets.get(ticker)
            if market is not None and at_ns > market.close_ns + FORGET_AFTER_CLOSE_NS:
                self._forget(ticker)
            else:
                self._look_at(ticker, at_ns)

    def _equity(self) -> Cash | None:
        """Cash and what the positions could be sold for; None while a mark is missing."""
        if self.account.name is None:
            return None
        equity = int(self.account.cash)
        for ticker in self.account.held:
            value = self.mark(ticker)
            if value is None:
                return None
            equity += value
        return Cash(equity)

    def _mark_equity(self, equity: Cash, at_ns: int) -> None:
        day = datetime.fromtimestamp(at_ns // 1_000_000_000, UTC).date().isoformat()
        if self.account.risk_day is None or day > self.account.risk_day:
            self._append(RiskDayBegan(at_ns=at_ns, day=day, equity=equity))
        high_water = Cash(max(equity, self.account.high_water or equity))
        if (equity, high_water) != (self.account.marked_equity, self.account.high_water):
            self._append(EquityMarked(at_ns=at_ns, equity=equity, high_water=high_water))

    def _evaluate_switches(self, at_ns: int) -> None:
        for event in self.risk.evaluate(self.risk_view(at_ns), self.account.latches):
            if isinstance(event, LatchRaised):
                self._raise(event)
            else:
                self._clear(event)

    def _forget(self, ticker: Ticker) -> None:
        if self.account.position(ticker).contracts:
            return
        self.markets.forget(ticker)
        self.trade_log.forget(ticker)

    # --- the operator -------------------------------------------------------------------------------

    def resume_refusal(self, latch: str, at_ns: int) -> str | None:
        """Why this latch may not be cleared now, or None when it may."""
        return self.risk.resume_refusal(latch, self.risk_view(at_ns), self.account.latches)

    def _resume(self, event: Resume) -> None:
        self._append(event)
        refusal = self.resume_refusal(event.latch, event.at_ns)
        if refusal is None and not event.reason.strip():
            refusal = "a reason is needed"
        if refusal is not None:
            self._alert(event.at_ns, AlertLevel.WARNING, f"{event.latch} was not cleared: {refusal}")
            return
        self._clear(LatchCleared(at_ns=event.at_ns, name=event.latch, reason=event.reason, source=OPERATOR))

    def _clear(self, event: LatchCleared) -> None:
        """Clear one latch; when the last HALT goes, orders may pass again."""
        was_halted = self.account.latches.state is TradingState.HALTED
        self._append(event)
        self._alert(event.at_ns, AlertLevel.INFO, f"{event.name} cleared: {event.reason}")
        if was_halted and self.account.latches.state is not TradingState.HALTED:
            self._actions.append(EndHalt())

    def _compare_cash(self, event: BalanceRead) -> None:
        """Tell once when the exchange's cash is not ours; it is the exchange's that counts."""
        known = self.exchange_cash
        self.exchange_cash = event.cash
        if event.cash != self.account.cash and event.cash != known:
            ours, theirs = format_cash(self.account.cash), format_cash(event.cash)
            self._alert(event.at_ns, AlertLevel.WARNING, f"cash: ours {ours}, the exchange's {theirs}")


def _after(order: Order, event: OrderAcked | OrderRejected | OrderBecameUnknown | OrderReported) -> Order:
    """The order as the event would leave it, to tell news from repetition."""
    match event:
        case OrderAcked():
            return order.acked(event.order_id)
        case OrderRejected():
            return order.rejected(event.message)
        case OrderBecameUnknown():
            return order.lost_sight(event.reason)
        case OrderReported():
            return order.reported(event.order_id, event.status, event.filled, event.reason)


def _operators_latch(event: Halt | PauseEntries, name: str, level: TradingState) -> LatchRaised:
    return LatchRaised(at_ns=event.at_ns, name=name, level=level, reason=event.reason, source=OPERATOR)
