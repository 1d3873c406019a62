"""What is charged is what the exchange charged then; where that is not known nothing is traded."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from recorded import CAPITAL, QuoteRow, at, both_ways, latency, market, setup, timeline
from recorded import settings as with_settings
from watching import in_turn, scripted

from console.backtest.run import run
from console.domain.book import BookSide
from console.domain.fees import AccountPrecision
from console.domain.market import FeeTerms, Market

BUY, SELL = BookSide.BID, BookSide.ASK
ORDINARY, HALF = FeeTerms(), FeeTerms(multiplier=5_000)
MAKERS_PAY = FeeTerms("quadratic_with_maker_fees")


class Dated:
    """Terms that change at some seconds of the recording; the first hold from the beginning."""

    def __init__(self, *rows: tuple[float, FeeTerms | None]) -> None:
        self._rows = [(at(second), terms) for second, terms in rows]

    def terms(self, market: Market, at_ns: int) -> FeeTerms | None:
        return [terms for since_ns, terms in self._rows if since_ns <= at_ns][-1]

    def changes_ns(self, market: Market) -> tuple[int, ...]:
        return tuple(since_ns for since_ns, _ in self._rows[1:])

    def is_assumed(self, market: Market, at_ns: int) -> bool:
        return False

    def provenance(self, market: Market, at_ns: int) -> str:
        return "dated"


def rows(seconds: Sequence[float], places: int = 1) -> list[QuoteRow]:
    return [(second, place, 92, 93, 500, 100) for place in range(places) for second in seconds]


def test_a_fill_pays_what_is_in_force_when_it_happens_and_not_when_it_was_decided() -> None:
    recording = timeline([market(0)], rows([1, 2, 30]))
    for arrives_s, fee in ((9.5, 455_700), (10, 227_900), (12, 227_900)):
        made = setup(latency=latency(entry_s=arrives_s - 1), fees=Dated((-9_999, ORDINARY), (10, HALF)))
        for result in both_ways(made, recording):
            (record,) = result.fills
            # 0.07 x 100 x 0.93 x 0.07 is 0.4557 $, and half of it, up to the account's 0.0001 $.
            assert (record.fill.at_ns, record.fill.fee) == (at(arrives_s), fee)


def test_an_order_that_rested_through_a_change_pays_the_new_terms() -> None:
    prints = [(20, 0, 92, 600, False)]
    for terms, fee_of_100 in ((ORDINARY, 0), (MAKERS_PAY, 128_800)):
        made = setup(with_settings("maker"), fees=Dated((-9_999, ORDINARY), (10, terms)))
        for result in both_ways(made, timeline([market(0)], [(1, 0, 92, 93, 500, 100)], prints)):
            (record,) = result.fills
            assert record.fill.count == 10_000
            assert record.fill.fee == fee_of_100


def test_the_strategy_decides_by_the_terms_of_the_day() -> None:
    # Half a cent of fee a contract leaves nothing of an edge of 0.4; a quarter of a cent does.
    made = setup(points="0.9", fees=Dated((-9_999, ORDINARY), (10, HALF)))
    for result in both_ways(made, timeline([market(0)], rows(range(1, 30)))):
        assert [decision.at_ns for decision in result.decisions] == [at(10)]


def test_without_known_fees_nothing_is_traded_and_the_report_can_say_why() -> None:
    for result in both_ways(setup(fees=Dated((-9_999, None))), timeline([market(0)], rows(range(1, 30)))):
        assert result.decisions == ()
        reasons = {reason for _, _, reasons in result.why_not for reason, _ in reasons}
        assert "fee unknown" in reasons


def test_an_unknown_rule_of_charging_is_no_known_fee() -> None:
    fees = Dated((-9_999, FeeTerms("quadratic_with_a_twist")))
    for result in both_ways(setup(fees=fees), timeline([market(0)], rows(range(1, 30)))):
        assert result.decisions == ()


def test_an_order_on_its_way_when_the_fees_become_unknown_is_rejected() -> None:
    made = setup(latency=latency(entry_s=5), fees=Dated((-9_999, ORDINARY), (4, None)))
    for result in both_ways(made, timeline([market(0)], rows([1, 2, 30]))):
        assert result.orders == {"rejected": 1}
        assert result.fees == 0


@pytest.mark.parametrize("paid", [0, 100])
def test_the_fee_is_charged_at_the_trade_whether_it_wins_or_loses(paid: int) -> None:
    recording = timeline([market(0, close_s=100)], rows([1, 2]), paid_cents=[paid])
    for result in both_ways(setup(), recording):
        assert result.fees == 455_700
        assert result.cash == CAPITAL - 93_000_000 - 455_700 + paid * 1_000_000


@pytest.mark.parametrize(
    ("precision", "fee"),
    [(AccountPrecision.DIRECT_MEMBER, 455_700), (AccountPrecision.BROKER_CLEARED, 460_000)],
)
def test_the_balance_moves_in_steps_of_the_accounts_precision(precision: AccountPrecision, fee: int) -> None:
    result = run(setup(precision=precision), timeline([market(0)], rows([1, 2])))
    assert result.fees == fee
    assert result.cash % precision == 0


def test_a_round_trip_pays_twice_and_yes_and_no_pay_the_same() -> None:
    recording = timeline([market(0)], [(second, 0, 92, 93, 100, 100) for second in range(1, 30)])
    there_and_back = {
        side: run(scripted(setup(), in_turn((0, 2, side, False), (10, 12, side.opposite, True))), recording)
        for side in (BUY, SELL)
    }
    # 0.07 x 100 x 0.92 x 0.08 is 0.5152 $ for what trades at 92 cents, whichever of both it is.
    for result in there_and_back.values():
        assert len(result.fills) == 2
        assert result.fees == 455_700 + 515_200
        assert result.cash == CAPITAL - 1_000_000 - result.fees
