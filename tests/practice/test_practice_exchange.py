"""The practice exchange's rules and its account, without sockets."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from practice_support import START_NS, TICKER, Bench, displayed, listed, request, settled

from console.domain.book import BookSide
from console.domain.money import Cash, Count, Price
from console.domain.order import OrderStatus, TimeInForce
from console.domain.position import Position
from console.practice import floor
from console.practice.errors import RefusedError
from console.practice.notices import BookChanged, LifecycleChanged, OrderChanged
from console.practice.records import ExchangeOrder
from console.practice.tape import Closed, Printed, Settled, Swept

BID, ASK = BookSide.BID, BookSide.ASK
IOC, FOK = TimeInForce.IMMEDIATE_OR_CANCEL, TimeInForce.FILL_OR_KILL
START_CASH = 10_000_000_000


@pytest.fixture
def bench() -> Bench:
    return Bench()


def refused(bench: Bench, *args: object, **details: object) -> str:
    with pytest.raises(RefusedError) as raised:
        bench.exchange.orders.place(request(*args, **details))  # type: ignore[arg-type]
    return raised.value.code


def status(order: ExchangeOrder) -> OrderStatus:
    return order.status


def test_a_taker_pays_the_price_and_the_schedule_of_fees(bench: Bench) -> None:
    order = bench.exchange.orders.place(request(BID, 91, 10, IOC))
    assert order.status is OrderStatus.EXECUTED
    # 0.07 x 10 x 0.91 x 0.09 = 0.05733, raised to the account's 0.0001.
    assert order.taker_fees == 57_400
    assert bench.exchange.account.cash == START_CASH - 9_100_000 - 57_400


def test_a_maker_pays_no_fee_on_the_ordinary_schedule(bench: Bench) -> None:
    order = bench.exchange.orders.place(request(ASK, 91, 5))
    bench.exchange.apply(
        Printed(at_ns=START_NS, ticker=TICKER, price=Price(9_100), count=Count(5_500), taker_side=BID)
    )
    assert order.status is OrderStatus.EXECUTED
    assert (order.maker_fees, order.maker_cost) == (0, 450_000)
    assert bench.exchange.account.held(TICKER) == -500
    assert [t.count for t in bench.exchange.floor.trades] == [500, 5_000]


def test_closing_a_position_needs_no_cash(bench: Bench) -> None:
    bench.exchange.orders.place(request(BID, 92, 550, IOC))
    bench.exchange.account.cash = Cash(0)
    bench.exchange.orders.place(request(ASK, 90, 100, IOC))
    assert bench.exchange.account.held(TICKER) == 45_000
    assert bench.exchange.account.cash == 90_000_000 - 630_000


def test_cash_must_cover_an_order_beside_what_already_rests(bench: Bench) -> None:
    bench.exchange.orders.place(request(BID, 50, 10_000))
    assert refused(bench, BID, 50, 10_001) == "insufficient_balance"
    assert refused(bench, ASK, 95, 100_001) == "insufficient_balance"
    bench.exchange.orders.place(request(BID, 50, 9_000))


def test_a_used_client_order_id_is_refused_even_after_its_order_ended(bench: Bench) -> None:
    order = bench.exchange.orders.place(request(BID, 80, 1, client_order_id="mine"))
    bench.exchange.orders.cancel(order.order_id)
    assert refused(bench, BID, 80, 1, client_order_id="mine") == "order_already_exists"


@pytest.mark.parametrize(
    ("details", "code"),
    [
        ({"ticker": "NOPE"}, "market_not_found"),
        ({"group_id": "nope"}, "order_group_not_found"),
        ({"expires_ns": START_NS}, "invalid_order"),
        ({"reduce_only": True}, "invalid_order"),
    ],
)
def test_what_the_exchange_refuses(bench: Bench, details: dict[str, object], code: str) -> None:
    assert refused(bench, BID, 80, 1, **details) == code


def test_an_order_of_nothing_or_off_the_grid_is_refused(bench: Bench) -> None:
    assert refused(bench, BID, 80, 0) == "invalid_order_size"
    assert refused(bench, BID, 100, 1) == "invalid_price"


def test_a_reduce_only_order_is_cut_to_the_position(bench: Bench) -> None:
    bench.exchange.orders.place(request(BID, 91, 5, IOC))
    order = bench.exchange.orders.place(request(ASK, 90, 8, IOC, reduce_only=True))
    assert (order.filled, order.status, order.reason) == (500, OrderStatus.CANCELED, "ReduceOnlyCancel")
    assert bench.exchange.account.held(TICKER) == 0
    again = bench.exchange.orders.place(request(ASK, 90, 1, IOC, reduce_only=True))
    assert (again.filled, again.status) == (0, OrderStatus.CANCELED)


def test_a_reduce_only_order_needs_no_cash_for_what_it_may_not_trade(bench: Bench) -> None:
    bench.exchange.orders.place(request(BID, 91, 5, IOC))
    order = bench.exchange.orders.place(request(ASK, 1, 1_000_000, IOC, reduce_only=True))
    assert (order.filled, bench.exchange.account.held(TICKER)) == (500, 0)


def test_an_order_expires_when_its_time_is_up(bench: Bench) -> None:
    order = bench.exchange.orders.place(request(BID, 80, 1, expires_ns=START_NS + 10**9))
    bench.pass_seconds(0.9)
    bench.exchange.orders.expire()
    assert status(order) is OrderStatus.RESTING
    bench.pass_seconds(0.1)
    bench.exchange.orders.expire()
    assert (order.status, order.reason) == (OrderStatus.CANCELED, "ExpiryCancel")


def test_a_closed_market_takes_no_order_and_no_cancel_and_then_cancels_what_is_left(bench: Bench) -> None:
    order = bench.exchange.orders.place(request(BID, 80, 1))
    bench.pass_seconds(900)
    assert refused(bench, BID, 80, 1) == "market_inactive"
    with pytest.raises(RefusedError, match="has closed"):
        bench.exchange.orders.cancel(order.order_id)
    bench.exchange.apply(Closed(at_ns=bench.now_ns, ticker=TICKER))
    assert (order.status, order.reason) == (OrderStatus.CANCELED, "CloseCancel")


@pytest.mark.parametrize(("result", "paid"), [("yes", 5_000_000), ("no", 0)])
def test_settlement_pays_the_result_and_keeps_the_fees(bench: Bench, result: str, paid: int) -> None:
    bench.exchange.orders.place(request(BID, 91, 5, IOC))
    before = bench.exchange.account.cash
    bench.exchange.apply(settled("yes" if result == "yes" else "no"))
    account = bench.exchange.account
    assert account.cash == before + paid
    assert account.holdings[TICKER].position == Position(
        realised=Cash(paid - 4_550_000), fees=account.fills[0].fee
    )
    events = [n.event for n in bench.notices if isinstance(n, LifecycleChanged)]
    assert events == ["created", "determined", "settled"]


def test_a_swept_level_fills_our_order_there_at_once(bench: Bench) -> None:
    order = bench.exchange.orders.place(request(BID, 90, 7))
    bench.exchange.apply(
        Swept(
            at_ns=START_NS, ticker=TICKER, side=BID, price=Price(9_000), count=Count(10_000), by_print=False
        )
    )
    assert order.status is OrderStatus.EXECUTED
    assert [t.count for t in bench.exchange.floor.trades] == [700]


def modelled_print(contracts: int) -> Printed:
    return Printed(
        at_ns=START_NS,
        ticker=TICKER,
        price=Price(9_000),
        count=Count(contracts * 100),
        taker_side=ASK,
        modelled=True,
    )


def test_a_modelled_print_takes_what_is_shown_our_order_at_the_end_included(bench: Bench) -> None:
    order = bench.exchange.orders.place(request(BID, 90, 7))
    bench.exchange.apply(modelled_print(103))
    assert (order.filled, bench.exchange.floor.markets[TICKER].volume) == (300, 10_300)
    bench.exchange.apply(modelled_print(1_000_000))
    assert order.status is OrderStatus.EXECUTED
    assert bench.exchange.floor.markets[TICKER].volume < 10_300 + 11_000


def test_markets_long_settled_are_forgotten_and_what_the_account_traded_there_is_not(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(floor, "_SETTLED_KEPT", 3)
    bench.exchange.orders.place(request(BID, 91, 5, IOC))
    bench.exchange.apply(settled("yes"))
    for number in range(20):
        other = f"KXTEST15M-E{number}-1"
        bench.exchange.apply(listed(other))
        bench.exchange.apply(Settled(at_ns=START_NS, ticker=other, result="no", simulated=False))
    kept = set(bench.exchange.floor.markets)
    assert kept == {"KXTEST15M-E17-1", "KXTEST15M-E18-1", "KXTEST15M-E19-1"}
    assert set(bench.exchange.floor.events) == {ticker.rsplit("-", 1)[0] for ticker in kept}
    assert set(bench.exchange.floor.series) == {"KXTEST15M"}
    account = bench.exchange.account
    assert [each.request.ticker for each in account.orders] == [TICKER]
    assert (len(account.fills), len(account.settlements), [*account.holdings]) == (1, 1, [TICKER])


def test_deltas_rebuild_the_book_that_is_shown(bench: Bench) -> None:
    bench.exchange.orders.place(request(BID, 91, 60))
    bench.exchange.orders.place(request(ASK, 95, 3))
    bench.exchange.apply(displayed([(89, 5)], [(93, 7), (94, 1)]))
    levels: dict[tuple[BookSide, int], int] = {}
    for notice in bench.notices:
        if isinstance(notice, BookChanged):
            for delta in notice.deltas:
                key = delta.side, delta.price
                levels[key] = levels.get(key, 0) + delta.change
    market = bench.exchange.floor.markets[TICKER]
    shown = {(side, level.price): level.size for side in BookSide for level in market.levels(side)}
    assert {key: size for key, size in levels.items() if size} == shown
    assert shown == {
        (BID, 9_100): 1_000,
        (BID, 8_900): 500,
        (ASK, 9_300): 700,
        (ASK, 9_400): 100,
        (ASK, 9_500): 300,
    }


def test_a_delta_names_the_order_of_ours_that_caused_it(bench: Bench) -> None:
    bench.exchange.orders.place(request(BID, 80, 1, client_order_id="mine"))
    bench.exchange.apply(displayed([(89, 5)], [(93, 7)]))
    changes = [n.client_order_id for n in bench.notices if isinstance(n, BookChanged)]
    assert changes == [None, "mine", None]


# --- order groups and pauses ------------------------------------------------------------------------


def test_a_triggered_group_cancels_its_orders_and_refuses_new_ones_until_reset(bench: Bench) -> None:
    group = bench.exchange.orders.create_group(Count(100_000))
    inside = bench.exchange.orders.place(request(BID, 80, 1, group_id=group.group_id))
    outside = bench.exchange.orders.place(request(BID, 80, 1))
    bench.exchange.orders.trigger_group(group)
    assert (inside.status, outside.status) == (OrderStatus.CANCELED, OrderStatus.RESTING)
    assert refused(bench, BID, 80, 1, group_id=group.group_id) == "exceeded_order_group_risk_limit"
    bench.exchange.orders.reset_group(group)
    bench.exchange.orders.place(request(BID, 80, 1, group_id=group.group_id))


def test_a_group_triggers_itself_when_too_much_fills_within_fifteen_seconds(bench: Bench) -> None:
    group = bench.exchange.orders.create_group(Count(1_000))
    resting = bench.exchange.orders.place(request(BID, 80, 1, group_id=group.group_id))
    bench.exchange.orders.place(request(BID, 91, 6, IOC, group_id=group.group_id))
    bench.pass_seconds(15)
    bench.exchange.orders.place(request(BID, 91, 6, IOC, group_id=group.group_id))
    assert status(resting) is OrderStatus.RESTING
    bench.pass_seconds(14)
    bench.exchange.orders.place(request(BID, 91, 5, IOC, group_id=group.group_id))
    assert group.triggered
    assert status(resting) is OrderStatus.CANCELED


def test_a_lower_limit_may_trigger_a_group_at_once(bench: Bench) -> None:
    group = bench.exchange.orders.create_group(Count(1_000))
    bench.exchange.orders.place(request(BID, 91, 6, IOC, group_id=group.group_id))
    bench.exchange.orders.limit_group(group, Count(500))
    assert group.triggered


def test_a_group_that_fills_too_much_cancels_the_rest_of_the_order_that_did_it(bench: Bench) -> None:
    group = bench.exchange.orders.create_group(Count(1_000))
    order = bench.exchange.orders.place(request(BID, 91, 60, group_id=group.group_id))
    assert (order.filled, order.status) == (5_000, OrderStatus.CANCELED)


def test_a_pause_cancels_what_asked_for_it_and_stops_all_trading(bench: Bench) -> None:
    asked = bench.exchange.orders.place(request(BID, 90, 1, cancel_on_pause=True))
    kept = bench.exchange.orders.place(request(BID, 90, 1))
    bench.exchange.pause()
    assert (asked.status, asked.reason) == (OrderStatus.CANCELED, "HaltCancel")
    assert refused(bench, BID, 90, 1) == "trading_paused"
    bench.exchange.apply(
        Swept(at_ns=START_NS, ticker=TICKER, side=BID, price=Price(9_000), count=Count(1), by_print=True)
    )
    bench.exchange.apply(displayed([(70, 1)], [(80, 1)]))
    assert status(kept) is OrderStatus.RESTING
    bench.exchange.resume_trading()
    assert status(kept) is OrderStatus.EXECUTED


def test_a_decrease_keeps_the_order_and_lowers_what_it_may_still_fill(bench: Bench) -> None:
    order = bench.exchange.orders.place(request(BID, 80, 10))
    bench.exchange.orders.decrease(order.order_id, Count(400))
    assert (order.remaining, order.status) == (400, OrderStatus.RESTING)
    with pytest.raises(RefusedError):
        bench.exchange.orders.decrease(order.order_id, Count(400))
    bench.exchange.orders.decrease(order.order_id, Count(0))
    assert order.status is OrderStatus.CANCELED


def test_the_last_word_on_an_order_is_its_end(bench: Bench) -> None:
    bench.exchange.orders.place(request(BID, 91, 60, IOC))
    told = [n.order for n in bench.notices if isinstance(n, OrderChanged)]
    assert [(o.status, o.filled, o.remaining) for o in told] == [(OrderStatus.CANCELED, 5_000, 0)]


# --- money ------------------------------------------------------------------------------------------

trades = st.lists(
    st.tuples(
        st.sampled_from(BookSide),
        st.integers(1, 99),
        st.integers(1, 3_000),
        st.sampled_from(TimeInForce),
    ),
    max_size=25,
)


@given(trades, st.lists(st.integers(5, 95), min_size=1, max_size=5), st.sampled_from(["yes", "no"]))
def test_cash_is_the_start_less_what_was_paid_and_never_negative(
    plan: list[tuple[BookSide, int, int, TimeInForce]], middles: list[int], result: str
) -> None:
    bench = Bench()
    exchange, account = bench.exchange, bench.exchange.account
    for number, (side, cents, contracts, tif) in enumerate(plan):
        middle = middles[number % len(middles)]
        exchange.apply(displayed([(middle - 1, 900)], [(middle + 1, 900)]))
        with suppress(RefusedError):
            exchange.orders.place(request(side, cents, contracts, tif))
        assert account.cash >= 0
    exchange.apply(settled("yes" if result == "yes" else "no"))
    yes_value = 10_000 if result == "yes" else 0
    profit = sum(f.order.request.side.sign * (yes_value - f.price) * f.count - f.fee for f in account.fills)
    assert account.cash == START_CASH + profit
    assert all(f.fee >= 0 for f in account.fills)
    assert not account.open_orders()
