"""What the exchange knew better, in words for the operator."""

from __future__ import annotations

from console.domain.account_events import (
    ExternalFilled,
    MarketSettled,
    OrderAdopted,
    OrderBecameUnknown,
    OrderFilled,
    OrderRejected,
    OrderReported,
)
from console.domain.events import EngineEvent
from console.domain.money import Count, format_count, format_price
from console.domain.order import Fill, PositionReport


def in_words(news: EngineEvent | PositionReport) -> str:
    """One line without its time; empty for what is no difference."""
    match news:
        case PositionReport(ticker=ticker, position=position):
            outcome = "YES" if position > 0 else "NO"
            return f"{ticker}: {format_count(Count(abs(position)))} {outcome} held already, external"
        case OrderAdopted(intent=intent):
            return f"order {intent.client_order_id} in {intent.ticker} is ours, and was not in the journal"
        case OrderFilled(client_order_id=client_order_id, fill=fill):
            return f"order {client_order_id} filled: {_fill(fill)}"
        case ExternalFilled(fill=fill):
            return f"external fill: {_fill(fill)}"
        case OrderReported(client_order_id=client_order_id, status=status):
            return f"order {client_order_id} is {status.value}"
        case OrderBecameUnknown(client_order_id=client_order_id, reason=reason):
            return f"order {client_order_id}: {reason}"
        case OrderRejected(client_order_id=client_order_id, message=message):
            return f"order {client_order_id} was never placed: {message}"
        case MarketSettled(settlement=settlement):
            return f"{settlement.ticker} settled: a YES paid ${format_price(settlement.yes_value)}"
        case _:
            return ""


def _fill(fill: Fill) -> str:
    verb = "YES bought" if fill.side.sign > 0 else "YES sold"
    return f"{format_count(fill.count)} {verb} at ${format_price(fill.price)} in {fill.ticker}"
