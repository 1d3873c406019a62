"""Orders, positions and proposals in dollars and whole contracts, for the tests of risk."""

from __future__ import annotations

import itertools

from console.domain.account_events import ClockSkewRead, PositionsCompared
from console.domain.book import NO_QUOTE, BookSide
from console.domain.market_events import ExchangeStatusRead
from console.domain.money import CASH_PER_DOLLAR, COUNT_PER_CONTRACT, PRICE_PER_CENT, Cash, Count, Price
from console.domain.order import Order, OrderIntent, OrderReport, OrderStatus, TimeInForce
from console.domain.position import Position
from console.risk.exposure import Exposure
from console.risk.groups import Place
from console.risk.proposal import Proposal
from console.risk.switches.base import RiskView

NO_COUNT = Count(0)
NO_FEE = Cash(0)
NINETY = Price(9_000)
NINETY_THREE = Price(9_300)

_ids = itertools.count()


def contracts(number: int) -> Count:
    return Count(number * COUNT_PER_CONTRACT)


def cents(number: int) -> Price:
    return Price(number * PRICE_PER_CENT)


def dollars(number: float) -> Cash:
    return Cash(round(number * CASH_PER_DOLLAR))


def order(
    ticker: str,
    side: BookSide,
    price: Price,
    count: Count,
    status: OrderStatus = OrderStatus.RESTING,
    filled: Count = NO_COUNT,
) -> Order:
    intent = OrderIntent(
        client_order_id=f"test-{next(_ids)}",
        ticker=ticker,
        side=side,
        price=price,
        count=count,
        time_in_force=TimeInForce.GOOD_TILL_CANCELED,
        quote=NO_QUOTE,
        win_probability=Price(9_500),
        strategy="test",
    )
    return Order(intent, sent_ns=0, status=status, filled=filled)


def external_order(ticker: str, side: BookSide, price: Price, remaining: Count) -> OrderReport:
    """One that rests and is not ours."""
    return OrderReport(
        order_id=f"external-{next(_ids)}",
        client_order_id="",
        ticker=ticker,
        side=side,
        price=price,
        status=OrderStatus.RESTING,
        filled=NO_COUNT,
        remaining=remaining,
    )


def places(**groups: str) -> dict[str, Place]:
    """Markets by ticker, each in a group and the only one of its event."""
    return {ticker: Place(group, f"event of {ticker}") for ticker, group in groups.items()}


def legs(*tickers: str, group: str = "G", is_exclusive: bool = True) -> dict[str, Place]:
    """The markets of one event."""
    return dict.fromkeys(tickers, Place(group, "E", is_exclusive))


def good_view(now_ns: int) -> RiskView:
    """Everything known, nothing at stake and nothing amiss."""
    return RiskView(
        now_ns=now_ns,
        monotonic_ns=0,
        equity=dollars(10_000),
        day_open_equity=dollars(10_000),
        high_water=dollars(10_000),
        feed_proved_ns=now_ns,
        followed_books=1,
        dark_books=0,
        losses_in_a_row=0,
        taker_slippage=(),
        errors_in_hour=0,
        scans_without_fill=0,
        exposure=Exposure.of({}, (), {}),
        rejects_in_minute=0,
        orders_in_minute=0,
        notional_in_minute=Cash(0),
        unknown_since_ns=(),
        foreign_order="",
        positions=PositionsCompared(at_ns=now_ns),
        clock=ClockSkewRead(at_ns=now_ns, skew_ms=0),
        exchange=ExchangeStatusRead(at_ns=now_ns, exchange_active=True, trading_active=True),
    )


def held(side: BookSide, price: Price, count: Count) -> Position:
    return Position().filled(side, price, count, NO_FEE)


def proposal(
    *,
    ticker: str = "A",
    side: BookSide = BookSide.BID,
    price: Price = NINETY,
    win_probability: Price = NINETY_THREE,
    fee: Cash | None = NO_FEE,
    is_taker: bool = False,
    displayed: Count | None = None,
) -> Proposal:
    return Proposal(ticker, side, price, win_probability, fee, is_taker, displayed, "test")
