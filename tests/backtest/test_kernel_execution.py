"""An order meets exactly what the recording displayed, and fills by nothing else."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

import pytest
from hypothesis import given, settings
from recorded import QuoteRow, TradeRow, at, both_ways, latency, market, setup, timeline
from recorded import settings as with_settings
from watching import Recorded, in_turn, scripted
from worlds import quote_rows, trade_rows, world, worlds

from console.backtest.run import run
from console.domain.book import BookSide
from console.domain.money import Count
from console.simulation.execution import QueueModel

BUY, SELL = BookSide.BID, BookSide.ASK


@settings(max_examples=60)
@given(drawn=worlds, quotes=quote_rows, trades=trade_rows)
def test_an_order_meets_the_quote_that_was_displayed_when_it_arrived_and_no_other_price(
    drawn: dict[str, object], quotes: list[QuoteRow], trades: list[TradeRow]
) -> None:
    made, recording = world(drawn, quotes, trades, [])
    if recording is None:
        return
    shown = Recorded(recording)
    takers = [record for record in run(made, recording).fills if record.fill.is_taker]
    for record in takers:
        fill, side = record.fill, record.fill.side
        displayed = shown.newest(fill.ticker, fill.at_ns)
        assert displayed is not None
        assert record.quote_at_fill == displayed
        touch = displayed.touch(side)
        # The touch itself: never the middle, never the price of the last trade.
        assert touch is not None
        assert fill.price == touch.price
        assert fill.count <= touch.size
        assert fill.at_ns - record.decided_ns >= made.latency.entry_ns


@settings(max_examples=60)
@given(drawn=worlds, quotes=quote_rows, trades=trade_rows)
def test_a_resting_order_fills_only_by_a_trade_or_a_quote_that_reached_its_price(
    drawn: dict[str, object], quotes: list[QuoteRow], trades: list[TradeRow]
) -> None:
    made, recording = world({**drawn, "style": "maker"}, quotes, trades, [])
    if recording is None:
        return
    shown = Recorded(recording)
    for record in run(made, recording).fills:
        fill = record.fill
        assert not fill.is_taker
        assert fill.price == record.intent.price
        sign = fill.side.sign
        if record.is_printed:
            reached = [
                100 * cents
                for second, place, cents, _, buys_yes in trades
                if (at(second), f"KX-{place}") == (fill.at_ns, fill.ticker) and buys_yes is (sign < 0)
            ]
            assert any(sign * price <= sign * fill.price for price in reached)
        else:
            displayed = shown.newest(fill.ticker, fill.at_ns)
            touch = displayed.touch(fill.side) if displayed else None
            assert touch is not None
            assert sign * touch.price <= sign * fill.price
            assert fill.count <= touch.size


@pytest.mark.parametrize("queue", list(QueueModel))
def test_without_trades_and_crossings_a_resting_order_never_fills(queue: QueueModel) -> None:
    rows: list[QuoteRow] = [(second, 0, 92, 93, 50 - second % 40, 50) for second in range(1, 600, 5)]
    made = setup(with_settings("maker", order_expiry_seconds=60), queue=queue)
    for result in both_ways(made, timeline([market(0)], rows)):
        assert result.fills == ()
        assert result.renewals >= 8


@pytest.mark.parametrize(("traded", "filled"), [(49, 0), (50, 0), (51, 1), (60, 10), (2_000, 543)])
def test_those_who_stood_before_us_trade_first(traded: int, filled: int) -> None:
    recording = timeline([market(0)], [(1, 0, 92, 93, 50, 50)], [(2, 0, 92, traded, False)])
    for result in both_ways(setup(with_settings("maker")), recording):
        count = sum(record.fill.count for record in result.fills)
        (decision,) = result.decisions
        assert count == min(100 * filled, decision.intent.count)
        assert all(record.is_printed for record in result.fills)


def test_a_trade_while_the_order_is_on_its_way_does_not_fill_it() -> None:
    prints: list[TradeRow] = [(1.5, 0, 92, 2_000, False)]
    recording = timeline([market(0)], [(1, 0, 92, 93, 50, 50), (9, 0, 92, 93, 50, 50)], prints)
    for result in both_ways(setup(with_settings("maker"), latency=latency(entry_s=1)), recording):
        assert result.fills == ()
        assert len(result.decisions) == 1


def test_a_post_only_order_that_would_take_when_it_arrives_is_cancelled() -> None:
    # The offer comes down to our price while the order is on its way.
    rows: list[QuoteRow] = [(1, 0, 92, 93, 50, 50), (1.5, 0, 91, 92, 50, 50), (2.5, 0, 80, 99, 50, 50)]
    for result in both_ways(
        setup(with_settings("maker"), latency=latency(entry_s=1, response_s=1)), timeline([market(0)], rows)
    ):
        assert result.fills == ()
        assert result.orders == {"canceled": 1}
        reasons = dict(next(reasons for name, _, reasons in result.why_not if name == "filled"))
        assert reasons == {"would have crossed": 1}


def test_of_an_order_that_finds_less_than_it_saw_the_rest_is_dropped() -> None:
    rows: list[QuoteRow] = [(1, 0, 92, 93, 500, 20), (1.5, 0, 92, 93, 500, 7)]
    for result in both_ways(setup(latency=latency(entry_s=1)), timeline([market(0)], rows)):
        (record,) = result.fills
        assert (record.intent.count, record.fill.count) == (2_000, 700)
        assert result.orders == {"canceled": 1}
        # 0.07 x 7 x 0.93 x 0.07 is 0.031899 $.
        assert result.fees == 31_900
        assert result.capital - result.fees + 7 * 70_000 == result.cash


def test_no_order_is_larger_than_what_is_displayed_or_allowed() -> None:
    chosen = with_settings()
    small = dataclasses.replace(chosen, risk=dataclasses.replace(chosen.risk, max_order_contracts=30))
    for asked, size, expected in ((chosen, 20, 20), (small, 20, 20), (small, 500, 30), (chosen, 5_000, 535)):
        recording = timeline([market(0)], [(1, 0, 92, 93, 500, size)])
        for result in both_ways(setup(asked), recording):
            (record,) = result.fills
            # 535 contracts at 93 cents and their fee are just below 5 % of the equity.
            assert record.fill.count == 100 * expected


def test_what_we_took_is_gone_until_the_level_is_displayed_with_another_size() -> None:
    rows: list[QuoteRow] = [
        *((second, 0, 92, 93, 500, 20) for second in range(1, 7)),
        *((second, 0, 92, 93, 500, 21) for second in range(7, 10)),
    ]
    # Buy, sell it again, and try to buy in every second after that.
    plan = in_turn((0.5, 1.5, BUY, False), (1.5, 2.5, SELL, True), (2.5, 99, BUY, False))
    chosen = with_settings()
    for result in both_ways(scripted(setup(chosen), plan), timeline([market(0)], rows)):
        times = [(record.fill.at_ns, record.fill.side, record.fill.count) for record in result.fills]
        assert times[:3] == [(at(1), BUY, 2_000), (at(2), SELL, 2_000), (at(7), BUY, 2_100)]
        assert [decision.at_ns for decision in result.decisions[2:7]] == [at(s) for s in (3, 4, 5, 6, 7)]


def test_a_size_that_was_not_recorded_is_no_size_unless_one_is_assumed() -> None:
    recording = timeline([market(0)], [(1, 0, 92, 93, -1, -1), (2, 0, 92, 93, -1, -1)])
    for assumed, filled in ((None, 0), (Count(2_500), 2_500)):
        for result in both_ways(setup(assumed_depth=assumed), recording):
            assert sum(record.fill.count for record in result.fills) == filled


def test_an_order_that_expires_is_placed_anew_and_does_not_fill_in_between() -> None:
    made = setup(with_settings("maker", order_expiry_seconds=30, scan_interval=Decimal(60)))
    rows: list[QuoteRow] = [(1, 0, 92, 93, 50, 50), (200, 0, 92, 93, 50, 50)]
    between: list[TradeRow] = [(second, 0, 92, 900, False) for second in (40, 50, 60)]
    for result in both_ways(made, timeline([market(0)], rows, between)):
        assert result.fills == ()
        assert [decision.at_ns for decision in result.decisions][:3] == [at(1), at(61), at(121)]
        assert result.renewals >= 3
    while_it_rests: list[TradeRow] = [(70, 0, 92, 900, False)]
    for result in both_ways(made, timeline([market(0)], rows, while_it_rests)):
        (record,) = result.fills
        assert record.decided_ns == at(61)


def test_the_age_of_what_was_seen_and_of_what_was_met_is_kept() -> None:
    made = setup(with_settings(scan_interval=Decimal(60), min_edge_to_trade=Decimal(0)))
    rows: list[QuoteRow] = [(1, 0, 92, 93, 500, 20), (40, 0, 92, 93, 500, 20)]
    (record,) = run(dataclasses.replace(made, latency=latency(2, 5)), timeline([market(0)], rows)).fills
    assert (record.age_at_decision_ns, record.age_at_fill_ns) == (at(2) - at(0), at(7) - at(0))
