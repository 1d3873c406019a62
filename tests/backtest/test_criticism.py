from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from report_builders import (
    CAPITAL,
    DAY_NS,
    HOUR_NS,
    START_NS,
    KnownFees,
    fill_record,
    market_record,
    markets_of,
    random_result,
    result_of,
    setup,
)

from console.backtest.report import Context, Report, report_of
from console.backtest.report_text import report_text
from console.backtest.result import Result
from console.backtest.setup import Latency
from console.config.schema import Settings
from console.config.trading_settings import EdgeSettings
from console.domain.book import BookSide
from console.domain.fees import ProfitFees
from console.domain.market import FeeTerms
from console.domain.money import Cash, Count, Price
from console.history.timeline import UNSIZED
from console.history.usable import Period
from console.monitoring.records import LatchRecord
from console.strategies.edge_table import EdgeTable

LATENCY = Latency(feed_ns=10**8, entry_ns=10**8, response_ns=10**8)


def winners_and_losers(
    won: int, lost: int, *, cents: float = 92, days: int = 100, fee: int = 0, **changes: Any
) -> Result:
    """One trade of ten contracts a day, each of an event of its own."""
    fills, traded = [], []
    for number in range(won + lost):
        at_ns = START_NS + (number % days) * DAY_NS
        ticker = f"KXA-E{number}-T"
        fills.append(
            fill_record(
                ticker, cents=cents, at_ns=at_ns + HOUR_NS, fee=fee, win_cents=cents + 3, number=number
            )
        )
        value = Price(10_000 if number < won else 0)
        traded.append(market_record(ticker, settled_ns=at_ns + 2 * HOUR_NS, yes_value=value))
    return result_of(sorted(fills, key=lambda each: each.fill.at_ns), traded, days=days, **changes)


def report(result: Result, context: Context | None = None, **changes: Any) -> Report:
    it = setup(**{"latency": LATENCY} | changes)
    same = {0: result, 3: result}
    return report_of(result, it, markets_of(result), context or Context(at_latency=same))


def the_one(warnings: Sequence[str], part: str) -> str:
    found = [each for each in warnings if part in each]
    assert len(found) == 1, warnings
    return found[0]


def none_with(warnings: Sequence[str], part: str) -> bool:
    return not any(part in each for each in warnings)


def test_a_long_run_of_known_fees_fresh_quotes_and_many_events_is_left_alone() -> None:
    result = winners_and_losers(1_920, 80, cents=92, days=100, fee=10_000)
    assert report(result).warnings == ()


def test_a_run_without_fills_says_that_nothing_was_tested() -> None:
    it = report(result_of([], []))
    assert "nothing was tested" in it.warnings[0]
    assert it.performance.total_pnl == 0
    assert (it.performance.win_rate, it.performance.net_bps, it.performance.sharpe_ratio) == (
        None,
        None,
        None,
    )
    assert it.document()["win_rate"] is None


def test_an_unknown_mark_makes_the_total_unknown_never_zero() -> None:
    result = result_of([fill_record()], [market_record(mark=None)])
    it = report(result)
    said = the_one(it.warnings, "the P&L is not known")
    assert said.startswith("1 open position never had a quote")
    document = it.document()
    unknown = (
        "total_pnl",
        "unrealised",
        "net_bps",
        "pnl_interval",
        "p_value",
        "sharpe_ratio",
        "fee_pct_of_pnl",
    )
    assert [document[name] for name in unknown] == [None] * len(unknown)
    assert document["by_series"][0]["net_pnl"] is None
    assert any("net P&L at marks" in line and "n/a" in line for line in report_text(it))


def test_records_that_do_not_add_up_to_the_account_are_told() -> None:
    result = winners_and_losers(5, 1, final_equity=Cash(CAPITAL + 1_000_000))
    assert "do not use this run" in the_one(report(result).warnings, "these must be equal")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"dropped": {"quotes crossed": 30, "quotes locked": 10}},
            "40 of 1,040 rows (3.8 %) cannot be used and were left out: quotes crossed 30, quotes locked 10",
        ),
        ({"noted": {UNSIZED: 12}}, "12 quotes had no size, and nothing was filled there"),
        ({"noted": {"results against the last quote": 2}}, "2 results of the recording contradict"),
        ({"renewals": 7}, "7 resting orders expired and lost the place in the queue"),
        ({"stopped_by": "daily_loss"}, "the run was ended early by daily_loss"),
    ],
)
def test_what_the_recording_or_the_run_left_out_is_counted(changes: dict[str, Any], expected: str) -> None:
    result = winners_and_losers(50, 10, **changes)
    the_one(report(result).warnings, expected)
    assert none_with(report(winners_and_losers(50, 10)).warnings, expected)


def test_sizes_that_were_assumed_are_called_invented() -> None:
    result = winners_and_losers(50, 10, noted={UNSIZED: 900})
    said = the_one(report(result, assumed_depth=Count(2_500)).warnings, "invented")
    assert said.startswith("900 quotes had no size and were taken to show 25.00 contracts")
    said = the_one(report(result, modelled_depth=True).warnings, "invented")
    assert said.startswith("900 quotes had no size and were given one drawn")


def test_the_part_of_the_period_that_the_recording_lacks_is_told() -> None:
    result = winners_and_losers(50, 10, days=30)
    since, until = START_NS - 30 * DAY_NS, START_NS + 30 * DAY_NS
    same = {0: result, 3: result}
    asked = Context(period=Period(since, until), at_latency=same)
    assert "covers 50.0 % of the period" in the_one(report(result, asked).warnings, "the period asked for")
    covered = Context(period=Period(START_NS, until), at_latency=same)
    assert none_with(report(result, covered).warnings, "the period asked for")


def test_days_without_a_fill_are_counted() -> None:
    result = winners_and_losers(20, 10, days=30, last_ns=START_NS + 40 * DAY_NS - 1)
    the_one(report(result).warnings, "nothing was filled on 10 of 40 days")


def test_few_days_are_told_for_their_events_may_move_together() -> None:
    the_one(report(winners_and_losers(50, 10, days=2)).warnings, "everything was filled on 2 days")


def test_drawn_results_count_in_the_profit_and_not_in_hit_rates() -> None:
    drawn = market_record(settled_ns=START_NS + 2 * HOUR_NS, yes_value=Price(10_000), is_drawn=True)
    it = report(result_of([fill_record()], [drawn]))
    assert "which made $1.00 of the P&L" in the_one(
        it.warnings, "1 of 1 traded market had no recorded result"
    )
    assert it.judged is None
    assert it.performance.win_rate is None
    assert it.performance.total_pnl == 1_000_000
    assert it.document()["buckets"][0]["hit_rate"] is None


def test_stale_quotes_are_told_with_their_ages() -> None:
    old = fill_record("A-1-1", age_at_decision_ns=45 * 10**9, age_at_fill_ns=31 * 10**9)
    fresh = fill_record("A-1-2", number=2)
    result = result_of(
        [old, fresh], [market_record(each.fill.ticker, mark=Price(9_000)) for each in (old, fresh)]
    )
    warnings = report(result).warnings
    assert "1 of 2 fills rest on a quote over 30 s old" in the_one(warnings, "at the decision (")
    assert "oldest 31 s" in the_one(warnings, "at the fill (")


def test_maker_fills_without_prints_are_counted() -> None:
    fills = [fill_record(is_taker=False, is_printed=printed) for printed in (True, False, False)]
    result = result_of(fills, [market_record(mark=Price(9_000))])
    the_one(report(result).warnings, "2 of 3 maker fills have no recorded trade behind them")


def test_prices_that_go_against_makers_are_told_by_outcome() -> None:
    fills = [
        fill_record(
            f"A-{event}-1", BookSide.ASK, 92, is_taker=False, twice_mids=(None, None, 2 * 9_300 + event)
        )
        for event in range(20)
    ]
    traded = [market_record(each.fill.ticker, mark=Price(9_200)) for each in fills]
    it = report(result_of(fills, traded))
    assert "-1.05 cents a contract 600 s after the fill" in the_one(
        it.warnings, "prices went against makers of NO"
    )
    assert [(row.outcome, row.after_s, row.unknown) for row in it.mark_outs] == [
        ("NO", 1, 20),
        ("NO", 60, 20),
        ("NO", 600, 0),
    ]


def test_assumed_fees_are_told_with_their_source() -> None:
    it = report(winners_and_losers(50, 10), fees=KnownFees(assumed=True))
    assert "(assumed: ordinary 60)" in the_one(it.warnings, "the fees of 60 of 60 fills are assumed")


def test_fees_over_a_fifth_of_the_profit_are_told() -> None:
    result = winners_and_losers(95, 5, fee=100_000)
    it = report(result)
    assert it.performance.fee_pct_of_pnl == pytest.approx(100 * 10 / 30)
    the_one(it.warnings, "fees take 33 % of the profit before charges")


def test_a_sign_that_depends_on_the_fee_model_is_told() -> None:
    result = winners_and_losers(925, 75)
    fees = KnownFees(FeeTerms())
    it = report(result, fees=fees, profit_fees=ProfitFees())
    assert (it.fee_models.charged, it.fee_models.kalshi) == ("profit", 1000 * 51_600)
    said = the_one(it.warnings, "the sign depends on the fee model")
    assert "$50.00, and -$1.60 for the same fills by Kalshi's schedule" in said


def test_one_event_that_made_most_of_the_profit_is_named() -> None:
    result = winners_and_losers(60, 5)
    big = fill_record("KXBIG-E1-T", cents=50, contracts=100, number=999)
    won = market_record("KXBIG-E1-T", settled_ns=START_NS + 2 * HOUR_NS, yes_value=Price(10_000))
    both = result_of([*result.fills, big], [*result.traded, won], days=100)
    said = the_one(report(both).warnings, "alone made")
    assert said.startswith("KXBIG-E1 alone made $50.00 of $52.00")


def test_few_losses_are_called_few_with_what_the_interval_leaves() -> None:
    it = report(winners_and_losers(59, 1, days=60))
    said = the_one(it.warnings, "only 1 of 60 events lost")
    assert it.judged is not None
    assert it.judged.interval is not None
    low = it.judged.interval[0]
    assert f"{100 * low:.1f} %" in said
    assert f"-${600 * (0.92 - low):.2f}" in said


def test_too_few_events_for_the_expected_edge_are_told_with_the_number_needed() -> None:
    said = the_one(report(winners_and_losers(50, 8)).warnings, "too few")
    assert "58 events, worth 58 equally large ones" in said
    assert "edge of 3.00 points over break-even takes about 642;" in said


def test_an_edge_that_charges_eat_is_told() -> None:
    result = winners_and_losers(50, 8, fee=400_000)
    the_one(report(result).warnings, "the strategy itself expected 95.00 % of its contracts to win")


def test_the_best_of_many_thresholds_must_beat_chance_among_many() -> None:
    result = winners_and_losers(940, 60)
    alone = report(result)
    assert alone.performance.p_value is not None
    assert 0.05 / 40 < alone.performance.p_value < 0.05
    assert none_with(alone.warnings, "chance")
    same = {0: result, 3: result}
    tried = report(result, Context(at_latency=same, thresholds_tried=40))
    assert "p-value below 0.0013" in the_one(tried.warnings, "the best of 40 thresholds tried")


def test_a_profit_like_chance_is_called_so() -> None:
    the_one(report(winners_and_losers(93, 7)).warnings, "cannot be told from nothing")


def test_an_edge_table_of_the_same_period_is_in_sample() -> None:
    result = winners_and_losers(50, 10)

    def table(since: datetime, until: datetime) -> EdgeTable:
        return EdgeTable(version=1, data="d", data_from=since, data_to=until, prior_points=1.0, cells=())

    march, may = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 20, tzinfo=UTC)
    same = {0: result, 3: result}
    seen = report(result, Context(at_latency=same, edge_table=table(march, may)))
    assert "50 % of the time of this run" in the_one(seen.warnings, "it has seen the results it is tested on")
    before = table(datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC))
    assert none_with(report(result, Context(at_latency=same, edge_table=before)).warnings, "seen the results")


def test_the_published_marks_have_seen_what_was_before_them() -> None:
    early = START_NS - 365 * DAY_NS
    result = winners_and_losers(50, 10, first_ns=early)
    the_one(report(result).warnings, "the published marks rest on all of Kalshi's trades up to 2025-11-25")
    constant = Settings(edge=EdgeSettings(model="constant"))
    assert none_with(report(result, settings=constant).warnings, "published marks")


def test_a_sharpe_ratio_of_few_days_is_told_with_its_error() -> None:
    said = the_one(report(winners_and_losers(28, 2, days=30)).warnings, "the Sharpe ratio of")
    assert "rests on 30 days on which equity changed, of 30" in said
    assert "±7.0" in said


def test_latency_that_was_not_modelled_or_not_varied_is_told() -> None:
    result = winners_and_losers(50, 10)
    the_one(report(result, latency=Latency()).warnings, "every message arrived at once")
    the_one(report(result, Context()).warnings, "latency was not varied")


def test_a_result_that_hangs_on_latency_is_told_with_each() -> None:
    result = winners_and_losers(500, 100, cents=80)
    slow = winners_and_losers(450, 150, cents=80)
    it = report(result, Context(at_latency={0: result, 3: slow}))
    said = the_one(it.warnings, "the result hangs on latency")
    assert "$200.00 at 0x, $200.00 at 1x, -$300.00 at 3x, a spread of $500.00 (250 % of it)" in said
    assert [(row.factor, row.total_pnl) for row in it.latency] == [
        (0, 200_000_000),
        (1, 200_000_000),
        (3, -300_000_000),
    ]


def test_switches_that_the_run_cleared_in_place_of_an_operator_are_counted() -> None:
    latches = (
        LatchRecord(START_NS, "daily_loss", "HALT", "lost $500", START_NS + DAY_NS, True),
        LatchRecord(START_NS, "streak", "PAUSE", "five lost", START_NS + HOUR_NS, False),
        LatchRecord(START_NS + 99 * DAY_NS, "drawdown", "HALT", "10 %", None, False),
    )
    warnings = report(winners_and_losers(50, 10, latches=latches)).warnings
    the_one(warnings, "1 kill switch waited for an operator (daily_loss 1)")
    assert "the last of them drawdown for 24.0 h (10 %)" in the_one(warnings, "still stood")


def test_a_switch_that_tripped_when_the_last_market_paid_out_stopped_nothing() -> None:
    latches = (
        LatchRecord(START_NS, "daily_loss", "HALT", "lost $500", START_NS + DAY_NS, True),
        LatchRecord(START_NS + DAY_NS, "daily_loss", "HALT", "lost $500", START_NS + 2 * DAY_NS, True),
        LatchRecord(START_NS + 1_000 * DAY_NS, "streak", "PAUSE", "five lost", None, False),
    )
    warnings = report(winners_and_losers(50, 10, latches=latches)).warnings
    the_one(warnings, "2 kill switches waited for an operator (daily_loss 2)")
    assert none_with(warnings, "still stood")


def test_trades_that_had_not_ended_are_told_with_their_marks() -> None:
    it = report(result_of([fill_record(cents=90)], [market_record(mark=Price(8_500))]))
    the_one(it.warnings, "1 trade had not ended and count -$0.50 at their marks")


@pytest.mark.parametrize(
    ("pct", "shown"), [(999.4, "999.4 %"), (999.96, "1,000 %"), (1542.8, "1,543 %"), (9_999.7, ">9999 %")]
)
def test_fees_of_many_times_the_profit_keep_to_their_line(pct: float, shown: str) -> None:
    it = report(winners_and_losers(50, 10))
    it = msgspec.structs.replace(it, performance=msgspec.structs.replace(it.performance, fee_pct_of_pnl=pct))
    (line,) = [line for line in report_text(it) if line.startswith("  fees  ")]
    assert line.endswith(f"Kalshi's schedule, {shown} of gross")
    assert len(line) <= 80


@pytest.mark.parametrize("seed", [1, 2])
def test_the_text_fits_eighty_columns_and_names_every_part(seed: int) -> None:
    result = random_result(seed, markets=80, days=10)
    other = Context(
        data="some/folder", at_latency={0: random_result(3), 3: random_result(4)}, thresholds_tried=4
    )
    lines = list(report_text(report(result, other, fees=KnownFees(assumed=True))))
    assert [line for line in lines if len(line) > 80] == []
    text = "\n".join(lines)
    for title in (
        "RESULT",
        "BY PRICE",
        "BY CATEGORY",
        "SLIPPAGE",
        "MARK-OUTS",
        "GOES WRONG",
        "LATENCY",
        "WHY NOT",
    ):
        assert title in text
    assert text.count("\n! ") == len(report(result, other, fees=KnownFees(assumed=True)).warnings)


def test_parts_whose_names_begin_and_end_alike_can_be_told_apart() -> None:
    names = [f"Sports: KXNFLGAME-26MAR01-{team} @ 2026-03-01T20:00Z" for team in ("KCBUF", "PHIDAL")]
    fills, traded = [], []
    for number, group in enumerate(names):
        ticker = f"KXA-E{number}-T"
        fills.append(fill_record(ticker, at_ns=START_NS + HOUR_NS, number=number))
        traded.append(msgspec.structs.replace(market_record(ticker), group=group))
    lines = list(report_text(report(result_of(fills, traded))))
    assert {f"  {name}" for name in names} <= set(lines)
    assert max(map(len, lines)) <= 80
