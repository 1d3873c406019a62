from __future__ import annotations

import msgspec
import pytest
from engine_builders import (
    FAVOURITE,
    LONGSHOT,
    A,
    B,
    Desk,
    contracts,
    desk,
    exchange_id,
    market,
    settings,
    won,
)

from console.domain.book import BookSide
from console.domain.events import (
    EngineEvent,
    MarketSettled,
    OrderBecameUnknown,
    OrderFilled,
    OrderRejected,
    OrderReported,
)
from console.domain.money import Cash, Count, Price
from console.domain.order import Fill, OrderIntent, OrderReport, OrderStatus, PositionReport, Settlement
from console.engine.reconcile import (
    Absences,
    AccountReads,
    difference_text,
    order_events,
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
    return AccountReads(at.now_ns, orders, fills, settlements, positions, Cash(0))


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
        fill_id, exchange_id(intent), intent.ticker, intent.side, intent.price, count, Cash(0), False, 1
    )


def maker(acked: bool = True) -> tuple[Desk, OrderIntent]:
    trading = desk(settings("maker"), market(A), market(B))
    intent = trading.enter(FAVOURITE)
    if acked:
        trading.ack(intent)
    return trading, intent


def events(
    trading: Desk, seen: AccountReads, absences: dict[str, Absences] | None = None
) -> list[EngineEvent]:
    return list(order_events(trading.engine.account, seen, {} if absences is None else absences))


def reconcile(trading: Desk, seen: AccountReads, absences: dict[str, Absences]) -> list[EngineEvent]:
    """Read, and take what the reads told."""
    found = events(trading, seen, absences)
    for event in found:
        trading.take(event)
    return found


# --- what was missed ------------------------------------------------------------------------------------


def test_an_account_that_agrees_is_no_news() -> None:
    trading, intent = maker()
    trading.fill(intent, TEN, fill_id="fill-9")
    assert events(trading, reads(trading, listed(intent, filled=TEN), fills=(fill(intent),))) == []


def test_a_missed_fill_is_found_once() -> None:
    trading, intent = maker()
    seen = reads(trading, listed(intent, filled=TEN), fills=(fill(intent),))
    assert [type(event) for event in reconcile(trading, seen, {})] == [OrderFilled]
    assert trading.engine.account.position(A).contracts == TEN
    assert events(trading, seen) == []


def test_a_missed_ack_is_found() -> None:
    trading, intent = maker(acked=False)
    [event] = reconcile(trading, reads(trading, listed(intent)), {})
    assert isinstance(event, OrderReported)
    assert trading.engine.account.orders[intent.client_order_id].order_id == exchange_id(intent)


def test_a_fill_of_an_order_whose_ack_was_missed_is_found_by_the_orders_own_listing() -> None:
    trading, intent = maker(acked=False)
    seen = reads(
        trading, listed(intent, OrderStatus.EXECUTED, intent.count), fills=(fill(intent, intent.count),)
    )
    reconcile(trading, seen, {})
    order = trading.engine.account.orders[intent.client_order_id]
    assert (order.status, order.filled) == (OrderStatus.EXECUTED, intent.count)


def test_an_order_of_unknown_outcome_that_is_listed_is_known_again() -> None:
    trading, intent = maker(acked=False)
    trading.lose_sight(intent)
    reconcile(trading, reads(trading, listed(intent)), {})
    assert trading.engine.account.orders[intent.client_order_id].status is OrderStatus.RESTING


def test_a_missed_cancel_is_found() -> None:
    trading, intent = maker()
    reconcile(trading, reads(trading, listed(intent, OrderStatus.CANCELED)), {})
    assert trading.engine.account.open_orders == ()


def test_a_fill_missed_of_an_order_that_is_over_is_found() -> None:
    trading, intent = maker()
    trading.report(intent, OrderStatus.CANCELED)
    seen = reads(trading, listed(intent, OrderStatus.CANCELED, TEN), fills=(fill(intent),))
    reconcile(trading, seen, {})
    assert trading.engine.account.position(A).contracts == TEN


def test_a_fill_is_ours_by_an_order_id_known_from_before_though_the_order_is_listed_no_more() -> None:
    trading, intent = maker()
    [event] = events(trading, reads(trading, fills=(fill(intent),)))
    assert isinstance(event, OrderFilled)
    assert event.client_order_id == intent.client_order_id


def test_orders_and_fills_of_others_are_no_news() -> None:
    trading, intent = maker()
    theirs = msgspec.structs.replace(listed(intent), order_id="theirs", client_order_id="")
    also_theirs = msgspec.structs.replace(listed(intent), order_id="theirs-2", client_order_id="another-1")
    their_fill = msgspec.structs.replace(fill(intent), order_id="theirs")
    unknown_fill = msgspec.structs.replace(fill(intent), order_id="never listed")
    seen = reads(trading, listed(intent), theirs, also_theirs, fills=(their_fill, unknown_fill))
    assert events(trading, seen) == []


# --- what is missing ------------------------------------------------------------------------------------


def test_a_young_order_that_is_missing_proves_nothing() -> None:
    trading, intent = maker(acked=False)
    absences: dict[str, Absences] = {}
    for _ in range(10):
        assert reconcile(trading, reads(trading), absences) == []
    trading.later(5)
    assert reconcile(trading, reads(trading), absences) == []
    assert absences == {}
    assert trading.engine.account.orders[intent.client_order_id].status is OrderStatus.SENDING


def test_a_missing_order_is_unknown_at_first() -> None:
    trading, intent = maker(acked=False)
    trading.later(5.1)
    [event] = reconcile(trading, reads(trading), {})
    assert isinstance(event, OrderBecameUnknown)
    assert trading.engine.exposure().reserved == intent.worst_cost


def missing_for(
    trading: Desk, every_s: float, times: int, absences: dict[str, Absences]
) -> list[EngineEvent]:
    found: list[EngineEvent] = []
    for _ in range(times):
        found += reconcile(trading, reads(trading), absences)
        trading.later(every_s)
    return found


def test_a_missing_order_is_dismissed_after_five_reads_over_a_minute_and_its_expiry() -> None:
    trading, intent = maker(acked=False)
    trading.lose_sight(intent)
    trading.later(601)
    absences: dict[str, Absences] = {}
    assert missing_for(trading, 15, 4, absences) == []
    [dismissed] = missing_for(trading, 15, 1, absences)
    assert isinstance(dismissed, OrderRejected)
    assert trading.engine.account.open_orders == ()
    assert absences == {}


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
    assert missing_for(trading, every_s, times, {}) == []
    assert trading.engine.exposure().reserved == intent.worst_cost


def test_a_takers_order_has_no_expiry_to_wait_for() -> None:
    trading = desk()
    intent = trading.enter(FAVOURITE)
    trading.lose_sight(intent)
    trading.later(6)
    assert [type(event) for event in missing_for(trading, 15, 5, {})] == [OrderRejected]


def test_a_missing_order_that_turns_up_starts_the_count_anew() -> None:
    trading, intent = maker(acked=False)
    trading.lose_sight(intent)
    trading.later(601)
    absences: dict[str, Absences] = {}
    missing_for(trading, 15, 4, absences)
    reconcile(trading, reads(trading, listed(intent)), absences)
    assert absences == {}


def test_an_order_that_the_exchange_acked_is_never_dismissed_for_being_missing() -> None:
    trading, intent = maker()
    trading.later(601)
    assert missing_for(trading, 15, 20, {}) == []
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
        PositionReport(A, TEN, Cash(0)),
        PositionReport(B, Count(-TEN), Cash(0)),
        PositionReport("SETTLED", Count(0), Cash(0)),
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
    positions = tuple(PositionReport(ticker, Count(held), Cash(0)) for ticker, held in theirs.items())
    assert position_differences(trading.engine.account, reads(trading, positions=positions)) == difference


def test_a_difference_is_told_with_both_figures_and_no_difference_is_nothing() -> None:
    different = {A: (Count(1_000), Count(-50)), B: (Count(0), Count(1))}
    assert difference_text(different) == f"{A}: ours 10.00, the exchange's -0.50 and 1 more"
    assert difference_text({}) == ""
