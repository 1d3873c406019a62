"""News that comes late, nameless or after the clock stepped back, to the core."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest
from engine_builders import (
    FAVOURITE,
    SECOND,
    START,
    A,
    B,
    Desk,
    cancels,
    contracts,
    desk,
    dollars,
    engine,
    market,
    quote,
    records,
    replayed,
    settings,
    stopped,
    submits,
)

from console.config.risk_settings import RiskSettings
from console.domain.account_events import BalanceRead, OrderFilled, OrderRejected
from console.domain.commands import CancelAllOrders
from console.domain.money import Cash
from console.domain.order import Fill, OrderIntent, OrderStatus
from console.domain.trading_state import TradingState
from console.engine.log_views import LogKind
from console.monitoring.why_not import FunnelStepName

HOUR = 3_600


def maker() -> tuple[Desk, OrderIntent]:
    """A maker's order at rest."""
    trading = desk(settings("maker"))
    intent = trading.enter()
    trading.ack(intent)
    return trading, intent


def test_a_fill_without_a_client_id_belongs_to_the_order_of_its_order_id() -> None:
    trading, intent = maker()
    told = trading.fill(intent, contracts(3))
    [event] = [r for r in records(told) if isinstance(r, OrderFilled)]
    nameless = msgspec.structs.replace(
        event, client_order_id="", fill=msgspec.structs.replace(event.fill, fill_id="another")
    )
    journaled = records(trading.take(nameless))
    assert trading.engine.account.position(A).contracts == contracts(6)
    assert [r.client_order_id for r in journaled if isinstance(r, OrderFilled)] == [intent.client_order_id]
    account, _ = replayed(records(trading.actions))
    assert account.comparable() == trading.engine.account.comparable()


def test_a_fill_of_nobodys_is_not_taken() -> None:
    trading, intent = maker()
    fill = Fill("f", "another's", A, intent.side, intent.price, contracts(1), Cash(0), False, START)
    assert trading.take(OrderFilled(at_ns=trading.now_ns, client_order_id="", fill=fill)) == []


def test_a_cancel_of_all_that_brought_no_news_is_asked_again_though_trading_goes_on() -> None:
    trading, intent = maker()
    assert cancels(trading.take(CancelAllOrders(at_ns=trading.now_ns))) == [intent.client_order_id]
    trading.later(2)
    assert trading.state is TradingState.RUNNING
    assert cancels(trading.tick()) == [intent.client_order_id]
    trading.report(intent, OrderStatus.CANCELED)
    trading.later(2)
    assert cancels(trading.tick()) == []


def test_a_clock_that_stepped_back_does_not_hold_up_the_next_cancel() -> None:
    trading, intent = maker()
    trading.pause()
    trading.now_ns -= round(HOUR * SECOND)
    assert cancels(trading.tick()) == [intent.client_order_id]


def test_an_order_that_is_over_at_the_exchange_is_not_cancelled_while_its_fills_are_awaited() -> None:
    trading, intent = maker()
    trading.report(intent, OrderStatus.EXECUTED, intent.count)
    assert cancels(trading.pause()) == []
    trading.later(3)
    assert cancels(trading.tick()) == []


def test_after_the_clock_stepped_back_nothing_is_entered_until_the_feed_proves_itself_again() -> None:
    trading = desk()
    trading.exchange(trading=False)
    trading.show(FAVOURITE)
    trading.exchange()
    trading.now_ns -= round(HOUR * SECOND)
    trading.scan()
    assert submits(trading.actions) == []
    assert "stale book is unknown" in stopped(trading.engine, FunnelStepName.LIMITS)
    trading.prove()
    assert len(submits(trading.scan())) == 1


def test_a_pause_ends_after_five_good_seconds_though_the_clock_stepped_back() -> None:
    trading = desk()
    trading.later(31)
    trading.tick()
    assert trading.latches == {"stale_book"}
    trading.prove()
    trading.tick()
    trading.now_ns -= round(HOUR * SECOND)
    trading.tick()
    for _ in range(6):
        trading.later(1)
        trading.prove()
        trading.tick()
    assert trading.state is TradingState.RUNNING


def test_a_market_with_an_order_of_ours_is_not_forgotten_however_long_it_is_closed() -> None:
    closes_ns = desk().now_ns + 60 * SECOND
    trading = Desk(engine(settings("maker")))
    trading.open(market(A, close_ns=closes_ns), market(B))
    intent = trading.enter()
    trading.lose_sight(intent)
    group = trading.engine.markets.group(A)
    trading.later(HOUR)
    trading.scan()
    assert trading.engine.exposure().group(group).with_orders == intent.worst_cost


def test_a_limit_that_denies_at_every_quote_is_logged_once_whatever_the_figures() -> None:
    trading = desk(settings(risk=RiskSettings(max_single_position_pct=Decimal(0))))
    for bid in (91, 92, 93, 94, 91, 92, 93, 94):
        trading.show(quote(bid, bid + 1))
    [denied] = [e for e in trading.engine.trade_log.entries if e.kind is LogKind.DENIED]
    assert denied.text.startswith("position limit")
    assert stopped(trading.engine, FunnelStepName.LIMITS) == {"position limit": 6}


@pytest.mark.parametrize(
    ("code", "kind", "text"),
    [("denied", LogKind.DENIED, "halted before it was sent"), ("bad", LogKind.REJECTED, "rejected: words")],
)
def test_what_we_kept_back_is_denied_and_what_the_exchange_refused_is_rejected(
    code: str, kind: LogKind, text: str
) -> None:
    trading = desk(settings("maker"))
    intent = trading.enter()
    message = text.removeprefix("rejected: ")
    trading.take(
        OrderRejected(
            at_ns=trading.now_ns, client_order_id=intent.client_order_id, code=code, message=message
        )
    )
    last = trading.engine.trade_log.entries[-1]
    assert (last.kind, last.text) == (kind, text)


def test_cash_that_differs_in_one_read_only_is_no_news_and_a_lasting_difference_is_told_once() -> None:
    trading = desk()
    told = len(trading.engine.alerts)

    def read(difference: str) -> None:
        cash = Cash(trading.engine.account.cash + dollars(difference))
        trading.take(BalanceRead(at_ns=trading.now_ns, cash=cash))

    for difference in ("1", "0", "2", "0"):
        read(difference)
    assert len(trading.engine.alerts) == told
    read("50")
    read("50")
    trading.hold(FAVOURITE)
    read("50")
    assert len(trading.engine.alerts) == told + 1
    assert "10050" in trading.engine.alerts[-1].text
