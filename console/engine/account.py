"""The durable state of one trading account, rebuilt by applying the journal's events in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from itertools import takewhile
from types import MappingProxyType

from console.domain.account_events import (
    AccountOpened,
    AccountRead,
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
from console.domain.engine_events import EquityMarked, LatchCleared, LatchRaised, RiskDayBegan
from console.domain.events import JournaledEvent
from console.domain.market import Ticker
from console.domain.money import Cash
from console.domain.order import Fill, Order, OrderStatus, PositionReport
from console.domain.order_life import order_after
from console.domain.position import Position, cash_change_of_fill, cash_change_of_settlement
from console.engine.client_ids import number_of
from console.engine.streak import LossStreak
from console.monitoring.slippage import SlippageSample, slippage_of
from console.risk.latches import RISK_SOURCE, Latches
from console.risk.switches.drawdown import DRAWDOWN
from console.risk.switches.loss_streak import LOSS_STREAK
from console.risk.switches.slippage import SLIPPAGE

SLIPPAGE_SAMPLES_KEPT = 2_000
TAKER_FILLS_KEPT = 1_000
"""The largest window that a setting can ask for."""
FLAT = Position()


class Account:
    """Cash, positions, orders, latches and the risk day; changed by ``apply`` alone.

    ``working`` has the orders that may still fill by market and client order id. Positions and cash are the
    account's, whoever traded; orders are ours. In the markets of ``external`` not all that is held was bought
    by us; of those of ``told_markets`` the journal says what they are. Applying the same events to a new
    Account gives an equal one, so what the journal holds is the state.
    """

    def __init__(self) -> None:
        self.latches = Latches()
        self._changed: set[Ticker] = set()
        self.intents_ever = 0
        self.high_water: Cash | None = None
        self.marked_equity: Cash | None = None
        self.positions: dict[Ticker, Position] = {}
        self.working: dict[Ticker, dict[str, Order]] = {}
        self._open(None, Cash(0))

    def _open(self, name: str | None, cash: Cash) -> None:
        self.name = name
        self.start_cash = cash
        self.cash = cash
        self._changed |= self.positions.keys() | self.working.keys()
        self.positions = {}
        self._held: dict[Ticker, Position] = {}
        self.external: set[Ticker] = set()
        self.told_markets: set[Ticker] = set()
        self.orders: dict[str, Order] = {}
        self.client_ids: dict[str, str] = {}
        self.fill_ids: set[str] = set()
        self.earlier_fills: frozenset[str] = frozenset()
        self.opened_ns = 0
        self.read_ns = 0
        self.fees = Cash(0)
        self.settlements = Cash(0)
        self.risk_day: str | None = None
        self.day_open_equity: Cash | None = None
        self.slippage: deque[SlippageSample] = deque(maxlen=SLIPPAGE_SAMPLES_KEPT)
        self.taker_slippage: deque[int] = deque(maxlen=TAKER_FILLS_KEPT)
        self.streak = LossStreak()
        self._open_orders: dict[str, Order] = {}
        self.working = {}

    @property
    def open_orders(self) -> tuple[Order, ...]:
        """Every order that may still fill, in the order of their making."""
        return tuple(self._open_orders.values())

    @property
    def unknown_orders(self) -> tuple[Order, ...]:
        """Those of which it is not known whether they exist."""
        return tuple(order for order in self._open_orders.values() if order.status is OrderStatus.UNKNOWN)

    @property
    def held(self) -> Mapping[Ticker, Position]:
        """Positions that are not flat, now and later."""
        return MappingProxyType(self._held)

    def orders_since(self, since_ns: int) -> int:
        """How many orders were intended after a time, whatever became of them."""
        newest_first = reversed(self.orders.values())
        return sum(1 for _ in takewhile(lambda order: order.sent_ns > since_ns, newest_first))

    def position(self, ticker: Ticker) -> Position:
        return self.positions.get(ticker, FLAT)

    def knows_fill(self, fill_id: str) -> bool:
        """Whether cash and positions have this fill in them."""
        return fill_id in self.fill_ids or fill_id in self.earlier_fills

    def apply(self, event: JournaledEvent) -> None:
        """Take one journaled event into the state; events of no consequence here change nothing."""
        match event:
            case OrderIntended(intent=intent):
                self.intents_ever += 1
                self._put(Order(intent, event.at_ns, OrderStatus.SENDING))
            case OrderFilled():
                self._fill(event)
            case OrderReported() | OrderAcked() | OrderRejected() | OrderBecameUnknown():
                self._put(order_after(self.orders[event.client_order_id], event))
            case AccountOpened():
                self._open(event.account, event.cash)
                self.high_water = self.marked_equity = None
                self.opened_ns = self.read_ns = event.at_ns
                self.earlier_fills = frozenset(event.earlier_fills)
                for position in event.positions:
                    self._adopt_position(position, event.at_ns)
            case AccountRead():
                self.read_ns = event.read_ns
            case MarketTraded(market=market):
                self.told_markets.add(market.ticker)
            case OrderAdopted():
                # Its id must never be given again.
                self.intents_ever = max(self.intents_ever, number_of(event.intent.client_order_id))
                self._put(Order(event.intent, event.at_ns, OrderStatus.RESTING, event.order_id, event.filled))
            case ExternalFilled(fill=fill):
                self._trade(fill)
                if fill.ticker in self._held:
                    self.external.add(fill.ticker)
            case MarketSettled():
                self._settle(event)
            case LatchRaised():
                self.latches.apply(event)
            case LatchCleared():
                self.latches.apply(event)
                self._start_anew(event)
            case RiskDayBegan():
                self.risk_day, self.day_open_equity = event.day, event.equity
            case EquityMarked():
                self.marked_equity, self.high_water = event.equity, event.high_water
            case _:
                pass

    def take_changed(self) -> set[Ticker]:
        """The markets of which a position or an order changed since this was asked last."""
        changed, self._changed = self._changed, set()
        return changed

    def _hold(self, ticker: Ticker, position: Position) -> None:
        self._changed.add(ticker)
        self.positions[ticker] = position
        if position.contracts:
            self._held[ticker] = position
        else:
            self._held.pop(ticker, None)
            self.external.discard(ticker)

    def _adopt_position(self, report: PositionReport, at_ns: int) -> None:
        adopted = Position(contracts=report.position, paid=report.paid)
        self._hold(report.ticker, adopted)
        self.external.add(report.ticker)
        self.streak.changed(report.ticker, FLAT, adopted, at_ns)

    def _put(self, order: Order) -> None:
        client_order_id = order.intent.client_order_id
        self.orders[client_order_id] = order
        if order.order_id is not None:
            self.client_ids[order.order_id] = client_order_id
        ticker = order.intent.ticker
        self._changed.add(ticker)
        in_market = self.working.setdefault(ticker, {})
        if not order.status.is_terminal:
            self._open_orders[client_order_id] = in_market[client_order_id] = order
            return
        self._open_orders.pop(client_order_id, None)
        in_market.pop(client_order_id, None)
        if not in_market:
            del self.working[ticker]

    def _fill(self, event: OrderFilled) -> None:
        fill, order = event.fill, self.orders[event.client_order_id]
        self._trade(fill)
        self._put(order.with_fill(fill.order_id, fill.count))
        sample = slippage_of(fill, order.intent.quote)
        if sample is not None:
            self.slippage.append(sample)
            if sample.is_taker:
                self.taker_slippage.append(sample.touch_centibps)

    def _trade(self, fill: Fill) -> None:
        """What a fill does to cash and position, whosever order it was."""
        self.fill_ids.add(fill.fill_id)
        held = self.position(fill.ticker)
        self.cash = Cash(
            self.cash + cash_change_of_fill(held.contracts, fill.side, fill.price, fill.count, fill.fee)
        )
        self.fees = Cash(self.fees + fill.fee)
        after = held.filled(fill.side, fill.price, fill.count, fill.fee)
        self._hold(fill.ticker, after)
        self.streak.changed(fill.ticker, held, after, fill.at_ns)

    def _settle(self, event: MarketSettled) -> None:
        settlement = event.settlement
        held = self.position(settlement.ticker)
        paid_out = cash_change_of_settlement(held.contracts, settlement.yes_value)
        self.settlements = Cash(self.settlements + paid_out)
        self.cash = Cash(self.cash + paid_out - settlement.fee)
        self.fees = Cash(self.fees + settlement.fee)
        after = held.settled(settlement.yes_value, settlement.fee)
        self._hold(settlement.ticker, after)
        self.streak.changed(settlement.ticker, held, after, settlement.at_ns)

    def _start_anew(self, cleared: LatchCleared) -> None:
        """What a switch counts from the journal starts anew when the operator resumes its latch."""
        by_operator = cleared.source != RISK_SOURCE
        if cleared.name == LOSS_STREAK and by_operator:
            self.streak.reset()
        elif cleared.name == LOSS_STREAK:
            self.streak.answer()
        elif cleared.name == SLIPPAGE and by_operator:
            self.taker_slippage.clear()
        elif cleared.name == DRAWDOWN and by_operator:
            self.high_water = self.marked_equity

    def comparable(self) -> dict[str, object]:
        """Everything that a replay must reproduce, for comparison."""
        return {
            "account": self.name,
            "cash": self.cash,
            "fees": self.fees,
            "settlements": self.settlements,
            "positions": dict(self.positions),
            "external": frozenset(self.external),
            "told": frozenset(self.told_markets),
            "read": (self.opened_ns, self.read_ns, self.earlier_fills),
            "orders": dict(self.orders),
            "fills": frozenset(self.fill_ids),
            "latches": self.latches.active,
            "risk_day": (self.risk_day, self.day_open_equity),
            "high_water": (self.high_water, self.marked_equity),
            "intents": self.intents_ever,
            "slippage": (tuple(self.slippage), tuple(self.taker_slippage)),
            "streak": self.streak.comparable(),
        }
