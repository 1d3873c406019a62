"""One market, its quotes, and a broker whose events are kept."""

from __future__ import annotations

from collections.abc import Callable

from console.domain.account_events import OrderFilled, OrderReported
from console.domain.book import BookSide, Level, Quote
from console.domain.events import EngineEvent
from console.domain.market import FeeTerms, Market, MarketStatus
from console.domain.market_events import TradePrinted
from console.domain.money import CASH_PER_DOLLAR, Cash, Count, Price
from console.domain.order import Fill, OrderIntent, OrderStatus, TimeInForce
from console.domain.ports import Clock
from console.simulation.broker import Broker
from console.simulation.execution import Execution

TICKER = "KXTEST-1"
NOW_NS = 1_800_000_000 * 10**9
CLOSE_NS = NOW_NS + 900 * 10**9
QUADRATIC = FeeTerms()


def cents(price: float) -> Price:
    return Price(round(price * 100))


def contracts(count: int) -> Count:
    return Count(count * 100)


def quote(*, bid: int, ask: int, size: int) -> Quote:
    return Quote(Level(cents(bid), contracts(size)), Level(cents(ask), contracts(size)))


def market(ticker: str = TICKER, fees: FeeTerms | None = QUADRATIC) -> Market:
    return Market(
        ticker=ticker,
        event_ticker="KXTEST",
        series_ticker="KXTEST",
        category="Crypto",
        title="Will it be up?",
        open_ns=NOW_NS - 10**9,
        close_ns=CLOSE_NS,
        status=MarketStatus.ACTIVE,
        fees=fees,
    )


def intent(
    side: BookSide,
    price: float,
    count: int,
    time_in_force: TimeInForce = TimeInForce.GOOD_TILL_CANCELED,
    *,
    name: str = "order",
    ticker: str = TICKER,
    post_only: bool = False,
    reduce_only: bool = False,
    group_id: str | None = None,
    expires_s: int | None = None,
) -> OrderIntent:
    return OrderIntent(
        client_order_id=name,
        ticker=ticker,
        side=side,
        price=cents(price),
        count=contracts(count),
        time_in_force=time_in_force,
        quote=Quote(None, None),
        win_probability=cents(99),
        strategy="test",
        group_id=group_id,
        post_only=post_only,
        reduce_only=reduce_only,
        expires_s=expires_s,
    )


class Events:
    """A broker, its clock, and what it told."""

    def __init__(self, make: Callable[[Clock], Broker] = Broker) -> None:
        self.now_ns = NOW_NS
        self.broker = make(lambda: self.now_ns)
        self.all: list[EngineEvent] = []
        self.booked: list[tuple[OrderIntent, Fill, Execution, Cash]] = []
        self.broker.publish = self.all.append
        self.broker.tell_fill = lambda *told: self.booked.append(told)

    @property
    def fills(self) -> list[tuple[Price, Count, bool]]:
        found = [event.fill for event in self.all if isinstance(event, OrderFilled)]
        return [(fill.price, fill.count, fill.is_taker) for fill in found]

    @property
    def reports(self) -> list[tuple[str, OrderStatus, Count, str]]:
        found = [event for event in self.all if isinstance(event, OrderReported)]
        return [(e.order_id, e.status, e.filled, e.reason) for e in found]

    def print_trade(self, price: float, count: int, taker_side: BookSide) -> None:
        self.broker.print_trade(
            TradePrinted(
                at_ns=self.now_ns,
                ticker=TICKER,
                price=cents(price),
                count=contracts(count),
                taker_side=taker_side,
            )
        )


def opened_broker(first: Quote, make: Callable[[Clock], Broker] = Broker) -> Events:
    """A broker with 10,000 $ that trades one market, which shows ``first``."""
    events = Events(make)
    events.broker.open_account(Cash(10_000 * CASH_PER_DOLLAR))
    events.broker.list_markets([market()])
    events.broker.change_trading(True)
    events.broker.show(TICKER, first)
    return events
