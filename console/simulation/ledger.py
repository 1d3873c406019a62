"""The money of a simulated account: cash, positions, fills and payouts, charged as the exchange charges."""

from __future__ import annotations

import msgspec

from console.domain.fees import AccountPrecision, ProfitFees, model_fee
from console.domain.market import FeeTerms, Ticker
from console.domain.money import Cash, Count, Price, cost
from console.domain.order import Fill, OrderIntent, OrderStatus, PositionReport, Settlement
from console.domain.position import Position, cash_change_of_fill, cash_change_of_settlement
from console.simulation.execution import Execution
from console.simulation.order_register import SimulatedOrder
from console.simulation.slippage import SlippageModel

_FLAT = Position()


class Ledger:
    """Cash moves only through ``fill`` and ``settle``; ``reserved`` is what open orders may yet cost.

    Trades are charged the market's fees, rounded to ``precision``; with ``profit_fees`` they are charged
    nothing until their market settles. ``slippage`` costs those that take on top. Ids of fills begin with
    ``id_prefix``.
    """

    def __init__(
        self,
        cash: Cash,
        *,
        precision: AccountPrecision = AccountPrecision.DIRECT_MEMBER,
        profit_fees: ProfitFees | None = None,
        slippage: SlippageModel | None = None,
        id_prefix: str = "dry-run",
    ) -> None:
        self.cash = cash
        self.reserved = Cash(0)
        self.positions: dict[Ticker, Position] = {}
        self.fills: list[Fill] = []
        self.settlements: list[Settlement] = []
        self._settled: set[Ticker] = set()
        self._precision = precision
        self._profit_fees = profit_fees
        self._slippage = slippage
        self._id_prefix = id_prefix

    def adopt(self, report: PositionReport) -> None:
        """Have a position that was bought before, with the cash after it."""
        self.positions[report.ticker] = Position(contracts=report.position, paid=report.paid)

    def held(self, ticker: Ticker) -> Count:
        """The signed position in a market."""
        return self.positions.get(ticker, _FLAT).contracts

    def reducible(self, intent: OrderIntent) -> Count:
        """How much of an order closes the position instead of opening one."""
        return Count(min(intent.count, max(0, -intent.side.sign * self.held(intent.ticker))))

    def can_afford(self, intent: OrderIntent, terms: FeeTerms) -> bool:
        """Whether cash covers an order with its fee and slippage besides the open ones at their worst.

        Raises UnknownFeeTypeError.
        """
        is_taker = not intent.post_only
        fee = model_fee(terms, intent.price, intent.count, is_taker=is_taker) + self._precision
        if self._profit_fees is not None:
            fee = 0
        if is_taker:
            fee += self.slippage(intent, intent.price, intent.count, None)
        opened = Count(intent.count - self.reducible(intent))
        return self.reserved + _worst_cost(intent, opened) + fee <= self.cash

    def slippage(self, intent: OrderIntent, price: Price, count: Count, displayed: Count | None) -> Cash:
        """What taking so many of those displayed at a price costs on top; of unknown depth, the most."""
        if self._slippage is None:
            return Cash(0)
        return self._slippage.cost(intent.side.price_paid(price), count, displayed)

    def open(self, order: SimulatedOrder) -> None:
        """Reserve what an order may cost."""
        self.reserved = Cash(self.reserved + _worst_cost(order.intent, order.remaining))

    def end(self, order: SimulatedOrder, status: OrderStatus, reason: str) -> None:
        """An order leaves nothing any more."""
        self.reserved = Cash(self.reserved - _worst_cost(order.intent, order.remaining))
        order.status, order.reason = status, reason

    def fill(self, order: SimulatedOrder, execution: Execution, slippage: Cash, now_ns: int) -> Fill:
        """Book an execution: cash, position, the fee with the slippage, and the order's own figures."""
        intent, price, count = order.intent, execution.price, execution.count
        ticker, side = intent.ticker, intent.side
        before = self.positions.get(ticker, _FLAT)
        revenue = cash_change_of_fill(before.contracts, side, price, count, Cash(0))
        fee = Cash(self._trade_fee(order, execution, revenue) + slippage)
        self.cash = Cash(self.cash + revenue - fee)
        self.positions[ticker] = before.filled(side, price, count, fee)
        self.reserved = Cash(self.reserved - _worst_cost(intent, count))
        order.filled = Count(order.filled + count)
        fill = Fill(
            fill_id=f"{self._id_prefix}-fill-{len(self.fills) + 1}",
            order_id=order.order_id,
            ticker=ticker,
            side=side,
            price=price,
            count=count,
            fee=fee,
            is_taker=execution.is_taker,
            at_ns=now_ns,
        )
        self.fills.append(fill)
        return fill

    def _trade_fee(self, order: SimulatedOrder, execution: Execution, revenue: Cash) -> Cash:
        if self._profit_fees is not None:
            return Cash(0)
        trade_fee = model_fee(order.terms, execution.price, execution.count, is_taker=execution.is_taker)
        fee, order.rounding = order.rounding.charge(revenue, trade_fee, self._precision)
        return fee

    def settle(self, settlement: Settlement) -> Settlement:
        """Pay what a market pays, once; nothing where nothing is held. Says what was charged.

        A fee on profits is charged here, on what all trades in the market made together, those that were
        closed before with those that are paid out.
        """
        ticker = settlement.ticker
        if ticker in self._settled:
            return settlement
        self._settled.add(ticker)
        before = self.positions.get(ticker, _FLAT)
        profit = before.settled(settlement.yes_value).realised
        fee = Cash(0) if self._profit_fees is None else self._profit_fees.on_profit(profit)
        charged = msgspec.structs.replace(settlement, fee=fee)
        if before.contracts or fee:
            revenue = cash_change_of_settlement(before.contracts, settlement.yes_value)
            self.cash = Cash(self.cash + revenue - fee)
            self.positions[ticker] = before.settled(settlement.yes_value, fee)
            self.settlements.append(charged)
        return charged

    def reports(self) -> list[PositionReport]:
        return [PositionReport(ticker, p.contracts, p.fees, p.paid) for ticker, p in self.positions.items()]


def _worst_cost(intent: OrderIntent, count: Count) -> Cash:
    return cost(intent.side.price_paid(intent.price), count)
