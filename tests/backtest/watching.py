"""Strategies that do as they are told and remember what they were shown, and runs looked into."""

from __future__ import annotations

import dataclasses
from bisect import bisect_right
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import NamedTuple, cast

from recorded import at

from console.backtest.kernel import Kernel, first_ns_of
from console.backtest.setup import Setup
from console.domain.actions import Action, Append
from console.domain.book import BookSide, Level, Quote
from console.domain.events import EngineEvent, JournaledEvent
from console.domain.market import Market, Ticker
from console.domain.money import PRICE_PER_DOLLAR, Cash, Count, Price
from console.history.markets import Outcome
from console.history.timeline import Timeline
from console.monitoring.why_not import FunnelStepName
from console.risk.proposal import Proposal
from console.strategies.base import Refusal, Strategy

NOTHING = Refusal(FunnelStepName.EDGE, "nothing wanted")
SURE = Price(9_900)


class Look(NamedTuple):
    """What a strategy was asked about, at our time."""

    now_ns: int
    market: Market
    quote: Quote


class Watching:
    """Another strategy, whose every look is kept; it is asked about every row."""

    def __init__(self, inner: Strategy, looks: list[Look]) -> None:
        self._inner = inner
        self._looks = looks

    def consider(self, market: Market, quote: Quote, now_ns: int) -> Proposal | Refusal:
        self._looks.append(Look(now_ns, market, quote))
        return self._inner.consider(market, quote, now_ns)


def watched(made: Setup) -> tuple[Setup, list[Look]]:
    """The same run, and what its strategy will be shown."""
    looks: list[Look] = []
    inner = made.make_strategy
    return dataclasses.replace(made, make_strategy=lambda recording: Watching(inner(recording), looks)), looks


class Scripted:
    """Proposes what a plan says of a look."""

    def __init__(self, plan: Callable[[Look], Proposal | None]) -> None:
        self._plan = plan

    def consider(self, market: Market, quote: Quote, now_ns: int) -> Proposal | Refusal:
        return self._plan(Look(now_ns, market, quote)) or NOTHING


def scripted(made: Setup, plan: Callable[[Look], Proposal | None]) -> Setup:
    """The same run with a strategy that follows a plan."""
    return dataclasses.replace(made, make_strategy=lambda _recording: Scripted(plan))


def takes(look: Look, side: BookSide = BookSide.BID, *, closes: bool = False) -> Proposal | None:
    """Take what is displayed, whatever it costs; or give up what is held on the other side for it."""
    touch = look.quote.touch(side)
    if touch is None:
        return None
    return Proposal(
        ticker=look.market.ticker,
        side=side,
        price=touch.price,
        win_probability=SURE,
        fee_per_contract=Cash(0),
        is_taker=True,
        displayed=touch.size,
        strategy="SCRIPTED",
        closes=closes,
    )


def in_turn(*moments: tuple[float, float, BookSide, bool]) -> Callable[[Look], Proposal | None]:
    """Between two times, in seconds, take a side, or close with it."""

    def plan(look: Look) -> Proposal | None:
        for begin, end, side, closes in moments:
            if at(begin) <= look.now_ns < at(end):
                return takes(look, side, closes=closes)
        return None

    return plan


def with_outcomes(recording: Timeline, **outcomes: Outcome) -> Timeline:
    """The same recording with other outcomes; a market is named by its ticker without the dash."""
    named = {ticker.replace("-", ""): ticker for ticker in recording.outcomes}
    changed = {named[name]: outcome for name, outcome in outcomes.items()}
    return cast(
        Timeline, SimpleNamespace(**{**vars(recording), "outcomes": {**recording.outcomes, **changed}})
    )


class Recorded:
    """The quotes of a recording, found by market and time."""

    def __init__(self, recording: Timeline) -> None:
        self._times: dict[Ticker, list[int]] = {market.ticker: [] for market in recording.markets}
        self._quotes: dict[Ticker, list[Quote]] = {market.ticker: [] for market in recording.markets}
        for each in recording.slices():
            columns = vars(each.quotes).values()
            for at_ns, place, *row in zip(*(column.tolist() for column in columns), strict=True):
                ticker = recording.markets[place].ticker
                self._times[ticker].append(at_ns)
                self._quotes[ticker].append(_quote(*row))

    def newest(self, ticker: Ticker, by_ns: int) -> Quote | None:
        """The last quote of a market recorded by a time."""
        found = bisect_right(self._times[ticker], by_ns)
        return self._quotes[ticker][found - 1] if found else None


def _quote(bid: int, ask: int, bid_size: int, ask_size: int) -> Quote:
    return Quote(
        Level(Price(bid), Count(bid_size)) if bid > 0 else None,
        Level(Price(ask), Count(ask_size)) if ask < PRICE_PER_DOLLAR else None,
    )


class Played(NamedTuple):
    """A run after its end, with every event of its journal, and all that the engine heard."""

    kernel: Kernel
    journal: Sequence[JournaledEvent]
    heard: Sequence[EngineEvent]


def played(made: Setup, recording: Timeline) -> Played:
    """Run and look inside."""
    slices = list(recording.slices())
    kernel = Kernel(made, recording, first_ns_of(slices[0]))
    journal: list[JournaledEvent] = []
    heard: list[EngineEvent] = []
    perform, handle = kernel.desk.perform, kernel.desk.engine.handle

    def note(actions: list[Action]) -> None:
        journal.extend(action.record for action in actions if isinstance(action, Append))
        perform(actions)

    def hear(event: EngineEvent) -> list[Action]:
        heard.append(event)
        return handle(event)

    kernel.desk.perform = note  # type: ignore[method-assign]
    kernel.desk.engine.handle = hear  # type: ignore[method-assign]
    kernel.run(iter(slices), lambda rows: None)
    return Played(kernel, journal, heard)
