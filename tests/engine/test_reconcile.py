from __future__ import annotations

import msgspec
import pytest
from engine_builders import (
    FAVOURITE,
    LONGSHOT,
    PREFIX,
    START,
    A,
    B,
    Desk,
    cancels,
    contracts,
    desk,
    dollars,
    exchange_id,
    halts_begun,
    market,
    records,
    replayed,
    settings,
    won,
)

from console.domain.account_events import (
    AccountOpened,
    ExternalFilled,
    ExternalOrdersListed,
    MarketSettled,
    OrderAdopted,
    OrderBecameUnknown,
    OrderFilled,
    OrderRejected,
    OrderReported,
)
from console.domain.book import BookSide
from console.domain.events import EngineEvent
from console.domain.money import Cash, Count, Price
from console.domain.order import Fill, OrderIntent, OrderReport, OrderStatus, PositionReport, Settlement
from console.domain.trading_state import TradingState
from console.engine.reconcile import (
    AccountReads,
    Reconciler,
    difference_text,
    position_differences,
    settlement_events,
)

TEN = contracts(10)
NOTHING_FILLED = Count(0)


def reads(
    at: Desk,
    *orders: OrderReport,
    fills: tuple[Fill, ...] = (),
    settlements: tuple[Settlement, ...] = (),
    positions: tuple[PositionReport, ...] = (),
) -> AccountReads:
    return AccountReads(at.now_ns, at.now_ns, orders, fills, settlements, positions, Cash(0))


def listed(
    intent: OrderIntent, status: OrderStatus = OrderStatus.RESTING, filled: Count = NOTHING_FILLED
) -> OrderReport:
    return OrderReport(
        order_id=exchange_id(intent),
        client_order_id=intent.client_order_id,
        ticker=intent.ticker,
        side=intent.side,
        price=intent.price,
        status=status,
        filled=filled,
        remaining=Count(intent.count - filled),
    )


def fill(intent: OrderIntent, count: Count = TEN, fill_id: str = "fill-9") -> Fill:
    return Fill(
        fill_id, exchange_id(intent), intent.ticker, intent.side, intent.price, count, Cash(0), False, START
    )


def maker(acked: bool = True) -> tuple[Desk, OrderIntent]:
    trading = desk(settings("maker"), market(A), market(B))
    intent = trading.enter(FAVOURITE)
    if acked:
        trading.ack(intent)
    return trading, intent


def reconciler(trading: Desk) -> Reconciler:
    return Reconciler(trading.engine.account, PREFIX)


def events(trading: Desk, seen: AccountReads, by: Reconciler | None = None) -> list[EngineEvent]:
    """The news, without what is told after every read."""
    told = (by or reconciler(trading)).events(seen)
    return [event for event in told if not isinstance(event, ExternalOrdersListed)]


def reconcile(trading: Desk, seen: AccountReads, by: Reconciler | None = None) -> list[EngineEvent]:
    """Read, and take what the reads told."""
    found = (by or reconciler(trading)).events(seen)
    for event in found:
        trading.take(event)
    return [event for event in found if not isinstance(event, ExternalOrdersListed)]


# --- what was missed ------------------------------------------------------------------------------------


def test_an_account_that_agrees_is_no_news() -> None:
    trading, intent = maker()
    trading.fill(intent, TEN, fill_id="fill-9")
    assert events(trading, reads(trading, listed(intent, filled=TEN), fills=(fill(intent),))) == []


def test_a_missed_fill_is_found_once() -> None:
    trading, intent = maker()
    seen = reads(trading, listed(intent, filled=TEN), fills=(fill(intent),))
    assert [type(event) for event in reconcile(trading, seen)] == [OrderFilled]
    assert trading.engine.account.position(A).contracts == TEN
    assert events(trading, seen) == []


def test_a_missed_ack_is_found() -> None:
    trading, intent = maker(acked=False)
    [event] = reconcile(trading, reads(trading, listed(intent)))
    assert isinstance(event, OrderReported)
    assert trading.engine.account.orders[intent.client_order_id].order_id == exchange_id(intent)


def test_a_fill_of_an_order_whose_ack_was_missed_is_found_by_the_orders_own_listing() -> None:
    trading, intent = maker(acked=False)
    seen = reads(
        trading, listed(intent, OrderStatus.EXECUTED, intent.count), fills=(fill(intent, intent.count),)
    )
    reconcile(trading, seen)
    order = trading.engine.account.orders[intent.client_order_id]
    assert (order.status, order.filled) == (OrderStatus.EXECUTED, intent.count)


def test_an_order_of_unknown_outcome_that_is_listed_is_known_again() -> None:
    trading, intent = maker(acked=False)
    trading.lose_sight(intent)
    reconcile(trading, reads(trading, listed(intent)))
    assert trading.engine.account.orders[intent.client_order_id].status is OrderStatus.RESTING


def test_a_missed_cancel_is_found() -> None:
    trading, intent = maker()
    reconcile(trading, reads(trading, listed(intent, OrderStatus.CANCELED)))
    assert trading.engine.account.open_orders == ()


def test_a_fill_missed_of_an_order_that_is_over_is_found() -> None:
    trading, intent = maker()
    trading.report(intent, OrderStatus.CANCELED)
    seen = reads(trading, listed(intent, OrderStatus.CANCELED, TEN), fills=(fill(intent),))
    reconcile(trading, seen)
    assert trading.engine.account.position(A).contracts == TEN


def test_a_fill_is_ours_by_an_order_id_known_from_before_though_the_order_is_listed_no_more() -> None:
    trading, intent = maker()
    [event] = events(trading, reads(trading, fills=(fill(intent),)))
    assert isinstance(event, OrderFilled)
    assert event.client_order_id == intent.client_order_id


# --- what is not ours -----------------------------------------------------------------------------------


def of_others(intent: OrderIntent, order_id: str, client_order_id: str = "") -> OrderReport:
    return msgspec.structs.replace(listed(intent), order_id=order_id, client_order_id=client_order_id)


def fill_of(order_id: str, intent: OrderIntent, at_ns: int, fill_id: str = "fill-9") -> Fill:
    return msgspec.structs.replace(fill(intent, fill_id=fill_id), order_id=order_id, at_ns=at_ns)


def test_orders_of_others_that_rest_are_external_and_those_that_are_over_are_not() -> None:
    trading, intent = maker()
    over = msgspec.structs.replace(of_others(intent, "theirs-3"), status=OrderStatus.CANCELED)
    seen = reads(
        trading, listed(intent), of_others(intent, "theirs"), of_others(intent, "theirs-2", "web-1"), over
    )
    assert reconcile(trading, seen) == []
    assert [order.order_id for order in trading.engine.external_orders] == ["theirs", "theirs-2"]
    assert cancels(trading.actions) == []


def test_external_orders_count_in_exposure_at_their_worst_while_they_rest() -> None:
    trading, intent = maker()
    before = trading.engine.exposure()
    reconcile(trading, reads(trading, listed(intent), of_others(intent, "theirs")))
    exposure = trading.engine.exposure()
    assert exposure.reserved == before.reserved + intent.worst_cost
    assert exposure.total.with_orders == before.total.with_orders + intent.worst_cost
    assert exposure.total.held == before.total.held
    reconcile(trading, reads(trading, listed(intent)))
    assert trading.engine.exposure().reserved == before.reserved


def test_external_orders_leave_less_room_for_ours() -> None:
    room = maker()[1].count
    trading = desk(settings("maker"), market(A), market(B))
    other = msgspec.structs.replace(of_others(maker()[1], "theirs"), remaining=contracts(20))
    reconcile(trading, reads(trading, other))
    assert trading.enter(FAVOURITE).count == room - contracts(20)


def test_a_fill_of_an_external_order_changes_position_and_cash_once_and_no_order_of_ours() -> None:
    trading, intent = maker()
    account, cash = trading.engine.account, trading.engine.account.cash
    theirs = of_others(intent, "theirs")
    seen = reads(trading, listed(intent), theirs, fills=(fill_of("theirs", intent, trading.now_ns),))
    [event] = reconcile(trading, seen)
    assert isinstance(event, ExternalFilled)
    assert (account.position(A).contracts, account.external) == (TEN, {A})
    assert account.cash == cash - intent.worst_cost * TEN // intent.count
    assert account.orders[intent.client_order_id].filled == 0
    assert events(trading, seen) == []
    trading.take(event)
    assert account.position(A).contracts == TEN
    assert replayed(records(trading.actions))[0].comparable() == account.comparable()


def test_a_fill_of_an_order_listed_nowhere_is_external_unless_it_may_be_of_an_unknown_one_of_ours() -> None:
    trading, intent = maker(acked=False)
    seen = reads(trading, fills=(fill_of("never listed", intent, trading.now_ns),))
    by = reconciler(trading)
    assert events(trading, seen, by) == []
    assert not by.is_settled
    trading.ack(intent)
    [event] = events(trading, seen, by)
    assert isinstance(event, ExternalFilled)


def test_a_fill_of_an_external_order_that_rested_a_read_before_is_external_though_ours_is_unknown() -> None:
    trading, intent = maker(acked=False)
    by = reconciler(trading)
    reconcile(trading, reads(trading, of_others(intent, "theirs")), by)
    [event] = events(trading, reads(trading, fills=(fill_of("theirs", intent, trading.now_ns),)), by)
    assert isinstance(event, ExternalFilled)


def test_what_traded_before_the_account_was_opened_is_not_counted_again() -> None:
    trading = Desk()
    held = PositionReport(A, TEN, Cash(0), dollars("9"))
    trading.take(
        AccountOpened(
            at_ns=trading.now_ns,
            account="account-1",
            cash=dollars("100"),
            positions=(held,),
            earlier_fills=("new",),
        )
    )
    intent = maker()[1]
    fills = (fill_of("x", intent, trading.now_ns - 1, "new"), fill_of("x", intent, 1, "old"))
    assert events(trading, reads(trading, fills=fills, positions=(held,))) == []
    account = trading.engine.account
    assert (account.position(A).contracts, account.position(A).paid) == (TEN, dollars("9"))
    assert (account.cash, account.external, account.fees) == (dollars("100"), {A}, 0)


def test_an_order_under_an_id_of_ours_that_the_journal_lacks_is_adopted_with_its_fills() -> None:
    trading, intent = maker()
    lost = msgspec.structs.replace(intent, client_order_id=f"{PREFIX}41", ticker=B)
    report = listed(lost, OrderStatus.CANCELED, TEN)
    seen = reads(trading, listed(intent), report, fills=(fill(lost),))
    found = reconcile(trading, seen)
    assert [type(event) for event in found] == [OrderAdopted, OrderFilled, OrderReported]
    account = trading.engine.account
    adopted = account.orders[lost.client_order_id]
    assert (adopted.status, adopted.filled, adopted.intent.count) == (OrderStatus.CANCELED, TEN, intent.count)
    assert account.position(B).contracts == TEN
    assert events(trading, seen) == []
    assert replayed(records(trading.actions))[0].comparable() == account.comparable()


def test_the_number_of_an_adopted_order_is_never_given_again() -> None:
    trading, intent = maker()
    lost = msgspec.structs.replace(intent, client_order_id=f"{PREFIX}41", ticker="C")
    reconcile(trading, reads(trading, listed(intent), listed(lost)))
    assert trading.enter(FAVOURITE, B).client_order_id == f"{PREFIX}42"


def test_an_adopted_order_that_had_filled_before_the_account_was_opened_leaves_only_the_rest() -> None:
    trading, intent = maker()
    lost = msgspec.structs.replace(intent, client_order_id=f"{PREFIX}41", ticker=B)
    reconcile(trading, reads(trading, listed(intent), listed(lost, filled=TEN)))
    adopted = trading.engine.account.orders[lost.client_order_id]
    assert (adopted.status, adopted.leaves) == (OrderStatus.RESTING, lost.count - TEN)
    assert trading.engine.account.position(B).contracts == 0


def foreign(intent: OrderIntent, status: OrderStatus = OrderStatus.RESTING) -> OrderReport:
    return msgspec.structs.replace(listed(intent, status), order_id="theirs", client_order_id="kc-0badcafe-7")


def test_a_resting_order_of_another_kconsole_halts_and_cannot_be_resumed_while_it_rests() -> None:
    trading, intent = maker()
    reconcile(trading, reads(trading, listed(intent), foreign(intent)))
    trading.tick()
    [latch] = [latch for latch in trading.engine.account.latches.active if latch.name == "foreign_instance"]
    assert latch.level is TradingState.HALTED
    assert "kc-0badcafe-7" in latch.reason
    assert "another kconsole, 0badcafe" in latch.reason
    trading.resume("foreign_instance")
    assert trading.state is TradingState.HALTED
    reconcile(trading, reads(trading))
    trading.resume("foreign_instance")
    assert trading.latches == set()


def test_an_order_of_another_kconsole_that_is_over_halts_when_it_is_new_and_not_when_it_is_history() -> None:
    trading, intent = maker()
    by = reconciler(trading)
    old = foreign(intent, OrderStatus.CANCELED)
    reconcile(trading, reads(trading, listed(intent), old), by)
    trading.tick()
    assert trading.state is TradingState.RUNNING
    new = msgspec.structs.replace(old, order_id="new")
    reconcile(trading, reads(trading, listed(intent), old, new), by)
    trading.tick()
    assert trading.latches == {"foreign_instance"}


def test_an_order_held_for_refused_that_rests_after_all_halts() -> None:
    trading, intent = maker(acked=False)
    trading.reject(intent)
    reconcile(trading, reads(trading, listed(intent)))
    trading.tick()
    assert trading.latches == {"tripwire"}
    assert halts_begun(trading.actions) == 1


# --- what is missing ------------------------------------------------------------------------------------


def test_a_young_order_that_is_missing_proves_nothing() -> None:
    trading, intent = maker(acked=False)
    by = reconciler(trading)
    for _ in range(10):
        assert reconcile(trading, reads(trading), by) == []
    trading.later(5)
    assert reconcile(trading, reads(trading), by) == []
    assert trading.engine.account.orders[intent.client_order_id].status is OrderStatus.SENDING


def test_a_missing_order_is_unknown_at_first() -> None:
    trading, intent = maker(acked=False)
    trading.later(5.1)
    [event] = reconcile(trading, reads(trading))
    assert isinstance(event, OrderBecameUnknown)
    assert trading.engine.exposure().reserved == intent.worst_cost


def missing_for(trading: Desk, every_s: float, times: int, by: Reconciler | None = None) -> list[EngineEvent]:
    by, found = by or reconciler(trading), list[EngineEvent]()
    for _ in range(times):
        found += reconcile(trading, reads(trading), by)
        trading.later(every_s)
    return found


def test_a_missing_order_is_dismissed_after_five_reads_over_a_minute_and_its_expiry() -> None:
    trading, intent = maker(acked=False)
    trading.lose_sight(intent)
    trading.later(601)
    by = reconciler(trading)
    assert missing_for(trading, 15, 4, by) == []
    [dismissed] = missing_for(trading, 15, 1, by)
    assert isinstance(dismissed, OrderRejected)
    assert trading.engine.account.open_orders == ()


@pytest.mark.parametrize(
    ("sent_before_s", "every_s", "times"),
    [(601, 14, 5), (601, 25, 4), (6, 15, 30)],
    ids=["within a minute", "four reads", "not expired"],
)
def test_less_proof_does_not_dismiss_a_missing_order(
    sent_before_s: float, every_s: float, times: int
) -> None:
    trading, intent = maker(acked=False)
    trading.lose_sight(intent)
    trading.later(sent_before_s)
    assert missing_for(trading, every_s, times) == []
    assert trading.engine.exposure().reserved == intent.worst_cost


def test_a_takers_order_has_no_expiry_to_wait_for() -> None:
    trading = desk()
    intent = trading.enter(FAVOURITE)
    trading.lose_sight(intent)
    trading.later(6)
    assert [type(event) for event in missing_for(trading, 15, 5)] == [OrderRejected]


def test_a_missing_order_that_turns_up_starts_the_count_anew() -> None:
    trading, intent = maker(acked=False)
    trading.lose_sight(intent)
    trading.later(601)
    by = reconciler(trading)
    missing_for(trading, 15, 4, by)
    assert [type(event) for event in events(trading, reads(trading, listed(intent)), by)] == [OrderReported]
    assert missing_for(trading, 15, 4, by) == []
    assert [type(event) for event in missing_for(trading, 15, 1, by)] == [OrderRejected]


def test_a_position_that_may_be_of_a_missing_order_begins_the_proof_anew() -> None:
    trading, intent = maker(acked=False)
    trading.lose_sight(intent)
    trading.later(601)
    by = reconciler(trading)
    missing_for(trading, 15, 4, by)
    held = PositionReport(A, TEN, Cash(0), Cash(0))
    assert reconcile(trading, reads(trading, positions=(held,)), by) == []
    assert missing_for(trading, 15, 4, by) == []
    assert [type(event) for event in missing_for(trading, 15, 1, by)] == [OrderRejected]


def test_a_list_that_would_not_have_shown_a_missing_order_proves_nothing() -> None:
    trading, intent = maker(acked=False)
    sent_ns = trading.now_ns
    trading.lose_sight(intent)
    trading.later(601)
    by = reconciler(trading)
    for _ in range(10):
        too_new = msgspec.structs.replace(reads(trading), orders_since_ns=sent_ns)
        assert reconcile(trading, too_new, by) == []
        trading.later(15)


def test_an_order_that_the_exchange_acked_is_never_dismissed_for_being_missing() -> None:
    trading, intent = maker()
    trading.later(601)
    assert missing_for(trading, 15, 20) == []
    assert trading.engine.exposure().reserved == intent.worst_cost


# --- payouts and positions ------------------------------------------------------------------------------


def test_a_missed_settlement_is_found_once() -> None:
    trading, intent = maker()
    trading.fill(intent)
    settlement = Settlement(A, won(intent), trading.now_ns)
    seen = reads(trading, settlements=(settlement,))
    [event] = settlement_events(trading.engine.account, seen)
    assert isinstance(event, MarketSettled)
    trading.take(event)
    cash = trading.engine.account.cash
    assert list(settlement_events(trading.engine.account, seen)) == []
    trading.take(event)
    assert trading.engine.account.cash == cash


def test_a_settlement_of_a_market_that_is_not_held_is_no_news() -> None:
    trading, _ = maker()
    seen = reads(trading, settlements=(Settlement(A, Price(0), 1), Settlement("OTHER", Price(0), 1)))
    assert list(settlement_events(trading.engine.account, seen)) == []


def test_positions_that_agree_are_no_difference_and_flat_ones_need_not_be_listed() -> None:
    trading, intent = maker()
    trading.fill(intent, TEN)
    sold = trading.enter(LONGSHOT, B)
    trading.fill(sold, TEN)
    assert (intent.side, sold.side) == (BookSide.BID, BookSide.ASK)
    positions = (
        PositionReport(A, TEN, Cash(0), Cash(0)),
        PositionReport(B, Count(-TEN), Cash(0), Cash(0)),
        PositionReport("SETTLED", Count(0), Cash(0), Cash(0)),
    )
    assert position_differences(trading.engine.account, reads(trading, positions=positions)) == {}


@pytest.mark.parametrize(
    ("theirs", "difference"),
    [
        ({A: 900}, {A: (1_000, 900)}),
        ({}, {A: (1_000, 0)}),
        ({A: 1_000, B: -1}, {B: (0, -1)}),
        ({A: -1_000}, {A: (1_000, -1_000)}),
    ],
)
def test_positions_that_differ_are_found_on_either_side(
    theirs: dict[str, int], difference: dict[str, tuple[int, int]]
) -> None:
    trading, intent = maker()
    trading.fill(intent, TEN)
    positions = tuple(
        PositionReport(ticker, Count(held), Cash(0), Cash(0)) for ticker, held in theirs.items()
    )
    assert position_differences(trading.engine.account, reads(trading, positions=positions)) == difference


def test_a_difference_is_told_with_both_figures_and_no_difference_is_nothing() -> None:
    different = {A: (Count(1_000), Count(-50)), B: (Count(0), Count(1))}
    assert difference_text(different) == f"{A}: ours 10.00, the exchange's -0.50 and 1 more"
    assert difference_text({}) == ""
