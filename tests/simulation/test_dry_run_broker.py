"""What becomes of an order that a dry run gives to its own broker."""

from __future__ import annotations

import pytest
from dry_run_builders import (
    CLOSE_NS,
    NOW_NS,
    TICKER,
    Events,
    cents,
    contracts,
    intent,
    market,
    opened_broker,
    quote,
)

from console.domain.account_events import OrderAcked, OrderRejected
from console.domain.book import NO_QUOTE, BookSide
from console.domain.fees import model_fee
from console.domain.market import FeeTerms, MarketStatus
from console.domain.money import CASH_PER_DOLLAR, PAYOUT, Cash, Price, cost
from console.domain.order import OrderIntent, OrderStatus, Settlement, TimeInForce

BID, ASK = BookSide.BID, BookSide.ASK
IOC = TimeInForce.IMMEDIATE_OR_CANCEL
START = Cash(10_000 * CASH_PER_DOLLAR)


def refused(events: Events, order: OrderIntent) -> str:
    outcome = events.broker.submit(order)
    assert isinstance(outcome, OrderRejected), outcome
    return outcome.code


# --- taking -----------------------------------------------------------------------------------------


def test_a_taker_gets_no_more_than_is_shown_and_pays_the_exchanges_fee() -> None:
    events = opened_broker(quote(bid=91, ask=92, size=10))
    acked = events.broker.submit(intent(BID, 92, 15, IOC))
    assert isinstance(acked, OrderAcked)
    assert events.fills == [(cents(92), contracts(10), True)]
    assert events.reports == [(acked.order_id, OrderStatus.CANCELED, contracts(10), "")]
    fee = events.broker.fills()[0].fee
    charged = model_fee(FeeTerms(), cents(92), contracts(10), is_taker=True)
    assert charged <= fee < charged + 100
    assert events.broker.cash() == START - cost(cents(92), contracts(10)) - fee


def test_what_one_order_took_is_not_there_for_the_next_until_it_is_shown_anew() -> None:
    events = opened_broker(quote(bid=91, ask=92, size=10))
    for name in ("one", "two"):
        events.broker.submit(intent(BID, 92, 10, IOC, name=name))
    assert len(events.fills) == 1
    events.broker.show(TICKER, quote(bid=91, ask=92, size=11))
    events.broker.submit(intent(BID, 92, 10, IOC, name="three"))
    assert len(events.fills) == 2


def test_a_quote_that_is_gone_when_the_order_arrives_fills_nothing() -> None:
    events = opened_broker(quote(bid=91, ask=92, size=10))
    events.broker.show(TICKER, quote(bid=91, ask=93, size=10))
    events.broker.submit(intent(BID, 92, 10, IOC))
    assert events.fills == []


def test_while_the_feed_is_lost_nothing_fills() -> None:
    events = opened_broker(quote(bid=91, ask=92, size=10))
    events.broker.hide_all()
    events.broker.submit(intent(BID, 92, 10, IOC))
    assert events.fills == []


# --- resting ----------------------------------------------------------------------------------------


def test_a_resting_order_fills_at_its_own_price_as_maker_when_the_other_side_comes_to_it() -> None:
    events = opened_broker(quote(bid=91, ask=93, size=10))
    events.broker.submit(intent(BID, 91, 8, post_only=True))
    events.broker.show(TICKER, quote(bid=90, ask=91, size=5))
    assert events.fills == [(cents(91), contracts(5), False)]
    events.broker.show(TICKER, quote(bid=90, ask=91, size=6))
    assert events.fills[1:] == [(cents(91), contracts(3), False)]
    assert events.broker.orders()[0].status is OrderStatus.EXECUTED


def test_a_resting_order_fills_by_others_trades_after_those_before_it() -> None:
    events = opened_broker(quote(bid=91, ask=95, size=10))
    events.broker.submit(intent(BID, 91, 8, post_only=True))
    events.print_trade(91, 10, ASK)
    assert events.fills == []
    events.print_trade(91, 3, BID)
    assert events.fills == [], "a trade with an ask concerns no bid"
    events.print_trade(91, 3, ASK)
    assert events.fills == [(cents(91), contracts(3), False)]
    events.print_trade(90, 99, ASK)
    assert events.fills[1:] == [(cents(91), contracts(5), False)]


def test_a_better_price_of_others_or_a_lost_feed_does_not_move_us_up_the_queue() -> None:
    events = opened_broker(quote(bid=91, ask=95, size=10))
    events.broker.submit(intent(BID, 91, 8, post_only=True))
    events.broker.show(TICKER, quote(bid=92, ask=95, size=1))
    events.broker.hide_all()
    events.broker.show(TICKER, NO_QUOTE)
    events.broker.show(TICKER, quote(bid=91, ask=95, size=10))
    events.print_trade(91, 10, ASK)
    assert events.fills == []
    events.print_trade(91, 1, ASK)
    assert events.fills == [(cents(91), contracts(1), False)]


def test_a_post_only_order_that_would_take_is_cancelled() -> None:
    events = opened_broker(quote(bid=91, ask=92, size=10))
    events.broker.submit(intent(BID, 92, 5, post_only=True))
    assert events.fills == []
    assert [(status, reason) for _, status, _, reason in events.reports] == [
        (OrderStatus.CANCELED, "PostOnlyCrossCancel")
    ]


def test_an_order_ends_at_its_expiry_and_with_its_market() -> None:
    events = opened_broker(quote(bid=91, ask=93, size=10))
    events.broker.submit(intent(BID, 91, 5, post_only=True, expires_s=NOW_NS // 10**9 + 5, name="short"))
    events.now_ns = NOW_NS + 5 * 10**9 - 1
    assert events.broker.orders()[0].status is OrderStatus.RESTING
    events.now_ns += 1
    assert events.broker.orders()[0].status is OrderStatus.CANCELED
    events.broker.submit(intent(BID, 91, 5, post_only=True, name="long"))
    events.broker.change_status(TICKER, MarketStatus.CLOSED, None)
    assert [reason for *_, reason in events.reports] == ["ExpiryCancel", "CloseCancel"]


def test_an_order_whose_expiry_is_over_when_it_arrives_is_refused() -> None:
    events = opened_broker(quote(bid=91, ask=93, size=10))
    late = intent(BID, 91, 5, post_only=True, expires_s=NOW_NS // 10**9)
    assert refused(events, late) == "invalid_order"
    events.print_trade(90, 100, ASK)
    assert events.fills == []


def test_a_pause_of_the_exchange_cancels_what_rests_and_refuses_until_it_is_over() -> None:
    events = opened_broker(quote(bid=91, ask=93, size=10))
    events.broker.submit(intent(BID, 91, 5, post_only=True, name="one"))
    events.broker.change_trading(False)
    assert events.reports[0][3] == "HaltCancel"
    assert refused(events, intent(BID, 91, 5, name="two")) == "trading_paused"
    events.broker.change_trading(True)
    assert isinstance(events.broker.submit(intent(BID, 91, 5, name="three")), OrderAcked)


# --- closing and paying out -------------------------------------------------------------------------


def test_selling_what_is_held_reduces_and_a_reduce_only_order_never_opens() -> None:
    events = opened_broker(quote(bid=91, ask=92, size=10))
    events.broker.submit(intent(BID, 92, 10, IOC, name="in"))
    events.broker.submit(intent(ASK, 91, 15, IOC, name="out", reduce_only=True))
    assert [count for _, count, _ in events.fills] == [contracts(10), contracts(10)]
    assert events.broker.positions()[0].position == 0
    assert events.reports[-1][1:] == (OrderStatus.CANCELED, contracts(10), "ReduceOnlyCancel")
    paid = sum(fill.fee for fill in events.broker.fills()) + cost(cents(1), contracts(10))
    assert events.broker.cash() == START - paid


@pytest.mark.parametrize(("yes_value", "per_contract"), [(PAYOUT, 100), (Price(0), 0)])
def test_a_settled_market_pays_once(yes_value: Price, per_contract: int) -> None:
    events = opened_broker(quote(bid=91, ask=92, size=10))
    events.broker.submit(intent(BID, 92, 10, IOC))
    before = events.broker.cash()
    for _ in range(2):
        events.broker.settle(Settlement(TICKER, yes_value, CLOSE_NS))
    assert events.broker.cash() - before == cost(cents(per_contract), contracts(10))
    assert len(events.broker.settlements()) == 1
    assert events.broker.positions()[0].position == 0


def test_a_held_market_awaits_its_payout_from_its_close_on() -> None:
    events = opened_broker(quote(bid=91, ask=92, size=10))
    events.broker.submit(intent(BID, 92, 10, IOC))
    events.now_ns = CLOSE_NS - 1
    assert events.broker.awaiting_payout() == []
    events.now_ns = CLOSE_NS
    assert events.broker.awaiting_payout() == [TICKER]
    events.broker.settle(Settlement(TICKER, PAYOUT, CLOSE_NS))
    assert events.broker.awaiting_payout() == []


# --- refusing ---------------------------------------------------------------------------------------


def test_what_the_exchange_would_refuse_is_refused() -> None:
    events = opened_broker(quote(bid=91, ask=92, size=10))
    unknown_fee = FeeTerms("flat_surprise")
    events.broker.list_markets([market("NOFEE", fees=None), market("ODD", fees=unknown_fee)])
    assert refused(events, intent(BID, 92, 1, ticker="NOWHERE")) == "market_not_found"
    assert refused(events, intent(BID, 92, 1, ticker="NOFEE")) == "fee_unknown"
    assert refused(events, intent(BID, 92, 1, ticker="ODD")) == "fee_unknown"
    assert refused(events, intent(BID, 92, 20_000, IOC)) == "insufficient_balance"
    assert refused(events, intent(BID, 92.5, 1, IOC)) == "invalid_order"
    assert refused(events, intent(BID, 92, 1, reduce_only=True)) == "invalid_order"
    events.broker.submit(intent(BID, 90, 1, name="same"))
    assert refused(events, intent(BID, 90, 1, name="same")) == "order_already_exists"
    events.now_ns = CLOSE_NS
    assert refused(events, intent(BID, 92, 1)) == "market_inactive"


def test_resting_orders_count_against_the_cash() -> None:
    events = opened_broker(quote(bid=91, ask=95, size=10))
    assert isinstance(events.broker.submit(intent(BID, 90, 10_000, name="most")), OrderAcked)
    assert refused(events, intent(BID, 90, 1_200, name="more")) == "insufficient_balance"


def test_a_triggered_group_cancels_its_orders_and_takes_none_until_it_is_reset() -> None:
    events = opened_broker(quote(bid=91, ask=95, size=10))
    group = events.broker.create_group()
    events.broker.submit(intent(BID, 90, 1, name="one", group_id=group))
    events.broker.submit(intent(BID, 90, 1, name="apart"))
    events.broker.trigger_group(group)
    statuses = [order.status for order in events.broker.orders()]
    assert statuses == [OrderStatus.CANCELED, OrderStatus.RESTING]
    assert refused(events, intent(BID, 90, 1, name="two", group_id=group)) == "order_group_triggered"
    events.broker.reset_group(group)
    assert isinstance(events.broker.submit(intent(BID, 90, 1, name="three", group_id=group)), OrderAcked)
