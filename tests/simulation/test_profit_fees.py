"""A share of profits is charged once, when a market settles, on what all trades in it made together."""

from __future__ import annotations

import pytest
from dry_run_builders import NOW_NS, QUADRATIC, TICKER, cents, contracts, intent
from hypothesis import given
from hypothesis import strategies as st

from console.domain.book import BookSide
from console.domain.fees import ProfitFees
from console.domain.money import PAYOUT, Cash, Price, parse_cash
from console.domain.order import Settlement
from console.simulation.execution import Execution
from console.simulation.ledger import Ledger
from console.simulation.order_register import SimulatedOrder

BID, ASK = BookSide.BID, BookSide.ASK
CAPITAL = parse_cash("10000")
LOST = Price(0)


def ledger(profit_fees: ProfitFees | None, *fills: tuple[BookSide, float, int]) -> Ledger:
    kept = Ledger(CAPITAL, profit_fees=profit_fees)
    for number, (side, price, count) in enumerate(fills):
        order = SimulatedOrder(
            order_id=str(number), intent=intent(side, price, count, name=str(number)), terms=QUADRATIC
        )
        kept.fill(order, Execution(str(number), cents(price), contracts(count), True), Cash(0), NOW_NS)
    return kept


def settled(kept: Ledger, yes_value: Price) -> Settlement:
    return kept.settle(Settlement(TICKER, yes_value, NOW_NS))


@pytest.mark.parametrize(
    ("fills", "yes_value", "fee", "cash"),
    [
        ([(BID, 90, 100)], PAYOUT, "0.70", "10009.30"),
        ([(BID, 90, 100)], LOST, "0", "9910"),
        ([(ASK, 10, 100)], LOST, "0.70", "10009.30"),
        # Sold before it settled, in profit and not.
        ([(BID, 50, 100), (ASK, 60, 100)], LOST, "0.70", "10009.30"),
        ([(BID, 60, 100), (ASK, 50, 100)], PAYOUT, "0", "9990"),
        # What one trade lost comes off what another won.
        ([(BID, 50, 100), (ASK, 60, 100), (BID, 5, 100)], LOST, "0.35", "10004.65"),
        ([(BID, 50, 100), (ASK, 60, 50)], PAYOUT, "2.10", "10027.90"),
    ],
)
def test_the_share_of_a_market_s_profit(
    fills: list[tuple[BookSide, float, int]], yes_value: Price, fee: str, cash: str
) -> None:
    kept = ledger(ProfitFees(), *fills)
    assert all(fill.fee == 0 for fill in kept.fills)
    assert settled(kept, yes_value).fee == parse_cash(fee)
    assert kept.cash == parse_cash(cash)
    assert kept.positions[TICKER].fees == parse_cash(fee)


def test_a_market_settles_once() -> None:
    kept = ledger(ProfitFees(), (BID, 50, 100), (ASK, 60, 100))
    assert settled(kept, PAYOUT).fee == parse_cash("0.70")
    assert settled(kept, PAYOUT).fee == 0
    assert kept.cash == parse_cash("10009.30")
    assert len(kept.settlements) == 1


def test_the_exchange_charges_nothing_for_settling() -> None:
    kept = ledger(None, (BID, 90, 100))
    assert kept.fills[0].fee == parse_cash("0.63")
    assert settled(kept, PAYOUT) == Settlement(TICKER, PAYOUT, NOW_NS)
    assert kept.cash == parse_cash("10009.37")


def test_a_market_that_was_not_traded_settles_without_a_trace() -> None:
    kept = ledger(ProfitFees())
    assert settled(kept, PAYOUT).fee == 0
    assert (kept.settlements, kept.positions, kept.cash) == ([], {}, CAPITAL)


@given(
    st.lists(st.tuples(st.sampled_from([BID, ASK]), st.integers(1, 99), st.integers(1, 50)), max_size=8),
    st.integers(0, 100),
)
def test_what_was_won_less_its_share_is_what_is_left(
    fills: list[tuple[BookSide, int, int]], value: int
) -> None:
    kept = ledger(ProfitFees(), *fills)
    charged = settled(kept, cents(value))
    profit = sum(side.sign * (value - price) * 10_000 * count for side, price, count in fills)
    assert charged.fee == ProfitFees().on_profit(Cash(profit))
    assert kept.cash == CAPITAL + profit - charged.fee
