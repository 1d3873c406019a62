"""Faults that earlier systems of this kind had, one test each, in the order of the list that names them.

Each goes through the code that trades; where the fault is one of conduct, through the engine's loop.
Not yet applicable, because there is no backtest yet: a walk-forward that trades nothing and reports success
(19), a per-trade Sharpe ratio times sqrt(252) (20), and of latency (17) and of buckets (22) the part that a
backtest and its report play.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest
from engine_builders import (
    FAVOURITE,
    FEES,
    LONGSHOT,
    TOSS_UP,
    A,
    B,
    Desk,
    cents,
    contracts,
    desk,
    dollars,
    engine,
    exchange_id,
    losing_desk,
    market,
    passed,
    quote,
    records,
    replayed,
    settings,
    stopped,
    submits,
    won,
)
from exchange_builders import intent as an_order
from exchange_builders import venue
from scripted_exchange import reply, scripted, silence

from console.config.risk_settings import RiskSettings
from console.config.schema import Settings
from console.domain.account_events import OrderBecameUnknown, OrderFilled
from console.domain.actions import BeginHalt
from console.domain.book import BookSide
from console.domain.engine_events import ErrorHappened
from console.domain.fees import KalshiFees
from console.domain.market import Ticker
from console.domain.money import Cash, Count, Price
from console.domain.order import Fill, OrderIntent, OrderReport, OrderStatus
from console.domain.ports import HaltLine, VenueError
from console.domain.trading_state import TradingState
from console.engine import halt_rounds
from console.engine.activity import Activity
from console.engine.gate import Gate, Sentinel
from console.engine.halt_view import HaltPhase
from console.engine.halter import Halter
from console.engine.limit_views import Gauge
from console.engine.picture import Painter, Surroundings
from console.engine.snapshot import Snapshot
from console.monitoring.slippage import SlippageSample, summarise
from console.monitoring.why_not import FunnelStepName
from console.risk.correlation import identify_correlated_markets
from console.risk.exposure import Exposure
from console.risk.proposal import Proposal, Standing
from console.risk.risk_manager import RiskManager as StandAlone
from console.risk.sizing import size

BID, ASK = BookSide.BID, BookSide.ASK
PATIENCE_S = 10.0
NO_CASH = Cash(0)


def with_risk(**risk: object) -> Settings:
    return replace(settings(), risk=replace(RiskSettings(), **risk))  # type: ignore[arg-type]


def fill(
    trading: Desk, intent: OrderIntent, price: Price, count: Count, side: BookSide | None = None
) -> None:
    """A fill at a price of its own, and of the other side if it is said."""
    trading.told += 1
    told = Fill(
        fill_id=f"own-{trading.told}",
        order_id=exchange_id(intent),
        ticker=intent.ticker,
        side=side or intent.side,
        price=price,
        count=count,
        fee=NO_CASH,
        is_taker=True,
        at_ns=trading.now_ns,
    )
    trading.take(OrderFilled(at_ns=trading.now_ns, client_order_id=intent.client_order_id, fill=told))


def restarted(before: Desk) -> Desk:
    """The same account after the process died, with nothing but its journal."""
    account, trade_log = replayed(records(before.actions))
    after = Desk(engine(account=account, trade_log=trade_log), now_ns=before.now_ns)
    after.connect()
    return after


def proposal(probability: Price, displayed: Count | None = None, *, is_taker: bool = False) -> Proposal:
    return Proposal(A, BID, cents(90), probability, NO_CASH, is_taker, displayed, "test")


STANDING = Standing(
    equity=dollars("10000"),
    high_water=dollars("10000"),
    cash=dollars("10000"),
    exposure=Exposure.of({}, [], {}),
    twice_mid=18_000,
    orders_in_minute=0,
)


def test_01_a_profit_does_not_trip_the_daily_loss_limit() -> None:
    trading = desk(with_risk(max_daily_loss_dollars=Decimal(1)))
    trading.settle(won(trading.hold(FAVOURITE)))
    trading.scan()
    assert trading.engine.equity is not None
    assert trading.engine.equity - dollars("10000") > dollars("1")
    assert trading.state is TradingState.RUNNING


def test_02_no_floor_after_kelly_places_a_bet_without_an_edge() -> None:
    for probability in (cents(85), cents(90)):
        assert size(proposal(probability), STANDING, RiskSettings()).count == 0
    poor = Desk(engine())
    poor.open(market(), cash="1.5")  # a quarter of Kelly is less than one contract
    assert submits(poor.show(FAVOURITE)) == []
    assert stopped(poor.engine, FunnelStepName.LIMITS) != {}


def test_03_the_operator_can_halt() -> None:
    trading = desk()
    actions = trading.halt()
    assert any(isinstance(action, BeginHalt) for action in actions)
    assert trading.state is TradingState.HALTED
    assert submits(trading.show(FAVOURITE)) == []


def test_04_a_switch_that_nothing_feeds_does_not_trip(monkeypatch: pytest.MonkeyPatch) -> None:
    def errors(trading: Desk) -> TradingState:
        for number in range(11):
            trading.take(ErrorHappened(at_ns=trading.now_ns, source="rest", message=f"failure {number}"))
        trading.tick()
        return trading.state

    assert errors(desk()) is TradingState.PAUSED
    monkeypatch.setattr(Activity, "hear", lambda self, event: None)
    assert errors(desk()) is TradingState.RUNNING


def test_05_a_loss_a_pause_or_a_restart_does_not_lower_a_halt() -> None:
    trading = desk()
    intent = trading.hold(FAVOURITE)
    trading.halt()
    trading.settle(Price(0), intent.ticker)
    trading.scan()
    trading.pause()
    assert trading.state is TradingState.HALTED
    assert restarted(trading).state is TradingState.HALTED


def test_06_a_resume_clears_what_it_names_and_lasts() -> None:
    trading = desk()
    trading.halt()
    trading.pause()
    trading.resume("manual")
    assert trading.latches == {"pause"}
    trading.resume("pause")
    trading.scan()
    trading.tick()
    assert trading.state is TradingState.RUNNING
    assert submits(trading.show(FAVOURITE)) != []


def test_07_one_slipped_fill_does_not_stop_trading() -> None:
    trading = desk()
    intent = trading.enter(FAVOURITE)
    fill(trading, intent, cents(97), intent.count)
    assert trading.engine.account.slippage[0].touch_centibps > 400 * 100
    trading.tick()
    trading.scan()
    assert trading.state is TradingState.RUNNING


@pytest.mark.parametrize("answer", ["none", "acked", "unknown"])
def test_08_orders_that_may_fill_count_as_exposure(answer: str) -> None:
    trading = desk(settings("maker"))
    intent = trading.enter(FAVOURITE)
    if answer == "acked":
        trading.ack(intent)
    elif answer == "unknown":
        trading.lose_sight(intent)
    exposure = trading.engine.exposure()
    assert exposure.total.with_orders == exposure.reserved == intent.worst_cost


def test_09_scaling_in_and_the_other_side_change_a_position_and_do_not_replace_it() -> None:
    trading = desk()
    intent = trading.enter(FAVOURITE)
    fill(trading, intent, cents(93), contracts(100))
    fill(trading, intent, cents(91), contracts(100))
    position = trading.engine.account.position(A)
    assert (position.contracts, position.average_price) == (contracts(200), cents(92))
    fill(trading, intent, cents(95), contracts(50), ASK)
    position = trading.engine.account.position(A)
    assert (position.contracts, position.average_price) == (contracts(150), cents(92))
    assert position.realised == dollars("1.5")


def test_10_clustering_takes_observations_and_survives_gaps_and_constants() -> None:
    moves = [float((7 * step) % 11 - 5) for step in range(60)]
    gappy = [None if step % 5 == 0 else value for step, value in enumerate(moves)]
    returns = pd.DataFrame({"A": moves, "B": gappy, "FLAT": [0.0] * 60, "EMPTY": [None] * 60})
    assert identify_correlated_markets(returns) == {"group_1": ["A", "B"]}
    with pytest.raises(ValueError, match="a matrix of correlations"):
        identify_correlated_markets(returns[["A", "B"]].astype(float).corr())


def test_11_cents_and_dollars_are_not_mixed() -> None:
    # Thresholds of 90 and 10 are cents: 7 cents are a longshot, 93 a favourite.
    trading = desk(None, market(A), market(B))
    sold, bought_at = trading.enter(LONGSHOT, A), trading.enter(FAVOURITE, B).price
    assert (sold.side, sold.price, bought_at) == (ASK, Price(700), Price(9_300))
    bought, _ = StandAlone(10_000).calculate_position_size(0.05, 0.95, 90)
    assert 500 - 1 < bought * 0.9063 <= 500


def test_12_the_day_is_utc_and_a_restart_forgets_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    time.tzset()
    try:
        trading, intent = losing_desk()
        assert trading.engine.account.risk_day == "2026-02-25"
        trading.settle(Price(0), intent.ticker)
        trading.scan()
    finally:
        monkeypatch.undo()
        time.tzset()
    after = restarted(trading)
    assert after.state is TradingState.HALTED
    assert after.latches == {"daily_loss"}
    assert after.engine.account.day_open_equity == dollars("10000")
    assert after.engine.account.streak.losses == 1


def test_13_a_limit_on_the_rate_of_orders_holds_orders_back() -> None:
    trading = desk(with_risk(max_orders_per_minute=2, max_rejects_per_minute=1_000))
    for _ in range(2):
        trading.reject(trading.enter(FAVOURITE))
    assert submits(trading.show(FAVOURITE)) == []
    assert stopped(trading.engine, FunnelStepName.LIMITS) == {"orders per minute": 1}


def test_14_the_exchange_s_fee_is_on_every_trade_and_rounded_once_an_order() -> None:
    fees = KalshiFees()
    one = fees.on_trade(FEES, cents(93), contracts(1), is_taker=True)
    hundred = fees.on_trade(FEES, cents(93), contracts(100), is_taker=True)
    assert 0 < hundred < 100 * one
    assert fees.on_profit(dollars("100")) == 0
    trading = desk()
    intent = trading.hold(FAVOURITE, fee="1.25")
    trading.settle(Price(0), intent.ticker)
    assert trading.engine.account.fees == dollars("1.25")  # though it lost


def test_15_a_sale_reduces_and_the_average_entry_is_that_of_the_side_held() -> None:
    trading = desk()
    intent = trading.enter(LONGSHOT)
    fill(trading, intent, cents(7), contracts(100))
    position = trading.engine.account.position(A)
    assert (position.contracts, position.average_price) == (-contracts(100), cents(93))
    fill(trading, intent, cents(5), contracts(60), BID)
    position = trading.engine.account.position(A)
    assert (position.contracts, position.average_price) == (-contracts(40), cents(93))
    assert position.realised == dollars("1.2")


def test_16_unknown_depth_is_not_free() -> None:
    unknown = size(proposal(cents(95), None, is_taker=True), STANDING, RiskSettings())
    assert (unknown.count, unknown.reason) == (0, "displayed depth unknown")
    thin = desk()
    assert thin.enter(quote(92, 93, size=12)).count == contracts(12)


def test_17_a_clock_that_is_wrong_stops_trading() -> None:
    trading = desk()
    trading.skew_ms = 5_001
    trading.read_exchange()
    trading.tick()
    assert trading.state is TradingState.PAUSED
    assert submits(trading.show(FAVOURITE)) == []


def test_18_every_state_of_an_order_is_reached_and_a_partial_fill_is_seen() -> None:
    trading = desk(settings("maker"))
    seen: set[OrderStatus] = set()

    def look(intent: OrderIntent) -> None:
        seen.add(trading.engine.account.orders[intent.client_order_id].status)

    refused = trading.enter(FAVOURITE)
    look(refused)
    trading.reject(refused)
    look(refused)
    lost = trading.enter(FAVOURITE)
    trading.lose_sight(lost)
    look(lost)
    trading.ack(lost)
    trading.fill(lost, contracts(1))
    look(lost)
    partly = trading.engine.account.orders[lost.client_order_id]
    assert (partly.filled, partly.leaves) == (contracts(1), lost.count - contracts(1))
    trading.report(lost, OrderStatus.CANCELED, contracts(1))
    look(lost)
    whole = desk()
    intent = whole.hold(FAVOURITE)
    seen.add(whole.engine.account.orders[intent.client_order_id].status)
    assert seen == set(OrderStatus)


def test_21_drawdown_counts_what_positions_are_worth_now() -> None:
    trading = desk(with_risk(max_drawdown_pct=Decimal("0.01"), max_daily_loss_dollars=Decimal(10_000)))
    trading.hold(FAVOURITE)
    trading.show(quote(60, 61))
    trading.scan()
    assert trading.engine.account.settlements == 0
    assert "drawdown" in trading.latches
    assert trading.state is TradingState.HALTED


def test_22_a_mean_in_basis_points_weighs_contracts() -> None:
    samples = [
        SlippageSample(100_00, None, contracts(1), is_taker=True),
        SlippageSample(0, None, contracts(99), is_taker=True),
    ]
    assert summarise(samples, 50_00).taker.mean == 100


async def test_23_what_cannot_be_read_is_an_error_and_not_nothing() -> None:
    renamed = {"balance": 1, "balance_in_dollars": "10.00", "portfolio_value": 0, "updated_ts": 0}
    answers = iter((reply(200, renamed), *[reply(500, {})] * 10))
    async with scripted(lambda _: next(answers)) as exchange:
        for _ in range(2):
            with pytest.raises(VenueError):
                await venue(exchange.rest).balance()
    blind = Desk(engine())
    total = gauge(picture(blind), "total")
    assert total.limit is None
    assert submits(blind.show(FAVOURITE)) == []


class Line:
    """An exchange of which the first cancel of an order fails."""

    def __init__(self, *client_order_ids: str) -> None:
        self.orders = {name: report(name) for name in client_order_ids}
        self.asked: list[str] = []

    def trigger_group(self, group_id: str, exchange_index: int) -> None:
        pass

    def resting(self) -> Sequence[OrderReport]:
        return tuple(self.orders.values())

    def cancel(self, order_id: str, ticker: Ticker, exchange_index: int) -> None:
        self.asked.append(order_id)
        if self.asked.count(order_id) == 1:
            raise VenueError("no answer")
        self.orders.pop(order_id, None)

    def close(self) -> None:
        pass


def report(name: str) -> OrderReport:
    return OrderReport(name, name, A, BID, cents(90), OrderStatus.RESTING, Count(0), contracts(1))


@pytest.fixture
def line() -> Line:
    return Line("kc-1", "kc-2")


@pytest.fixture
def halting(tmp_path: Path, line: Line, monkeypatch: pytest.MonkeyPatch) -> Iterator[Halter]:
    monkeypatch.setattr(halt_rounds, "_RETRY_S", 0.01)

    def opened() -> HaltLine:
        return line

    clock = itertools.count(1)
    sentinel = Sentinel(tmp_path / "HALT")
    under_test = Halter(
        Gate(sentinel),
        sentinel,
        opened,
        groups=dict,
        is_ours=lambda order: order.client_order_id.startswith("kc-"),
        wall_ns=lambda: next(clock),
    )
    yield under_test
    under_test.stop()


def test_24_a_halt_remembers_what_it_could_not_cancel_and_outlives_the_process(
    halting: Halter, line: Line, tmp_path: Path
) -> None:
    halting.request("looks wrong")
    assert halting.wait_confirmed(PATIENCE_S)
    assert line.orders == {}
    assert sorted(line.asked) == ["kc-1", "kc-1", "kc-2", "kc-2"]
    for thread in threading.enumerate():
        if thread.name == "sentinel":
            thread.join(PATIENCE_S)
    assert Sentinel(tmp_path / "HALT").reason == "looks wrong"


def test_25_a_second_halt_cancels_again(halting: Halter, line: Line) -> None:
    halting.request("first")
    assert halting.wait_confirmed(PATIENCE_S)
    line.orders["kc-late"] = report("kc-late")
    halting.request("second")
    assert halting.wait_confirmed(PATIENCE_S)
    assert line.orders == {}
    assert (halting.view.phase, halting.view.reason) == (HaltPhase.CONFIRMED, "second")


async def test_26_an_order_without_an_answer_is_not_sent_again() -> None:
    async with scripted(lambda _: silence) as exchange:
        outcome = await venue(exchange.rest, deadline_s=0.2).submit(an_order())
    assert isinstance(outcome, OrderBecameUnknown)
    assert len(exchange.received) == 1
    trading = desk()
    trading.lose_sight(trading.enter(FAVOURITE))
    for _ in range(3):
        trading.later(60)
        trading.prove()
        trading.scan()
        assert submits(trading.show(FAVOURITE)) == []


def test_27_the_operator_sees_why_nothing_was_traded() -> None:
    trading = desk()
    trading.show(TOSS_UP)
    trading.show(quote(90, 99))
    trading.pause()
    trading.show(FAVOURITE)
    assert stopped(trading.engine, FunnelStepName.PRICE) != {}
    assert stopped(trading.engine, FunnelStepName.SPREAD) != {}
    assert stopped(trading.engine, FunnelStepName.LIMITS) == {"paused by pause": 1}
    assert passed(trading.engine, FunnelStepName.SENT) == 0


def gauge(snapshot: Snapshot, key: str) -> Gauge:
    [found] = [each for each in snapshot.gauges if each.key == key]
    return found


def picture(trading: Desk) -> Snapshot:
    around = Surroundings(
        environment="practice", dry_run=False, notes=(), connected=True, order_round_trip_ns=None
    )
    return Painter().take(trading.engine, trading.now_ns, around)


def test_28_the_limit_shown_is_the_limit_in_force() -> None:
    chosen = with_risk(max_single_position_pct=Decimal("0.0123"))
    trading = desk(chosen)
    trading.hold(FAVOURITE)
    shown = gauge(picture(trading), "single")
    assert shown.limit == dollars("123")
    assert shown.limit is not None
    assert shown.used is not None
    assert dollars("121") < shown.used <= shown.limit
