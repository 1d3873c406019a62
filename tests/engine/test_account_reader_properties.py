"""Reads that begin where the last one ended, fail in the middle, lag, and are overtaken by what happens."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Literal, cast

from engine_builders import records, replayed
from test_account_properties import TICKERS, ExchangeModel, Step, Story

from console.domain.book import BookSide
from console.domain.events import EngineEvent
from console.domain.market import Ticker
from console.domain.money import PAYOUT, Cash, Count, Price
from console.domain.order import Fill, OrderReport, OrderStatus, PositionReport, Settlement
from console.domain.ports import VenueError
from console.engine.account_reader import AccountReader
from console.engine.outside import Outside

ANSWERS = ("ack", "unknown", "silence", "lost")
STEPS = ("quote", "order", "order", "arrive", "fill", "cancel", "external", "foreign hands", "say", "read")
STYLES: tuple[Literal["maker", "taker"], ...] = ("maker", "taker")


class DatedModel(ExchangeModel):
    """Lists by time, as the exchange does: an order by when it was placed."""

    def __init__(self) -> None:
        super().__init__()
        self.placed_ns: dict[str, int] = {}
        self.now_ns: Callable[[], int] = lambda: 0

    def place(self, ticker: Ticker, side: BookSide, price: Price, count: Count, client_order_id: str) -> str:
        order_id = super().place(ticker, side, price, count, client_order_id)
        self.placed_ns[order_id] = self.now_ns()
        return order_id


class RestlessVenue:
    """Any read may fail, and anything may happen before it; a list that lags lacks its newest row."""

    skew_ms = 0

    def __init__(self, model: DatedModel, chance: random.Random, happens: Callable[[], None]) -> None:
        self.lags = False
        self._model = model
        self._chance = chance
        self._happens = happens

    def _begin(self) -> None:
        self._happens()
        if self._chance.random() < 0.06:
            raise VenueError("no answer")

    def _seen(self, rows: int) -> int:
        return max(0, rows - (self._chance.randrange(2) if self.lags else 0))

    async def orders(self, since_ns: int) -> Sequence[OrderReport]:
        self._begin()
        model = self._model
        found = [
            order
            for order in model.orders.values()
            if order.status is OrderStatus.RESTING or model.placed_ns[order.order_id] >= since_ns
        ]
        return found[: self._seen(len(found))]

    async def fills(self, since_ns: int) -> Sequence[Fill]:
        self._begin()
        found = [fill for fill in self._model.fills if fill.at_ns >= since_ns]
        return found[: self._seen(len(found))]

    async def settlements(self, since_ns: int) -> Sequence[Settlement]:
        self._begin()
        return [paid for paid in self._model.settlements if paid.at_ns >= since_ns]

    async def positions(self) -> Sequence[PositionReport]:
        self._begin()
        return [PositionReport(t, Count(held), Cash(0), Cash(0)) for t, held in self._model.held.items()]

    async def balance(self) -> Cash:
        self._begin()
        return Cash(self._model.cash)


class ReadStory(Story):
    """A story whose account is read as a run reads it, and which is started anew now and then."""

    model: DatedModel

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        super().__init__(self.chance.choice(STYLES))
        self.model = DatedModel()
        self.model.now_ns = lambda: self.desk.now_ns
        self.is_restless = True
        self.venue = RestlessVenue(self.model, self.chance, self.interrupt)
        self.start()

    def start(self) -> None:
        outside = cast(Outside, SimpleNamespace(venue=self.venue, wall_ns=lambda: self.desk.now_ns))
        self.reader = AccountReader(self.desk.engine, outside, self._take)

    def _take(self, event: EngineEvent) -> None:
        self.desk.take(event)

    def interrupt(self) -> None:
        """Something happens while the account is read."""
        if self.is_restless and self.chance.random() < 0.25:
            self.do(self.step(self.chance.choice(("fill", "cancel", "say", "foreign hands", "arrive"))))

    def step(self, kind: str) -> Step:
        chance = self.chance
        match kind:
            case "quote":
                return (kind, chance.choice(TICKERS), chance.choice((7, 92)))
            case "order":
                return (kind, chance.choice(TICKERS), chance.choice((7, 92)), chance.choice(ANSWERS))
            case "arrive":
                return (kind, chance.randrange(4), chance.choice(ANSWERS))
            case "fill":
                return (kind, chance.randrange(8), chance.randrange(1, 30_000))
            case "external":
                return (kind, chance.choice(TICKERS), chance.random() < 0.5, chance.randrange(1, 3_000))
            case "settle":
                return (kind, chance.choice(TICKERS), chance.choice((0, 2_500, PAYOUT)))
            case "foreign hands":
                return (kind, chance.randrange(1, 3_000))
            case _:
                return (kind, chance.randrange(10**6))

    async def read(self, *, lags: bool) -> None:
        self.venue.lags = lags
        with contextlib.suppress(VenueError):
            await self.reader.reconcile()

    async def live_on(self) -> None:
        """One thing more happens."""
        kind = self.chance.choice((*STEPS, *STEPS, "read", "later", "later", "settle", "long", "restart"))
        match kind:
            case "read":
                await self.read(lags=self.chance.random() < 0.4)
            case "later":
                self.desk.later(self.chance.choice((0.5, 3.0, 6.0)))
            case "long":
                self.desk.later(self.chance.choice((60, 400, 1_500)))
            case "restart":
                self.start()
            case _:
                self.do(self.step(kind))

    async def come_to_rest(self) -> None:
        """Long enough for every proof, though reads go on to fail."""
        self.is_restless = False
        for seconds in (*[15] * 8, 700, *[15] * 8):
            self.desk.later(seconds)
            for _ in range(8):
                await self.read(lags=False)


async def test_reads_from_the_last_one_on_leave_nothing_out_whatever_happens_in_between(
    count: Callable[[int, int], int], tell: Callable[[str], None]
) -> None:
    stories, fills = count(60, 2_000), 0
    for seed in range(stories):
        story = ReadStory(seed)
        for _ in range(story.chance.randrange(15, 70)):
            await story.live_on()
        await story.come_to_rest()
        story.check_equal()
        account, _ = replayed(records(story.desk.actions))
        assert account.comparable() == story.desk.engine.account.comparable(), seed
        fills += len(story.model.fills)
    tell(f"{stories} stories of reads that fail, lag, are overtaken, {fills} fills, none lost or doubled")
