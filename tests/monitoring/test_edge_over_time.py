"""The edge over time, against numpy and against what it must not claim."""

from __future__ import annotations

import numpy as np
import pytest
from report_builders import DAY_NS, HOUR_NS, START_NS, fill_record, market_record, random_result, result_of

from console.domain.money import Count, Price
from console.monitoring.edge import edge
from console.monitoring.trades import Ending, trades_of


def test_the_trend_is_the_weighted_line_through_what_trades_made() -> None:
    trades = trades_of(random_result(5, markets=200, days=25))
    told = [t for t in trades if t.ending is not Ending.OPEN and not t.is_drawn]
    at = [(t.ended_ns or 0) / DAY_NS / 30 for t in told]
    cents = [(t.net or 0) / t.contracts / 100 for t in told]
    slope, _ = np.polyfit(at, cents, 1, w=np.sqrt([t.contracts for t in told]))
    found = edge(trades)
    assert found.trend_cents == pytest.approx(slope)
    assert found.trend_interval is not None
    assert found.trend_interval[0] < slope < found.trend_interval[1]
    assert sum(each.trades for each in found.over_time) == len(told)
    assert {each.days for each in found.over_time} == {1}


def test_over_more_than_a_month_it_is_told_by_weeks_from_monday() -> None:
    found = edge(trades_of(random_result(6, markets=200, days=60)))
    assert {each.days for each in found.over_time} == {7}
    assert {each.since.weekday() for each in found.over_time} == {0}


def test_trades_that_ended_within_a_week_have_no_trend() -> None:
    found = edge(trades_of(random_result(7, markets=100, days=3)))
    assert found.total is not None
    assert (found.trend_cents, found.trend_interval) == (None, None)


def test_markets_that_go_wrong_together_make_the_edge_less_sure() -> None:
    def width(group: str) -> float:
        fills, markets = [], []
        for n in range(60):
            ticker = f"KXA-E{n}-T"
            won = {
                "settled_ns": START_NS + 5 * HOUR_NS,
                "yes_value": Price(0 if n // 5 in (2, 7) else 10_000),
            }
            fills.append(fill_record(ticker, cents=90, number=n))
            markets.append(market_record(ticker, position=Count(1_000), group=group.format(n // 5), **won))
        total = edge(trades_of(result_of(fills, markets))).total
        assert total is not None
        assert total.interval is not None
        return total.interval[1] - total.interval[0]

    # Five events to a group that win or lose as one are worth a fifth of them.
    assert width("group {}") > 1.8 * width("all of them")


def test_without_trades_nothing_is_claimed() -> None:
    found = edge([])
    assert (found.total, found.over_time, found.trend_cents) == (None, [], None)
