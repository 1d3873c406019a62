"""Which markets a run follows, from when on, and what a strategy is told of them."""

from __future__ import annotations

import dataclasses

import msgspec
import pytest
from recorded import QuoteRow, at, both_ways, latency, market, setup, timeline
from recorded import settings as with_settings
from watching import watched

from console.backtest.run import run
from console.config.schema import Settings
from console.domain.market import Market
from console.history.markets import Outcome
from console.history.scheduled_close import UNKNOWN_CLOSE


def universe(**changes: object) -> Settings:
    chosen = with_settings()
    return dataclasses.replace(
        chosen,
        universe=dataclasses.replace(chosen.universe, **changes),  # type: ignore[arg-type]
    )


def every_ten_s(begin: int, end: int, place: int = 0) -> list[QuoteRow]:
    return [(second, place, 92, 93, 500, 20) for second in range(begin, end, 10)]


@pytest.mark.parametrize(("window_s", "first_s"), [(1_000, 5), (1_000 - 5, 5), (600, 400), (395, 605)])
def test_a_market_is_followed_from_when_it_is_near_enough_to_its_close(window_s: int, first_s: int) -> None:
    # Then at once, at what it was last quoted at, although the next quote comes later.
    recording = timeline([market(0, close_s=1_000)], every_ten_s(5, 900))
    for result in both_ways(setup(universe(max_seconds_to_close=window_s)), recording):
        assert result.decisions[0].at_ns <= at(first_s + 60)
        assert result.decisions[0].at_ns >= at(first_s)


@pytest.mark.parametrize(("least_s", "trades"), [(0, True), (894, True), (896, False), (3_600, False)])
def test_a_market_that_is_first_quoted_too_near_to_its_close_is_never_followed(
    least_s: int, trades: bool
) -> None:
    recording = timeline([market(0, close_s=1_000)], every_ten_s(105, 900))
    for result in both_ways(setup(universe(min_seconds_to_close=least_s)), recording):
        assert bool(result.decisions) is trades


@pytest.mark.parametrize(("window_s", "trades"), [(1_000, True), (600, False)])
def test_that_a_market_is_near_to_its_close_is_not_known_of_one_that_ended_early_and_unannounced(
    window_s: int, trades: bool
) -> None:
    """Quoted from 5 s on; that its end was 600 s away at 400 s is known by hindsight alone."""
    recording = timeline([market(0, close_s=1_000)], every_ten_s(5, 900), is_close_guessed=True)
    for result in both_ways(setup(universe(max_seconds_to_close=window_s)), recording):
        assert bool(result.decisions) is trades
        assert result.noted.get(UNKNOWN_CLOSE, 0) == (not trades)


def test_only_the_series_and_categories_asked_for_are_followed() -> None:
    markets = [
        market(0, event="E0", category="Sports"),
        market(1, event="E1", category="Weather"),
        msgspec.structs.replace(market(2, event="E2", category="Sports"), series_ticker="KXOTHER"),
    ]
    recording = timeline(markets, [row for place in range(3) for row in every_ten_s(5, 100, place)])

    def followed(**changes: object) -> set[str]:
        watching, looks = watched(setup(universe(**changes)))
        run(watching, recording)
        return {look.market.ticker for look in looks}

    assert followed() == {"KX-0", "KX-1", "KX-2"}
    assert followed(series=("KX",)) == {"KX-0", "KX-1"}
    assert followed(categories=("Sports",)) == {"KX-0", "KX-2"}
    assert followed(series=("KX",), categories=("Sports",)) == {"KX-0"}
    assert followed(series=("KXNONE",)) == set()


def test_a_market_is_not_heard_of_before_its_first_quote_arrives() -> None:
    markets = [market(0), market(1, event="E1")]
    watching, looks = watched(setup(latency=latency(2)))
    run(watching, timeline(markets, every_ten_s(5, 300) + every_ten_s(155, 300, 1)))
    assert min(look.now_ns for look in looks if look.market.ticker == "KX-1") == at(157)


def test_a_strategy_is_shown_nothing_that_tells_the_outcome() -> None:
    watching, looks = watched(setup())
    run(watching, timeline([market(0)], every_ten_s(5, 100), paid_cents=[37]))
    shown = {type(look.market) for look in looks}
    assert shown == {Market}
    of_outcomes = set(Outcome.__struct_fields__) - {"close_ns"}
    assert not of_outcomes & set(Market.__struct_fields__)
    assert not {name for name in Market.__struct_fields__ if "result" in name or "settle" in name}
    assert {look.market.close_ns for look in looks} == {at(86_400)}
