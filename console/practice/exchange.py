"""The practice exchange itself, without a socket: markets from a tape, one account, orders that meet.

Everything happens at the time of an injected clock; subscribers are told through the floor's ``publish``.
"""

from __future__ import annotations

from console.domain.market import Ticker
from console.domain.money import Cash, Count
from console.domain.ports import Clock
from console.practice.account import STARTING_CASH, Account
from console.practice.floor import Floor
from console.practice.market import ListedMarket
from console.practice.notices import LifecycleChanged, PositionChanged
from console.practice.order_entry import OrderEntry
from console.practice.tape import Closed, Displayed, Listed, Printed, Settled, Swept, TapeEntry


class PracticeExchange:
    """Applies the tape's entries and a client's requests in the order in which they come."""

    def __init__(self, clock: Clock, starting_cash: Cash = STARTING_CASH) -> None:
        self.floor = Floor(clock)
        self.account = Account(clock(), starting_cash)
        self.orders = OrderEntry(self.floor, self.account)
        self._held_back: dict[Ticker, Displayed] = {}

    def apply(self, entry: TapeEntry) -> None:
        """Let the markets do what the tape says; while trading is paused nobody trades."""
        match entry:
            case Listed():
                self.floor.add(entry)
            case Displayed() if not self.orders.trading_active:
                self._held_back[entry.ticker] = entry
            case Displayed():
                market = self.floor.markets[entry.ticker]
                self.orders.book(market, market.matching.display(entry.bids, entry.asks))
                self.floor.flush(market)
            case Printed() if self.orders.trading_active:
                self._print(entry)
            case Swept() if self.orders.trading_active:
                self._sweep(entry)
            case Closed():
                self._close(self.floor.markets[entry.ticker])
            case Settled():
                self._settle(entry)

    def _print(self, entry: Printed) -> None:
        market, count = self.floor.markets[entry.ticker], entry.count
        if entry.modelled:
            shown = market.matching.shown(entry.taker_side.opposite)
            count = min(count, shown.get(entry.price, Count(0)))
        executions = market.matching.print(entry.price, count, entry.taker_side)
        self.orders.book(market, executions)
        others = count - sum(e.count for e in executions)
        if others > 0:
            self.floor.trade(market, entry.price, Count(others), entry.taker_side)
        self.floor.flush(market)

    def _sweep(self, entry: Swept) -> None:
        market = self.floor.markets[entry.ticker]
        executions = market.matching.sweep(entry.side, entry.price)
        self.orders.book(market, executions)
        others = entry.count - sum(e.count for e in executions)
        if entry.by_print and others > 0:
            self.floor.trade(market, entry.price, Count(others), entry.side.opposite)
        self.floor.flush(market)

    def _close(self, market: ListedMarket) -> None:
        market.closed = True
        self._held_back.pop(market.definition.ticker, None)
        ticker = market.definition.ticker
        self.orders.cancel_where(lambda order: order.request.ticker == ticker, "CloseCancel")
        market.matching.display((), ())
        self.floor.flush(market)

    def _settle(self, entry: Settled) -> None:
        market = self.floor.markets[entry.ticker]
        if not market.closed:
            self._close(market)
        now_ns = self.floor.clock()
        market.result, market.result_is_simulated = entry.result, entry.simulated
        market.settled_ns = market.updated_ns = now_ns
        self.floor.publish(LifecycleChanged(market, "determined"))
        if self.account.settle(market.definition, entry.result, now_ns) is not None:
            self.floor.publish(PositionChanged(entry.ticker))
        self.floor.publish(LifecycleChanged(market, "settled"))
        self.floor.retire(entry.ticker)

    def pause(self) -> None:
        """Pause trading: no new orders, cancels allowed, orders that asked for it are cancelled."""
        self.orders.trading_active = False
        self.orders.cancel_where(lambda order: order.request.cancel_on_pause, "HaltCancel")

    def resume_trading(self) -> None:
        """Trade again, from what is displayed now."""
        self.orders.trading_active = True
        held_back, self._held_back = self._held_back, {}
        for entry in held_back.values():
            self.apply(entry)
