"""A whole engine on an exchange that breaks answers, refuses its key, lags, pauses and ends markets early."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from fault_proxy import FaultProxy, fault_proxy
from faults import AMBIGUOUS, ORDERS, Answer, changed, in_turn, reset_after, status
from own_exchange import OwnExchange, own_exchange
from practice_runs import journaled_account, journaled_events, wait_for
from whole_engine import BOLD, IMPATIENT, make_haste, trading

from console.domain.account_events import MarketSettled, OrderIntended
from console.domain.engine_events import LatchRaised
from console.domain.order import OrderStatus
from console.domain.trading_state import TradingState
from console.engine.limit_views import SwitchState
from console.engine.snapshot import Snapshot
from console.engine.worker import EngineFailedError, EngineWorker

pytestmark = pytest.mark.timeout(900)

Count = Callable[[int, int], int]
Tell = Callable[[str], None]

NS_PER_S = 1_000_000_000


@pytest.fixture(autouse=True)
def _haste(monkeypatch: pytest.MonkeyPatch, count: Count) -> None:
    if count(1, 0):
        make_haste(monkeypatch)


def list_favourites(exchange: OwnExchange, name: str, number: int) -> list[str]:
    """Markets in each of which the engine wants one order."""
    tickers = [f"KX{name}-{n}" for n in range(number)]
    for ticker in tickers:
        exchange.list_market(ticker)
        exchange.show(ticker, 92, 93)
    return tickers


@contextmanager
def proxied(home: Path) -> Iterator[tuple[OwnExchange, FaultProxy, Path]]:
    """An exchange, a proxy in front of it, and the file by which to attach to the proxy."""
    with own_exchange(home) as exchange, fault_proxy(exchange.connection) as proxy:
        yield exchange, proxy, proxy.write_line(home / "line.json")


def latches(snapshot: Snapshot) -> list[str]:
    return [latch.name for latch in snapshot.latches]


def reading(snapshot: Snapshot, key: str) -> SwitchState:
    return next(switch.state for switch in snapshot.switches if switch.key == key)


# --- orders -------------------------------------------------------------------------------------------


def test_every_order_that_the_exchange_has_is_found_and_none_is_doubled(
    tmp_path: Path, count: Count, tell: Tell
) -> None:
    number, proves = count(2 * len(AMBIGUOUS), 8 * len(AMBIGUOUS)), count(0, 1)
    with proxied(tmp_path) as (exchange, proxy, line):
        tickers = list_favourites(exchange, "AMBIGUOUS", number)
        proxy.on("POST", ORDERS, in_turn(AMBIGUOUS))
        with trading(tmp_path, line, *BOLD, IMPATIENT) as worker:
            wait_for(
                worker, "an order in each market", lambda _: sent_by_market(proxy).keys() == set(tickers)
            )
            for ticker in tickers:
                exchange.show(ticker, 60, 61)

            def all_found(snapshot: Snapshot) -> bool:
                unsettled = {order.client_order_id for order in snapshot.resting}
                late = any(a.fault == "late_accept" and not a.forwarded for a in tuple(proxy.asked))
                return not late and not unsettled & set(exchange.client_ids())

            found = wait_for(worker, "all found", all_found)
            if proves:
                wait_for_proof(worker)
            worker.stop(cancel_resting=True)
        sent, taken = proxy.orders_sent(), Counter(exchange.client_ids())
        account = journaled_account(tmp_path)
        held = exchange.do(lambda e: {t: e.account.held(t) for t in tickers if e.account.held(t)})
        fills = exchange.do(lambda e: len(e.account.fills))
        cash = exchange.do(lambda e: e.account.cash)
    assert set(sent.values()) == {1}
    assert set(taken.values()) == {1}
    assert {t: held.contracts for t, held in account.held.items()} == held
    assert len(account.fill_ids) == fills
    assert account.cash == cash
    # What the exchange never got waits for its proof: reserved, and its market blocked.
    unresolved = {o.intent.client_order_id for o in account.open_orders}
    assert unresolved == (set() if proves else sent.keys() - taken.keys())
    assert set(sent_by_market(proxy).values()) == {1}
    assert all(o.status is OrderStatus.UNKNOWN and o.reserved > 0 for o in account.open_orders)
    assert found.state is TradingState.RUNNING
    tell(f"{len(sent)} ambiguous orders: {len(taken)} found, {len(unresolved)} still reserved, 0 doubled")


def sent_by_market(proxy: FaultProxy) -> Counter[str]:
    """How many orders were POSTed in each market."""
    return Counter(json.loads(a.body)["ticker"] for a in tuple(proxy.asked) if a.client_order_id)


def wait_for_proof(worker: EngineWorker) -> None:
    """Until no order is unknown any more: what was never placed is known to be so after a minute."""
    deadline = time.monotonic() + 120
    while (snapshot := worker.snapshot()) is None or snapshot.resting:
        assert time.monotonic() < deadline, "orders stayed unknown"
        time.sleep(0.1)


def test_an_order_that_lists_do_not_show_yet_is_neither_given_up_nor_sent_again(tmp_path: Path) -> None:
    empty = changed(lambda answer: Answer(200, [], _emptied(answer.body)))
    with proxied(tmp_path) as (exchange, proxy, line):
        list_favourites(exchange, "LAG", 1)
        proxy.on("POST", ORDERS, reset_after)
        for path in ("/portfolio/orders", "/portfolio/fills", "/portfolio/positions"):
            proxy.on("GET", path, empty)
        # What the feed says of our orders is lost too.
        proxy.on_message = lambda message: (
            [] if b'"type":"fill"' in message or b'"type":"user_order"' in message else [message]
        )
        with trading(tmp_path, line, *BOLD) as worker:
            unknown = wait_for(worker, "unknown", lambda s: any(o.status is _UNKNOWN for o in s.resting))
            reads = proxy.count("GET", "/portfolio/orders")
            still = wait_for(
                worker, "three more reads", lambda _: proxy.count("GET", "/portfolio/orders") > reads + 3
            )
            assert [o.status for o in still.resting] == [_UNKNOWN]
            assert still.worst_case > 0
            assert unknown.orders == still.orders == 1
            proxy.heal()
            known = wait_for(worker, "found", lambda s: not s.resting)
            assert known.fills > 0
            assert len(known.positions) == 1
        assert set(proxy.orders_sent().values()) == {1}


_UNKNOWN = OrderStatus.UNKNOWN


def _emptied(body: bytes) -> bytes:
    """A whole list with nothing in it, as an exchange that lags its own writes gives it."""
    data = json.loads(body)
    return json.dumps({name: [] if isinstance(v, list) else v for name, v in data.items()}).encode()


# --- positions --------------------------------------------------------------------------------------


def test_a_position_that_cannot_be_read_is_still_held(tmp_path: Path) -> None:
    with proxied(tmp_path) as (exchange, proxy, line):
        list_favourites(exchange, "HELD", 1)
        with trading(tmp_path, line, *BOLD) as worker:
            wait_for(worker, "a position", lambda s: bool(s.positions) and not s.resting)
            for code in (404, 500):
                proxy.on("GET", "/portfolio/positions", status(code))
                said = f"/portfolio/positions: {code}"

                def is_told(snapshot: Snapshot, said: str = said) -> bool:
                    return any(said in alert.text for alert in snapshot.alerts)

                told = wait_for(worker, "the failed read is told", is_told)
                assert len(told.positions) == 1
                assert told.state is TradingState.RUNNING
            # A whole list that says we are flat halts, and what we hold stays.
            proxy.on(
                "GET", "/portfolio/positions", changed(lambda answer: Answer(200, [], _emptied(answer.body)))
            )
            halted = wait_for(worker, "halted", lambda s: s.state is TradingState.HALTED)
            assert latches(halted) == ["position_mismatch"]
            assert len(halted.positions) == 1


# --- the key ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("POST", ORDERS, 403),
        ("GET", "/portfolio/balance", 401),
    ],
)
def test_a_refused_key_halts_and_says_to_check_it(method: str, path: str, code: int, tmp_path: Path) -> None:
    with proxied(tmp_path) as (exchange, proxy, line):
        exchange.list_market("KXKEY-0")
        exchange.show("KXKEY-0", 80, 81)
        with trading(tmp_path, line, *BOLD) as worker:
            wait_for(worker, "a live book", lambda s: s.feed_age_ns is not None)
            proxy.on(method, path, status(code))
            exchange.show("KXKEY-0", 92, 93)
            halted = wait_for(worker, "halted", lambda s: s.state is TradingState.HALTED)
            assert "api_key" in latches(halted)
            latch = next(latch for latch in halted.latches if latch.name == "api_key")
            assert f"{code}" in latch.reason
            assert "check the API key" in latch.reason
            assert halted.orders <= 1
            orders = proxy.count("POST", ORDERS)
            proxy.heal()
            assert worker.wait_halted(30)
            # What mends the key does not end the halt.
            wait_for(worker, "the key is good again", lambda _: worker.resume_refusal("api_key") is None)
            assert worker.snapshot() is not None
            assert proxy.count("POST", ORDERS) == orders


def test_a_key_that_is_refused_at_the_start_ends_the_start_and_says_to_check_it(tmp_path: Path) -> None:
    with proxied(tmp_path) as (_, proxy, line):
        proxy.on("GET", "/portfolio/*", status(401))
        with pytest.raises(EngineFailedError, match="check the API key"), trading(tmp_path, line, *BOLD):
            pass


def test_one_old_timestamp_is_not_taken_for_a_bad_key(tmp_path: Path) -> None:
    expired = status(401, {"error": {"code": "header_timestamp_expired"}})
    with proxied(tmp_path) as (exchange, proxy, line):
        list_favourites(exchange, "STAMP", 2)
        with trading(tmp_path, line, *BOLD) as worker:
            proxy.on("GET", "/portfolio/*", expired, times=1)
            proxy.on("POST", ORDERS, expired, times=1)
            traded = wait_for(worker, "both markets traded", lambda s: len(s.positions) == 2)
            assert not traded.latches


# --- too many requests --------------------------------------------------------------------------------


def test_an_exchange_that_is_too_busy_is_not_hammered_and_nothing_is_lost(tmp_path: Path) -> None:
    with proxied(tmp_path) as (exchange, proxy, line):
        list_favourites(exchange, "BUSY", 10)
        proxy.on("POST", ORDERS, status(429, {"error": "too many requests"}), times=3)
        with trading(tmp_path, line, *BOLD) as worker:
            wait_for(worker, "all markets traded", lambda s: len(s.positions) == 10)
        assert set(proxy.orders_sent().values()) == {1}
        account = journaled_account(tmp_path)
        rejected = [o for o in account.orders.values() if o.status is OrderStatus.REJECTED]
        assert len(rejected) >= 3


# --- clocks -----------------------------------------------------------------------------------------


def test_a_clock_two_seconds_off_trades(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with proxied(tmp_path) as (exchange, _, line):
        list_favourites(exchange, "SKEW", 1)
        _step_clock(monkeypatch, 2)
        with trading(tmp_path, line, *BOLD) as worker:
            traded = wait_for(worker, "a position", lambda s: bool(s.positions))
            assert reading(traded, "clock_skew") in (SwitchState.ARMED, SwitchState.WARNING)
            assert not traded.latches


@pytest.mark.parametrize("ahead_s", [-60, 60])
def test_a_clock_a_minute_off_sends_nothing(
    ahead_s: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with proxied(tmp_path) as (exchange, proxy, line):
        list_favourites(exchange, "SKEW", 1)
        _step_clock(monkeypatch, ahead_s)
        with trading(tmp_path, line, *BOLD) as worker:
            paused = wait_for(worker, "paused", lambda s: s.state is TradingState.PAUSED)
            assert latches(paused) == ["clock_skew"]
            assert ("ahead of" if ahead_s > 0 else "behind") in paused.latches[0].reason
            wait_for(worker, "a live book", lambda s: s.feed_age_ns is not None)
            scanned = paused.at_ns
            wait_for(worker, "some scans", lambda s: s.at_ns > scanned + NS_PER_S)
        assert not proxy.orders_sent()


def _step_clock(monkeypatch: pytest.MonkeyPatch, ahead_s: int) -> None:
    """Our wall clock; the exchange has taken its own before."""
    real_ns = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: real_ns() + ahead_s * NS_PER_S)


# --- what an exchange may do at any time ----------------------------------------------------------------


def test_nothing_is_entered_while_the_exchange_does_not_trade_and_it_goes_on_by_itself(
    tmp_path: Path,
) -> None:
    """Trading is paused first, then the exchange closed for maintenance, then it trades again."""
    shut = {"exchange_active": False, "trading_active": False, "intra_exchange_transfers_active": False}
    with proxied(tmp_path) as (exchange, proxy, line):
        exchange.list_market("KXPAUSE-0")
        exchange.show("KXPAUSE-0", 80, 81)
        exchange.do(lambda e: e.pause())
        with trading(tmp_path, line, *BOLD) as worker:
            paused = wait_for(worker, "paused", lambda s: s.state is TradingState.PAUSED)
            assert latches(paused) == ["exchange_paused"]
            exchange.show("KXPAUSE-0", 92, 93)
            wait_for(worker, "some scans", lambda s: s.at_ns > paused.at_ns + NS_PER_S)
            proxy.on("GET", "/exchange/status", status(503, shut))
            wait_for(worker, "closed", lambda s: s.exchange.exchange_active is False)
            assert not proxy.orders_sent()
            exchange.do(lambda e: e.resume_trading())
            proxy.heal()
            wait_for(worker, "trading again", lambda s: bool(s.positions))
    kinds = [type(event) for event in journaled_events(tmp_path)]
    assert kinds.index(OrderIntended) > kinds.index(LatchRaised)


def test_a_pause_takes_resting_orders_away_and_the_books_follow(tmp_path: Path) -> None:
    maker = (*BOLD, "strategy_flb.style=maker", "edge.constant_points=8")
    with proxied(tmp_path) as (exchange, _, line):
        list_favourites(exchange, "MAKER", 5)
        with trading(tmp_path, line, *maker) as worker:
            wait_for(worker, "five rest", lambda s: sum(o.status is _RESTING for o in s.resting) == 5)
            exchange.do(lambda e: e.pause())
            paused = wait_for(worker, "none rests", lambda s: not s.resting and bool(s.latches))
            assert latches(paused) == ["exchange_paused"]
        account = journaled_account(tmp_path)
        assert not account.open_orders
        # One that was under way when the exchange paused was refused.
        statuses = Counter(o.status for o in account.orders.values())
        assert statuses.keys() <= {OrderStatus.CANCELED, OrderStatus.REJECTED}
        assert statuses[OrderStatus.CANCELED] >= 5


_RESTING = OrderStatus.RESTING


def test_markets_that_close_early_take_orders_with_them_and_pay_once(
    tmp_path: Path, count: Count, tell: Tell
) -> None:
    """The feed says everything about a market twice, and the lists say it again."""
    number = count(10, 100)
    with proxied(tmp_path) as (exchange, proxy, line):
        tickers = list_favourites(exchange, "EARLY", number)
        proxy.on_message = lambda message: (
            [message, message] if b'"market_lifecycle_v2"' in message or b'"fill"' in message else [message]
        )
        with trading(tmp_path, line, *BOLD) as worker:
            wait_for(worker, "all held", lambda s: len(s.positions) == number)
            for which, ticker in enumerate(tickers):
                exchange.close_market(ticker)
                exchange.settle(ticker, "yes" if which % 2 else "no")
            wait_for(worker, "all paid", lambda s: not s.positions)
            reads = proxy.count("GET", "/portfolio/settlements")
            wait_for(worker, "read again", lambda _: proxy.count("GET", "/portfolio/settlements") > reads + 1)
        events = journaled_events(tmp_path)
        account = journaled_account(tmp_path)
        paid = Counter(e.settlement.ticker for e in events if isinstance(e, MarketSettled))
        assert paid == dict.fromkeys(tickers, 1)
        assert account.cash == exchange.do(lambda e: e.account.cash)
    tell(f"{number} markets closed early, each paid once, cash equal to the exchange's")


def test_a_market_that_closes_under_a_resting_order_ends_it(tmp_path: Path) -> None:
    maker = (*BOLD, "strategy_flb.style=maker", "edge.constant_points=8")
    with proxied(tmp_path) as (exchange, _, line):
        tickers = list_favourites(exchange, "UNDER", 5)
        with trading(tmp_path, line, *maker) as worker:
            wait_for(worker, "five rest", lambda s: sum(o.status is _RESTING for o in s.resting) == 5)
            for ticker in tickers:
                exchange.close_market(ticker)
            ended = wait_for(worker, "none rests", lambda s: not s.resting)
            assert not ended.positions
