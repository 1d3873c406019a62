"""Decisions that the future changed are found, and honest ones are not suspected."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import pytest
from favourites import record, setup

from console.backtest.lookahead import Lookahead, lookahead
from console.backtest.result import Result
from console.backtest.run import run
from console.backtest.setup import Setup
from console.domain.book import Quote
from console.domain.market import Market, Ticker
from console.history.folder import open_folder
from console.history.timeline import Timeline
from console.monitoring.why_not import FunnelStepName
from console.risk.proposal import Proposal
from console.strategies.base import Refusal, Strategy

Run = Callable[[Setup, Timeline, Callable[[int, int], None]], Result]

NO = Refusal(FunnelStepName.EDGE, "the future says no")


@pytest.fixture
def timeline(tmp_path: Path) -> Timeline:
    return open_folder(record(tmp_path / "data"))


def look(asked: Setup, timeline: Timeline, moments: int = 3) -> Lookahead:
    return lookahead(asked, timeline, moments, lambda name: None, lambda done, total: None)


class Cheat(ABC):
    """The shipped strategy, but it asks the future whether a proposal is a good one."""

    def __init__(self, honest: Strategy) -> None:
        self._honest = honest

    @abstractmethod
    def is_good(self, market: Market, now_ns: int) -> bool: ...

    def consider(self, market: Market, quote: Quote, now_ns: int) -> Proposal | Refusal:
        verdict = self._honest.consider(market, quote, now_ns)
        if isinstance(verdict, Proposal) and not self.is_good(market, now_ns):
            return NO
        return verdict


class ReadsResults(Cheat):
    def __init__(self, honest: Strategy, timeline: Timeline) -> None:
        super().__init__(honest)
        self._outcomes = timeline.outcomes

    def is_good(self, market: Market, now_ns: int) -> bool:
        return self._outcomes[market.ticker].yes_value != 0


class ReadsTheNextRow(Cheat):
    """Buys only when the ask will be higher in the market's next row."""

    def __init__(self, honest: Strategy, timeline: Timeline) -> None:
        super().__init__(honest)
        self._rows: dict[Ticker, list[tuple[int, int]]] = {m.ticker: [] for m in timeline.markets}
        for each in timeline.slices():
            columns = (each.quotes.market, each.quotes.ts_ns, each.quotes.ask)
            for place, at_ns, ask in zip(*(column.tolist() for column in columns), strict=True):
                self._rows[timeline.markets[place].ticker].append((at_ns, ask))

    def is_good(self, market: Market, now_ns: int) -> bool:
        rows = self._rows[market.ticker]
        now = max((row for row in rows if row[0] <= now_ns), default=(0, 0))
        after = min((row for row in rows if row[0] > now_ns), default=(0, 0))
        return after[1] > now[1]


class CountsMarkets(Cheat):
    """Trades only while more markets are yet to come."""

    def __init__(self, honest: Strategy, timeline: Timeline) -> None:
        super().__init__(honest)
        self._last = max(market.open_ns for market in timeline.markets)

    def is_good(self, market: Market, now_ns: int) -> bool:
        return market.open_ns < self._last


def leaking(cheat: type[ReadsResults] | type[ReadsTheNextRow] | type[CountsMarkets]) -> Run:
    """A program whose strategies can be told what each recording holds."""

    def leaky_run(asked: Setup, timeline: Timeline, progress: Callable[[int, int], None]) -> Result:
        make = asked.make_strategy
        return run(replace(asked, make_strategy=lambda m: cheat(make(m), timeline)), timeline, progress)

    return leaky_run


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--latency-ms", "0,0,0"),
        ("--latency-ms", "900,100,50", "--jitter-ms", "700", "--seed", "3"),
        ("--skew-ms", "-2000", "--drift-ppm", "20"),
        ("--style", "maker"),
        ("--no-skip-ahead",),
    ],
)
def test_the_shipped_strategy_does_not_see_the_future(timeline: Timeline, options: tuple[str, ...]) -> None:
    found = look(setup(*options), timeline)
    assert found.made >= 4
    assert found.decisions > 0
    assert (found.changed, found.differences) == (0, ())


def test_a_strategy_is_told_the_markets_as_they_were_known_and_nothing_else(timeline: Timeline) -> None:
    told: list[Sequence[Market]] = []
    asked = setup()

    def make(markets: Sequence[Market]) -> Strategy:
        told.append(markets)
        return asked.make_strategy(markets)

    run(replace(asked, make_strategy=make), timeline)
    assert told == [timeline.markets]
    of_outcomes = {"result", "yes_value", "settlement_value", "settles_ns", "is_announced"}
    assert not of_outcomes & {*Market.__struct_fields__}


@pytest.mark.parametrize("cheat", [ReadsResults, ReadsTheNextRow, CountsMarkets])
def test_a_strategy_that_sees_the_future_is_caught(
    timeline: Timeline, cheat: type[ReadsResults] | type[ReadsTheNextRow] | type[CountsMarkets]
) -> None:
    with patch("console.backtest.lookahead.run", leaking(cheat)):
        found = look(setup(), timeline)
    assert found.made
    assert found.changed
    first = found.differences[0]
    assert first.with_future != first.without
    assert any(each is not None and each.at_ns == first.at_ns for each in (first.with_future, first.without))


def test_each_decision_is_compared_with_each_other_future_after_it(timeline: Timeline) -> None:
    found = look(setup(), timeline, moments=4)
    assert len(found.moments) == 4
    # The first moment is the first decision's, the second the second's, each in two futures.
    assert found.decisions == 2 * (1 + 2 + 3 + 4)


def test_nothing_is_compared_where_nothing_was_decided(timeline: Timeline) -> None:
    found = look(setup("--set", "strategy_flb.min_edge_to_trade=1"), timeline)
    assert (found.made, found.decisions, found.moments) == (0, 0, ())
