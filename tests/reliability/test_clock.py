"""A clock that is set, or a machine that slept: no entry by it, nothing shortened, nothing forgotten."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest
from engine_builders import (
    DAY,
    FAVOURITE,
    SECOND,
    A,
    Desk,
    desk,
    halts_begun,
    market,
    quote,
    raised,
    records,
    settings,
)
from fault_proxy import FaultProxy, fault_proxy
from faults import ORDERS
from full_disk import RESTLESS, restless_markets
from hypothesis import given
from hypothesis import settings as trying
from hypothesis import strategies as st
from own_exchange import OwnExchange, own_exchange
from practice_runs import wait_for
from test_picture import picture
from whole_engine import trading

from console.config.risk_settings import RiskSettings
from console.domain.account_events import ClockSkewRead, PositionsCompared
from console.domain.engine_events import RiskDayBegan
from console.domain.market_events import FeedProved
from console.domain.trading_state import TradingState
from console.engine.snapshot import Snapshot
from console.engine.worker import EngineWorker
from console.exchange.clock import ServerClock

Count = Callable[[int, int], int]
Tell = Callable[[str], None]

PAUSED, RUNNING = TradingState.PAUSED, TradingState.RUNNING
STEPS = (3_600, -3_600, 86_400, -86_400)
EVERY_STEP = pytest.mark.parametrize("seconds", STEPS)


def steady_desk() -> Desk:
    """A desk that ticks, with an order that rests."""
    trading = desk(settings("maker"), market(A, close_ns=Desk().now_ns + 30 * DAY))
    trading.ack(trading.enter(FAVOURITE))
    trading.tick()
    return trading


def set_clock(trading: Desk, seconds: float) -> None:
    """Set our clock, right before, which makes it wrong by so much, and tell of it as the loop does."""
    trading.now_ns += round(seconds * SECOND)
    trading.skew_ms = (trading.skew_ms or 0) + round(seconds * 1000)
    trading.tick()


def sleep(trading: Desk, seconds: float) -> None:
    """The wall clock of everybody goes on, ours that never steps does not."""
    trading.now_ns += round(seconds * SECOND)
    trading.tick()


# --- by events ------------------------------------------------------------------------------------------


@EVERY_STEP
def test_a_clock_that_is_set_pauses_at_once_and_until_it_is_right_again(seconds: int) -> None:
    trading = steady_desk()
    set_clock(trading, seconds)
    assert (trading.state, trading.latches) == (PAUSED, {"clock_skew"})
    for _ in range(30):
        trading.later(1)
        trading.prove()
        trading.tick()
    assert trading.latches == {"clock_skew"}
    set_clock(trading, -seconds)
    for _ in range(7):
        trading.later(1)
        trading.prove()
        trading.tick()
    assert trading.state is RUNNING
    assert halts_begun(trading.actions) == 0


@pytest.mark.parametrize("seconds", [5.1, 60, 8 * 3_600])
@pytest.mark.parametrize("missing", [FeedProved, PositionsCompared])
def test_after_sleep_nothing_is_entered_until_feed_and_account_were_heard_anew(
    seconds: float, missing: type[FeedProved | PositionsCompared]
) -> None:
    trading = steady_desk()
    sleep(trading, seconds)
    assert trading.latches == {"clock_skew"}
    heard = PositionsCompared if missing is FeedProved else FeedProved
    for _ in range(20):
        trading.later(1)
        trading.take(ClockSkewRead(at_ns=trading.now_ns, skew_ms=0))
        trading.take(heard(at_ns=trading.now_ns))
        trading.tick()
    assert "clock_skew" in trading.latches
    for _ in range(7):
        trading.later(1)
        trading.prove()
        trading.tick()
    assert trading.state is RUNNING


@EVERY_STEP
def test_a_step_makes_no_age_negative_and_nothing_stale_that_is_not(seconds: int) -> None:
    trading = steady_desk()
    trading.later(3)
    trading.tick()
    before = picture(trading)
    set_clock(trading, seconds)
    after = picture(trading)
    assert after.feed_age_ns == before.feed_age_ns == 3 * SECOND
    assert [gauge.age_ns for gauge in after.gauges] == [gauge.age_ns for gauge in before.gauges]
    assert "stale_book" not in trading.latches
    shown = {row.key: row.reading for row in after.switches}
    assert shown["journal"] == "3.0 s ago"


@EVERY_STEP
def test_a_feed_that_falls_silent_is_found_stale_whatever_the_clock_does(seconds: int) -> None:
    trading = steady_desk()
    trading.later(20)
    set_clock(trading, seconds)
    trading.later(10)
    trading.tick()
    assert "stale_book" not in trading.latches
    trading.later(0.5)
    trading.tick()
    assert "stale_book" in trading.latches


@EVERY_STEP
def test_what_is_counted_over_a_minute_is_neither_forgotten_nor_kept(seconds: int) -> None:
    limits = RiskSettings(max_rejects_per_minute=2)
    trading = desk(settings(risk=limits), market(A, close_ns=Desk().now_ns + 30 * DAY))
    trading.tick()
    for _ in range(2):
        trading.reject(trading.enter(FAVOURITE))
    set_clock(trading, seconds)
    row = next(row for row in picture(trading).switches if row.key == "reject_rate")
    assert row.reading.startswith("2 ")
    trading.later(61)
    trading.tick()
    row = next(row for row in picture(trading).switches if row.key == "reject_rate")
    assert row.reading.startswith("0 ")


def days_begun(trading: Desk) -> list[tuple[int, str]]:
    return [(r.at_ns, r.day) for r in records(trading.actions) if isinstance(r, RiskDayBegan)]


@pytest.mark.parametrize("seconds", [86_400, 7 * 3_600])
def test_a_clock_set_beyond_midnight_forgets_nothing_of_the_day(seconds: int) -> None:
    """17:04 UTC: the day that the clock claims is not begun, so the loss of today still counts."""
    limits = RiskSettings(max_daily_loss_dollars=Decimal(100))
    trading = desk(settings(risk=limits), market(A, close_ns=Desk().now_ns + 30 * DAY))
    trading.hold(FAVOURITE, fee="99")
    trading.show(quote(93, 94))
    trading.tick()
    trading.scan()
    set_clock(trading, seconds)
    trading.prove()
    trading.scan()
    assert [day for _, day in days_begun(trading)] == ["2026-02-25"]
    trading.show(quote(92, 93))
    assert ("daily_loss", TradingState.HALTED) in raised(trading.scan())


HISTORIES = st.lists(
    st.tuples(
        st.sampled_from((0.5, 30, 1_800, 20_000, 86_400)),
        st.sampled_from((0, 0, 0, 0.9, -0.9, 4, -4, 3_600, -3_600, 86_400, -86_400)),
    ),
    max_size=40,
)


def test_a_risk_day_begins_once_and_on_that_day(count: Count, tell: Tell) -> None:
    histories = count(60, 10_000)
    begun = 0

    @trying(max_examples=histories)
    @given(HISTORIES)
    def lived(history: list[tuple[float, float]]) -> None:
        nonlocal begun
        trading = desk(None, market(A, close_ns=Desk().now_ns + 365 * DAY))
        trading.tick()
        wrong_ns = 0
        for passed, step in history:
            trading.later(passed)
            wrong_ns += round(step * SECOND)
            set_clock(trading, step)
            trading.prove()
            trading.tick()
            since = len(trading.actions)
            trading.scan()
            now_ns = trading.now_ns - wrong_ns
            for record in records(trading.actions[since:]):
                if isinstance(record, RiskDayBegan):
                    begun += 1
                    assert record.day in {day_of(now_ns - 5 * SECOND), day_of(now_ns + 5 * SECOND)}
        days = [day for _, day in days_begun(trading)]
        assert days == sorted(set(days))

    lived()
    tell(f"{histories} histories of a clock that is set to and fro: {begun} days begun, 0 twice, 0 early")


def day_of(at_ns: int) -> str:
    return datetime.fromtimestamp(at_ns // SECOND, UTC).date().isoformat()


# --- signatures -----------------------------------------------------------------------------------------


@EVERY_STEP
def test_a_request_right_after_a_step_is_stamped_with_the_exchanges_time(seconds: int) -> None:
    wall_ns, steady_ns = 1_772_000_000 * SECOND, 77 * SECOND
    clock = ServerClock(lambda: wall_ns, lambda: steady_ns)
    clock.learn(1_772_000_000_000, 0)
    wall_ns += (10 + seconds) * SECOND
    steady_ns += 10 * SECOND
    assert abs(clock.now_ms() - 1_772_000_010_000) <= 500
    assert clock.skew_ms is not None
    assert abs(clock.skew_ms - seconds * 1000) <= 500


def test_after_sleep_a_request_is_stamped_with_the_time_there_is_now() -> None:
    wall_ns, steady_ns = 1_772_000_000 * SECOND, 77 * SECOND
    clock = ServerClock(lambda: wall_ns, lambda: steady_ns)
    clock.learn(1_772_000_000_000, 0)
    wall_ns += 8 * 3_600 * SECOND
    steady_ns += 8 * 3_600 * SECOND
    assert clock.now_ms() == wall_ns // 1_000_000


# --- a whole engine -------------------------------------------------------------------------------------


class OurTime:
    """Stands for the module ``time`` where the parts of an engine are put together; the exchange's is right.

    ``set_by_ns`` is how far our wall clock was set, ``slept_ns`` what the clock that never steps missed.
    """

    def __init__(self) -> None:
        self.set_by_ns = 0
        self.slept_ns = 0

    def time_ns(self) -> int:
        return time.time_ns() + self.set_by_ns

    def monotonic_ns(self) -> int:
        return time.monotonic_ns() - self.slept_ns


@pytest.fixture
def ours(monkeypatch: pytest.MonkeyPatch) -> OurTime:
    made = OurTime()
    for part in ("running", "accounts", "parts"):
        monkeypatch.setattr(f"console.app.{part}.time", made)
    monkeypatch.setattr("console.risk.manager.GOOD_FOR_NS", SECOND)
    return made


@contextmanager
def whole_engine(folder: Path) -> Iterator[tuple[FaultProxy, EngineWorker, OwnExchange]]:
    """Trading with orders that rest, through a proxy."""
    key_folder = folder / "exchange"
    key_folder.mkdir()
    with (
        own_exchange(key_folder) as exchange,
        restless_markets(exchange),
        fault_proxy(exchange.connection) as proxy,
        trading(folder / "home", proxy.write_line(folder / "line.json"), *RESTLESS) as worker,
    ):
        wait_for(worker, "orders", lambda s: s.orders > 5)
        yield proxy, worker, exchange


def test_an_engine_whose_clock_is_set_withdraws_its_orders_and_goes_on_once_it_is_right(
    ours: OurTime, tmp_path: Path, count: Count
) -> None:
    with whole_engine(tmp_path) as (proxy, worker, exchange):
        for seconds in STEPS[: count(1, len(STEPS))]:
            ours.set_by_ns = seconds * SECOND
            paused = wait_for(worker, "paused", lambda s: s.state is PAUSED)
            assert {latch.name for latch in paused.latches} == {"clock_skew"}
            wait_for(worker, "nothing rests", lambda s: not s.resting)
            assert exchange.do(lambda held: held.account.open_orders()) == []
            sent, looked = proxy.count("POST", ORDERS), paused.sequence
            still = wait_for(worker, "looked again", partial(is_after, looked + 20))
            assert proxy.count("POST", ORDERS) == sent
            assert {latch.name for latch in still.latches} == {"clock_skew"}
            assert 0 <= (still.feed_age_ns or 0) < 10 * SECOND
            assert [alert.text for alert in still.alerts if "401" in alert.text] == []
            ours.set_by_ns = 0
            running = wait_for(worker, "running", lambda s: s.state is RUNNING)
            wait_for(worker, "orders again", partial(has_more_orders, running.orders))


def is_after(sequence: int, snapshot: Snapshot) -> bool:
    return snapshot.sequence > sequence


def has_more_orders(orders: int, snapshot: Snapshot) -> bool:
    return snapshot.orders > orders


def test_an_engine_that_slept_reads_everything_anew_before_it_goes_on(ours: OurTime, tmp_path: Path) -> None:
    with whole_engine(tmp_path) as (proxy, worker, _):
        reads = proxy.count("GET", "/portfolio/positions")
        ours.slept_ns = 600 * SECOND
        paused = wait_for(worker, "paused", lambda s: s.state is PAUSED)
        assert [latch.reason for latch in paused.latches] == [
            "our clock stepped by +600.0 s; feed and account must be heard anew"
        ]
        running = wait_for(worker, "running", lambda s: s.state is RUNNING)
        assert proxy.count("GET", "/portfolio/positions") > reads
        wait_for(worker, "orders again", partial(has_more_orders, running.orders))
