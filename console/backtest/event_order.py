"""An order of the event backtester, as it is told in cents, dollars and contracts."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime

from console.backtest.event_inputs import OrderAction, OrderSide, yes_price
from console.domain.market import Ticker
from console.domain.money import CASH_PER_DOLLAR, COUNT_PER_CONTRACT, PRICE_PER_CENT, Cash, Count, cost
from console.domain.order import Fill

NO_TOUCH = "no_touch"
"""Nothing is displayed that the order could take."""

_WITHDRAWN = "withdrawn"

_NO_COUNT = Count(0)
_NO_CASH = Cash(0)
_REASONS = {
    NO_TOUCH: "nobody offers the other side of it, or the book is crossed",
    "": "nobody offered more at that price",
    _WITHDRAWN: "it was withdrawn",
    "fee_unknown": "what the market charges is not known",
    "insufficient_balance": "not enough cash",
    "invalid_order": "the price is not between 0 and 100 cents",
    "market_inactive": "the market has resolved",
    "ReduceOnlyCancel": "no more of that outcome is held",
    "SelfTradeCancel": "it met an order of our own",
    "CloseCancel": "the market resolved",
}


class OrderState(enum.StrEnum):
    """PENDING is on its way; what of a PARTIAL order is not filled rests or was cancelled."""

    PENDING = "pending"
    RESTING = "resting"
    PARTIAL = "partial"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"


@dataclass(kw_only=True)
class Order:
    """An order and how far it got; ``reason`` says why no further."""

    order_id: str
    timestamp: datetime
    ticker: Ticker
    side: OrderSide
    action: OrderAction
    count: Count
    rests: bool = False
    state: OrderState = OrderState.PENDING
    reason: str = ""
    exchange_id: str | None = None
    filled: Count = _NO_COUNT
    traded: Cash = _NO_CASH
    charged: Cash = _NO_CASH
    slipped: Cash = _NO_CASH

    @property
    def contracts(self) -> float:
        return self.count / COUNT_PER_CONTRACT

    @property
    def filled_contracts(self) -> float:
        return self.filled / COUNT_PER_CONTRACT

    @property
    def average_price(self) -> float | None:
        """Cents of the order's side; None when nothing filled."""
        return self.traded / self.filled / PRICE_PER_CENT if self.filled else None

    @property
    def fee(self) -> float:
        """Dollars that the exchange charged at the trades."""
        return self.charged / CASH_PER_DOLLAR

    @property
    def slippage(self) -> float:
        """Dollars that the slippage model cost."""
        return self.slipped / CASH_PER_DOLLAR

    def add(self, fill: Fill, slippage: Cash) -> None:
        """Some of it filled."""
        price = yes_price(self.side, fill.price)
        self.filled = Count(self.filled + fill.count)
        self.traded = Cash(self.traded + cost(price, fill.count))
        self.charged = Cash(self.charged + fill.fee - slippage)
        self.slipped = Cash(self.slipped + slippage)
        self.state = OrderState.FILLED if self.filled == self.count else OrderState.PARTIAL

    def accept(self, exchange_id: str) -> None:
        """The exchange has it; what did not fill at once and was not cancelled rests."""
        self.exchange_id = exchange_id
        if self.state is OrderState.PENDING:
            self.state = OrderState.RESTING

    def reject(self, code: str) -> None:
        self.state, self.reason = OrderState.REJECTED, _REASONS.get(code, code)

    def end(self, reason: str) -> None:
        """The exchange cancelled what was left of it."""
        self.state = OrderState.PARTIAL if self.filled else OrderState.CANCELLED
        # Of an order that rests the exchange names every reason but our own wish.
        reason = _WITHDRAWN if self.rests and not reason else reason
        self.reason = _REASONS.get(reason, reason)
