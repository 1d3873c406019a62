"""Flattening through the engine: which orders go, when it ends, and what it says."""

from __future__ import annotations

from dataclasses import replace

import pytest
from engine_builders import (
    FAVOURITE,
    FEES,
    LONGSHOT,
    START,
    A,
    B,
    Desk,
    cents,
    contracts,
    desk,
    dollars,
    exchange_id,
    market,
    quote,
    records,
    settings,
    submits,
)

from console.domain.actions import Action, EndFlatten
from console.domain.book import NO_QUOTE, BookSide, Level, Quote
from console.domain.commands import Flatten, Resume
from console.domain.engine_events import FlattenDue, FlattenEnded, LatchRaised
from console.domain.market import FeeTerms
from console.domain.money import Cash, Count
from console.domain.order import OrderIntent, OrderStatus, TimeInForce
from console.domain.position import Position
from console.domain.trading_state import TradingState
from console.engine.account_views import NO_EXIT
from console.engine.flatten import FRUITLESS_ROUNDS, exit_view

SLICED = replace(settings(), risk=replace(settings().risk, flatten_slice_contracts=100))


def holding(shown: Quote = FAVOURITE) -> tuple[Desk, OrderIntent]:
    """A desk that flattens what it holds, and the order that made the position."""
    trading = desk(SLICED)
    held = trading.hold(shown)
    trading.take(Flatten(at_ns=START))
    return trading, held


def due(trading: Desk) -> list[Action]:
    return trading.take(FlattenDue(at_ns=trading.now_ns))


def endings(trading: Desk) -> list[FlattenEnded]:
    return [record for record in records(trading.actions) if isinstance(record, FlattenEnded)]


def kill(trading: Desk, intent: OrderIntent) -> None:
    """Nothing of it traded."""
    trading.report(intent, OrderStatus.CANCELED)


@pytest.mark.parametrize(
    ("shown", "side", "price"), [(FAVOURITE, BookSide.ASK, 92), (LONGSHOT, BookSide.BID, 8)]
)
def test_a_slice_is_sold_at_the_best_price_and_can_only_reduce(
    shown: Quote, side: BookSide, price: int
) -> None:
    trading, _ = holding(shown)
    [exit_order] = submits(due(trading))
    assert (exit_order.side, exit_order.price, exit_order.count) == (side, cents(price), contracts(100))
    assert exit_order.reduce_only
    assert exit_order.time_in_force is TimeInForce.IMMEDIATE_OR_CANCEL
    assert exit_order.client_order_id in trading.engine.account.orders


def test_slices_follow_each_other_until_nothing_is_held_and_the_halt_stays() -> None:
    trading, held = holding()
    sold = Count(0)
    for _ in range(100):
        sent = submits(due(trading))
        if not sent:
            break
        trading.fill(sent[0])
        sold = Count(sold + sent[0].count)
    assert sold == held.count
    assert [ending.is_flat for ending in endings(trading)] == [True]
    assert trading.state is TradingState.HALTED
    assert trading.latches == {"flatten"}


def test_the_next_slice_waits_for_the_outcome_of_the_last() -> None:
    trading, _ = holding()
    [first] = submits(due(trading))
    assert submits(due(trading)) == []
    trading.lose_sight(first)
    assert submits(due(trading)) == []
    kill(trading, first)
    assert len(submits(due(trading))) == 1


def test_the_next_slice_goes_at_the_price_of_its_own_moment() -> None:
    trading, _ = holding()
    [first] = submits(due(trading))
    kill(trading, first)
    trading.show(quote(88, 90))
    [second] = submits(due(trading))
    assert second.price == cents(88)


def test_a_flatten_without_a_bid_ends_and_says_what_stays() -> None:
    trading, _ = holding()
    trading.show(quote(None, 93))
    assert submits(due(trading)) == []
    [ending] = endings(trading)
    assert not ending.is_flat
    assert "no bid" in ending.reason
    assert A in ending.reason
    assert any(isinstance(action, EndFlatten) for action in trading.actions)


def test_one_position_without_a_bid_does_not_keep_another() -> None:
    trading = desk(SLICED, market(A), market(B))
    trading.hold(FAVOURITE, A)
    trading.hold(FAVOURITE, B)
    trading.take(Flatten(at_ns=START))
    trading.show(quote(None, 93), B)
    assert [intent.ticker for intent in submits(due(trading))] == [A]
    assert endings(trading) == []


@pytest.mark.parametrize("obstacle", ["feed", "exchange"])
def test_what_may_pass_is_waited_for(obstacle: str) -> None:
    trading, _ = holding()
    if obstacle == "feed":
        trading.lose_feed()
    else:
        trading.exchange(trading=False)
    assert submits(due(trading)) == []
    assert endings(trading) == []
    trading.exchange()
    trading.show(FAVOURITE)
    assert len(submits(due(trading))) == 1


def test_a_flatten_that_sells_nothing_gives_up_and_says_why() -> None:
    trading, _ = holding()
    trading.exchange(trading=False)
    for _ in range(FRUITLESS_ROUNDS):
        due(trading)
        assert endings(trading) == []
    due(trading)
    [ending] = endings(trading)
    assert "the exchange has paused trading" in ending.reason


def test_a_sold_contract_starts_the_patience_anew() -> None:
    trading, _ = holding()
    for number in range(3 * FRUITLESS_ROUNDS):
        [sent] = submits(due(trading))
        if number % FRUITLESS_ROUNDS == FRUITLESS_ROUNDS - 1:
            trading.fill(sent, contracts(1))
        kill(trading, sent)
    assert endings(trading) == []
    for _ in range(FRUITLESS_ROUNDS):
        for sent in submits(due(trading)):
            kill(trading, sent)
    due(trading)
    assert "nobody takes it" in endings(trading)[0].reason


def test_a_market_that_is_over_is_not_waited_for() -> None:
    trading = desk(SLICED, market(A, close_ns=START + 10**9))
    trading.hold(FAVOURITE)
    trading.take(Flatten(at_ns=START))
    trading.later(2)
    due(trading)
    [ending] = endings(trading)
    assert "the market is not open" in ending.reason


# --- what stops it -----------------------------------------------------------------------------------------


def test_the_operators_halt_stops_a_flatten_at_once() -> None:
    trading, _ = holding()
    [first] = submits(due(trading))
    actions = trading.halt()
    assert any(isinstance(action, EndFlatten) for action in actions)
    assert trading.latches == {"flatten", "manual"}
    kill(trading, first)
    assert submits(due(trading)) == []


@pytest.mark.parametrize(("name", "goes_on"), [("tripwire", False), ("daily_loss", True)])
def test_a_halt_that_doubts_our_own_view_stops_a_flatten(name: str, goes_on: bool) -> None:
    trading, _ = holding()
    trading.take(LatchRaised(at_ns=START, name=name, level=TradingState.HALTED, reason="x", source="risk"))
    assert bool(submits(due(trading))) is goes_on
    if not goes_on:
        assert f"stopped by {name}" in endings(trading)[0].reason


def test_a_halt_that_was_in_force_before_does_not_keep_from_flattening() -> None:
    trading = desk(SLICED)
    trading.hold(FAVOURITE)
    trading.halt()
    trading.take(Flatten(at_ns=START))
    assert len(submits(due(trading))) == 1


def test_no_halt_can_be_resumed_while_positions_are_sold() -> None:
    trading, _ = holding()
    trading.take(Resume(at_ns=START, latch="flatten", reason="changed my mind"))
    assert trading.latches == {"flatten"}
    assert "being flattened" in trading.engine.alerts[-1].text


def test_exits_are_not_withdrawn_by_the_halt_they_belong_to() -> None:
    trading, _ = holding()
    [sent] = submits(due(trading))
    actions = trading.ack(sent)
    assert exchange_id(sent) not in str(actions[1:])


def test_exits_do_not_enter_the_why_not_funnel() -> None:
    trading, _ = holding()
    before = trading.engine.entries.why_not.rows()
    [sent] = submits(due(trading))
    trading.fill(sent, contracts(1))
    kill(trading, sent)
    assert trading.engine.entries.why_not.rows() == before


def test_without_positions_a_flatten_is_a_halt() -> None:
    trading = desk()
    trading.take(Flatten(at_ns=START))
    due(trading)
    assert [ending.is_flat for ending in endings(trading)] == [True]
    assert trading.state is TradingState.HALTED


# --- the preview -------------------------------------------------------------------------------------------


def test_the_preview_prices_a_yes_at_the_bid_and_a_no_at_the_ask() -> None:
    yes = exit_view(Position(contracts=contracts(10)), market(), quote(92, 94, 40))
    assert (yes.price, yes.proceeds, yes.displayed) == (cents(92), dollars("9.20"), contracts(40))
    assert yes.slippage == dollars("0.10")
    no = exit_view(Position(contracts=Count(-contracts(10))), market(), quote(7, 9, 40))
    assert (no.price, no.proceeds) == (cents(91), dollars("9.10"))
    assert no.slippage == dollars("0.10")


def test_the_preview_estimates_the_exchanges_fee() -> None:
    estimate = exit_view(Position(contracts=contracts(100)), market(fees=FEES), quote(50, 51)).fee
    assert estimate is not None
    assert dollars("1.75") <= estimate <= dollars("1.76")


@pytest.mark.parametrize(
    "unknown",
    [None, NO_QUOTE, Quote(None, Level(cents(93), contracts(5)))],
    ids=["no book", "empty", "no bid"],
)
def test_what_the_preview_cannot_know_is_none(unknown: Quote | None) -> None:
    assert exit_view(Position(contracts=contracts(10)), market(), unknown) == NO_EXIT


def test_without_an_ask_the_slippage_is_unknown_and_the_proceeds_are_not() -> None:
    view = exit_view(Position(contracts=contracts(10)), market(), quote(92, None))
    assert (view.proceeds, view.slippage) == (dollars("9.20"), None)


@pytest.mark.parametrize("fees", [None, FeeTerms(fee_type="by moonlight")])
def test_a_fee_rule_that_is_not_known_gives_no_estimate(fees: FeeTerms | None) -> None:
    view = exit_view(Position(contracts=contracts(10)), market(fees=fees), quote(92, 93))
    assert view.fee is None
    assert view.proceeds == Cash(9_200_000)
