"""An order's life by what is heard of it."""

from __future__ import annotations

from console.domain.account_events import OrderAcked, OrderBecameUnknown, OrderRejected, OrderReported
from console.domain.order import Order

OrderNews = OrderAcked | OrderRejected | OrderBecameUnknown | OrderReported


def order_after(order: Order, news: OrderNews) -> Order:
    """The order as the news leaves it; equal to the order when there is nothing new in it."""
    match news:
        case OrderAcked():
            return order.acked(news.order_id)
        case OrderRejected():
            return order.rejected(f"{news.code}: {news.message}" if news.message else news.code)
        case OrderBecameUnknown():
            return order.lost_sight(news.reason, news.at_ns)
        case OrderReported():
            return order.reported(news.order_id, news.status, news.filled, news.reason)
