"""The ways in which a simulated exchange flatters a strategy, each shut, and the terms it trades at."""

from __future__ import annotations

import msgspec
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
from console.domain.book import NO_QUOTE, BookSide, Level, Quote
from console.domain.fees import AccountPrecision, ProfitFees, model_fee
from console.domain.grid import TAPERED_DECI_CENTS
from console.domain.market import FeeTerms, MarketStatus
from console.domain.money import CASH_PER_DOLLAR, PAYOUT, Cash, Price, cost
from console.domain.order import OrderIntent, OrderStatus, Settlement, TimeInForce
from console.domain.ports import Clock
from console.simulation.broker import Broker
from console.simulation.slippage import SlippageModel

BID, ASK = BookSide.BID, BookSide.ASK
IOC = TimeInForce.IMMEDIATE_OR_CANCEL
FOK = TimeInForce.FILL_OR_KILL
MAKER_FEES = FeeTerms("quadratic_with_maker_fees")


def refused(events: Events, order: OrderIntent) -> str:
    outcome = events.broker.submit(order)
    assert isinstance(outcome, OrderRejected), outcome
    return outcome.code


def ended(events: Events) -> list[tuple[OrderStatus, str]]:
    return [(status, reason) for _, status, _, reason in events.reports]


# --- execution --------------------------------------------------------------------------------------


def test_an_entry_crosses_the_spread_and_never_gets_the_mid_or_the_last_price() -> None:
    events = opened_broker(quote(bid=90, ask=94, size=10))
    events.print_trade(92, 5, BID)
    events.broker.submit(intent(BID, 92, 5, IOC, name="at the mid"))
    assert events.fills == []
    events.broker.submit(intent(BID, 99, 5, IOC, name="through the ask"))
    assert events.fills == [(cents(94), contracts(5), True)]


def test_a_large_order_takes_what_is_displayed_at_each_level_and_no_more() -> None:
    events = opened_broker(NO_QUOTE)
    asks = [Level(cents(93), contracts(10)), Level(cents(95), contracts(20))]
    events.broker.show_book(TICKER, [], asks)
    events.broker.submit(intent(BID, 95, 500, IOC, name="walks"))
    assert events.fills == [(cents(93), contracts(10), True), (cents(95), contracts(20), True)]
    events.broker.show_book(TICKER, [], [asks[0], Level(cents(95), contracts(21))])
    events.broker.submit(intent(BID, 95, 500, IOC, name="again"))
    assert events.fills[2:] == [(cents(95), contracts(21), True)], "the level at 93 was not shown anew"


def test_what_we_took_stays_gone_while_a_better_price_hides_it() -> None:
    events = opened_broker(quote(bid=91, ask=93, size=10))
    events.broker.submit(intent(BID, 93, 10, IOC, name="one"))
    events.broker.show(TICKER, quote(bid=91, ask=92, size=3))
    events.broker.show(TICKER, quote(bid=91, ask=93, size=10))
    events.broker.submit(intent(BID, 93, 10, IOC, name="two"))
    assert len(events.fills) == 1
    events.broker.show(TICKER, quote(bid=91, ask=94, size=10))
    events.broker.show(TICKER, quote(bid=91, ask=93, size=10))
    events.broker.submit(intent(BID, 93, 10, IOC, name="three"))
    assert len(events.fills) == 2


def test_a_touch_does_not_fill_a_resting_order() -> None:
    events = opened_broker(quote(bid=91, ask=93, size=10))
    events.broker.submit(intent(BID, 91, 5, post_only=True))
    for size in (10, 9, 1):
        events.broker.show(TICKER, quote(bid=91, ask=92, size=size))
    events.broker.show(TICKER, quote(bid=90, ask=92, size=10))
    assert events.fills == [], "others came, went and left, and nobody sold to us"


def test_a_recorded_trade_and_a_crossing_display_are_told_apart() -> None:
    events = opened_broker(quote(bid=90, ask=93, size=10))
    events.broker.submit(intent(BID, 91, 5, post_only=True))
    events.print_trade(91, 2, ASK)
    events.broker.show(TICKER, quote(bid=90, ask=91, size=10))
    told = [(execution.count, execution.is_printed) for _, _, execution, _ in events.booked]
    assert told == [(contracts(2), True), (contracts(3), False)]


def test_a_post_only_order_that_would_take_is_refused_its_place() -> None:
    events = opened_broker(quote(bid=91, ask=92, size=10))
    events.broker.submit(intent(BID, 92, 5, post_only=True))
    assert ended(events) == [(OrderStatus.CANCELED, "PostOnlyCrossCancel")]


def test_we_do_not_trade_with_ourselves() -> None:
    events = opened_broker(quote(bid=88, ask=95, size=10))
    events.broker.submit(intent(ASK, 91, 5, post_only=True, name="offer"))
    events.broker.submit(intent(BID, 92, 5, name="taker"))
    assert events.fills == []
    assert ended(events) == [(OrderStatus.CANCELED, "SelfTradeCancel")]
    assert events.broker.orders()[0].status is OrderStatus.RESTING


def test_a_paused_market_cancels_what_rests_there_and_takes_nothing_until_it_goes_on() -> None:
    events = opened_broker(quote(bid=91, ask=93, size=10))
    events.broker.list_markets([market("OTHER")])
    events.broker.submit(intent(BID, 90, 5, name="here"))
    events.broker.submit(intent(BID, 90, 5, name="there", ticker="OTHER"))
    events.broker.change_status(TICKER, MarketStatus.INACTIVE, None)
    assert [order.status for order in events.broker.orders()] == [OrderStatus.CANCELED, OrderStatus.RESTING]
    assert refused(events, intent(BID, 90, 5, name="paused")) == "market_inactive"
    events.broker.change_status(TICKER, MarketStatus.ACTIVE, None)
    assert isinstance(events.broker.submit(intent(BID, 90, 5, name="on")), OrderAcked)


@pytest.mark.parametrize(("count", "filled"), [(10, [(cents(92), contracts(10), True)]), (11, [])])
def test_a_fill_or_kill_order_fills_whole_or_not_at_all(
    count: int, filled: list[tuple[Price, int, bool]]
) -> None:
    events = opened_broker(quote(bid=91, ask=92, size=10))
    events.broker.submit(intent(BID, 92, count, FOK))
    assert events.fills == filled


def test_of_a_quote_without_a_size_nothing_fills() -> None:
    events = opened_broker(quote(bid=91, ask=92, size=0))
    events.broker.submit(intent(BID, 92, 10, IOC))
    events.broker.submit(intent(BID, 91, 5, post_only=True, name="rests"))
    events.broker.show(TICKER, quote(bid=90, ask=91, size=0))
    assert events.fills == []


# --- time -------------------------------------------------------------------------------------------


def test_closed_is_not_settled() -> None:
    events = opened_broker(quote(bid=91, ask=92, size=10))
    events.broker.submit(intent(BID, 92, 10, IOC, name="in"))
    cash = events.broker.cash()
    for status in (MarketStatus.CLOSED, MarketStatus.DETERMINED, MarketStatus.DISPUTED):
        events.broker.change_status(TICKER, status, None)
        assert events.broker.cash() == cash, "the money is locked until the market pays"
        assert refused(events, intent(ASK, 91, 10, IOC, name=status)) == "market_inactive"
    events.broker.settle(Settlement(TICKER, PAYOUT, CLOSE_NS))
    assert events.broker.cash() == cash + cost(PAYOUT, contracts(10))
    assert refused(events, intent(BID, 91, 10, IOC, name="after")) == "market_inactive"


def test_a_market_may_close_before_its_time() -> None:
    events = opened_broker(quote(bid=91, ask=93, size=10))
    events.broker.submit(intent(BID, 91, 5, post_only=True))
    events.broker.change_status(TICKER, MarketStatus.CLOSED, NOW_NS)
    events.broker.show(TICKER, quote(bid=80, ask=81, size=10))
    assert events.fills == []
    assert ended(events) == [(OrderStatus.CANCELED, "CloseCancel")]


def test_the_clock_closes_a_market_without_anybody_saying_so() -> None:
    events = opened_broker(quote(bid=91, ask=93, size=10))
    events.broker.submit(intent(BID, 91, 5, post_only=True))
    assert events.broker.next_end_ns == CLOSE_NS
    events.now_ns = CLOSE_NS
    events.broker.show(TICKER, quote(bid=80, ask=81, size=10))
    assert events.fills == []
    assert ended(events) == [(OrderStatus.CANCELED, "CloseCancel")]


def test_an_order_expires_at_its_time_though_nothing_else_happens() -> None:
    events = opened_broker(quote(bid=91, ask=93, size=10))
    for name, after_s in (("late", 20), ("early", 10)):
        events.broker.submit(intent(BID, 91, 5, name=name, expires_s=NOW_NS // 10**9 + after_s))
    for after_s, count in ((10, 1), (20, 2)):
        assert events.broker.next_end_ns == NOW_NS + after_s * 10**9
        events.now_ns = NOW_NS + after_s * 10**9 - 1
        events.broker.expire()
        assert len(ended(events)) == count - 1
        events.now_ns += 1
        events.broker.expire()
        assert ended(events) == [(OrderStatus.CANCELED, "ExpiryCancel")] * count
    assert events.broker.next_end_ns is None


@pytest.mark.parametrize("yes_value", [5_000, 3_300, 0, 10_000])
def test_ties_and_scalars_pay_each_side_its_part(yes_value: int) -> None:
    events = opened_broker(quote(bid=40, ask=60, size=10))
    events.broker.list_markets([market("OTHER")])
    events.broker.show("OTHER", quote(bid=40, ask=60, size=10))
    events.broker.submit(intent(BID, 60, 10, IOC, name="yes"))
    events.broker.submit(intent(ASK, 40, 10, IOC, name="no", ticker="OTHER"))
    before = events.broker.cash()
    events.broker.settle(Settlement("OTHER", Price(yes_value), CLOSE_NS))
    assert events.broker.cash() - before == cost(Price(10_000 - yes_value), contracts(10))
    events.broker.settle(Settlement(TICKER, Price(yes_value), CLOSE_NS))
    assert events.broker.cash() - before == cost(PAYOUT, contracts(10))


def test_a_payout_comes_after_the_last_trade_and_before_the_next_entry() -> None:
    events = Events()
    events.broker.open_account(Cash(10 * CASH_PER_DOLLAR))
    events.broker.list_markets([market(), market("NEXT")])
    events.broker.change_trading(True)
    events.broker.show(TICKER, quote(bid=90, ask=95, size=10))
    events.broker.show("NEXT", quote(bid=90, ask=92, size=10))
    events.broker.submit(intent(BID, 91, 10, post_only=True, name="last"))
    assert refused(events, intent(BID, 92, 10, IOC, name="early", ticker="NEXT")) == "insufficient_balance"
    events.print_trade(91, 10, ASK)
    events.broker.settle(Settlement(TICKER, PAYOUT, NOW_NS))
    assert events.broker.cash() == 10 * CASH_PER_DOLLAR + cost(cents(9), contracts(10))
    assert isinstance(events.broker.submit(intent(BID, 92, 10, IOC, name="next", ticker="NEXT")), OrderAcked)
    events.print_trade(91, 10, ASK)
    events.broker.show(TICKER, quote(bid=90, ask=91, size=10))
    assert [fill.ticker for fill in events.broker.fills()] == [TICKER, "NEXT"]


def test_settling_a_market_in_which_nothing_is_held_tells_nobody() -> None:
    events = opened_broker(quote(bid=91, ask=92, size=10))
    settlement = Settlement(TICKER, PAYOUT, CLOSE_NS)
    assert events.broker.settle(settlement) == settlement
    assert events.all == []
    assert events.broker.settlements() == []


def test_a_settled_market_does_not_come_back() -> None:
    events = opened_broker(quote(bid=91, ask=92, size=10))
    events.broker.settle(Settlement(TICKER, PAYOUT, NOW_NS))
    events.broker.list_markets([market()])
    events.broker.change_status(TICKER, MarketStatus.ACTIVE, None)
    assert refused(events, intent(BID, 92, 1, IOC)) == "market_inactive"


# --- terms --------------------------------------------------------------------------------------------


def test_a_fill_is_charged_by_the_terms_in_force_when_it_happens() -> None:
    events = opened_broker(quote(bid=50, ask=53, size=10))
    events.broker.submit(intent(BID, 51, 30, post_only=True))
    events.print_trade(51, 10, ASK)
    events.broker.list_markets([market(fees=MAKER_FEES)])
    events.print_trade(51, 10, ASK)
    events.broker.list_markets([market(fees=FeeTerms("never heard of"))])
    events.print_trade(51, 10, ASK)
    free, *charged = [fill.fee for fill in events.broker.fills()]
    exact = model_fee(MAKER_FEES, cents(51), contracts(10), is_taker=False)
    assert free == 0
    assert len(charged) == 2, "terms that cannot be read leave the last ones in force"
    assert 2 * exact <= sum(charged) < 2 * exact + AccountPrecision.DIRECT_MEMBER
    assert refused(events, intent(BID, 51, 1, name="more")) == "fee_unknown"


def test_the_price_grid_may_change_during_a_market() -> None:
    events = opened_broker(quote(bid=91, ask=92, size=10))
    assert refused(events, intent(BID, 90.5, 1, name="off")) == "invalid_order"
    events.broker.list_markets([msgspec.structs.replace(market(), grid=TAPERED_DECI_CENTS)])
    assert isinstance(events.broker.submit(intent(BID, 90.5, 1, name="on")), OrderAcked)


def test_an_earlier_close_of_a_market_listed_anew_ends_its_orders_then() -> None:
    events = opened_broker(quote(bid=91, ask=93, size=10))
    events.broker.submit(intent(BID, 91, 5, post_only=True))
    events.broker.list_markets([msgspec.structs.replace(market(), close_ns=NOW_NS + 1)])
    events.now_ns += 1
    events.broker.expire()
    assert ended(events) == [(OrderStatus.CANCELED, "CloseCancel")]


@pytest.mark.parametrize("precision", AccountPrecision)
def test_the_balance_moves_in_steps_of_the_accounts_precision(precision: AccountPrecision) -> None:
    def make(clock: Clock) -> Broker:
        return Broker(clock, precision=precision)

    events = opened_broker(quote(bid=91, ask=93, size=10), make)
    events.broker.submit(intent(BID, 93, 7, IOC))
    assert events.broker.cash() % precision == 0
    exact = model_fee(FeeTerms(), cents(93), contracts(7), is_taker=True)
    assert exact <= events.broker.fills()[0].fee < exact + precision


def test_slippage_costs_takers_cash_and_never_a_worse_price() -> None:
    model = SlippageModel()

    def make(clock: Clock) -> Broker:
        return Broker(clock, slippage=model)

    with_model = opened_broker(quote(bid=91, ask=93, size=10), make)
    without = opened_broker(quote(bid=91, ask=93, size=10))
    for events in (with_model, without):
        events.broker.submit(intent(BID, 93, 5, IOC, name="taker"))
        events.broker.submit(intent(BID, 92, 5, post_only=True, name="maker"))
        events.print_trade(92, 5, ASK)
    expected = model.cost(cents(93), contracts(5), contracts(10))
    assert [slippage for *_, slippage in with_model.booked] == [expected, 0]
    assert with_model.fills == without.fills
    assert without.broker.cash() - with_model.broker.cash() == expected > 0
    fees = [[fill.fee for fill in events.broker.fills()] for events in (with_model, without)]
    assert fees[0] == [fees[1][0] + expected, fees[1][1]]


def test_a_share_of_profit_is_charged_when_the_market_settles_and_nothing_before() -> None:
    fees = ProfitFees()

    def make(clock: Clock) -> Broker:
        return Broker(clock, profit_fees=fees)

    events = opened_broker(quote(bid=91, ask=93, size=10), make)
    events.broker.submit(intent(BID, 93, 10, IOC))
    assert events.broker.fills()[0].fee == 0
    before = events.broker.cash()
    charged = events.broker.settle(Settlement(TICKER, PAYOUT, CLOSE_NS))
    assert charged.fee == fees.on_profit(cost(cents(7), contracts(10)))
    assert events.broker.cash() - before == cost(PAYOUT, contracts(10)) - charged.fee


def test_ids_begin_with_what_they_are_told() -> None:
    def make(clock: Clock) -> Broker:
        return Broker(clock, id_prefix="backtest")

    events = opened_broker(quote(bid=91, ask=93, size=10), make)
    events.broker.submit(intent(BID, 93, 10, IOC))
    fill = events.broker.fills()[0]
    assert (fill.order_id, fill.fill_id) == ("backtest-1", "backtest-fill-1")
    assert events.broker.create_group() == "backtest-group-1"


# --- what a caller need show --------------------------------------------------------------------------


def test_the_display_matters_while_we_rest_or_while_what_we_took_is_gone() -> None:
    events = opened_broker(quote(bid=91, ask=93, size=10))
    assert not events.broker.books.is_touched(TICKER)
    events.broker.submit(intent(BID, 93, 4, IOC, name="takes"))
    assert events.broker.books.is_touched(TICKER)
    assert events.broker.books.displayed(TICKER) == Quote(
        Level(cents(91), contracts(10)), Level(cents(93), contracts(6))
    )
    events.broker.show(TICKER, quote(bid=91, ask=93, size=9))
    assert not events.broker.books.is_touched(TICKER)
    acked = events.broker.submit(intent(BID, 91, 4, name="rests"))
    assert isinstance(acked, OrderAcked)
    assert events.broker.books.is_touched(TICKER)
    events.broker.cancel(acked.order_id)
    assert not events.broker.books.is_touched(TICKER)
    assert events.broker.books.displayed("NOWHERE") == NO_QUOTE
