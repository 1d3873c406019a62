from __future__ import annotations

from decimal import Decimal

import pytest
from engine_builders import (
    FAVOURITE,
    LONGSHOT,
    PREFIX,
    TOSS_UP,
    A,
    B,
    C,
    Desk,
    cancels,
    desk,
    dollars,
    engine,
    exchange_id,
    market,
    quote,
    records,
    replayed,
    settings,
    stopped,
    submits,
)

from console.config.risk_settings import RiskSettings
from console.domain.book import Quote
from console.domain.commands import CancelAllOrders
from console.domain.money import Price
from console.domain.order import OrderStatus
from console.monitoring.why_not import FunnelStepName

# --- orders at work -------------------------------------------------------------------------------------


def test_an_order_is_sent_once_however_often_its_market_is_looked_at() -> None:
    trading = desk()
    intent = trading.enter()
    for _ in range(3):
        trading.show(FAVOURITE)
        trading.scan()
    trading.ack(intent)
    trading.show(FAVOURITE)
    trading.fill(intent)
    trading.show(FAVOURITE)
    trading.scan()
    assert submits(trading.actions) == [intent]
    assert stopped(trading.engine, FunnelStepName.LIMITS)["already in this market"] >= 2


def test_an_order_of_unknown_outcome_blocks_its_market_and_is_never_sent_again() -> None:
    trading = desk(None, market(A), market(B))
    intent = trading.enter(FAVOURITE, A)
    trading.lose_sight(intent)
    trading.show(FAVOURITE, A)
    trading.later(20)
    trading.prove()
    trading.scan()
    assert [sent.ticker for sent in submits(trading.actions)] == [A]
    assert len(submits(trading.show(FAVOURITE, B))) == 1


@pytest.mark.parametrize("answer", ["none", "unknown", "resting"])
def test_an_order_that_may_fill_counts_in_its_group_and_in_the_total(answer: str) -> None:
    trading = desk(settings("maker"), market(A), market(B))
    intent = trading.enter(FAVOURITE, A)
    if answer == "unknown":
        trading.lose_sight(intent)
    elif answer == "resting":
        trading.ack(intent)
    exposure = trading.engine.exposure()
    group = trading.engine.markets.group(A)
    assert exposure.total.with_orders == intent.worst_cost > 0
    assert exposure.group(group).with_orders == intent.worst_cost
    assert exposure.total.held == 0


def test_orders_that_may_fill_fill_the_group_limit() -> None:
    """Three markets that close together: 5 % each at most, 8 % for all of them."""
    limits = RiskSettings(max_correlated_group_pct=Decimal("0.08"))
    trading = desk(settings("maker", limits), market(A), market(B), market(C))
    first, second = trading.enter(FAVOURITE, A), trading.enter(FAVOURITE, B)
    trading.lose_sight(first)
    trading.ack(second)
    assert submits(trading.show(FAVOURITE, C)) == []
    assert stopped(trading.engine, FunnelStepName.LIMITS) == {"group limit": 1}
    most = dollars("800")
    assert trading.engine.exposure().total.with_orders <= most
    assert most - trading.engine.exposure().total.with_orders < dollars("1")


def test_orders_of_other_groups_fill_the_total_limit() -> None:
    limits = RiskSettings(max_total_exposure_pct=Decimal("0.08"))
    markets = (market(A, category="Crypto"), market(B, category="Weather"), market(C, category="Sports"))
    trading = desk(settings("maker", limits), *markets)
    trading.enter(FAVOURITE, A)
    trading.enter(FAVOURITE, B)
    assert submits(trading.show(FAVOURITE, C)) == []
    assert stopped(trading.engine, FunnelStepName.LIMITS) == {"total limit": 1}


def test_a_refused_order_leaves_nothing_at_stake_and_its_market_free() -> None:
    trading = desk()
    intent = trading.enter()
    trading.reject(intent)
    assert trading.engine.exposure().total.with_orders == 0
    assert stopped(trading.engine, FunnelStepName.FILLED) == {"refused": 1}
    [again] = submits(trading.show(FAVOURITE))
    assert again.client_order_id != intent.client_order_id


# --- withdrawing ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "shown", [quote(93, 94), quote(91, 92), TOSS_UP, quote(90, 93), quote(92, None)], ids=str
)
def test_a_makers_order_is_withdrawn_when_the_strategy_would_not_place_it_again(shown: Quote) -> None:
    trading = desk(settings("maker"))
    intent = trading.enter(FAVOURITE)
    trading.ack(intent)
    assert cancels(trading.show(FAVOURITE)) == []
    assert cancels(trading.show(shown)) == [intent.client_order_id]


def test_a_withdrawn_order_is_asked_for_once_and_again_after_two_seconds_of_silence() -> None:
    trading = desk(settings("maker"))
    intent = trading.enter(FAVOURITE)
    trading.ack(intent)
    assert len(cancels(trading.show(TOSS_UP))) == 1
    trading.later(1.9)
    assert cancels(trading.show(TOSS_UP)) == []
    trading.later(0.1)
    assert len(cancels(trading.show(TOSS_UP))) == 1
    trading.report(intent, OrderStatus.CANCELED)
    trading.later(5)
    assert cancels(trading.show(TOSS_UP)) == []


def test_the_market_stays_blocked_until_the_withdrawn_order_is_gone() -> None:
    trading = desk(settings("maker"))
    intent = trading.enter(FAVOURITE)
    trading.ack(intent)
    assert submits(trading.show(quote(93, 94))) == []
    trading.report(intent, OrderStatus.CANCELED)
    [moved] = submits(trading.show(quote(93, 94)))
    assert moved.price == Price(9_300)


def test_the_operator_cancels_every_order_and_trading_goes_on() -> None:
    trading = desk(settings("maker"), market(A), market(B))
    orders = [trading.enter(FAVOURITE, A), trading.enter(LONGSHOT, B)]
    for intent in orders:
        trading.ack(intent)
    command = CancelAllOrders(at_ns=trading.now_ns)
    assert cancels(trading.take(command)) == [intent.client_order_id for intent in orders]
    assert cancels(trading.take(command)) == [intent.client_order_id for intent in orders]
    assert trading.latches == set()


# --- client ids -----------------------------------------------------------------------------------------


def test_client_ids_are_never_used_again_after_a_restart() -> None:
    before = desk(None, market(A), market(B))
    used = {before.enter(FAVOURITE, A).client_order_id, before.enter(LONGSHOT, B).client_order_id}
    account, trade_log = replayed(records(before.actions))
    after = Desk(engine(account=account, trade_log=trade_log))
    after.connect(market(C))
    new = after.enter(FAVOURITE, C)
    assert new.client_order_id.startswith(PREFIX)
    assert new.client_order_id not in used


def test_client_ids_are_never_used_again_in_another_account() -> None:
    before = desk()
    used = before.hold(FAVOURITE)
    account, trade_log = replayed(records(before.actions))
    after = Desk(engine(account=account, trade_log=trade_log))
    after.open(market(A), account="account-2")
    assert after.enter(FAVOURITE, A).client_order_id != used.client_order_id


def test_an_order_sent_before_a_restart_still_blocks_its_market_after_it() -> None:
    before = desk()
    intent = before.enter(FAVOURITE)
    account, trade_log = replayed(records(before.actions))
    after = Desk(engine(account=account, trade_log=trade_log))
    after.connect(market(A))
    assert submits(after.show(FAVOURITE)) == []
    assert after.engine.exposure().total.with_orders == intent.worst_cost
    after.report(intent, OrderStatus.CANCELED)
    assert exchange_id(intent) in after.engine.account.client_ids
    assert len(submits(after.show(FAVOURITE))) == 1
