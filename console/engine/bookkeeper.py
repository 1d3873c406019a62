"""Takes into the account what the exchange tells of orders, fills and cash; each news counts once."""

from __future__ import annotations

import msgspec

from console.domain.account_events import (
    BalanceRead,
    DifferencesFound,
    ExternalFilled,
    ExternalOrdersListed,
    OrderAcked,
    OrderAdopted,
    OrderBecameUnknown,
    OrderFilled,
    OrderRejected,
    OrderReported,
)
from console.domain.actions import AlertLevel
from console.domain.engine_events import LatchRaised
from console.domain.money import Cash, format_cash
from console.domain.order import OrderReport
from console.domain.order_life import OrderNews, order_after
from console.domain.trading_state import TradingState
from console.engine.account import Account
from console.engine.cancels import Cancels
from console.engine.effects import Effects
from console.monitoring.responses import CASH, DIFFERENCES
from console.monitoring.why_not import WhyNot

OVERFILL = "overfill"

AccountNews = (
    OrderNews
    | OrderAdopted
    | OrderFilled
    | ExternalFilled
    | ExternalOrdersListed
    | DifferencesFound
    | BalanceRead
)


class Bookkeeper:
    """Knows an order's life; ``external_orders`` rest on the account and are not ours.

    ``cash_difference`` is the exchange's cash less ours, as last read.
    """

    def __init__(self, account: Account, effects: Effects, cancels: Cancels, why_not: WhyNot) -> None:
        self.external_orders: tuple[OrderReport, ...] = ()
        self._account = account
        self._effects = effects
        self._cancels = cancels
        self._why_not = why_not
        self.cash_difference: Cash | None = None
        self._cash_difference_told = Cash(0)

    def take(self, event: AccountNews) -> None:
        """Journal what is new in it."""
        match event:
            case OrderFilled():
                self._take_fill(event)
            case OrderReported() | OrderAcked() | OrderRejected() | OrderBecameUnknown():
                self._take_order_news(event)
            case OrderAdopted(intent=intent):
                if intent.client_order_id not in self._account.orders:
                    self._effects.append(event)
            case ExternalFilled(fill=fill):
                if not self._account.knows_fill(fill.fill_id):
                    self._effects.append(event)
            case ExternalOrdersListed():
                self.external_orders = event.orders
            case DifferencesFound():
                self._tell_differences(event)
            case BalanceRead():
                self._compare_cash(event)

    def _take_fill(self, event: OrderFilled) -> None:
        if not event.client_order_id:
            owner = self._account.client_ids.get(event.fill.order_id, "")
            event = msgspec.structs.replace(event, client_order_id=owner)
        order = self._account.orders.get(event.client_order_id)
        if order is None or self._account.knows_fill(event.fill.fill_id):
            return
        if not order.filled and not order.intent.reduce_only:
            self._why_not.filled()
        self._effects.append(event)
        filled = self._account.orders[event.client_order_id]
        if filled.status.is_terminal:
            self._cancels.ended(event.client_order_id)
        if filled.filled > filled.intent.count:
            reason = f"{event.client_order_id} filled more than was ordered"
            self._effects.raise_latch(
                LatchRaised(
                    at_ns=event.at_ns,
                    name=OVERFILL,
                    level=TradingState.HALTED,
                    reason=reason,
                    source="invariant",
                )
            )

    def _take_order_news(self, event: OrderNews) -> None:
        before = self._account.orders.get(event.client_order_id)
        if before is None or order_after(before, event) == before:
            return
        self._effects.append(event)
        after = self._account.orders[event.client_order_id]
        if after.status.is_terminal:
            self._cancels.ended(event.client_order_id)
            if not after.filled and not after.intent.reduce_only:
                self._why_not.unfilled(after.reason or after.status.value)

    def _tell_differences(self, event: DifferencesFound) -> None:
        for difference in event.differences:
            self._effects.alert(event.at_ns, AlertLevel.INFO, f"at the start: {difference}", DIFFERENCES)
        count = len(event.differences)
        what = "1 difference" if count == 1 else f"{count} differences"
        text = f"{what} to the exchange at the start, each taken over"
        self._effects.alert(event.at_ns, AlertLevel.WARNING, text, DIFFERENCES)

    def _compare_cash(self, event: BalanceRead) -> None:
        """Tell once of a difference to the exchange's cash that two reads in a row agree on.

        It is not taken over: a deposit is no profit, and what else it may be is for the operator to find.
        """
        difference = Cash(event.cash - self._account.cash)
        is_confirmed = difference == self.cash_difference
        self.cash_difference = difference
        if difference and is_confirmed and difference != self._cash_difference_told:
            self._cash_difference_told = difference
            ours, theirs = format_cash(self._account.cash), format_cash(event.cash)
            text = f"cash: ours {ours}, the exchange's {theirs}: no fill or payout explains it"
            self._effects.alert(event.at_ns, AlertLevel.WARNING, text, CASH)
