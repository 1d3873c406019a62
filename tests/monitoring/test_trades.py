from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_builders import DAY_NS, HOUR_NS, START_NS, fill_record, market_record, random_result, result_of

from console.backtest.other_fees import kalshi_fees, profit_fees
from console.config.trading_settings import QualitySettings
from console.domain.book import BookSide
from console.domain.fees import AccountPrecision, KalshiFees, ProfitFees
from console.domain.market import FeeTerms
from console.domain.money import Cash, Count, Price
from console.monitoring.equity import curve_of, days
from console.monitoring.figures import figures_of
from console.monitoring.performance import fees_charged
from console.monitoring.trades import Ending, trades_of

SETTLED_YES: dict[str, Any] = {"settled_ns": START_NS + 13 * HOUR_NS, "yes_value": Price(10_000)}
BID, ASK = BookSide.BID, BookSide.ASK


def test_a_position_held_until_it_pays_out_is_one_trade() -> None:
    fills = [fill_record(cents=90, contracts=10, fee=63_000), fill_record(cents=92, contracts=10, fee=51_600)]
    (trade,) = trades_of(result_of(fills, [market_record(**SETTLED_YES)]))
    assert trade.ending is Ending.SETTLED
    assert (trade.contracts, trade.paid, trade.entry) == (2_000, 18_200_000, 9_100)
    assert trade.net == 20_000_000 - 18_200_000 - 63_000 - 51_600


def test_what_is_sold_again_has_ended_before_its_market_settles() -> None:
    fills = [fill_record(cents=90), fill_record(side=ASK, cents=93, at_ns=START_NS + 2 * HOUR_NS)]
    (trade,) = trades_of(result_of(fills, [market_record(settled_ns=None, yes_value=None)]))
    assert (trade.ending, trade.ended_ns, trade.net) == (Ending.CLOSED, START_NS + 2 * HOUR_NS, 300_000)


def test_a_fill_through_zero_ends_one_trade_and_begins_the_next() -> None:
    fills = [
        fill_record(cents=40, contracts=10, fee=100),
        fill_record(side=ASK, cents=50, contracts=30, fee=301, slippage=31),
    ]
    first, second = trades_of(result_of(fills, [market_record(**SETTLED_YES)]))
    assert (first.side, first.ending, first.realised) == (BID, Ending.CLOSED, 1_000_000)
    assert (second.side, second.contracts, second.paid) == (ASK, 2_000, 10_000_000)
    assert first.fees + first.slippage + second.fees + second.slippage == 401
    assert first.slippage + second.slippage == 31
    assert second.realised == -10_000_000


def test_an_open_position_without_any_quote_has_no_known_profit() -> None:
    (trade,) = trades_of(result_of([fill_record()], [market_record(mark=None)]))
    assert (trade.ending, trade.unrealised, trade.net) == (Ending.OPEN, None, None)


def test_an_open_position_counts_what_it_could_be_closed_for() -> None:
    (trade,) = trades_of(result_of([fill_record(cents=90)], [market_record(mark=Price(8_500))]))
    assert trade.net == -500_000


def test_a_fill_without_the_record_of_its_market_is_refused_by_name() -> None:
    known = result_of([fill_record()], [market_record(mark=Price(1))])
    unrecorded = msgspec.structs.replace(known, traded=())
    with pytest.raises(ValueError, match="KXA-E1-T1"):
        trades_of(unrecorded)


@given(st.integers(0, 10_000))
def test_trades_make_exactly_what_the_account_made(seed: int) -> None:
    result = random_result(seed, markets=20)
    trades = trades_of(result)
    assert result.final_equity is not None
    assert sum(trade.net or 0 for trade in trades) == result.final_equity - result.capital
    assert sum(trade.fees for trade in trades) == fees_charged(result)


@given(st.integers(0, 10_000))
def test_the_exchanges_schedule_charges_again_what_it_charged(seed: int) -> None:
    terms = FeeTerms("quadratic_with_maker_fees")
    result = random_result(seed, markets=20, terms=terms)
    again = kalshi_fees(result.fills, lambda ticker, at_ns: terms, AccountPrecision.DIRECT_MEMBER)
    assert again == fees_charged(result)


def test_fees_by_unknown_terms_are_not_known() -> None:
    fills = [fill_record()]
    assert kalshi_fees(fills, lambda ticker, at_ns: None, AccountPrecision.DIRECT_MEMBER) is None
    odd = FeeTerms("a type of tomorrow")
    assert kalshi_fees(fills, lambda ticker, at_ns: odd, AccountPrecision.DIRECT_MEMBER) is None


def test_a_share_of_profits_is_charged_on_winners_and_once_a_market() -> None:
    fills = [
        fill_record("W-1", cents=90),
        fill_record("L-1", cents=90),
        fill_record("O-1", cents=50),
    ]
    traded = [
        market_record("W-1", **SETTLED_YES),
        market_record("L-1", **SETTLED_YES | {"yes_value": Price(0)}),
        market_record("O-1", mark=Price(9_900)),
    ]
    assert profit_fees(trades_of(result_of(fills, traded)), ProfitFees()) == 70_000


def test_drawdown_counts_marks_within_a_day() -> None:
    equity = (
        (START_NS + 1 * HOUR_NS, Cash(10_100_000_000)),
        (START_NS + 2 * HOUR_NS, Cash(9_900_000_000)),
        (START_NS + 3 * HOUR_NS, Cash(10_150_000_000)),
    )
    result = result_of([], [], equity=equity, final_equity=Cash(10_150_000_000))
    fall = curve_of(result).drawdown
    assert (fall.fall, fall.high_ns, fall.low_ns) == (200_000_000, equity[0][0], equity[1][0])
    assert fall.of_high == pytest.approx(200 / 10_100)


def test_a_day_without_a_change_made_nothing() -> None:
    equity = ((START_NS + 2 * DAY_NS + 1, Cash(10_100_000_000)),)
    result = result_of([], [], equity=equity, final_equity=Cash(10_100_000_000))
    assert [day.profit for day in days(result)] == [0, 0, 100_000_000]
    assert [str(day.day) for day in days(result)] == ["2026-03-01", "2026-03-02", "2026-03-03"]


def test_one_day_has_no_sharpe_ratio_and_neither_has_an_unknown_end() -> None:
    equity = ((START_NS + 1, Cash(10_100_000_000)),)
    for each in (
        result_of([], [], days=1, equity=equity, final_equity=equity[0][1]),
        result_of([], [], days=5, equity=equity, final_equity=None),
        result_of([], [], days=5),
    ):
        assert figures_of(each, KalshiFees(), QualitySettings()).performance.sharpe_ratio is None


def test_markets_of_a_group_are_lost_together_from_the_first_fill_to_the_payout() -> None:
    first = market_record("A-1-1", group="rain", settled_ns=START_NS + 3 * HOUR_NS, yes_value=Price(10_000))
    rest = [
        market_record(f"A-1-{number}", group="rain", **SETTLED_YES | {"yes_value": Price(0)})
        for number in (2, 3)
    ]
    other = market_record("B-1-1", group="coins", **SETTLED_YES)
    fills = [
        fill_record(ticker, cents=90, contracts=10, at_ns=START_NS + hour * HOUR_NS)
        for ticker, hour in (("A-1-1", 1), ("A-1-2", 2), ("B-1-1", 2), ("A-1-3", 4))
    ]
    result = result_of(fills, [first, *rest, other])
    found = figures_of(result, KalshiFees(), QualitySettings()).correlated_loss
    assert found.peak is not None
    assert (found.peak.group, found.peak.markets, found.peak.loss) == ("rain", 2, 18_000_000)
    assert found.everything is not None
    assert (found.everything.markets, found.everything.loss) == (3, 27_000_000)
    assert found.worst_day is not None
    assert (found.worst_day.group, found.worst_day.trades, found.worst_day.net) == ("rain", 3, -17_000_000)


def test_what_is_held_when_a_period_begins_is_at_stake_in_it() -> None:
    carried = [
        market_record(f"A-1-{n}", group="rain", settled_ns=START_NS + hour * HOUR_NS, yes_value=Price(10_000))
        for n, hour in ((1, 3), (2, 9))
    ]
    fills = [fill_record(market.ticker, cents=90, contracts=10) for market in carried]
    result = result_of(fills, carried)
    for begins_hours, markets in ((2, 2), (3, 2), (4, 1)):
        since = msgspec.structs.replace(result, first_ns=START_NS + begins_hours * HOUR_NS)
        found = figures_of(since, KalshiFees(), QualitySettings()).correlated_loss
        for peak in (found.peak, found.everything):
            assert peak is not None
            assert (peak.at_ns, peak.markets, peak.loss) == (since.first_ns, markets, markets * 9_000_000)


def test_what_is_held_through_a_whole_period_is_at_stake_in_it() -> None:
    held = market_record("A-1-1", group="rain", position=Count(1_000), mark=Price(9_000))
    result = result_of([fill_record(held.ticker, cents=90, contracts=10)], [held])
    since = msgspec.structs.replace(result, first_ns=START_NS + DAY_NS)
    peak = figures_of(since, KalshiFees(), QualitySettings()).correlated_loss.peak
    assert peak is not None
    assert (peak.group, peak.loss) == ("rain", 9_000_000)


def test_nothing_bought_is_nothing_to_lose() -> None:
    found = figures_of(result_of([], []), KalshiFees(), QualitySettings()).correlated_loss
    assert (found.peak, found.everything, found.worst_day) == (None, None, None)


def test_half_of_a_contract_is_half_of_it() -> None:
    (trade,) = trades_of(result_of([fill_record(cents=92.5, contracts=0.5)], [market_record(**SETTLED_YES)]))
    assert (trade.contracts, trade.net) == (Count(50), 37_500)
