"""The edge over time, against numpy and against what it must not claim."""

from __future__ import annotations

import numpy as np
import pytest
from report_builders import DAY_NS, random_result

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


def test_without_trades_nothing_is_claimed() -> None:
    found = edge([])
    assert (found.total, found.over_time, found.trend_cents) == (None, [], None)
