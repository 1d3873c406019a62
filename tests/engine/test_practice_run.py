"""The engine against a practice exchange in another process: real sockets, real signals, real files."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from practice_runs import PracticeProcess, journaled_account, journaled_events, practice_exchange, wait_for

from console.app import Launch, running_engine
from console.config.home import find_home
from console.config.load import load
from console.domain.commands import PauseEntries, Resume
from console.domain.money import Cash, Count, format_cash, format_count, parse_cash
from console.domain.order import OrderStatus, PositionReport, Settlement
from console.domain.position import cash_change_of_settlement
from console.domain.trading_state import TradingState
from console.engine.halt_view import HaltPhase
from console.exchange.venue import KalshiVenue

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[PracticeProcess]:
    with practice_exchange(tmp_path) as running:
        yield running


def launch(home: Path, exchange: PracticeProcess, *options: str) -> Launch:
    folder = find_home(str(home)).environment("practice")
    loaded = load("practice", overrides=folder.overrides, options=[("--set", text) for text in options])
    return Launch("practice", loaded.settings, folder, exchange.line)


def start_run(home: Path, exchange: PracticeProcess, *options: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "console.cli", "run", "--headless", "--json", "--home", str(home)]
    command += ["--attach", str(exchange.line), *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


def wait_for_status(home: Path, key: str, least: int) -> dict[str, object]:
    path = find_home(str(home)).environment("practice").status
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if path.exists():
            status: dict[str, object] = json.loads(path.read_bytes())
            if int(str(status[key])) >= least:
                return status
        time.sleep(0.05)
    raise AssertionError(f"{key} did not reach {least}")


def wait_for_halt(home: Path) -> None:
    """Until the status of a run says HALTED, which its journal then does too."""
    path = find_home(str(home)).environment("practice").status
    deadline = time.monotonic() + 60
    while json.loads(path.read_bytes())["state"] != "HALTED":
        assert time.monotonic() < deadline, "the run did not halt"
        time.sleep(0.05)


def kill(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate()


async def books(venue: KalshiVenue) -> tuple[Cash, Sequence[PositionReport], Sequence[Settlement], int]:
    """Cash, positions, settlements and resting orders as the exchange has them, with no payout in between."""
    while True:
        settlements = await venue.settlements()
        resting = [o for o in await venue.orders() if o.status is OrderStatus.RESTING]
        cash, positions = await venue.balance(), await venue.positions()
        if settlements == await venue.settlements():
            return cash, positions, settlements, len(resting)


def test_a_run_ends_with_the_exchanges_own_figures(tmp_path: Path, exchange: PracticeProcess) -> None:
    process = start_run(tmp_path, exchange, "--for", "20")
    output, _ = process.communicate(timeout=90)
    cash, positions, settlements, resting = exchange.ask(books)
    assert process.returncode == 0
    run = json.loads(output)
    assert run["fills"] > 0
    assert resting == 0
    # Markets go on settling after the run has ended: what was paid out since is taken back.
    held = {p["ticker"]: Count(round(float(p["position"]) * 100)) for p in run["positions"]}
    since = [s for s in settlements if s.ticker in held]
    paid_out = sum(cash_change_of_settlement(held[s.ticker], s.yes_value) for s in since)
    assert run["cash"] == format_cash(Cash(cash - paid_out))
    settled = {s.ticker for s in since}
    theirs = {p.ticker: format_count(p.position) for p in positions if p.position}
    assert {t: format_count(c) for t, c in held.items() if t not in settled} == theirs
    assert parse_cash(run["fees"]) == sum(p.fees for p in positions)


def test_the_journal_replayed_is_the_account_that_traded(tmp_path: Path, exchange: PracticeProcess) -> None:
    with running_engine(launch(tmp_path, exchange)) as worker:
        wait_for(worker, "some fills", lambda s: s.fills >= 3)
        worker.send(PauseEntries(at_ns=time.time_ns()))
        wait_for(worker, "paused", lambda s: s.state is TradingState.PAUSED)
        worker.stop(cancel_resting=True)
        assert worker._run.loop is not None
        lived = worker._run.loop.engine.account
    replayed = journaled_account(tmp_path)
    assert len(lived.fill_ids) >= 3
    assert replayed.comparable() == lived.comparable()
    assert replayed.open_orders == lived.open_orders


def test_killed_after_a_fill_it_comes_back_with_positions_fees_and_latches(tmp_path: Path) -> None:
    sentinel = find_home(str(tmp_path)).environment("practice").halt_sentinel
    # Slow enough that nothing settles meanwhile.
    with practice_exchange(tmp_path, speed=5) as exchange:
        trading = start_run(tmp_path, exchange)
        wait_for_status(tmp_path, "fills", 2)
        kill(trading)
        killed = journaled_account(tmp_path)
        sentinel.write_text("stopped by hand\n")

        halted = start_run(tmp_path, exchange)
        wait_for_halt(tmp_path)
        kill(halted)
        sentinel.unlink()
        before = journaled_account(tmp_path)
        assert before.fill_ids >= killed.fill_ids
        assert len(before.held) >= 2
        assert before.fees > 0

        with running_engine(launch(tmp_path, exchange)) as worker:
            snapshot = wait_for(worker, "halted", lambda s: s.state is TradingState.HALTED)
            assert [(each.name, each.reason) for each in snapshot.latches] == [("manual", "stopped by hand")]
            assert worker.wait_halted(30)
        after = journaled_account(tmp_path)
        fills = exchange.ask(KalshiVenue.fills)
        cash, positions, settlements, _ = exchange.ask(books)
    assert not settlements
    assert after.positions == before.positions
    assert after.fees == before.fees
    assert after.latches.active == before.latches.active
    assert after.fill_ids == {fill.fill_id for fill in fills}
    assert after.cash == cash
    assert {t: held.contracts for t, held in after.held.items()} == {
        report.ticker: report.position for report in positions
    }


def test_a_halt_survives_a_restart_even_without_its_file(tmp_path: Path, exchange: PracticeProcess) -> None:
    folder = find_home(str(tmp_path)).environment("practice")
    with running_engine(launch(tmp_path, exchange)) as worker:
        worker.halt("enough")
        wait_for(worker, "halted", lambda s: s.state is TradingState.HALTED)
        assert worker.wait_halted(30)
    assert folder.halt_sentinel.exists()
    folder.halt_sentinel.unlink()
    with running_engine(launch(tmp_path, exchange)) as worker:
        snapshot = wait_for(worker, "halted again", lambda s: s.state is TradingState.HALTED)
        assert snapshot.latches[0].reason == "enough"


def test_a_halt_leaves_nothing_of_ours_resting_and_resume_trades_again(
    tmp_path: Path, exchange: PracticeProcess
) -> None:
    maker = launch(tmp_path, exchange, "strategy_flb.style=maker", "edge.constant_points=8")
    with running_engine(maker) as worker:
        wait_for(worker, "an order of ours rests", lambda s: any(o.order_id for o in s.resting))
        worker.halt("test")
        assert worker.wait_halted(30)
        _, _, _, resting = exchange.ask(books)
        assert resting == 0
        assert worker.halt_view().phase is HaltPhase.CONFIRMED
        halted = wait_for(worker, "halted", lambda s: s.state is TradingState.HALTED)
        wait_for(worker, "the halt may end", lambda _: worker.resume_refusal("manual") is None)
        worker.send(Resume(at_ns=time.time_ns(), latch="manual", reason="seen"))
        wait_for(worker, "an order after the halt", lambda s: s.orders > halted.orders)
        assert worker.halt_view().phase is HaltPhase.IDLE
    assert not maker.folder.halt_sentinel.exists()


def test_an_exchange_that_falls_silent_stops_new_orders_and_comes_back_by_itself(
    tmp_path: Path, exchange: PracticeProcess
) -> None:
    quick = launch(tmp_path, exchange, "quality.max_stale_book_seconds=2")
    with running_engine(quick) as worker:
        wait_for(worker, "a first fill", lambda s: s.fills > 0)
        exchange.freeze()
        stale = wait_for(worker, "stale", lambda s: s.state is TradingState.PAUSED)
        assert [latch.name for latch in stale.latches] == ["stale_book"]
        # Two seconds past the threshold at the latest, by the engine's own clock.
        assert stale.feed_age_ns is not None
        assert stale.feed_age_ns < 4_000_000_000
        exchange.thaw()
        wait_for(worker, "running again", lambda s: s.state is TradingState.RUNNING)
        wait_for(worker, "an order after the silence", lambda s: s.orders > stale.orders)
    kinds = [type(event).__name__ for event in journaled_events(tmp_path)]
    raised, cleared = kinds.index("LatchRaised"), kinds.index("LatchCleared")
    assert "OrderIntended" not in kinds[raised:cleared]


def test_quitting_leaves_nothing_resting(tmp_path: Path, exchange: PracticeProcess) -> None:
    maker = launch(tmp_path, exchange, "strategy_flb.style=maker", "edge.constant_points=8")
    with running_engine(maker) as worker:
        wait_for(worker, "an order of ours rests", lambda s: any(o.order_id for o in s.resting))
        assert worker.stop(cancel_resting=True) == 0
    _, _, _, resting = exchange.ask(books)
    assert resting == 0


def test_a_second_console_in_the_same_home_is_refused(tmp_path: Path, exchange: PracticeProcess) -> None:
    with running_engine(launch(tmp_path, exchange)):
        second = start_run(tmp_path, exchange, "--for", "1")
        assert second.wait(60) == 3
        second.communicate()


def test_a_signal_ends_a_run_with_its_orders_cancelled(tmp_path: Path, exchange: PracticeProcess) -> None:
    process = start_run(tmp_path, exchange, "--set", "strategy_flb.style=maker")
    wait_for_status(tmp_path, "fills", 0)
    os.kill(process.pid, signal.SIGTERM)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM
    assert json.loads(output)["resting_orders"] == 0
