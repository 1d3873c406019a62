"""Every request of ours, described once: method, path, query, body and the reply to expect."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Generic, TypeVar
from urllib.parse import quote

import msgspec

from console.domain.market import Ticker
from console.domain.money import format_count, format_price
from console.domain.order import OrderIntent, SelfTradePrevention, TimeInForce
from console.exchange.messages import account, market_data

Reply = TypeVar("Reply", bound=msgspec.Struct)
Query = dict[str, str | int]

PAGE_SIZE = 1000
EVENTS_PAGE_SIZE = 200


@dataclass(frozen=True, kw_only=True)
class Request(Generic[Reply]):
    """One request; ``path`` is relative to the base address.

    ``urgent`` requests never wait for tokens; an order passes the gate. ``statuses`` are those whose body
    is the reply.
    """

    method: str
    path: str
    reply: type[Reply]
    query: Query = field(default_factory=dict)
    body: msgspec.Struct | None = None
    urgent: bool = False
    is_order: bool = False
    reduce_only: bool = False
    statuses: tuple[int, ...] = (200, 201)


def get(path: str, reply: type[Reply], **query: str | int) -> Request[Reply]:
    """A read."""
    return Request(method="GET", path=path, reply=reply, query=query)


def segment(text: str) -> str:
    """A text as one part of a path."""
    return quote(text, safe="")


def exchange_status() -> Request[market_data.ExchangeStatus]:
    """A paused exchange answers with the same body under an error status."""
    return Request(
        method="GET",
        path="/exchange/status",
        reply=market_data.ExchangeStatus,
        statuses=(200, 500, 503, 504),
    )


def exchange_schedule() -> Request[market_data.ScheduleReply]:
    return get("/exchange/schedule", market_data.ScheduleReply)


def one_series(ticker: str) -> Request[market_data.SeriesReply]:
    return get(f"/series/{segment(ticker)}", market_data.SeriesReply)


def all_series() -> Request[market_data.SeriesListReply]:
    return get("/series", market_data.SeriesListReply)


def one_event(ticker: str) -> Request[market_data.EventReply]:
    return get(f"/events/{segment(ticker)}", market_data.EventReply)


def events(tickers: list[str]) -> Request[market_data.EventsReply]:
    """Up to a page of events by ticker."""
    return get("/events", market_data.EventsReply, tickers=",".join(tickers), limit=EVENTS_PAGE_SIZE)


def one_market(ticker: Ticker) -> Request[market_data.MarketReply]:
    return get(f"/markets/{segment(ticker)}", market_data.MarketReply)


def open_markets(series: str | None) -> Request[market_data.MarketsReply]:
    return _markets(series, status="open")


def markets_closing(
    series: str | None, min_close_s: int, max_close_s: int
) -> Request[market_data.MarketsReply]:
    """Markets of any status by close time: the exchange takes no close times with ``status=open``."""
    return _markets(series, min_close_ts=min_close_s, max_close_ts=max_close_s)


def _markets(series: str | None, **query: str | int) -> Request[market_data.MarketsReply]:
    if series is not None:
        query["series_ticker"] = series
    return get("/markets", market_data.MarketsReply, limit=PAGE_SIZE, mve_filter="exclude", **query)


def create_order(intent: OrderIntent) -> Request[account.CreateOrderReply]:
    good_till_canceled = intent.time_in_force is TimeInForce.GOOD_TILL_CANCELED
    body = account.CreateOrder(
        ticker=intent.ticker,
        side=intent.side,
        count=format_count(intent.count),
        price=format_price(intent.price),
        time_in_force=intent.time_in_force,
        self_trade_prevention_type=SelfTradePrevention.TAKER_AT_CROSS,
        client_order_id=intent.client_order_id,
        expiration_time=intent.expires_s if good_till_canceled else None,
        post_only=intent.post_only,
        reduce_only=intent.reduce_only,
        cancel_order_on_pause=True,
        order_group_id=intent.group_id,
        exchange_index=intent.exchange_index,
    )
    return Request(
        method="POST",
        path="/portfolio/events/orders",
        reply=account.CreateOrderReply,
        body=body,
        is_order=True,
        reduce_only=intent.reduce_only,
    )


def cancel_order(order_id: str, ticker: Ticker, exchange_index: int) -> Request[account.CancelOrderReply]:
    return Request(
        method="DELETE",
        path=f"/portfolio/events/orders/{segment(order_id)}",
        reply=account.CancelOrderReply,
        query={"exchange_index": exchange_index, "market_ticker": ticker},
        urgent=True,
    )


def orders(min_s: int) -> Request[account.OrdersReply]:
    return get("/portfolio/orders", account.OrdersReply, min_ts=min_s, limit=PAGE_SIZE)


def resting_orders() -> Request[account.OrdersReply]:
    return get("/portfolio/orders", account.OrdersReply, status="resting", limit=PAGE_SIZE)


def historical_cutoff() -> Request[market_data.HistoricalCutoffReply]:
    return get("/historical/cutoff", market_data.HistoricalCutoffReply)


def historical_orders(min_s: int) -> Request[account.OrdersReply]:
    return get("/historical/orders", account.OrdersReply, min_ts=min_s, limit=PAGE_SIZE)


def historical_fills(min_s: int) -> Request[account.FillsReply]:
    return get("/historical/fills", account.FillsReply, min_ts=min_s, limit=PAGE_SIZE)


def fills(min_s: int) -> Request[account.FillsReply]:
    return get("/portfolio/fills", account.FillsReply, min_ts=min_s, limit=PAGE_SIZE)


def settlements(min_s: int) -> Request[account.SettlementsReply]:
    return get("/portfolio/settlements", account.SettlementsReply, min_ts=min_s, limit=PAGE_SIZE)


def positions() -> Request[account.PositionsReply]:
    return get("/portfolio/positions", account.PositionsReply, settlement_status="all", limit=PAGE_SIZE)


def balance() -> Request[account.BalanceReply]:
    return get("/portfolio/balance", account.BalanceReply)


def account_limits() -> Request[account.AccountLimitsReply]:
    return get("/account/limits", account.AccountLimitsReply)


def endpoint_costs() -> Request[market_data.EndpointCostsReply]:
    return get("/account/endpoint_costs", market_data.EndpointCostsReply)


def create_group(exchange_index: int, contracts_limit: int) -> Request[account.CreateOrderGroupReply]:
    return Request(
        method="POST",
        path="/portfolio/order_groups/create",
        reply=account.CreateOrderGroupReply,
        body=account.CreateOrderGroup(contracts_limit=contracts_limit, exchange_index=exchange_index),
    )


def order_groups() -> Request[account.OrderGroupsReply]:
    return get("/portfolio/order_groups", account.OrderGroupsReply)


def trigger_group(group_id: str, exchange_index: int) -> Request[account.Empty]:
    return _group_call(group_id, exchange_index, "trigger")


def reset_group(group_id: str, exchange_index: int) -> Request[account.Empty]:
    return _group_call(group_id, exchange_index, "reset")


def delete_group(group_id: str, exchange_index: int) -> Request[account.Empty]:
    """Cancels its orders and removes it."""
    return Request(
        method="DELETE",
        path=f"/portfolio/order_groups/{segment(group_id)}",
        reply=account.Empty,
        query={"exchange_index": exchange_index},
        urgent=True,
    )


def _group_call(group_id: str, exchange_index: int, call: str) -> Request[account.Empty]:
    return Request(
        method="PUT",
        path=f"/portfolio/order_groups/{segment(group_id)}/{call}",
        reply=account.Empty,
        query={"exchange_index": exchange_index},
        urgent=True,
    )
