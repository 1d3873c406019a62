"""What the switches count, what starts a count anew, and what survives a restart."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest
from engine_builders import (
    FAVOURITE,
    PREFIX,
    SECOND,
    TOSS_UP,
    A,
    B,
    C,
    Desk,
    cancels,
    cents,
    cleared,
    contracts,
    desk,
    engine,
    exchange_id,
    market,
    raised,
    records,
    replayed,
    settings,
    won,
)
from switch_stories import (
    STORIES,
    Story,
    contradict,
    differ,
    fail_requests,
    fall,
    fill_at,
    intent,
    lose,
    lose_in_a_row,
    outgrow_the_group,
    quick,
    send,
    send_orders,
    told,
    trips_of,
    win,
)
from test_picture import picture

from console.config.risk_settings import RiskSettings
from console.domain.account_events import OrderFilled, OrderRejected
from console.domain.book import BookSide
from console.domain.money import Cash, Price
from console.domain.order import Fill, OrderStatus
from console.domain.trading_state import TradingState

PAUSED, REDUCE_ONLY, HALTED = TradingState.PAUSED, TradingState.REDUCE_ONLY, TradingState.HALTED

# --- the loss streak ------------------------------------------------------------------------------------


def paused_by_losses() -> Desk:
    trading = quick()
    lose_in_a_row(trading, 5)
    assert raised(trading.tick()) == [("loss_streak", PAUSED)]
    return trading


def pass_hours(at: Desk, hours: float) -> None:
    at.later(hours * 3_600)
    at.prove()


def test_a_win_ends_the_streak_and_a_profit_of_nothing_does_not() -> None:
    trading = quick()
    lose_in_a_row(trading, 4)
    win(trading, 10)
    assert trading.engine.account.streak.losses == 0
    lose_in_a_row(trading, 3)
    break_even = intent(90), intent(91, BookSide.ASK)
    send(trading, *break_even)
    for each in break_even:
        fill_at(trading, each, 93)
    assert trading.engine.account.streak.losses == 3


def test_fees_make_a_loss_of_what_broke_even() -> None:
    trading = quick()
    buy, sell = intent(1), intent(2, BookSide.ASK)
    send(trading, buy, sell)
    trading.ack(buy)
    trading.fill(buy, fee="0.01")
    fill_at(trading, sell, 93)
    assert trading.engine.account.streak.losses == 1


def test_one_exit_in_many_fills_is_one_loss() -> None:
    trading = quick()
    buy, sell = intent(1), intent(2, BookSide.ASK, price=92)
    send(trading, buy, sell)
    fill_at(trading, buy, 93)
    trading.ack(sell)
    for _ in range(10):
        trading.fill(sell, contracts(1))
    assert trading.engine.account.streak.losses == 1


def test_a_position_turned_over_ends_the_one_before() -> None:
    trading = quick()
    buy, sell = intent(1), intent(2, BookSide.ASK, count=20, price=92)
    send(trading, buy, sell)
    fill_at(trading, buy, 93)
    fill_at(trading, sell, 92)
    assert trading.engine.account.streak.losses == 1
    trading.settle(Price(10_000))
    assert trading.engine.account.streak.losses == 2


def test_results_count_in_the_exchanges_order_however_late_they_are_told() -> None:
    trading = quick()
    buy, sell = intent(1), intent(2, BookSide.ASK, price=92)
    send(trading, buy, sell)
    fill_at(trading, buy, 93)
    won_at_ns = trading.now_ns
    trading.later(61)
    trading.prove()
    lose_settled = intent(3)
    send(trading, msgspec.structs.replace(lose_settled, ticker=B))
    lost = Fill(
        "late-1", "exchange-3", B, BookSide.BID, cents(93), contracts(1), Cash(0), True, trading.now_ns
    )
    trading.take(OrderFilled(at_ns=trading.now_ns, client_order_id=lose_settled.client_order_id, fill=lost))
    trading.settle(Price(0), B)
    assert trading.engine.account.streak.losses == 1
    profit = Fill(
        "late-2", exchange_id(sell), A, BookSide.ASK, cents(99), sell.count, Cash(0), True, won_at_ns
    )
    trading.take(OrderFilled(at_ns=trading.now_ns, client_order_id=sell.client_order_id, fill=profit))
    assert trading.engine.account.streak.losses == 1


def test_the_pause_ends_after_four_hours_and_the_next_loss_pauses_again() -> None:
    trading = paused_by_losses()
    pass_hours(trading, 3.99)
    assert cleared(trading.tick()) == []
    pass_hours(trading, 0.01)
    assert cleared(trading.tick()) == ["loss_streak"]
    assert raised(trading.scan()) == []
    lose(trading, 50)
    assert raised(trading.tick()) == [("loss_streak", PAUSED)]


def test_the_operator_may_end_the_pause_and_the_count_starts_anew() -> None:
    trading = paused_by_losses()
    trading.resume("loss_streak")
    assert trading.state is TradingState.RUNNING
    for number in range(50, 54):
        lose(trading, number)
        assert raised(trading.tick()) == []
    lose(trading, 54)
    assert raised(trading.tick()) == [("loss_streak", PAUSED)]


def test_a_clock_that_steps_forward_does_not_end_the_pause() -> None:
    trading = paused_by_losses()
    trading.now_ns += 5 * 3_600 * SECOND
    trading.prove()
    assert cleared(trading.tick()) == []
    pass_hours(trading, 4)
    assert cleared(trading.tick()) == ["loss_streak"]


def test_the_streak_and_its_pause_survive_a_restart() -> None:
    before = quick()
    lose_in_a_row(before, 4)
    account, trade_log = replayed(records(before.actions))
    after = Desk(engine(account=account, trade_log=trade_log), now_ns=before.now_ns, told=before.told)
    after.connect(market(A))
    lose(after, 60)
    assert raised(after.tick()) == [("loss_streak", PAUSED)]
    account, trade_log = replayed([*records(before.actions), *records(after.actions)])
    again = Desk(engine(account=account, trade_log=trade_log), now_ns=after.now_ns + 3_600 * SECOND)
    again.connect(market(A))
    again.tick()
    assert again.state is PAUSED
    pass_hours(again, 2.99)
    assert cleared(again.tick()) == []
    pass_hours(again, 0.01)
    assert cleared(again.tick()) == ["loss_streak"]


# --- resuming what cannot improve -----------------------------------------------------------------------

ANEW = [story for story in STORIES if story.key in ("slippage", "error_burst", "no_fills", "reject_rate")]


@pytest.mark.parametrize("story", ANEW, ids=lambda story: f"{story.key}-{story.happen.__name__}")
def test_a_resume_starts_the_count_anew_and_does_not_trip_at_the_next_look(story: Story) -> None:
    trading = told(story, story.trips)
    trading.resume(story.key)
    trading.prove()
    trading.tick()
    trading.scan()
    assert trips_of(trading, story.key) == []


def test_a_resumed_tripwire_counts_anew_and_forgets_the_contradiction() -> None:
    for happen in (send_orders, contradict):
        trading = quick()
        happen(trading, 6)
        trading.tick()
        trading.resume("tripwire")
        assert trading.state is TradingState.RUNNING
        assert raised(trading.tick()) == []


def test_a_resumed_drawdown_counts_from_the_equity_of_then() -> None:
    trading = quick()
    fall(trading, 1_000)
    assert trading.state is HALTED
    trading.resume("drawdown")
    assert trading.state is TradingState.RUNNING
    assert raised(trading.scan()) == []
    assert trading.engine.account.high_water == trading.engine.equity
    account, _ = replayed(records(trading.actions))
    assert account.comparable() == trading.engine.account.comparable()


def test_a_difference_of_positions_is_not_resumed_while_it_lasts() -> None:
    trading = quick()
    differ(trading, 1)
    trading.tick()
    trading.resume("position_mismatch")
    assert trading.state is HALTED
    differ(trading, 0)
    trading.resume("position_mismatch")
    assert trading.state is TradingState.RUNNING


# --- what counts and what does not ----------------------------------------------------------------------


def test_our_own_denials_are_not_the_exchanges_rejects() -> None:
    trading = quick()
    for number, code in enumerate(("denied", "never_placed") * 5):
        order = intent(number, count=1)
        send(trading, order)
        trading.take(
            OrderRejected(at_ns=trading.now_ns, client_order_id=order.client_order_id, code=code, message="")
        )
        trading.later(5)
    assert trading.engine.activity.rejects_in_minute(trading.now_ns) == 0


@pytest.mark.parametrize(("spread_s", "trips"), [(14, True), (15, False)])
def test_rejects_of_more_than_a_minute_ago_are_forgotten(spread_s: int, trips: bool) -> None:
    trading = quick()
    for number in range(5):
        order = intent(number, count=1)
        send(trading, order)
        trading.reject(order)
        trading.later(spread_s if number < 4 else 0)
    assert ("reject_rate", PAUSED) in raised(trading.tick()) or not trips
    assert bool(trips_of(trading, "reject_rate")) is trips


def test_errors_of_more_than_an_hour_ago_are_forgotten() -> None:
    trading = quick()
    fail_requests(trading, 6)
    trading.later(3_600)
    fail_requests(trading, 10)
    trading.prove()
    assert raised(trading.tick()) == []
    fail_requests(trading, 1)
    assert raised(trading.tick()) == [("error_burst", PAUSED)]


def test_a_scan_with_nothing_out_does_not_count_and_a_fill_starts_anew() -> None:
    trading = quick("maker")
    for _ in range(10):
        trading.scan()
    order = trading.enter(FAVOURITE)
    trading.ack(order)
    trading.scan()
    trading.scan()
    assert trading.engine.activity.scans_without_fill == 2
    trading.fill(order, contracts(1))
    trading.scan()
    assert trading.engine.activity.scans_without_fill == 0
    trading.scan()
    assert trading.engine.activity.scans_without_fill == 1


def test_orders_that_came_and_went_between_scans_count_as_out() -> None:
    trading = quick()
    for _ in range(3):
        order = trading.enter(FAVOURITE)
        trading.ack(order)
        trading.report(order, OrderStatus.CANCELED)
        trading.later(61)
        trading.show(TOSS_UP)
        trading.prove()
        trading.scan()
    assert trips_of(trading, "no_fills") == [(PAUSED, "")]


def test_orders_that_only_reduce_do_not_count_towards_the_tripwire() -> None:
    trading = quick()
    send(trading, *(msgspec.structs.replace(intent(number), reduce_only=True) for number in range(50)))
    assert trading.engine.activity.orders_in_minute(trading.now_ns) == 0


def test_money_sent_in_a_minute_trips_the_wire_too() -> None:
    trading = quick()
    send(trading, intent(1, count=5_376))
    assert raised(trading.tick()) == []
    send(trading, intent(2, count=1))
    assert raised(trading.tick()) == [("tripwire", HALTED)]


@pytest.mark.parametrize("kind", ["ack", "fill", "report"])
def test_an_answer_to_an_order_we_never_sent_halts_and_anothers_order_does_not(kind: str) -> None:
    trading = quick()
    for client_order_id in ("somebody-else", f"{PREFIX}ghost"):
        stranger = msgspec.structs.replace(intent(1), client_order_id=client_order_id)
        match kind:
            case "ack":
                trading.ack(stranger)
            case "fill":
                trading.fill(stranger)
            case _:
                trading.report(stranger, OrderStatus.RESTING)
        latched = {name for name, _ in raised(trading.tick())}
        assert latched == ({"tripwire"} if client_order_id.startswith(PREFIX) else set())


# --- a group ---------------------------------------------------------------------------------------------


def test_a_breach_cancels_the_groups_entries_and_leaves_the_others() -> None:
    base = settings("maker", RiskSettings(max_single_position_pct=Decimal("0.02")))
    trading = desk(base, market(A), market(B, category="Weather"), market(C))
    coin, rain = trading.enter(FAVOURITE, A), trading.enter(FAVOURITE, B)
    trading.ack(coin)
    trading.ack(rain)
    send(trading, msgspec.structs.replace(intent(1, count=1_500), ticker=C))
    actions = trading.scan()
    assert [name for name, _ in raised(actions)] == ["correlation"]
    assert cancels(actions) == [coin.client_order_id]
    assert trading.state is TradingState.RUNNING


def test_equity_that_falls_makes_a_breach_of_what_was_within_the_cap() -> None:
    trading = quick()
    outgrow_the_group(trading, 1_612)
    trading.scan()
    assert trips_of(trading, "correlation") == []
    trading.engine.account.cash = Cash(trading.engine.account.cash - 10_000_000)
    trading.scan()
    assert trips_of(trading, "correlation") == [(REDUCE_ONLY, "group:Crypto")]


# --- the journal -----------------------------------------------------------------------------------------


def test_the_journals_row_says_when_it_was_written_last() -> None:
    trading = quick()
    trading.later(2.5)
    trading.tick()
    row = next(each for each in picture(trading).switches if each.key == "journal")
    assert row.reading == "2.5 s ago"


def test_a_won_position_is_no_loss() -> None:
    trading = quick()
    order = intent(1)
    send(trading, order)
    fill_at(trading, order, 93)
    trading.settle(won(order))
    assert trading.engine.account.streak.losses == 0
