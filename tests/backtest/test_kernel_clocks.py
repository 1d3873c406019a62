"""Two clocks: the exchange reads its own, we read ours, and one that is too far off stops trading."""

from __future__ import annotations

import dataclasses

import pytest
from recorded import SECOND, QuoteRow, at, both_ways, latency, market, setup, timeline
from recorded import settings as with_settings
from watching import played

from console.backtest.run import run
from console.backtest.setup import ClockSkew, Setup
from console.domain.account_events import OrderFilled, OrderIntended


def skewed(made: Setup, offset_s: float = 0, drift_ppm: int = 0) -> Setup:
    return dataclasses.replace(made, skew=ClockSkew(offset_ns=round(offset_s * SECOND), drift_ppm=drift_ppm))


@pytest.mark.parametrize(
    ("offset_s", "print_s", "is_filled"),
    [
        (0, 30.5, True),
        (0, 31.5, False),
        (3, 33.5, True),
        (3, 34.5, False),
        (-3, 27.5, True),
        (-3, 28.5, False),
    ],
)
def test_an_order_expires_by_the_exchanges_clock(offset_s: float, print_s: float, is_filled: bool) -> None:
    # Sent at 1 s of true time to expire 30 s later by our clock, which the exchange reads by its own.
    made = skewed(setup(with_settings("maker", order_expiry_seconds=30)), offset_s)
    recording = timeline([market(0)], [(1, 0, 92, 93, 50, 50)], [(print_s, 0, 92, 1_000, False)])
    for result in both_ways(made, recording):
        assert bool(result.fills) is is_filled


def test_the_journal_has_our_times_and_fills_the_exchanges() -> None:
    made = skewed(setup(latency=latency(0.5, 0.25, 0.125)), offset_s=2)
    _, journal, _ = played(made, timeline([market(0)], [(1, 0, 92, 93, 500, 20), (3, 0, 92, 93, 500, 20)]))
    (intended,) = [event for event in journal if isinstance(event, OrderIntended)]
    (filled,) = [event for event in journal if isinstance(event, OrderFilled)]
    assert intended.at_ns == at(1.5 + 2)
    assert filled.fill.at_ns == at(1.75)
    assert filled.at_ns == at(1.875 + 2)


def test_a_clock_that_drifts_is_ahead_by_what_it_gained_since_the_first_row() -> None:
    made = skewed(setup(), drift_ppm=1_000)
    rows: list[QuoteRow] = [(0, 0, 50, 51, 20, 20), (2_000, 0, 92, 93, 500, 20)]
    _, journal, _ = played(made, timeline([market(0)], rows))
    (intended,) = [event for event in journal if isinstance(event, OrderIntended)]
    assert intended.at_ns == at(2_000 + 2)


@pytest.mark.parametrize("offset_s", [-60, -5.001, -5, 5, 5.001, 60])
def test_nothing_is_sent_by_a_clock_that_is_off_by_more_than_allowed(offset_s: float) -> None:
    rows: list[QuoteRow] = [(second, 0, 92, 93, 500, 20) for second in range(1, 120, 10)]
    for result in both_ways(skewed(setup(), offset_s), timeline([market(0)], rows)):
        is_off = abs(offset_s) > 5
        assert bool(result.decisions) is not is_off
        assert [latch.name for latch in result.latches] == (["clock_skew"] if is_off else [])


def test_a_clock_that_drifts_too_far_stops_entries_from_then_on() -> None:
    # At a thousandth too fast it passes the 5 s allowed after 5,000 s.
    markets = [market(0, event="E0"), market(1, event="E1"), market(2, event="E2")]
    rows: list[QuoteRow] = [
        (0, 0, 50, 51, 20, 20),
        *((second, 1, 92, 93, 500, 20) for second in range(4_000, 4_900, 30)),
        *((second, 2, 92, 93, 500, 20) for second in range(5_100, 5_900, 30)),
    ]
    recording = timeline(markets, rows)
    for result in both_ways(skewed(setup(), drift_ppm=1_000), recording):
        assert {decision.intent.ticker for decision in result.decisions} == {"KX-1"}
        (latch,) = result.latches
        assert latch.name == "clock_skew"
        assert at(5_000) < latch.at_ns <= at(5_061)
    assert {decision.intent.ticker for decision in run(setup(), recording).decisions} == {"KX-1", "KX-2"}


@pytest.mark.parametrize(("offset_s", "orders"), [(-3, {"rejected": 1}), (0, {}), (3, {})])
def test_by_a_clock_that_is_behind_an_order_is_sent_after_the_close_and_rejected(
    offset_s: float, orders: dict[str, int]
) -> None:
    # The last quote arrives after the close; only our clock could tell, the news of the close is late.
    made = skewed(setup(latency=latency(feed_s=2, response_s=5)), offset_s)
    rows: list[QuoteRow] = [(90, 0, 50, 51, 9, 9), (99.5, 0, 92, 93, 500, 20), (200, 1, 50, 51, 9, 9)]
    recording = timeline([market(0, close_s=100), market(1)], rows)
    for result in both_ways(made, recording):
        assert result.orders == orders
        assert result.fills == ()
