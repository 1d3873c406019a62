"""From the exchange's messages to our records; every amount is parsed here.

Raises MoneyError (a ValueError) or ValueError for what a message may not say.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from console.domain.book import Level, Quote
from console.domain.grid import PriceGrid, PriceRange
from console.domain.market import FeeTerms, Market, MarketStatus
from console.domain.money import PAYOUT, Count, Price, parse_cash, parse_count, parse_price
from console.domain.order import Fill, OrderReport, OrderStatus, PositionReport, Settlement
from console.domain.time_units import NS_PER_US
from console.exchange.messages import account, market_data

log = logging.getLogger(__name__)

_MULTIPLIER_UNITS = 10_000
_LARGEST_MULTIPLIER = 1_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_ns(time: datetime) -> int:
    """Nanoseconds UTC, exactly."""
    return (time - _EPOCH) // timedelta(microseconds=1) * NS_PER_US


def market_status(text: str) -> MarketStatus:
    """A status this version does not know is taken for paused: nothing is traded on it."""
    try:
        return MarketStatus(text)
    except ValueError:
        log.warning("market status %r is not one this version knows; taken for inactive", text)
        return MarketStatus.INACTIVE


def order_status(text: str) -> OrderStatus:
    """A status this version does not know leaves the order's state unknown."""
    return OrderStatus(text) if text in ("resting", "canceled", "executed") else OrderStatus.UNKNOWN


def fee_terms(fee_type: str, multiplier: Decimal) -> FeeTerms | None:
    """The terms, or None when the multiplier is not one that can be charged exactly."""
    if not multiplier.is_finite() or not 0 <= multiplier <= _LARGEST_MULTIPLIER:
        return None
    scaled = multiplier * _MULTIPLIER_UNITS
    return FeeTerms(fee_type, int(scaled)) if scaled == int(scaled) else None


def price_grid(ranges: list[market_data.PriceRange]) -> PriceGrid:
    return PriceGrid(
        tuple(PriceRange(parse_price(r.start), parse_price(r.end), parse_price(r.step)) for r in ranges)
    )


def market(data: market_data.Market, event: market_data.EventData, series: market_data.Series) -> Market:
    """A market with the fee type and the multiplier of its event where it has its own, else of its series."""
    multiplier = event.fee_multiplier_override
    fees = fee_terms(
        series.fee_type if event.fee_type_override is None else event.fee_type_override,
        series.fee_multiplier if multiplier is None else multiplier,
    )
    return Market(
        ticker=data.ticker,
        event_ticker=data.event_ticker,
        series_ticker=event.series_ticker,
        category=series.category,
        title=data.title or f"{event.title}: {data.yes_sub_title}",
        open_ns=to_ns(data.open_time),
        close_ns=to_ns(data.close_time),
        status=market_status(data.status),
        fees=fees,
        grid=price_grid(data.price_ranges),
        exchange_index=data.exchange_index or 0,
        mutually_exclusive=event.mutually_exclusive,
    )


def quote(data: market_data.Market) -> Quote:
    """The best prices of a market as listed; a side of size 0 is empty."""

    def level(price: str, size: str) -> Level | None:
        count = parse_count(size)
        return Level(parse_price(price), count) if count > 0 else None

    return Quote(
        bid=level(data.yes_bid_dollars, data.yes_bid_size_fp),
        ask=level(data.yes_ask_dollars, data.yes_ask_size_fp),
    )


def order_report(data: account.Order) -> OrderReport:
    return OrderReport(
        order_id=data.order_id,
        client_order_id=data.client_order_id,
        ticker=data.ticker,
        side=data.book_side,
        price=parse_price(data.yes_price_dollars),
        status=order_status(data.status),
        filled=parse_count(data.fill_count_fp),
        remaining=parse_count(data.remaining_count_fp),
        exchange_index=data.exchange_index or 0,
    )


def traded_count(text: str) -> Count:
    count = parse_count(text)
    if count <= 0:
        raise ValueError(f"a trade of {text} contracts")
    return count


def fill(data: account.Fill) -> Fill:
    if data.created_time is None:
        raise ValueError(f"fill {data.trade_id} has no created_time")
    return Fill(
        fill_id=data.trade_id,
        order_id=data.order_id,
        ticker=data.ticker,
        side=data.book_side,
        price=parse_price(data.yes_price_dollars),
        count=traded_count(data.count_fp),
        fee=parse_cash(data.fee_cost),
        is_taker=data.is_taker,
        at_ns=to_ns(data.created_time),
    )


def yes_value(result: str | None, value: str | None) -> Price | None:
    """What a YES contract paid; None when neither the result nor the value says it."""
    if value:
        return parse_price(value)
    return {"yes": PAYOUT, "no": Price(0)}.get(result or "")


def settlement(data: account.Settlement, value: Price) -> Settlement:
    return Settlement(data.ticker, value, to_ns(data.settled_time))


def position(data: account.MarketPosition) -> PositionReport:
    return PositionReport(
        data.ticker,
        parse_count(data.position_fp),
        fees=parse_cash(data.fees_paid_dollars),
        paid=parse_cash(data.market_exposure_dollars),
    )
