"""The operator's verbs against a practice exchange in another process."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from practice_runs import PracticeProcess, journaled_events, practice_exchange, wait_for
from test_practice_run import launch

from console.app import UncleanError, offline_engine, running_engine
from console.domain.account_events import OrderIntended
from console.domain.commands import ClosePosition, Flatten, ReduceOnly, Resume
from console.domain.engine_events import FlattenEnded
from console.domain.money import Count
from console.domain.order import OrderIntent, OrderStatus
from console.domain.trading_state import TradingState
from console.engine.closing import CLOSE
from console.engine.market_verbs import STOPPED
from console.engine.snapshot import Snapshot
from console.exchange.venue import KalshiVenue
from console.monitoring.responses import CLOSING

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[PracticeProcess]:
    with practice_exchange(tmp_path, speed=6) as running:
        yield running


def intents_after(home: Path, event_type: type) -> list[OrderIntent]:
    events = journaled_events(home)
    first = next(number for number, event in enumerate(events) if isinstance(event, event_type))
    return [event.intent for event in events[first:] if isinstance(event, OrderIntended)]


def is_holding(snapshot: Snapshot) -> bool:
    return any(position.exit.price is not None for position in snapshot.positions)


async def held_and_resting(venue: KalshiVenue) -> tuple[dict[str, Count], int]:
    positions = {p.ticker: p.position for p in await venue.positions() if p.position}
    return positions, sum(order.status is OrderStatus.RESTING for order in await venue.orders())


def test_flatten_sells_everything_there_is_a_bid_for_and_stays_halted(
    tmp_path: Path, exchange: PracticeProcess
) -> None:
    with running_engine(launch(tmp_path, exchange, "risk.flatten_slice_contracts=50")) as worker:
        wait_for(worker, "a position with a bid", is_holding)
        worker.send(Flatten(at_ns=time.time_ns()))
        ended = wait_for(
            worker, "the end of the flatten", lambda s: any("flatten ended" in a.text for a in s.alerts)
        )
        positions, resting = exchange.ask(held_and_resting)
        assert resting == 0
        assert {p.ticker for p in ended.positions} >= positions.keys()
        assert ended.state is TradingState.HALTED
        wait_for(worker, "the halt may end", lambda _: worker.resume_refusal("flatten") is None)
    [ending] = [event for event in journaled_events(tmp_path) if isinstance(event, FlattenEnded)]
    assert all(ticker in ending.reason for ticker in positions)
    assert not (ending.is_flat and positions)
    exits = intents_after(tmp_path, Flatten)
    assert exits
    assert all(intent.reduce_only and intent.count <= 5_000 for intent in exits)


def test_a_halt_in_the_middle_of_a_flatten_stops_it(tmp_path: Path, exchange: PracticeProcess) -> None:
    with running_engine(launch(tmp_path, exchange, "risk.flatten_slice_contracts=1")) as worker:
        wait_for(worker, "a position with a bid", is_holding)
        worker.send(Flatten(at_ns=time.time_ns()))
        selling = wait_for(worker, "a slice sold", lambda s: any(e.text == "sold" for e in s.log))
        worker.halt("stop that")
        halted = wait_for(worker, "stopped", lambda s: any("flatten ended" in a.text for a in s.alerts))
        assert worker.wait_halted(30)
        assert halted.positions
        assert {latch.name for latch in halted.latches} >= {"flatten", "manual"}
        time.sleep(1.5)  # Three rounds: none of them may send.
        later = wait_for(worker, "a later picture", lambda s: s.sequence > halted.sequence)
        assert later.orders == halted.orders >= selling.orders
    [ending] = [event for event in journaled_events(tmp_path) if isinstance(event, FlattenEnded)]
    assert not ending.is_flat
    assert "stop that" in ending.reason


def test_after_a_flatten_each_latch_is_resumed_and_trading_goes_on(
    tmp_path: Path, exchange: PracticeProcess
) -> None:
    with running_engine(launch(tmp_path, exchange)) as worker:
        wait_for(worker, "a position with a bid", is_holding)
        worker.send(Flatten(at_ns=time.time_ns()))
        ended = wait_for(worker, "its end", lambda s: any("flatten ended" in a.text for a in s.alerts))
        worker.send(Resume(at_ns=time.time_ns(), latch="flatten", reason="seen"))
        wait_for(worker, "an order after it", lambda s: s.orders > ended.orders)


def test_nothing_increases_a_position_under_reduce_only(tmp_path: Path, exchange: PracticeProcess) -> None:
    maker = launch(tmp_path, exchange, "strategy_flb.style=maker", "edge.constant_points=8")
    with running_engine(maker) as worker:
        wait_for(worker, "an order of ours rests", lambda s: any(order.order_id for order in s.resting))
        worker.send(ReduceOnly(at_ns=time.time_ns()))
        wait_for(
            worker,
            "nothing of ours rests",
            lambda s: s.state is TradingState.REDUCE_ONLY and not s.resting,
        )
        time.sleep(2)  # Two scans of every market.
        _, resting = exchange.ask(held_and_resting)
        assert resting == 0
    assert intents_after(tmp_path, ReduceOnly) == []


def test_a_latch_is_not_cleared_from_the_shell_while_an_order_of_ours_rests(
    tmp_path: Path, exchange: PracticeProcess
) -> None:
    maker = launch(tmp_path, exchange, "strategy_flb.style=maker", "edge.constant_points=8")
    with running_engine(maker) as worker:
        wait_for(worker, "an order of ours rests", lambda s: any(order.order_id for order in s.resting))
        worker.stop(cancel_resting=False)
    with pytest.raises(UncleanError, match="of our orders are not over yet"), offline_engine(maker):
        pass


def test_after_a_clean_end_a_halt_is_cleared_from_the_shell_with_its_file(
    tmp_path: Path, exchange: PracticeProcess
) -> None:
    run = launch(tmp_path, exchange)
    with running_engine(run) as worker:
        wait_for(worker, "a position with a bid", is_holding)
        worker.halt("looks wrong")
        assert worker.wait_halted(30)
        wait_for(worker, "halted", lambda s: s.state is TradingState.HALTED)
    assert run.folder.halt_sentinel.exists()
    with offline_engine(run) as offline:
        assert [latch.id for latch in offline.latches] == ["manual"]
        assert offline.refusal("manual", time.time_ns()) is None
        assert offline.resume("manual", "seen", time.time_ns())
    assert not run.folder.halt_sentinel.exists()
    with running_engine(run) as worker:
        wait_for(worker, "running", lambda s: s.state is TradingState.RUNNING)


def test_closing_a_position_sells_it_at_its_price_or_better_and_trades_its_market_no_more(
    tmp_path: Path, exchange: PracticeProcess
) -> None:
    with running_engine(launch(tmp_path, exchange)) as worker:
        held = wait_for(worker, "a position with a bid", is_holding)
        first = next(p for p in held.positions if p.exit.price is not None)
        assert first.exit.price is not None
        command = ClosePosition(at_ns=time.time_ns(), ticker=first.ticker, least_price=first.exit.price)
        worker.send(command)
        wait_for(worker, "the end of the closing", lambda s: any(a.kind == CLOSING for a in s.alerts))
        [stop] = [latch for latch in wait_for(worker, "a picture", lambda _: True).latches if latch.scope]
        assert (stop.name, stop.scope) == (STOPPED, f"market:{first.ticker}")
    exits = [i for i in intents_after(tmp_path, ClosePosition) if i.ticker == first.ticker]
    assert all(i.reduce_only and i.strategy == CLOSE for i in exits)
    assert all(i.side.opposite.price_paid(i.price) >= first.exit.price for i in exits)
