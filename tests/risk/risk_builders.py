"""Orders, positions and proposals in dollars and whole contracts, for the tests of risk."""

from __future__ import annotations

import itertools

from console.domain.book import NO_QUOTE, BookSide
from console.domain.money import CASH_PER_DOLLAR, COUNT_PER_CONTRACT, PRICE_PER_CENT, Cash, Count, Price
from console.domain.order import Order, OrderIntent, OrderStatus, TimeInForce
from console.domain.position import Position
from console.risk.sizing import Proposal

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


def held(side: BookSide, price: Price, count: Count) -> Position:
    return Position().filled(side, price, count, NO_FEE)


def proposal(
    *,
    ticker: str = "A",
    group: str = "G",
    side: BookSide = BookSide.BID,
    price: Price = NINETY,
    win_probability: Price = NINETY_THREE,
    fee: Cash | None = NO_FEE,
    is_taker: bool = False,
    displayed: Count | None = None,
) -> Proposal:
    return Proposal(ticker, group, side, price, win_probability, fee, is_taker, displayed, "test")
