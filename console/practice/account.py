"""The one account of the practice exchange: cash, positions, orders, fills and settlements, exactly."""

from __future__ import annotations

import uuid

import msgspec

from console.domain.book import BookSide
from console.domain.fees import AccountPrecision, model_fee
from console.domain.market import FeeTerms, Market, Outcome, Ticker
from console.domain.money import CASH_PER_DOLLAR, PAYOUT, Cash, Count, Price, cost
from console.domain.order import OrderStatus
from console.domain.position import Position, cash_change_of_fill, cash_change_of_settlement
from console.practice.records import AccountFill, AccountSettlement, ExchangeOrder, OrderRequest
from console.simulation.execution import Execution

STARTING_CASH = Cash(10_000 * CASH_PER_DOLLAR)

_PRECISION = AccountPrecision.DIRECT_MEMBER


class Holding(msgspec.Struct, kw_only=True):
    """A position and how it came about."""

    market: Market
    position: Position = Position()
    traded: Cash = Cash(0)
    volume: Count = Count(0)
    updated_ns: int = 0
    settled: bool = False


class _Claim(msgspec.Struct, frozen=True):
    """What an order may still trade, and the fee of it."""

    ticker: Ticker
    side: BookSide
    price: Price
    count: Count
    fee: Cash

    @classmethod
    def of(cls, request: OrderRequest, count: Count, terms: FeeTerms, is_taker: bool) -> _Claim:
        fee = model_fee(terms, request.price, count, is_taker=is_taker) + _PRECISION
        return cls(request.ticker, request.side, request.price, count, Cash(fee))


def fee_terms(market: Market) -> FeeTerms:
    """A market whose fees are not recorded charges the ordinary schedule."""
    return market.fees if market.fees is not None else FeeTerms()


class Account:
    """Cash moves only through ``fill`` and ``settle``.

    What it traded is kept for as long as the exchange runs, about 2 kB an order: a client that lost its
    journal reads all of it.
    """

    def __init__(self, opened_ns: int, cash: Cash = STARTING_CASH) -> None:
        self.user_id = str(uuid.uuid4())
        self.cash = cash
        self.updated_ns = opened_ns
        self.holdings: dict[Ticker, Holding] = {}
        self.orders: list[ExchangeOrder] = []
        self.fills: list[AccountFill] = []
        self.settlements: list[AccountSettlement] = []
        self._by_id: dict[str, ExchangeOrder] = {}
        self._open: dict[str, ExchangeOrder] = {}
        self._client_order_ids: set[str] = set()

    # --- orders ---------------------------------------------------------------------------------

    def knows_client_order_id(self, client_order_id: str) -> bool:
        return client_order_id in self._client_order_ids

    def add(self, order: ExchangeOrder) -> None:
        """Remember an order the exchange took."""
        self.orders.append(order)
        self._by_id[order.order_id] = self._open[order.order_id] = order
        if order.request.client_order_id:
            self._client_order_ids.add(order.request.client_order_id)

    def order(self, order_id: str) -> ExchangeOrder | None:
        return self._by_id.get(order_id)

    def open_orders(self) -> list[ExchangeOrder]:
        """Every order that may still trade, oldest first."""
        return list(self._open.values())

    def end(self, order: ExchangeOrder, status: OrderStatus, reason: str, now_ns: int) -> None:
        """An order will not trade any more."""
        order.status, order.reason, order.updated_ns = status, reason, now_ns
        del self._open[order.order_id]

    # --- money ----------------------------------------------------------------------------------

    def held(self, ticker: Ticker) -> Count:
        """The signed position in a market."""
        holding = self.holdings.get(ticker)
        return holding.position.contracts if holding else Count(0)

    def can_afford(self, request: OrderRequest, count: Count, market: Market) -> bool:
        """Whether cash covers ``count`` of an order besides every resting one, at their worst, with fees."""
        resting = [
            _Claim.of(order.request, order.remaining, order.terms, False) for order in self._open.values()
        ]
        new = _Claim.of(request, count, fee_terms(market), not request.post_only)
        before, after = self._needed(resting), self._needed([*resting, new])
        return after <= before + new.fee or after <= self.cash

    def _needed(self, claims: list[_Claim]) -> int:
        tickers = {claim.ticker for claim in claims}
        return sum(self._collateral(t, [c for c in claims if c.ticker == t]) for t in tickers)

    def _collateral(self, ticker: Ticker, claims: list[_Claim]) -> int:
        """What orders of a market cost at most; what closes a position needs only its fee."""
        needed = 0
        for side in BookSide:
            closable = max(0, -side.sign * self.held(ticker))
            ours = [claim for claim in claims if claim.side is side]
            for claim in sorted(ours, key=lambda c: -side.sign * c.price):
                closing = min(claim.count, closable)
                closable -= closing
                needed += cost(side.price_paid(claim.price), Count(claim.count - closing)) + claim.fee
        return needed

    def fill(
        self, order: ExchangeOrder, execution: Execution, market: Market, trade_id: str, now_ns: int
    ) -> AccountFill:
        """Book an execution: cash, position, fee and the order's own figures."""
        side, price, count = order.request.side, execution.price, execution.count
        holding = self.holdings.setdefault(market.ticker, Holding(market=market))
        held = holding.position.contracts
        trade_fee = model_fee(fee_terms(market), price, count, is_taker=execution.is_taker)
        revenue = cash_change_of_fill(held, side, price, count, Cash(0))
        fee, order.rounding = order.rounding.charge(revenue, trade_fee, _PRECISION)
        self.cash = Cash(self.cash + revenue - fee)
        paid = cost(side.price_paid(price), count)
        holding.position = holding.position.filled(side, price, count, fee)
        holding.traded = Cash(holding.traded + paid)
        holding.volume = Count(holding.volume + count)
        holding.updated_ns = self.updated_ns = now_ns
        _add_to_order(order, paid, fee, execution, now_ns)
        if order.filled == order.count:
            self.end(order, OrderStatus.EXECUTED, "Trade", now_ns)
        fill = AccountFill(
            trade_id, order, price, count, fee, execution.is_taker, holding.position.contracts, now_ns
        )
        self.fills.append(fill)
        return fill

    def settle(self, market: Market, result: Outcome, now_ns: int) -> AccountSettlement | None:
        """Pay a market's result; None when the account never traded it or was flat."""
        holding = self.holdings.get(market.ticker)
        if holding is None:
            return None
        before = holding.position
        yes_value = PAYOUT if result == "yes" else Price(0)
        revenue = cash_change_of_settlement(before.contracts, yes_value)
        holding.position = before.settled(yes_value)
        holding.settled = True
        holding.updated_ns = self.updated_ns = now_ns
        if not before.contracts:
            return None
        self.cash = Cash(self.cash + revenue)
        settlement = AccountSettlement(
            market.ticker,
            market.event_ticker,
            result,
            before.contracts,
            before.paid,
            revenue,
            before.fees,
            now_ns,
        )
        self.settlements.append(settlement)
        return settlement


def _add_to_order(order: ExchangeOrder, paid: Cash, fee: Cash, execution: Execution, now_ns: int) -> None:
    order.filled = Count(order.filled + execution.count)
    order.updated_ns, order.reason = now_ns, "Trade"
    if execution.is_taker:
        order.taker_cost = Cash(order.taker_cost + paid)
        order.taker_fees = Cash(order.taker_fees + fee)
    else:
        order.maker_cost = Cash(order.maker_cost + paid)
        order.maker_fees = Cash(order.maker_fees + fee)
