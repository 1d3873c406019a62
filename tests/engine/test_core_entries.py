from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from engine_builders import (
    FAVOURITE,
    LONGSHOT,
    SECOND,
    START,
    TOSS_UP,
    A,
    B,
    Desk,
    cents,
    contracts,
    desk,
    dollars,
    engine,
    market,
    passed,
    quote,
    records,
    replayed,
    settings,
    stopped,
    submits,
)

from console.config.risk_settings import RiskSettings
from console.domain.account_events import AccountOpened, OrderIntended
from console.domain.actions import Action, Append, Submit
from console.domain.book import BookSide, Quote
from console.domain.market import FeeTerms, MarketStatus
from console.domain.market_events import ExchangeStatusRead, FeedProved, MarketListed, MarketStatusChanged
from console.domain.order import TimeInForce
from console.engine.log_views import LogKind
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


def test_a_makers_order_that_could_not_rest_for_a_second_is_not_sent() -> None:
    # An exchange refuses an expiry that is over, and a few refusals within a minute pause trading.
    closes = market(close_ns=START + SECOND + SECOND // 2)
    trading = desk(settings("maker"), closes)
    trading.now_ns += SECOND // 2
    assert submits(trading.show(FAVOURITE)) == []
    assert stopped(trading.engine, FunnelStepName.LIMITS) == {"it would rest for less than a second": 1}
    assert submits(desk(settings(), closes).show(FAVOURITE))


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
        (pause_the_exchange, "tripped by exchange"),
        (close_the_exchange, "tripped by exchange"),
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
    trading.engine.activity.exchange = None
    assert submits(trading.show(FAVOURITE)) == []
    assert stopped(trading.engine, FunnelStepName.LIMITS) == {"exchange is unknown": 1}


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


def test_sizes_are_whole_contracts_within_the_depth_shown() -> None:
    [intent] = submits(desk().show(quote(92, 93, size=25)))
    assert intent.count == contracts(25)
