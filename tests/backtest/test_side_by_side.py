from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from report_builders import (
    CAPITAL,
    HOUR_NS,
    START_NS,
    fill_record,
    market_record,
    markets_of,
    random_result,
    result_of,
    setup,
)

from console.backtest.report import Context, Report, report_of
from console.backtest.result import Result
from console.backtest.side_by_side import CURVE_POINTS, SideBySide, compare
from console.domain.book import BookSide
from console.domain.money import PAYOUT, Cash, Count, Price
from console.monitoring.records import LatchRecord


def report(result: Result) -> Report:
    return report_of(result, setup(), markets_of(result), Context())


def bought(tickers: Sequence[str], cents: float = 90, **changes: Any) -> Result:
    """Ten YES of each of these at 90 cents, an hour apart, all of which win."""
    fills = [
        fill_record(ticker, cents=cents, at_ns=START_NS + place * HOUR_NS, fee=10_000, number=place)
        for place, ticker in enumerate(tickers, start=1)
    ]
    traded = [
        market_record(
            ticker, position=Count(1_000), settled_ns=START_NS + 13 * HOUR_NS, yes_value=Price(PAYOUT)
        )
        for ticker in tickers
    ]
    return result_of(fills, traded, **changes)


def test_trades_that_only_one_made_are_added_or_removed_with_what_they_made() -> None:
    it = compare(report(bought(["KXA-1-A", "KXA-2-A"])), report(bought(["KXA-2-A", "KXA-3-A"])))
    assert [trade.ticker for trade in it.added] == ["KXA-3-A"]
    assert [trade.ticker for trade in it.removed] == ["KXA-1-A"]
    assert it.added[0].net == Cash(1_000_000 - 10_000)
    assert it.changed == 0


def test_a_trade_made_at_another_price_is_neither_added_nor_removed_but_counted() -> None:
    it = compare(report(bought(["KXA-1-A"])), report(bought(["KXA-1-A"], cents=92)))
    assert (it.added, it.removed, it.changed) == ((), (), 1)
    assert it.difference == Cash(-200_000)


def test_of_two_trades_in_a_market_the_one_that_was_not_made_is_the_one_removed() -> None:
    """Bought, sold, and bought again; the other run has the second trade alone."""
    bought_again = [
        fill_record("KXA-1-A", at_ns=START_NS + 5 * HOUR_NS, number=3),
        fill_record("KXA-1-A", BookSide.ASK, 95, at_ns=START_NS + 6 * HOUR_NS, number=4),
    ]
    first = [
        fill_record("KXA-1-A", cents=80, at_ns=START_NS + HOUR_NS, number=1),
        fill_record("KXA-1-A", BookSide.ASK, 85, at_ns=START_NS + 2 * HOUR_NS, number=2),
    ]
    traded = [market_record("KXA-1-A")]
    twice = report(result_of([*first, *bought_again], traded))
    once = report(result_of(bought_again, traded))
    it = compare(twice, once)
    assert [trade.opened_ns for trade in it.removed] == [START_NS + HOUR_NS]
    assert (it.added, it.changed) == ((), 0)
    assert [trade.opened_ns for trade in compare(once, twice).added] == [START_NS + HOUR_NS]


def test_the_difference_is_of_net_profit_and_has_an_interval_of_paired_events() -> None:
    tickers = [f"KXA-{place}-A" for place in range(6)]
    it = compare(report(bought(tickers)), report(bought(tickers, cents=92)))
    assert it.difference == Cash(-6 * 200_000)
    assert it.difference_interval is not None
    assert round(it.difference_interval.low, 6) == round(it.difference_interval.high, 6) == -1.2
    assert not any("may be chance" in text for text in it.warnings)


def test_a_difference_that_may_be_chance_says_so() -> None:
    before = random_result(1)
    after = random_result(2)
    it = compare(report(before), report(after))
    interval = it.difference_interval
    if interval is not None and interval.low <= 0 <= interval.high:
        assert any("may be chance" in text for text in it.warnings)
    assert any("must be confirmed on another" in text for text in it.warnings)


def test_runs_that_made_the_same_trades_say_that_nothing_was_learned() -> None:
    it = compare(report(bought(["KXA-1-A"])), report(bought(["KXA-1-A"])))
    assert it.warnings == ("both made the same trades: this recording cannot tell the thresholds apart",)
    assert it.difference == 0


def test_runs_without_a_trade_can_be_compared() -> None:
    it = compare(report(result_of([], [])), report(result_of([], [])))
    assert it.difference == 0
    assert it.difference_interval is None


def test_what_is_in_force_may_stand_alone() -> None:
    it = compare(report(bought(["KXA-1-A"])), None)
    assert it.under_test is None
    assert it.in_force.trades == 1


def test_an_open_position_without_a_mark_leaves_the_difference_unknown() -> None:
    fill = fill_record("KXA-9-A")
    unmarked = result_of([fill], [market_record("KXA-9-A", position=Count(1_000))])
    it = compare(report(bought(["KXA-1-A"])), report(unmarked))
    assert it.difference is None
    assert it.difference_interval is None
    assert it.warnings == ("the P&L of one run is not known, so neither is the difference",)


def test_limits_that_denied_and_switches_that_tripped_are_counted_by_name() -> None:
    latch = LatchRecord(START_NS, "streak", "PAUSED", "5 losses", None, False)
    hit = msgspec.structs.replace(bought(["KXA-1-A"]), denied={"group limit": 3}, latches=(latch, latch))
    side = compare(report(hit), None).in_force
    assert side.denied == {"group limit": 3}
    assert side.latches == {"streak": 2}


def test_no_warning_of_either_report_is_left_out() -> None:
    before, after = report(random_result(3)), report(random_result(4))
    it = compare(before, after)
    assert it.under_test is not None
    assert it.in_force.warnings == before.warnings != ()
    assert it.under_test.warnings == after.warnings != ()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 30), st.integers(0, 30))
def test_added_less_removed_is_the_difference_in_trades(one: int, other: int) -> None:
    before, after = report(random_result(one, markets=12)), report(random_result(other, markets=12))
    it = compare(before, after)
    assert len(it.added) - len(it.removed) == len(after.trades) - len(before.trades)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 200))
def test_curves_begin_at_the_capital_and_end_at_the_final_equity(seed: int) -> None:
    result = random_result(seed, markets=8)
    side = compare(report(result), None).in_force
    assert len(side.curve) == CURVE_POINTS
    if result.final_equity is not None:
        assert side.curve[-1] == result.final_equity
    assert side.curve[0] in {CAPITAL, *(equity for _, equity in result.equity)}


def test_it_can_be_sent_to_another_process() -> None:
    it = compare(report(random_result(5)), report(random_result(6)))
    assert msgspec.json.decode(msgspec.json.encode(it), type=SideBySide) == it
