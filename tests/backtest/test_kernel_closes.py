"""A close is not a payout, nobody knows of either before it comes, and every payout is by the outcome."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

import pytest
from recorded import (
    CAPITAL,
    QuoteRow,
    at,
    both_ways,
    cash_of,
    latency,
    market,
    setup,
    timeline,
)
from recorded import settings as with_settings
from watching import in_turn, scripted, watched, with_outcomes

from console.backtest.run import run
from console.backtest.setup import Setup
from console.config.schema import Settings
from console.domain.book import BookSide
from console.domain.fees import ProfitFees
from console.domain.market import MarketStatus
from console.domain.money import Cash, Price
from console.history.markets import Outcome
from console.history.timeline import Timeline

BUY, SELL = BookSide.BID, BookSide.ASK


def every_second(
    begin: int, end: int, place: int = 0, bid: int = 92, ask: int = 93, size: int = 20
) -> list[QuoteRow]:
    return [(second, place, bid, ask, size, size) for second in range(begin, end)]


def closing_early(rows: list[QuoteRow], paid: int = 10_000) -> Timeline:
    """Two markets scheduled for 1,000 s, of which the first closed at 100 s and paid at 130 s."""
    markets = [market(0, close_s=1_000), market(1, event="E1", close_s=1_000)]
    return with_outcomes(timeline(markets, rows), KX0=Outcome(at(100), Price(paid), at(130)))


def test_before_an_early_close_only_the_schedule_is_known() -> None:
    rows = every_second(1, 200, 0) + every_second(1, 200, 1)
    watching, looks = watched(setup(latency=latency(response_s=3)))
    run(watching, closing_early(rows))
    before = [look.market for look in looks if look.now_ns < at(103) and look.market.ticker == "KX-0"]
    assert {(each.close_ns, each.status) for each in before} == {(at(1_000), MarketStatus.ACTIVE)}
    after = [look.market for look in looks if look.now_ns > at(103) and look.market.ticker == "KX-0"]
    assert {(each.close_ns, each.status) for each in after} <= {(at(100), MarketStatus.CLOSED)}


def test_before_its_close_a_market_looks_the_same_whatever_becomes_of_it() -> None:
    rows = every_second(1, 99, 0) + every_second(1, 300, 1)
    fates = [
        Outcome(at(100), Price(10_000), at(115)),
        Outcome(at(100), Price(0), at(115)),
        Outcome(at(100), Price(5_000), at(4_000)),
        Outcome(at(700), None, at(800), is_announced=False),
    ]
    seen = []
    for outcome in fates:
        watching, looks = watched(setup())
        run(watching, with_outcomes(closing_early(rows), KX0=outcome))
        seen.append([look for look in looks if look.now_ns < at(100)])
    assert len(seen[0]) > 100
    assert all(each == seen[0] for each in seen)


def test_a_close_cancels_what_rests_and_nothing_is_taken_after_it() -> None:
    rows = [*every_second(1, 60, size=50), (99, 0, 92, 93, 50, 50)]
    recording = closing_early([*rows, (101, 0, 91, 92, 5, 5), (150, 1, 50, 51, 5, 5)])
    for result in both_ways(setup(with_settings("maker")), recording):
        assert result.orders == {"canceled": 1}
        assert result.fills == ()


@pytest.mark.parametrize(
    ("entry_s", "orders"), [(0.5, {"executed": 1}), (1, {"rejected": 1}), (2, {"rejected": 1})]
)
def test_an_order_that_arrives_at_the_close_or_later_is_rejected(
    entry_s: float, orders: dict[str, int]
) -> None:
    recording = closing_early([(99, 0, 92, 93, 500, 20), (150, 1, 50, 51, 5, 5)])
    for result in both_ways(setup(latency=latency(entry_s=entry_s)), recording):
        assert result.orders == orders


def all_in() -> Settings:
    """Limits under which all the cash there is may be spent at once."""
    chosen = with_settings()
    most = dict.fromkeys(
        (
            "max_single_position_pct",
            "max_correlated_group_pct",
            "max_event_exposure_pct",
            "max_total_exposure_pct",
        ),
        Decimal(1),
    )
    most["kelly_fraction"] = Decimal(2)
    return dataclasses.replace(chosen, risk=dataclasses.replace(chosen.risk, **most))  # type: ignore[arg-type]


@pytest.mark.parametrize("response_s", [0, 2.5])
def test_money_is_locked_from_the_close_until_the_payout_and_used_right_after_it(response_s: float) -> None:
    capital = Cash(20_000_000)
    made = setup(all_in(), capital=capital, latency=latency(response_s=response_s))
    # All of 20 $ goes into the first market; the second is on offer all the time.
    rows = [(1, 0, 92, 93, 500, 500), *every_second(50, 200, 1, size=500)]
    plan = in_turn((0, 2, BUY, False), (40, 200, BUY, False))
    recording = closing_early(rows)
    for result in both_ways(scripted(made, plan), recording):
        first, second = result.fills
        assert first.fill.count == 2_100
        # The close at 100 s frees nothing, the payout at 130 s does, once we heard of it.
        assert second.decided_ns == at(131 if response_s == 0 else 133)
        # What was left of 20 $ before would not have bought one.
        assert second.fill.count == 2_100


@pytest.mark.parametrize(
    ("side", "paid", "each"), [(BUY, 50, 50), (SELL, 50, 50), (BUY, 37, 37), (SELL, 37, 63), (SELL, 0, 100)]
)
def test_ties_and_scalars_pay_each_side_its_part(side: BookSide, paid: int, each: int) -> None:
    recording = timeline([market(0, close_s=100)], every_second(1, 50), paid_cents=[paid])
    for result in both_ways(scripted(setup(), in_turn((0, 2, side, False))), recording):
        (record,), (settled,) = result.fills, result.traded
        spent = side.price_paid(record.fill.price) * record.fill.count + record.fill.fee
        assert settled.yes_value == 100 * paid
        # Settling costs nothing.
        assert result.cash == CAPITAL - spent + each * 100 * record.fill.count
        assert result.final_equity == result.cash == cash_of(result)


def test_what_is_held_after_the_last_row_is_still_paid_out() -> None:
    recording = timeline([market(0)], every_second(1, 5), settles_after_s=90_000)
    for result in both_ways(setup(), recording):
        (settled,) = result.traded
        assert settled.settled_ns == at(86_400 + 90_000)
        assert result.cash == result.final_equity == cash_of(result)


def test_a_result_that_was_not_recorded_is_drawn_by_the_seed_at_the_last_middle_and_flagged() -> None:
    markets = [market(n, event=f"E{n}", close_s=100) for n in range(3)]
    rows = [*every_second(1, 50, 0), *every_second(1, 50, 1, 44, 45), *every_second(1, 50, 2, 55, 56)]
    recording = timeline(markets, rows, paid_cents=[None, None, 100])
    plan = in_turn((0, 2, BUY, False))
    made = scripted(setup(), plan)
    drawn = []
    for seed in range(12):
        one, other = both_ways(dataclasses.replace(made, seed=seed), recording)
        assert one.traded == other.traded
        assert {each.ticker: each.is_drawn for each in one.traded} == {
            "KX-0": True,
            "KX-1": True,
            "KX-2": False,
        }
        drawn.append(tuple(each.yes_value for each in one.traded[:2]))
    assert {value for pair in drawn for value in pair} == {0, 10_000}
    won = [sum(value == 10_000 for value in each) for each in zip(*drawn, strict=True)]
    assert won[0] > won[1]


def test_a_result_that_was_not_recorded_is_not_drawn_where_nothing_was_traded() -> None:
    recording = timeline([market(0, close_s=100)], every_second(1, 50), paid_cents=[None])
    for result in both_ways(scripted(setup(), lambda look: None), recording):
        assert result.traded == ()
        assert result.cash == CAPITAL


def profit_taken(paid_cents: int | None) -> tuple[Setup, Timeline]:
    """20 contracts bought at 93 cents and sold at 95, under a share of profits."""
    rows = [*every_second(1, 10), *every_second(10, 50, 0, 95, 96), (200, 1, 50, 51, 1, 1)]
    plan = in_turn((0, 2, BUY, False), (20, 50, SELL, True))
    recording = timeline(
        [market(0, close_s=100), market(1)], rows, paid_cents=[paid_cents, None], settles_after_s=30
    )
    return scripted(setup(profit_fees=ProfitFees()), plan), recording


@pytest.mark.parametrize("paid_cents", [0, 100, None])
def test_a_share_of_a_profit_that_was_taken_before_is_charged_when_the_market_settles(
    paid_cents: int | None,
) -> None:
    made, recording = profit_taken(paid_cents)
    for result in both_ways(made, recording):
        (settled,) = result.traded
        assert settled.position == 0
        # 7 % of 20 x 2 cents, whatever the market paid, and whether that was recorded or not.
        assert settled.profit_fee == 28_000
        assert settled.settled_ns == at(130)
        assert result.cash == CAPITAL + 400_000 - 28_000
