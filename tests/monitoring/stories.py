"""What may come to pass on an account, at random: in any order, some of it late or restated."""

from __future__ import annotations

import random
from collections.abc import Iterator

from console.domain.account_events import (
    DENIED,
    AccountOpened,
    ExternalFilled,
    MarketSettled,
    MarketTraded,
    OrderFilled,
    OrderIntended,
    OrderRejected,
)
from console.domain.book import BookSide, Level, Quote
from console.domain.engine_events import EquityMarked
from console.domain.events import JournaledEvent
from console.domain.market import Market, MarketStatus
from console.domain.money import Cash, Count, Price
from console.domain.order import Fill, OrderIntent, PositionReport, Settlement, TimeInForce
from console.monitoring.mark_outs import NotedMarkOut

SECOND = 1_000_000_000
HOUR = 3_600 * SECOND
START = 1_780_000_000 * SECOND
TICKERS = [f"KX{family}-E{event}-T{number}" for family in "AB" for event in (1, 2) for number in (1, 2, 3)]


class Story:
    """What may come to pass on an account, by a seed, some of it late or restated."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.now_ns, self.number = START, 0
        self.equity = 10_000_000_000
        self.open: set[str] = set()
        self.settled: set[str] = set()
        self.fills: list[str] = []
        self.marks: dict[str, Price] = {}

    def steps(self, n: int) -> Iterator[JournaledEvent | NotedMarkOut]:
        yield self._opened()
        for _ in range(n):
            self.now_ns += self.rng.choice((0, SECOND, 3 * HOUR))
            self.number += 1
            yield from self._step()

    def _opened(self) -> AccountOpened:
        self.open.clear()
        self.settled.clear()
        held = (PositionReport(TICKERS[0], Count(100), Cash(0), Cash(500_000)),)
        return AccountOpened(
            at_ns=self.now_ns,
            account=f"a{self.number}",
            cash=Cash(self.equity),
            positions=held if self.rng.random() < 0.3 else (),
        )

    def _step(self) -> Iterator[JournaledEvent | NotedMarkOut]:
        ticker, kind = self.rng.choice(TICKERS), self.rng.random()
        if kind < 0.5:
            # A fill may be told after its market settled.
            if ticker not in self.settled or self.rng.random() < 0.1:
                yield from self._bought(ticker)
        elif kind < 0.65:
            self.equity += self.rng.randrange(-(10**8), 10**8)
            high = Cash(max(self.equity, 10_000_000_000))
            yield EquityMarked(at_ns=self.now_ns, equity=Cash(self.equity), high_water=high)
        elif kind < 0.8:
            if ticker in self.settled:
                return
            self.settled.add(ticker)
            value = Price(self.rng.choice((0, 5_000, 3_300, 10_000, 10_000)))
            fee = Cash(self.rng.choice((0, 10_000)))
            self.marks.pop(ticker, None)
            yield MarketSettled(at_ns=self.now_ns, settlement=Settlement(ticker, value, self.now_ns, fee))
        elif kind < 0.9 and self.fills:
            fill, horizon = self.rng.choice(self.fills), self.rng.randrange(3)
            yield NotedMarkOut(horizon=horizon, twice_mid=self.rng.randrange(2, 19_999), fill_id=fill)
        elif kind < 0.93:
            yield ExternalFilled(at_ns=self.now_ns, fill=self._fill(ticker, BookSide.BID, 9_000, 100))
        elif kind < 0.94:
            yield self._opened()
        elif kind < 0.96:
            yield self._market(ticker)
        self.marks[ticker] = Price(self.rng.randrange(1, 10_000))

    def _market(self, ticker: str) -> MarketTraded:
        market = Market(
            ticker=ticker,
            event_ticker=ticker.rpartition("-")[0],
            series_ticker=ticker.partition("-")[0],
            category=self.rng.choice(("Weather", "Crypto")),
            title="",
            open_ns=START,
            close_ns=START + 99 * HOUR,
            status=MarketStatus.ACTIVE,
            fees=None,
        )
        return MarketTraded(at_ns=self.now_ns, market=market, group=self.rng.choice(("rain", "coins")))

    def _bought(self, ticker: str) -> Iterator[JournaledEvent]:
        if ticker not in self.open:
            self.open.add(ticker)
            yield self._market(ticker)
        name, side = f"c{self.number}", self.rng.choice((BookSide.BID, BookSide.BID, BookSide.ASK))
        price, count = self.rng.randrange(100, 9_900), self.rng.randrange(1, 2_000)
        size = Level(Price(max(1, price - 100)), Count(900)), Level(Price(price + 50), Count(900))
        intent = OrderIntent(
            name,
            ticker,
            side,
            Price(price),
            Count(count),
            TimeInForce.IMMEDIATE_OR_CANCEL,
            self.rng.choice((Quote(*size), Quote(None, size[1]), Quote(None, None))),
            Price(min(9_900, price + 100)),
            self.rng.choice(("FLB_FAVORITE", "FLB_LONGSHOT")),
            post_only=self.rng.random() < 0.5,
        )
        yield OrderIntended(at_ns=self.now_ns, intent=intent)
        if self.rng.random() < 0.1:
            yield OrderRejected(at_ns=self.now_ns, client_order_id=name, code=DENIED, message="no")
            return
        for part in {1: (count,), 2: (count // 3 + 1, count - count // 3 - 1)}[self.rng.choice((1, 2))]:
            if part:
                fill = self._fill(ticker, side, price, part, is_taker=not intent.post_only)
                self.fills.append(fill.fill_id)
                yield OrderFilled(at_ns=self.now_ns, client_order_id=name, fill=fill)

    def _fill(self, ticker: str, side: BookSide, price: int, count: int, *, is_taker: bool = True) -> Fill:
        self.number += 1
        # Some are told late.
        at_ns = max(START, self.now_ns - self.rng.choice((0, 0, 0, 2 * HOUR)))
        fee = Cash(self.rng.randrange(0, 50_000))
        name = f"f{self.number}"
        return Fill(name, f"o{name}", ticker, side, Price(price), Count(count), fee, is_taker, at_ns)
