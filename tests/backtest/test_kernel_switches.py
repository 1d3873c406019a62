"""Kill switches act in a run as they do live: they halt, cancel, and end or are cleared as told."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

import pytest
from recorded import CAPITAL, START, QuoteRow, TradeRow, at, both_ways, latency, market, setup, timeline
from recorded import settings as with_settings
from watching import in_turn, scripted

from console.backtest.setup import Setup
from console.config.schema import Settings
from console.domain.book import BookSide
from console.history.timeline import Timeline

HOUR_S = 3_600
NEXT_DAY_S = 86_400 - (START // 1_000_000_000) % 86_400
"""From the first row to the next risk day, midnight UTC."""


def limits(style: str = "taker", **changes: object) -> Settings:
    chosen = with_settings(style)
    return dataclasses.replace(
        chosen,
        risk=dataclasses.replace(chosen.risk, **changes),  # type: ignore[arg-type]
    )


def crash(*, until_s: int = NEXT_DAY_S + 2 * HOUR_S) -> Timeline:
    """A favourite that is bought and falls to half a minute later; others are on offer all along."""
    markets = [market(n, event=f"E{n}", close_s=2 * 86_400) for n in range(3)]
    every_minute = range(0, until_s, 60)
    rows: list[QuoteRow] = [
        *((second, 0, *((92, 93) if second < 30 else (49, 50)), 200, 200) for second in (1, *every_minute)),
        *((second + 0.5, 1, 92, 93, 200, 200) for second in every_minute if second > 90),
        *((second + 1, 2, 92, 93, 200, 200) for second in every_minute if second > NEXT_DAY_S + HOUR_S),
    ]
    return timeline(markets, rows, paid_cents=[0, 100, 100])


HALTS_AT_50 = limits(max_daily_loss_dollars=Decimal(50), max_drawdown_pct=Decimal(1))


def test_a_days_loss_halts_until_the_next_risk_day_and_the_run_says_so() -> None:
    for result in both_ways(setup(HALTS_AT_50), crash()):
        assert [record.fill.ticker for record in result.fills] == ["KX-0", "KX-1", "KX-2"]
        (latch,) = result.latches
        assert (latch.name, latch.level) == ("daily_loss", "HALTED")
        assert at(60) <= latch.at_ns <= at(122)
        assert latch.by_operator
        assert latch.cleared_ns is not None
        assert at(NEXT_DAY_S) <= latch.cleared_ns <= at(NEXT_DAY_S + 61)
        assert result.fills[1].decided_ns >= latch.cleared_ns


def test_a_halt_cancels_what_rests() -> None:
    markets = [market(n, event=f"E{n}", close_s=2 * 86_400) for n in range(2)]
    rows: list[QuoteRow] = [(1, 0, 92, 93, 10, 50), (2, 1, 92, 93, 500, 500), (40, 0, 49, 50, 10, 50)]
    made = setup(
        limits("maker", max_daily_loss_dollars=Decimal(50), max_drawdown_pct=Decimal(1)),
        latency=latency(entry_s=0.5, response_s=0.5),
    )
    # The first order fills at 10 s and loses at 40 s; the second rests until the halt at the scan of 61 s.
    sold: TradeRow = (10, 0, 92, 300, False)
    for second_s, filled in ((61.2, 2), (62, 1)):
        prints: list[TradeRow] = [sold, (second_s, 1, 92, 2_000, False)]
        for result in both_ways(made, timeline(markets, [*rows, (300, 0, 49, 50, 10, 50)], prints)):
            assert [latch.name for latch in result.latches] == ["daily_loss"]
            assert result.latches[0].at_ns == at(61)
            assert len({record.fill.ticker for record in result.fills}) == filled


def losing(count: int, hours: int) -> tuple[Setup, Timeline]:
    """Markets that lose a minute after one another, and one on offer from then on."""
    markets = [market(n, event=f"E{n}", close_s=100 * (n + 1)) for n in range(count)]
    markets.append(market(count, event="LAST", close_s=2 * 86_400))
    rows: list[QuoteRow] = [(100 * n + 10, n, 92, 93, 20, 20) for n in range(count)]
    rows += [(100 * count + 60 * minute + 60, count, 92, 93, 20, 20) for minute in range(hours * 60)]
    return setup(limits(max_drawdown_pct=Decimal(1))), timeline(markets, rows, paid_cents=[*[0] * count, 100])


def test_after_five_losses_in_a_row_entries_pause_for_four_hours_and_go_on_by_themselves() -> None:
    made, recording = losing(5, hours=6)
    for result in both_ways(made, recording):
        (latch,) = result.latches
        assert (latch.name, latch.level, latch.by_operator) == ("loss_streak", "PAUSED", False)
        assert latch.cleared_ns is not None
        pause_s = (latch.cleared_ns - latch.at_ns) / 1_000_000_000
        assert 4 * HOUR_S <= pause_s <= 4 * HOUR_S + 61
        assert len(result.fills) == 6
        assert latch.cleared_ns <= result.fills[-1].decided_ns <= latch.cleared_ns + 61_000_000_000


def test_four_losses_in_a_row_pause_nothing() -> None:
    made, recording = losing(4, hours=1)
    for result in both_ways(made, recording):
        assert result.latches == ()
        assert len(result.fills) == 5


def test_no_more_than_the_most_orders_a_minute_are_sent() -> None:
    markets = [market(n, event=f"E{n}") for n in range(12)]
    rows: list[QuoteRow] = [(1 + n / 10, n, 92, 93, 500, 1) for n in range(12)]
    rows += [(90 + n / 10, n, 92, 93, 500, 1) for n in range(12)]
    made = scripted(setup(limits(max_orders_per_minute=5)), in_turn((0, 200, BookSide.BID, False)))
    for result in both_ways(made, timeline(markets, rows)):
        times = [decision.at_ns for decision in result.decisions]
        assert len(times) >= 10
        assert all(
            later - earlier >= 60_000_000_000 for earlier, later in zip(times, times[5:], strict=False)
        )
        assert result.denied["orders per minute"] > 0


@pytest.mark.parametrize("stops", [True, False])
def test_asked_to_stop_at_a_halt_a_run_trades_nothing_after_it_on_any_day(stops: bool) -> None:
    made = dataclasses.replace(setup(HALTS_AT_50), stop_on_halt=stops)
    for result in both_ways(made, crash()):
        assert len(result.fills) == (1 if stops else 3)
        if stops:
            (latch,) = result.latches
            assert result.stopped_by == f"daily_loss: {latch.reason}"
            assert latch.cleared_ns is None
            assert result.cash < CAPITAL
        else:
            assert result.stopped_by is None
