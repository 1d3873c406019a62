"""Messages take their time: what we know is old, and what our orders meet is new."""

from __future__ import annotations

import dataclasses
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recorded import (
    SECOND,
    QuoteRow,
    TradeRow,
    at,
    both_ways,
    latency,
    market,
    setup,
    timeline,
)
from recorded import settings as with_settings
from watching import Recorded, played, watched
from worlds import quote_rows, trade_rows, world, worlds

from console.backtest.exchange_side import Delays
from console.backtest.run import run
from console.backtest.setup import Latency
from console.domain.book import Level
from console.domain.money import Count, Price

STILL: list[QuoteRow] = [(second, 0, 92, 93, 500, 20) for second in range(1, 12)]


@pytest.mark.parametrize("feed_s", [0, 0.25, 3])
def test_a_quote_is_acted_on_as_much_later_as_the_feed_takes(feed_s: float) -> None:
    for result in both_ways(setup(latency=latency(feed_s)), timeline([market(0)], STILL)):
        assert [decision.at_ns for decision in result.decisions] == [at(1 + feed_s)]


@pytest.mark.parametrize("entry_s", [0, 0.25, 3])
def test_an_order_arrives_as_much_later_as_it_is_on_its_way(entry_s: float) -> None:
    for result in both_ways(setup(latency=latency(0.5, entry_s)), timeline([market(0)], STILL)):
        (record,) = result.fills
        assert (record.decided_ns, record.fill.at_ns) == (at(1.5), at(1.5 + entry_s))


@pytest.mark.parametrize(("entry_s", "filled"), [(0, 20), (0.9, 20), (1, 5), (1.5, 5), (2, 0), (2.5, 0)])
def test_an_order_meets_what_is_displayed_when_it_arrives(entry_s: float, filled: int) -> None:
    rows = [(1, 0, 92, 93, 500, 20), (2, 0, 92, 93, 500, 5), (3, 0, 89, 94, 500, 20)]
    for result in both_ways(setup(latency=latency(entry_s=entry_s)), timeline([market(0)], rows)):
        assert sum(record.fill.count for record in result.fills) == 100 * filled
        assert all(record.fill.price == 9_300 for record in result.fills)
        (decision,) = result.decisions
        assert decision.intent.quote.ask == Level(Price(9_300), Count(2_000))


@pytest.mark.parametrize(("response_s", "second_s"), [(0, 2), (0.5, 2), (0.9, 3), (5, 7)])
def test_a_miss_is_tried_again_only_after_we_heard_of_it(response_s: float, second_s: float) -> None:
    # The offer is gone when the first order arrives, at 1.1 s; quotes come every second.
    made = setup(latency=latency(entry_s=0.1, response_s=response_s))
    rows = [(1, 0, 92, 93, 500, 20), *((each, 0, 93, 94, 500, 20) for each in (1.05, *range(2, 12)))]
    for result in both_ways(made, timeline([market(0)], rows)):
        assert [decision.at_ns for decision in result.decisions][:2] == [at(1), at(second_s)]
        assert result.orders == {"canceled": 1, "executed": 1}


@pytest.mark.parametrize(("entry_s", "filled"), [(0, 0), (0.5, 0), (2, 50)])
def test_what_we_withdraw_may_still_trade_while_the_cancel_is_on_its_way(entry_s: float, filled: int) -> None:
    rows = [(1, 0, 92, 93, 50, 50), (10, 0, 92, 99, 50, 50)]
    prints = [(11, 0, 92, 100, False)]
    for result in both_ways(
        setup(with_settings("maker"), latency=latency(entry_s=entry_s)), timeline([market(0)], rows, prints)
    ):
        assert sum(record.fill.count for record in result.fills) == 100 * filled
        assert "executed" not in result.orders


@settings(max_examples=40)
@given(drawn=worlds, quotes=quote_rows, trades=trade_rows)
def test_nothing_is_known_before_the_feed_brought_it_and_nothing_older_is_acted_on(
    drawn: dict[str, object], quotes: list[QuoteRow], trades: list[TradeRow]
) -> None:
    made, recording = world({**drawn, "style": "taker"}, quotes, trades, [])
    if recording is None:
        return
    made = dataclasses.replace(made, latency=dataclasses.replace(made.latency, jitter_ns=0))
    watching, looks = watched(made)
    run(watching, recording)
    recorded = Recorded(recording)
    for look in looks:
        assert look.quote == recorded.newest(look.market.ticker, look.now_ns - made.latency.feed_ns)


@settings(max_examples=40)
@given(drawn=worlds, quotes=quote_rows, trades=trade_rows)
def test_our_time_never_goes_back(
    drawn: dict[str, object], quotes: list[QuoteRow], trades: list[TradeRow]
) -> None:
    made, recording = world(drawn, quotes, trades, [])
    if recording is None:
        return
    run_of = played(made, recording)
    for events in (run_of.heard, run_of.journal):
        times = [event.at_ns for event in events]
        assert times == sorted(times)
    marks = [at_ns for at_ns, _ in run_of.kernel.desk.equity]
    assert marks == sorted(marks)


def test_a_position_is_marked_at_what_had_arrived_and_not_at_what_comes_later() -> None:
    # Nothing after the second row can change a decision, so that only marks are left to be taken.
    rows: list[QuoteRow] = [(1, 0, 92, 93, 20, 20), (2, 0, 95, 99, 20, 20), (600, 0, 40, 49, 20, 20)]
    for result in both_ways(setup(), timeline([market(0)], rows)):
        marks = [equity for at_ns, equity in result.equity if at_ns < at(600)]
        assert marks[-1] == result.capital + 20 * 20_000 - result.fees


def test_jitter_is_drawn_by_the_seed_and_only_ever_adds() -> None:
    markets = [market(n, event=f"E{n}") for n in range(6)]
    rows = [(1 + n / 10 + second, n, 92, 93, 500, 20) for n in range(6) for second in range(5)]
    recording = timeline(markets, rows)
    made = setup(latency=latency(0.05, 0.1, 0.05, jitter_s=2))
    first, again, other = (run(dataclasses.replace(made, seed=seed), recording) for seed in (1, 1, 2))
    assert first == again
    arrivals = [[record.fill.at_ns for record in each.fills] for each in (first, other)]
    assert arrivals[0] != arrivals[1]
    delays = [record.fill.at_ns - record.decided_ns for record in first.fills]
    assert min(delays) >= SECOND // 10
    assert len(set(delays)) > 1


@given(
    base_ns=st.integers(0, 1_000),
    jitter_ns=st.integers(0, 5_000),
    gaps=st.lists(st.integers(0, 2_000), min_size=1),
    seed=st.integers(0, 9).map(str),
)
def test_messages_of_one_way_never_overtake(base_ns: int, jitter_ns: int, gaps: list[int], seed: str) -> None:
    sent = list(itertools.accumulate(gaps))
    delays = Delays(base_ns, jitter_ns, seed)
    arrived = [delays.arrival_ns(each) for each in sent]
    assert arrived == sorted(arrived)
    assert all(arrival >= each + base_ns for each, arrival in zip(sent, arrived, strict=True))
    # One that waits for nobody takes no longer than the most that jitter adds.
    assert all(
        arrival - each <= base_ns + jitter_ns or arrival == earlier
        for each, earlier, arrival in zip(sent, [0, *arrived], arrived, strict=False)
    )


def test_orders_arrive_in_the_order_in_which_they_were_sent_whatever_the_jitter() -> None:
    markets = [market(n, event=f"E{n}") for n in range(8)]
    rows = [(1 + n / 100, n, 92, 93, 500, 20) for n in range(8)]
    result = run(setup(latency=latency(0.05, 0.1, 0.05, jitter_s=3)), timeline(markets, rows))
    arrived = [record.intent.client_order_id for record in result.fills]
    sent = [decision.intent.client_order_id for decision in result.decisions]
    assert len(sent) > 3
    assert arrived == sent[: len(arrived)]


def test_a_multiple_of_a_latency_is_that_of_every_part() -> None:
    made = setup(latency=latency(0.1, 0.2, 0.3, 0.4))
    assert made.with_latency(3).latency == Latency(
        feed_ns=3 * SECOND // 10,
        entry_ns=6 * SECOND // 10,
        response_ns=9 * SECOND // 10,
        jitter_ns=12 * SECOND // 10,
    )
    assert made.with_latency(0).latency == Latency()
