"""What routine reviews conclude: from records built by hand, so that each conclusion has its case."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pandas as pd
import pytest
from report_builders import CAPITAL, DAY_NS, HOUR_NS, START_NS, fill_record, market_record, result_of

from console.backtest.market_groups import Coverage, MarketGroups, Pairs
from console.backtest.report import Report
from console.backtest.result import Result
from console.backtest.routine import Reviewed, Step, Verdict, reviewed
from console.backtest.routine_daily import daily, summary
from console.backtest.routine_edge import edge_step
from console.backtest.routine_fees import drop_of, fees
from console.backtest.routine_groups import groups
from console.backtest.routine_limits import FEWEST_DAYS, capital_step, kelly_of, kelly_step
from console.backtest.routine_monthly import Month, monthly
from console.backtest.routine_sizing import Sized, unhardened
from console.backtest.routine_slippage import slippage_step
from console.backtest.routine_thresholds import thresholds
from console.backtest.routine_weekly import buckets, systematic_losses
from console.config.risk_settings import RiskSettings
from console.config.schema import Settings
from console.domain.book import BookSide, Level, Quote
from console.domain.fees import KalshiFees
from console.domain.market import Market, MarketStatus
from console.domain.money import Cash, Count, Price
from console.monitoring.figures import figures_of
from console.monitoring.period import PeriodRecords, joined
from console.monitoring.records import Records

CENT = 10_000
"""Millionths of a dollar."""


def bets(
    *kinds: tuple[int, float, int],
    fee_cents: float = 0,
    contracts: float = 10,
    quote: Quote | None = None,
    days: int = 3,
    groups: int = 4,
    **changes: Any,
) -> Result:
    """Of each kind so many YES bets at a price in cents, of which so many lost; each an event of its own."""
    fills, markets = [], []
    for number, (cents, is_lost) in enumerate(
        (cents, place < lost) for count, cents, lost in kinds for place in range(count)
    ):
        ticker = f"KXA-E{number}-T"
        at_ns = START_NS + number * HOUR_NS // 10
        charged = round(fee_cents * CENT * contracts)
        fills.append(
            fill_record(
                ticker, cents=cents, contracts=contracts, at_ns=at_ns, fee=charged, number=number, quote=quote
            )
        )
        settled = {"settled_ns": at_ns + HOUR_NS, "yes_value": Price(0 if is_lost else 10_000)}
        held, group = Count(round(100 * contracts)), f"g{number % groups}"
        markets.append(market_record(ticker, position=held, group=group, **settled))
    return result_of(fills, markets, days=days, **changes)


def of(records: Records, settings: Settings | None = None) -> Reviewed:
    traded = PeriodRecords(records=records, accounts=1)
    period = (START_NS, START_NS + 30 * DAY_NS)
    return reviewed("practice", period, settings or Settings(), KalshiFees(), traded, "")


# --- fees -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fee_cents", "verdict", "said"),
    [
        (0.5, Verdict.FINE, "fees of $2.00 are 10.0 % of gross profit"),
        (1.0, Verdict.FINE, "20.0 % of gross profit"),
        (1.1, Verdict.LOOK, "above 20 %"),
    ],
)
def test_fees_above_a_fifth_of_gross_profit_are_flagged(
    fee_cents: float, verdict: Verdict, said: str
) -> None:
    step = fees(of(bets((40, 95, 0), fee_cents=fee_cents)))
    assert step.verdict is verdict
    assert said in step.found


def test_fees_without_a_profit_to_pay_them_from_are_flagged() -> None:
    step = fees(of(bets((40, 95, 10), fee_cents=1)))
    assert (step.verdict, "no gross profit" in step.found) == (Verdict.LOOK, True)
    assert step.figures["fee_share"] is None


def test_slippage_over_the_touch_is_part_of_the_drop_from_gross_to_net() -> None:
    size = Count(100_000)
    shown = Quote(Level(Price(9_300), size), Level(Price(9_400), size))
    it = of(bets((40, 95, 0), fee_cents=0.5, quote=shown))
    assert it.figures is not None
    drop = drop_of(it.figures)
    # Each of 400 contracts made 6 cents at the touch, paid 1 over it, and half a cent of fees.
    assert (drop.gross, drop.slippage, drop.fees) == (24_000_000, 4_000_000, 2_000_000)
    assert drop.drop == pytest.approx(1.5 / 6)
    step = fees(it)
    assert step.verdict is Verdict.LOOK
    # Of the 20 dollars that they were paid from, in the table as in the sentence.
    assert "10.0 % of gross profit" in step.found
    assert ("fees", "-$2.00", "-10.0 %") in step.tables[0].rows


def test_a_loss_without_fees_is_no_fault_of_fees() -> None:
    step = fees(of(bets((40, 95, 10))))
    assert (step.verdict, step.found) == (Verdict.FINE, "no fees were charged")
    assert "nothing was made at the touch" in step.notes[0]


def test_trades_that_ended_in_the_period_have_the_fees_they_were_filled_with_before_it() -> None:
    size = Count(100_000)
    shown = Quote(Level(Price(9_300), size), Level(Price(9_400), size))
    run = bets((5, 95, 0), fee_cents=0.5, quote=shown)
    # Bought within the first half an hour, paid an hour later.
    it = of(msgspec.structs.replace(run, first_ns=START_NS + 3 * HOUR_NS // 4))
    assert it.figures is not None
    drop = drop_of(it.figures)
    assert (drop.gross, drop.slippage, drop.fees) == (3_000_000, 500_000, 250_000)
    assert "fees of $0.25 are 10.0 % of gross profit" in fees(it).found


# --- buckets and thresholds -----------------------------------------------------------------------


def test_a_bucket_that_loses_beyond_chance_is_named_and_one_that_may_be_chance_is_not() -> None:
    it = of(bets((60, 85, 30), (60, 92, 5)))
    step = systematic_losses(it)
    assert step.verdict is Verdict.LOOK
    assert step.found == "systematic: 80-90c"
    assert [row[-1] for row in step.tables[0].rows] == ["systematic", "may be chance"]
    assert buckets(it).verdict is Verdict.LOOK


def test_few_losing_events_are_not_called_systematic() -> None:
    step = systematic_losses(of(bets((12, 85, 12))))
    assert step.verdict is Verdict.UNSURE
    assert "too little to tell of 80-90c" in step.found


def test_an_edge_is_shown_by_its_interval_alone() -> None:
    assert buckets(of(bets((200, 80, 0)))).verdict is Verdict.FINE
    assert buckets(of(bets((200, 80, 40)))).verdict is Verdict.UNSURE


def test_thresholds_are_suggested_no_tighter_than_what_loses() -> None:
    step = thresholds(of(bets((60, 91, 30), (60, 93, 0), (60, 96, 0))))
    assert step.verdict is Verdict.LOOK
    assert (step.figures["in_force"], step.figures["suggested"]) == ("90:10", "92:8")
    step = thresholds(of(bets((60, 91, 30), (60, 93, 30), (60, 96, 0))))
    assert step.figures["suggested"] == "95:5"
    step = thresholds(of(bets((60, 91, 0), (60, 93, 30), (60, 96, 0))))
    assert (step.verdict, step.figures["suggested"]) == (Verdict.FINE, None)


def test_a_longshot_sold_is_judged_by_the_price_of_no() -> None:
    fills = [
        fill_record(f"KXA-E{n}-T", BookSide.ASK, cents=9, at_ns=START_NS + n, number=n) for n in range(40)
    ]
    markets = [
        market_record(
            f"KXA-E{n}-T",
            settled_ns=START_NS + HOUR_NS,
            yes_value=Price(10_000 if n % 2 else 0),
            position=Count(-1_000),
        )
        for n in range(80)
    ]
    kept = [
        fill_record(f"KXA-E{n}-T", BookSide.ASK, cents=7, at_ns=START_NS + n, number=n) for n in range(40, 80)
    ]
    step = thresholds(of(result_of([*fills, *kept], markets)))
    assert step.figures["suggested"] is not None
    assert [row[1] for row in step.tables[0].rows] == ["80", "40", "0"]


# --- day, edge, slippage, groups ------------------------------------------------------------------


def test_a_loss_near_the_days_limit_is_for_a_look() -> None:
    assert summary(of(bets((40, 90, 4)))).verdict is Verdict.FINE
    lost = summary(of(bets((40, 90, 40))))
    assert lost.verdict is Verdict.LOOK
    assert "72.0 % of that was" in lost.found


@pytest.mark.parametrize(
    ("lost", "verdict", "said"),
    [(40, Verdict.LOOK, "it loses, beyond chance"), (0, Verdict.FINE, "an edge, beyond chance")],
)
def test_realised_edge_is_held_against_the_expected(lost: int, verdict: Verdict, said: str) -> None:
    step = edge_step(of(bets((100, 90, lost))), "edge", "")
    assert step.verdict is verdict
    assert said in step.found


def test_slippage_over_the_limit_is_for_a_look_once_there_are_fills_to_judge_by() -> None:
    size = Count(100_000)
    shown = Quote(Level(Price(9_300), size), Level(Price(9_400), size))
    step = slippage_step(of(bets((40, 95, 0), quote=shown)))
    assert (step.verdict, step.figures["share_beyond_limit"]) == (Verdict.LOOK, 1.0)
    assert slippage_step(of(bets((19, 95, 0), quote=shown))).verdict is Verdict.UNSURE
    assert slippage_step(of(bets((40, 95, 0)))).verdict is Verdict.FINE


def test_a_group_above_its_cap_is_for_a_look() -> None:
    fine, over = groups(of(bets((40, 90, 0)))), groups(of(bets((40, 90, 0), contracts=600)))
    assert (fine.verdict, over.verdict) == (Verdict.FINE, Verdict.LOOK)
    assert over.found.endswith("above the cap")


def test_a_group_that_grew_with_the_account_is_not_above_its_cap() -> None:
    run = bets((40, 90, 0), contracts=580)
    grown = tuple((at_ns, Cash(equity + CAPITAL // 10)) for at_ns, equity in run.equity)
    assert groups(of(run)).verdict is Verdict.LOOK
    assert groups(of(msgspec.structs.replace(run, equity=grown))).verdict is Verdict.FINE


def test_a_group_that_lost_half_of_the_days_limit_in_force_is_for_a_look() -> None:
    risk = RiskSettings(max_daily_loss_dollars=Decimal(200))
    for lost, verdict in ((11, Verdict.FINE), (12, Verdict.LOOK)):
        # Nine dollars each: all of a group, on one day.
        step = groups(of(bets((lost, 90, lost), groups=1), Settings(risk=risk)))
        assert (step.verdict, "half of what a day may" in step.found) == (verdict, verdict is Verdict.LOOK)


# --- Kelly and limits -----------------------------------------------------------------------------


def run_of_days(returns: Sequence[float]) -> Records:
    """An account that made these returns, one at each noon."""
    equity, marks = float(CAPITAL), []
    for day, each in enumerate(returns):
        equity *= 1 + each
        marks.append((START_NS + day * DAY_NS + 12 * HOUR_NS, Cash(round(equity))))
    return result_of([], [], days=len(returns), equity=tuple(marks), final_equity=marks[-1][1])


def test_kelly_is_a_quarter_of_the_mean_over_the_variance_times_the_fraction_in_force() -> None:
    returns = [0.012, -0.010] * 15
    it = kelly_of(run_of_days(returns), 0.25, "")
    series = pd.Series(returns)
    full = 0.25 * series.mean() / series.var()
    assert it.suggested == pytest.approx(min(0.25, 0.25 * full), rel=1e-3)
    assert it.interval is not None
    half = 1.96 * series.std() / 30**0.5 * 0.25 * 0.25 / series.var()
    assert it.interval == pytest.approx((0.25 * full - half, 0.25 * full + half), rel=1e-3)


@pytest.mark.parametrize(
    ("returns", "verdict", "suggested"),
    [
        ([0.012, -0.010] * 15, Verdict.FINE, 0.25),
        ([-0.02, 0.001] * 15, Verdict.LOOK, 0.0),
        ([0.012, -0.010] * 9, Verdict.UNSURE, None),
        ([0.0] * 30, Verdict.UNSURE, None),
    ],
)
def test_kelly_is_suggested_where_returns_can_tell(
    returns: list[float], verdict: Verdict, suggested: float | None
) -> None:
    step = kelly_step(of(run_of_days(returns)), None)
    assert step.verdict is verdict
    assert step.figures["suggested"] == (None if suggested is None else pytest.approx(suggested))
    assert "nothing is changed by this report" in step.notes[1]


@pytest.mark.parametrize(
    ("in_force", "verdict", "found"),
    [
        ("0.1", Verdict.LOOK, "more could be staked"),
        ("0.25", Verdict.FINE, "what was made would bear more"),
        ("0.5", Verdict.LOOK, "more than a quarter of full Kelly is never suggested"),
    ],
)
def test_kelly_beside_an_interval_above_it_is_not_called_chance(
    in_force: str, verdict: Verdict, found: str
) -> None:
    settings = Settings(risk=RiskSettings(kelly_fraction=Decimal(in_force)))
    step = kelly_step(of(run_of_days([0.010, 0.008] * 15), settings), None)
    assert step.figures["interval"][0] > float(in_force)
    assert (step.verdict, found in step.found) == (verdict, True)


def test_the_backtests_days_stand_in_where_the_accounts_are_too_few() -> None:
    tested = run_of_days([0.012, -0.010] * 15)
    step = kelly_step(of(run_of_days([0.01] * 3)), tested)
    assert (step.figures["source"], step.figures["days"]) == ("the backtest's daily returns", 30)
    assert FEWEST_DAYS < 30


@pytest.mark.parametrize(
    ("made", "verdict", "scaled"), [(0.05, Verdict.FINE, "525"), (0.5, Verdict.LOOK, "750")]
)
def test_fixed_limits_are_for_review_when_capital_has_grown(
    made: float, verdict: Verdict, scaled: str
) -> None:
    step = capital_step(of(run_of_days([made])))
    assert step.verdict is verdict
    limits = {row["key"]: row for row in step.figures["limits"]}
    assert limits["risk.max_daily_loss_dollars"]["scaled"] == scaled
    assert set(limits) > {"risk.max_order_contracts", "risk.flatten_slice_contracts"}


def test_an_account_that_opened_with_nothing_has_no_limits_to_scale() -> None:
    empty = result_of([], [], capital=Cash(0), final_equity=Cash(0))
    assert capital_step(of(empty)).verdict is Verdict.UNSURE
    assert kelly_step(of(empty), None).verdict is Verdict.UNSURE
    assert summary(of(empty)).verdict is Verdict.NOTHING


# --- the month ------------------------------------------------------------------------------------


def month(hard: Result, soft: Result, found: dict[str, list[str]] | None = None, **pairs: int) -> Month:
    figures = {
        each: figures_of(run, KalshiFees(), Settings().quality) for each, run in enumerate((hard, soft))
    }
    report = SimpleNamespace(
        **{name: getattr(figures[0], name) for name in figures[0].__struct_fields__},
        result=hard,
        warnings=("a warning",),
        document=dict,
    )
    tickers = sorted({ticker for members in (found or {}).values() for ticker in members})
    return Month(
        data="folder",
        report=cast(Report, report),
        unhardened=Sized(result=soft, figures=figures[1]),
        groups=MarketGroups(
            data="folder",
            threshold=0.5,
            every_s=60,
            groups=found or {},
            pairs=Pairs(**pairs),
            markets=Coverage(),
            strongest=[],
            dropped={},
        ),
        markets=tuple(
            Market(
                ticker=ticker,
                event_ticker=ticker,
                series_ticker="KXA",
                category="",
                title="",
                open_ns=0,
                close_ns=HOUR_NS,
                status=MarketStatus.ACTIVE,
                fees=None,
            )
            for ticker in tickers
        ),
    )


def step_of(name: str, it: Month, settings: Settings | None = None) -> Step:
    steps = monthly(of(bets((40, 90, 0)), settings), it, "")
    return next(step for step in steps if step.id == name)


def test_sizing_is_compared_by_size_and_by_return_for_risk() -> None:
    small, large = bets((40, 90, 2), contracts=10), bets((40, 90, 6), contracts=100)
    steady = msgspec.structs.replace(run_of_days([0.01, -0.002] * 15), fills=small.fills, traded=small.traded)
    wild = msgspec.structs.replace(run_of_days([0.05, -0.04] * 15), fills=large.fills, traded=large.traded)
    good = step_of("sizing", month(cast(Result, steady), cast(Result, wild)))
    assert (good.verdict, "positions are smaller" in good.found, "is better" in good.found) == (
        Verdict.FINE,
        True,
        True,
    )
    bad = step_of("sizing", month(cast(Result, wild), cast(Result, steady)))
    assert (bad.verdict, "not smaller" in bad.found, "not better" in bad.found) == (Verdict.LOOK, True, True)
    few = step_of("sizing", month(small, large))
    assert (few.verdict, "too few" in few.found) == (Verdict.UNSURE, True)


def test_sizing_that_made_the_same_trades_both_ways_is_not_held_against_it() -> None:
    bought = bets((40, 90, 2))
    same = msgspec.structs.replace(run_of_days([0.01, -0.002] * 15), fills=bought.fills, traded=bought.traded)
    step = step_of("sizing", month(cast(Result, same), cast(Result, same)))
    assert (step.verdict, "both made the same trades" in step.found) == (Verdict.UNSURE, True)


def test_unhardened_sizing_is_full_kelly_without_caps_and_leaves_the_switches() -> None:
    hard = RiskSettings()
    soft = unhardened(hard)
    changed = {
        field.name
        for field in dataclasses.fields(hard)
        if getattr(hard, field.name) != getattr(soft, field.name)
    }
    assert changed == {
        "kelly_fraction",
        "max_single_position_pct",
        "max_event_exposure_pct",
        "max_correlated_group_pct",
        "max_total_exposure_pct",
    }
    assert soft.kelly_fraction == Decimal(1)


def test_groups_that_are_not_one_group_in_use_are_what_changed() -> None:
    run = bets((40, 90, 0))
    found = {"group 1": ["KXA-1", "KXA-2"], "group 2": ["KXA-3", "KXA-4"]}
    risk = dataclasses.replace(
        RiskSettings(), groups={"pinned": ("KXA-1", "KXA-2"), "torn": ("KXA-3", "KXB-*")}
    )
    settings = dataclasses.replace(Settings(), risk=risk)
    step = step_of("groups", month(run, run, found, measured=10, above_threshold=4), settings)
    assert step.verdict is Verdict.LOOK
    assert step.figures["apart_in_use"] == {"group 2": ["KXA-4", "torn"]}
    chance = month(run, run, found, measured=10, above_threshold=4, below_negative_threshold=3)
    assert step_of("groups", chance, settings).verdict is Verdict.UNSURE
    assert step_of("groups", month(run, run)).verdict is Verdict.UNSURE


# --- accounts -------------------------------------------------------------------------------------


def test_accounts_are_joined_by_what_they_made() -> None:
    one = bets((3, 90, 0))
    later = 10 * DAY_NS
    fills = [
        fill_record("KXB-E-T", cents=80, at_ns=START_NS + later, number=50),
        fill_record("KXA-E0-T", cents=80, at_ns=START_NS + later, number=51),
    ]
    paid = {"settled_ns": START_NS + later + HOUR_NS, "position": Count(1_000)}
    markets = [
        market_record("KXB-E-T", yes_value=Price(0), **paid),
        market_record("KXA-E0-T", yes_value=Price(10_000), **paid),
    ]
    two = result_of(fills, markets, days=12)
    both = joined([one, two])
    assert one.final_equity is not None
    assert two.final_equity is not None
    assert both.final_equity == one.final_equity + two.final_equity - two.capital
    assert both.capital == one.capital
    assert [at_ns for at_ns, _ in both.equity] == sorted(at_ns for at_ns, _ in both.equity)
    assert both.equity[-1][1] == both.final_equity
    assert both.left_out == ("KXA-E0-T",)
    assert {record.fill.ticker for record in both.fills} == {"KXA-E1-T", "KXA-E2-T", "KXB-E-T"}
    assert joined([one]) is one


def test_every_step_of_an_account_that_never_was_says_that_nothing_was_traded() -> None:
    it = reviewed("practice", (START_NS, START_NS + DAY_NS), Settings(), KalshiFees(), None, "no console")
    assert {step.verdict for step in daily(it)} == {Verdict.NOTHING}
