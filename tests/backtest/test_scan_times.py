"""Scans that are left out in the gaps of a recording, which may change nothing."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any
from unittest.mock import patch

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from recorded import QuoteRow, TradeRow, at, latency, market, setup, timeline
from recorded import settings as with_settings
from worlds import MARKETS, quote_rows, trade_rows

from console.backtest.desk import Desk
from console.backtest.result import Result
from console.backtest.run import run
from console.backtest.scan_times import ScanTimes
from console.backtest.setup import ClockSkew, Setup
from console.domain.money import Cash
from console.history.timeline import Timeline

_GAP_BEGINS_S = 150


@contextmanager
def counted_scans() -> Iterator[list[int]]:
    scans: list[int] = []
    scan = Desk.scan

    def noted(desk: Desk, at_ns: int, only: Any) -> None:
        scans.append(at_ns)
        scan(desk, at_ns, only)

    with patch.object(Desk, "scan", noted):
        yield scans


def at_every_step(made: Setup, recording: Timeline) -> Result:
    """Nothing is left out."""
    with patch.object(ScanTimes, "_comes_nothing", lambda _times, _at_ns, _looked_at: False):
        return run(made, recording)


worlds = st.fixed_dictionaries(
    {
        "style": st.sampled_from(["maker", "taker"]),
        "scan_s": st.sampled_from(["31.7", "60"]),
        "gap_s": st.sampled_from([0, 1_200, 9_000, 60_000]),
        "opens_s": st.sampled_from([0, 1_000, 9_100]),
        "window_s": st.sampled_from([60, 400, 1_000_000]),
        "settles_s": st.sampled_from([0, 15, 4_000]),
        "zone": st.sampled_from(["UTC", "Asia/Kolkata", "America/New_York"]),
        "starts_hour": st.integers(0, 23),
        "ahead_ns": st.sampled_from([0, 300_000_000, -900_000_000, 700_000_000_000]),
        "drift_ppm": st.sampled_from([0, 0, 500, -20_000]),
        "latency": st.sampled_from([latency(), latency(0.05, 0.4, 0.05, 0.3)]),
        "losing": st.booleans(),
    }
)


def world(drawn: dict[str, Any], quotes: list[QuoteRow], trades: list[TradeRow]) -> tuple[Setup, Timeline]:
    """Rows on both sides of a gap; some markets close before it, one opens in it."""

    def late(seconds: float) -> float:
        return seconds if seconds < _GAP_BEGINS_S else seconds + drawn["gap_s"]

    chosen = with_settings(
        drawn["style"], scan_interval=Decimal(drawn["scan_s"]), order_expiry_seconds=30, min_depth_contracts=1
    )
    chosen = dataclasses.replace(
        chosen,
        quality=dataclasses.replace(chosen.quality, max_spread_bps=Decimal(10_000)),
        universe=dataclasses.replace(chosen.universe, max_seconds_to_close=drawn["window_s"]),
        # Little enough is lost to be latched until the next day, or for an hour.
        risk=dataclasses.replace(
            chosen.risk,
            day_zone=drawn["zone"],
            day_starts_hour=drawn["starts_hour"],
            max_daily_loss_dollars=Decimal(300),
            loss_streak_pause_hours=Decimal("0.5"),
        ),
    )
    skew = ClockSkew(offset_ns=drawn["ahead_ns"], drift_ppm=drawn["drift_ppm"])
    made = setup(chosen, latency=drawn["latency"], skew=skew)
    closes = [late(500), late(450), 120, 140, late(260)]
    markets = [market(place, close_s=close) for place, close in enumerate(closes)]
    markets[4] = msgspec.structs.replace(markets[4], open_ns=at(min(drawn["opens_s"], late(200))))
    recording = timeline(
        markets,
        [(late(row[0]), *row[1:]) for row in quotes if late(row[0]) < closes[row[1]]] or [(1, 0, 1, 9, 5, 5)],
        [(late(row[0]), *row[1:]) for row in trades if late(row[0]) < closes[row[1]]],
        paid_cents=[0 if drawn["losing"] else 100] * MARKETS,
        settles_after_s=drawn["settles_s"],
        cuts=[_GAP_BEGINS_S, 300],
    )
    return made, recording


@settings(max_examples=15, deadline=None)
@given(drawn=worlds, quotes=quote_rows, trades=trade_rows)
def test_scans_that_find_nothing_may_be_left_out(
    drawn: dict[str, Any], quotes: list[QuoteRow], trades: list[TradeRow]
) -> None:
    made, recording = world(drawn, quotes, trades)
    sparse, dense = run(made, recording), at_every_step(made, recording)
    assert sparse.journal_hash == dense.journal_hash
    assert (sparse.fills, sparse.equity, sparse.latches) == (dense.fills, dense.equity, dense.latches)


def test_a_gap_of_months_takes_no_scan_a_step() -> None:
    days = 200
    later_s = days * 86_400
    first = [(second, 0, 92, 93, 500, 500) for second in range(1, 100, 10)]
    second = [(later_s + second, 1, 92, 93, 500, 500) for second in range(1, 100, 10)]
    made = setup(with_settings(scan_interval=Decimal(1)))
    recording = timeline([market(0, close_s=120), market(1, close_s=later_s + 120)], [*first, *second])
    with counted_scans() as scans:
        result = run(made, recording)
    assert {record.fill.ticker for record in result.fills} == {"KX-0", "KX-1"}
    assert len(scans) < days + 500
    # While anything is held there is one at every step, on the same seconds after the gap as before it.
    assert set(range(at(1), at(100), 10**9)) <= set(scans)
    assert set(range(at(later_s + 2), at(later_s + 91), 10**9)) <= set(scans)
    days_begun = {dt.datetime.fromtimestamp(ns // 10**9, dt.UTC).date() for ns in scans}
    assert len(days_begun) == days + 1


def test_a_day_begins_at_the_first_step_by_our_clock() -> None:
    """At 0.9 s past each second, where a clock 0.3 s ahead has passed midnight 0.1 s before it is."""
    midnight_s = next(second for second in range(86_400) if at(second) % (86_400 * 10**9) == 0)
    rows = [(midnight_s - 9_000 + 0.9, 0, 50, 51, 5, 5), (midnight_s + 9_000, 1, 50, 51, 5, 5)]
    markets = [market(0, close_s=midnight_s - 8_500), market(1, close_s=midnight_s + 9_100)]
    recording = timeline(markets, rows)
    made = setup(with_settings(scan_interval=Decimal(1)), skew=ClockSkew(offset_ns=300_000_000))
    with counted_scans() as scans:
        sparse = run(made, recording)
    assert at(midnight_s) - 100_000_000 in scans
    assert len(scans) < 800
    assert sparse.journal_hash == at_every_step(made, recording).journal_hash


def test_a_clock_that_drifts_is_found_out_within_a_gap() -> None:
    """It is off by 30 s after the gap, and was by more than is allowed for most of it."""
    rows = [(1, 0, 50, 51, 5, 5), (60_001, 1, 50, 51, 5, 5)]
    made = setup(with_settings(scan_interval=Decimal(60)), skew=ClockSkew(drift_ppm=500))
    recording = timeline([market(0, close_s=60), market(1, close_s=60_060)], rows)
    sparse = run(made, recording)
    assert [latch.name for latch in sparse.latches] == ["clock_skew"]
    assert sparse.latches[0].at_ns < at(10_100)
    assert sparse.journal_hash == at_every_step(made, recording).journal_hash


def test_a_gap_costs_no_scan_where_our_clock_is_merely_ahead() -> None:
    rows = [(1, 0, 50, 51, 5, 5), (60_001, 0, 50, 51, 5, 5)]
    made = setup(with_settings(scan_interval=Decimal(1)), skew=ClockSkew(offset_ns=300_000_000))
    with counted_scans() as scans:
        run(made, timeline([market(0, close_s=60_060)], rows))
    assert len(scans) < 100


def test_an_open_market_is_scanned_at_every_step_only_while_it_is_worth_a_look() -> None:
    """Nothing is bought, for want of cash, so that nothing but its price makes a market worth a look."""
    dull = [(second, 0, 50, 51, 500, 500) for second in range(1, 7_000, 10)]
    dear = [(second, 0, 92, 93, 500, 500) for second in range(7_001, 7_100, 10)]
    dull_again = [(second, 0, 50, 51, 500, 500) for second in range(7_101, 14_000, 10)]
    made = setup(with_settings(scan_interval=Decimal(1)), capital=Cash(1_000_000))
    with counted_scans() as scans:
        result = run(made, timeline([market(0, close_s=20_000)], [*dull, *dear, *dull_again]))
    assert not result.fills
    assert set(range(at(7_002), at(7_101), 10**9)) <= set(scans)
    assert len(scans) < 200
