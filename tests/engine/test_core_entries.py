from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from engine_builders import (
    FAVOURITE,
    LONGSHOT,
    PREFIX,
    SECOND,
    START,
    TOSS_UP,
    A,
    B,
    C,
    Desk,
    cancels,
    cents,
    contracts,
    desk,
    dollars,
    engine,
    exchange_id,
    market,
    passed,
    quote,
    records,
    replayed,
    settings,
    stopped,
    submits,
)

from console.config.schema import RiskSettings
from console.domain.actions import Action, Append, Submit
from console.domain.book import BookSide, Quote
from console.domain.events import (
    AccountOpened,
    CancelAllOrders,
    ExchangeStatusRead,
    FeedProved,
    MarketListed,
    MarketStatusChanged,
    OrderIntended,
)
from console.domain.market import FeeTerms, MarketStatus
from console.domain.money import Price
from console.domain.order import OrderStatus, TimeInForce
from console.engine.snapshot import LogKind
from console.monitoring.why_not import FunnelStepName


def position_of(actions: list[Action], kind: type[Submit] | type[OrderIntended]) -> int:
    [found] = [
        index
        for index, action in enumerate(actions)
        if isinstance(action, kind) or (isinstance(action, Append) and isinstance(action.record, kind))
    ]
    return found


def test_an_intent_is_journaled_before_its_order_is_sent() -> None:
    trading = desk()
    actions = trading.show()
    assert position_of(actions, OrderIntended) < position_of(actions, Submit)
    [intent] = submits(actions)
    assert OrderIntended(at_ns=trading.now_ns, intent=intent) in records(actions)


def test_a_taker_buys_a_favourite_at_the_touch_and_the_rest_is_cancelled() -> None:
    [intent] = submits(desk().show(FAVOURITE))
    assert (intent.side, intent.price) == (BookSide.BID, cents(93))
    assert intent.time_in_force is TimeInForce.IMMEDIATE_OR_CANCEL
    assert (intent.post_only, intent.expires_s, intent.group_id) == (False, None, "group-0")
    assert intent.quote == FAVOURITE


def test_a_longshot_is_sold() -> None:
    [intent] = submits(desk().show(LONGSHOT))
    assert (intent.side, intent.price) == (BookSide.ASK, cents(7))


def test_a_maker_rests_post_only_and_expires() -> None:
    [intent] = submits(desk(settings("maker")).show(FAVOURITE))
    assert (intent.price, intent.post_only) == (cents(92), True)
    assert intent.time_in_force is TimeInForce.GOOD_TILL_CANCELED
    assert intent.expires_s == START // SECOND + 600


def test_a_makers_order_expires_with_its_market() -> None:
    closes = market(close_ns=START + 90 * SECOND)
    [intent] = submits(desk(settings("maker"), closes).show(FAVOURITE))
    assert intent.expires_s == START // SECOND + 90


# --- what stands against an entry -----------------------------------------------------------------------


def pause(at: Desk) -> None:
    at.pause()


def halt(at: Desk) -> None:
    at.halt()


def let_the_feed_go_stale(at: Desk) -> None:
    at.show(TOSS_UP)
    at.later(31)


def pause_the_exchange(at: Desk) -> None:
    at.exchange(trading=False)


def close_the_exchange(at: Desk) -> None:
    at.exchange(active=False)


def open_another_account(at: Desk) -> None:
    """Its equity is not known before the next scan."""
    at.take(AccountOpened(at_ns=at.now_ns, account="account-2", cash=dollars("10000")))


@pytest.mark.parametrize(
    ("obstacle", "counted_as"),
    [
        (pause, "paused by pause"),
        (halt, "halted by manual"),
        (pause_the_exchange, "the exchange has paused trading"),
        (close_the_exchange, "the exchange has paused trading"),
        (open_another_account, "daily loss is unknown"),
    ],
)
def test_nothing_is_entered_against_an_obstacle_and_its_name_is_counted(
    obstacle: Callable[[Desk], None], counted_as: str
) -> None:
    trading = desk()
    obstacle(trading)
    assert submits(trading.show(FAVOURITE)) == []
    assert stopped(trading.engine, FunnelStepName.LIMITS) == {counted_as: 1}


def test_nothing_is_entered_from_a_scan_once_the_feed_is_stale() -> None:
    trading = desk(settings(risk=RiskSettings(max_total_exposure_pct=Decimal(0))))
    trading.show(FAVOURITE)
    trading.later(31)
    actions = trading.scan()
    assert submits(actions) == []
    assert stopped(trading.engine, FunnelStepName.LIMITS)["paused by stale_book"] == 1


def test_a_stale_feed_refuses_between_two_looks_at_the_switches_too() -> None:
    trading = desk()
    at_open = trading.now_ns
    trading.later(31)
    view = trading.engine.risk_view(trading.now_ns)
    permit = trading.engine.risk.permit(view, trading.engine.account.latches)
    assert view.feed_proved_ns == at_open
    assert not permit.allowed


def test_before_the_feed_proved_itself_nothing_is_entered() -> None:
    trading = Desk(engine())
    trading.take(AccountOpened(at_ns=START, account="account-1", cash=dollars("10000")))
    trading.take(ExchangeStatusRead(at_ns=START, exchange_active=True, trading_active=True))
    trading.take(MarketListed(at_ns=START, market=market()))
    trading.scan()
    permit = trading.engine.risk.permit(trading.engine.risk_view(START), trading.engine.account.latches)
    assert not permit.allowed
    assert submits(trading.actions) == []


def test_a_lost_feed_ends_trading_until_the_book_is_sent_anew() -> None:
    trading = desk()
    trading.show(TOSS_UP)
    trading.show(TOSS_UP, B)
    trading.lose_feed()
    trading.take(FeedProved(at_ns=trading.now_ns))
    looked_at = passed(trading.engine, FunnelStepName.SCANNED)
    trading.scan()
    assert passed(trading.engine, FunnelStepName.SCANNED) == looked_at
    assert len(submits(trading.show(FAVOURITE))) == 1


def test_a_good_price_seen_before_the_feed_was_lost_is_not_traded_after() -> None:
    trading = desk()
    trading.exchange(trading=False)
    trading.show(FAVOURITE)
    trading.lose_feed()
    trading.exchange()
    trading.prove()
    assert submits(trading.scan()) == []
    trading.show(FAVOURITE)
    assert len(submits(trading.actions)) == 1


def test_while_the_exchanges_status_is_not_known_nothing_is_entered() -> None:
    trading = desk()
    trading.engine.exchange = None
    assert submits(trading.show(FAVOURITE)) == []
    assert stopped(trading.engine, FunnelStepName.LIMITS) == {"the exchange's status is not known": 1}


def test_without_an_order_group_nothing_is_entered() -> None:
    trading = Desk(engine())
    trading.open(group=False)
    assert submits(trading.show(FAVOURITE)) == []
    assert stopped(trading.engine, FunnelStepName.LIMITS) == {"no order group on shard 0": 1}


def test_a_group_on_another_shard_does_not_serve() -> None:
    trading = desk(None, market(exchange_index=3))
    assert submits(trading.show(FAVOURITE)) == []
    assert stopped(trading.engine, FunnelStepName.LIMITS) == {"no order group on shard 3": 1}


def test_while_a_position_has_no_mark_equity_is_unknown_and_nothing_is_entered() -> None:
    before = desk()
    before.hold(FAVOURITE)
    account, trade_log = replayed(records(before.actions))
    after = Desk(engine(account=account, trade_log=trade_log))
    after.connect(market(A), market(B))
    assert submits(after.show(FAVOURITE, B)) == []
    assert stopped(after.engine, FunnelStepName.LIMITS) == {"daily loss is unknown": 1}
    after.show(FAVOURITE, A)
    after.scan()
    assert after.engine.equity is not None
    assert [intent.ticker for intent in submits(after.actions)] == [B]


@pytest.mark.parametrize("fees", [None, FeeTerms("quadratic_of_the_moon")])
def test_a_market_whose_fees_are_not_known_is_not_entered(fees: FeeTerms | None) -> None:
    trading = desk(None, market(fees=fees))
    assert submits(trading.show(FAVOURITE)) == []
    assert stopped(trading.engine, FunnelStepName.EDGE) == {"fee unknown": 1}


@pytest.mark.parametrize(
    ("shown", "step", "reason"),
    [
        (TOSS_UP, FunnelStepName.PRICE, "not 90-99c"),
        (quote(None, 93), FunnelStepName.LIQUIDITY, "one-sided"),
        (quote(93, 93), FunnelStepName.LIQUIDITY, "crossed or locked"),
        (quote(92, 93, size=9), FunnelStepName.LIQUIDITY, "size < 10"),
        (quote(90, 93), FunnelStepName.SPREAD, "over 200 bps"),
        (quote(91, 92), FunnelStepName.EDGE, "< 0.02 $"),
        (FAVOURITE, FunnelStepName.LIMITS, "position limit"),
    ],
)
def test_where_nothing_was_traded_the_funnel_says_at_which_step_and_why(
    shown: Quote, step: FunnelStepName, reason: str
) -> None:
    limits = RiskSettings(max_single_position_pct=Decimal(0))
    trading = desk(settings(risk=limits))
    assert submits(trading.show(shown)) == []
    assert stopped(trading.engine, step) == {reason: 1}
    assert passed(trading.engine, FunnelStepName.SENT) == 0


def test_an_order_denied_by_a_limit_is_logged_once_for_each_reason() -> None:
    trading = desk(settings(risk=RiskSettings(max_single_position_pct=Decimal(0))))
    trading.show(FAVOURITE)
    trading.scan()
    [denied] = [entry for entry in trading.engine.trade_log.entries if entry.kind is LogKind.DENIED]
    assert denied.ticker == A
    assert denied.text.startswith("position limit")


def test_a_market_that_closed_by_the_clock_or_by_word_is_not_entered() -> None:
    trading = desk(None, market(A, close_ns=START + SECOND), market(B))
    trading.take(MarketStatusChanged(at_ns=START, ticker=B, status=MarketStatus.INACTIVE))
    trading.later(1)
    trading.show(FAVOURITE, A)
    trading.show(FAVOURITE, B)
    assert submits(trading.actions) == []
    assert stopped(trading.engine, FunnelStepName.SCANNED) == {"not open": 2}


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
    group = trading.engine.markets.groups[A]
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


def test_sizes_are_whole_contracts_within_the_depth_shown() -> None:
    [intent] = submits(desk().show(quote(92, 93, size=25)))
    assert intent.count == contracts(25)
