"""``kconsole halt`` in another process, with the console running, stopped or dead, on real sockets."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Count, Tell
from fault_proxy import FaultProxy, fault_proxy
from kill_harness import LIVELY, MAKER, ForkedRun, Life, lively_exchange
from practice_runs import PracticeProcess, wait_for

from console.config.home import EnvironmentFolder, find_home
from console.domain.commands import Resume
from console.domain.order import OrderReport, OrderStatus
from console.domain.trading_state import TradingState
from console.engine.run_file import read_run_file
from console.engine.snapshot import Snapshot
from console.engine.worker import EngineWorker

pytestmark = pytest.mark.timeout(1800)

PATIENCE_S = 30.0
REASON = "from another shell"


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PracticeProcess]:
    with lively_exchange(tmp_path_factory.mktemp("exchange")) as running:
        yield running


@pytest.fixture
def proxy(exchange: PracticeProcess) -> Iterator[FaultProxy]:
    with fault_proxy(exchange.connection) as between:
        yield between


@pytest.fixture
def life(tmp_path: Path, proxy: FaultProxy) -> Life:
    # Answers that come while it is stopped are to be read when it goes on, not given up.
    patient = "exchange.request_timeout_seconds=10"
    return Life(tmp_path, proxy.write_line(tmp_path / "proxy.json"), (*LIVELY, MAKER, patient))


def folder_of(life: Life) -> EnvironmentFolder:
    return find_home(str(life.home)).environment("practice")


def resting(exchange: PracticeProcess, prefix: str) -> list[OrderReport]:
    orders = exchange.ask(lambda venue: venue.orders())
    return [o for o in orders if o.status is OrderStatus.RESTING and o.client_order_id.startswith(prefix)]


def ever_taken(exchange: PracticeProcess, prefix: str) -> set[str]:
    """Every order of ours that the exchange ever took."""
    orders = exchange.ask(lambda venue: venue.orders())
    return {order.order_id for order in orders if order.client_order_id.startswith(prefix)}


def prefix_of(life: Life) -> str:
    run = read_run_file(folder_of(life).run_file)
    assert run is not None
    return run.client_id_prefix


def wait_until_orders_rest(life: Life, run: ForkedRun, exchange: PracticeProcess) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not resting(exchange, prefix_of(life)):
        assert time.monotonic() < deadline, run.ask(seen)
        run.raise_failure()


def halt(life: Life) -> dict[str, Any]:
    """What the command says; it runs in a process of its own."""
    command = [sys.executable, "-m", "console.cli", "halt", "--home", str(life.home), "--json"]
    ended = subprocess.run([*command, "--reason", REASON], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended
    said = json.loads(ended.stdout)
    assert isinstance(said, dict)
    return said


# --- tasks in the run's process -------------------------------------------------------------------------


def seen(worker: EngineWorker) -> str:
    """What may keep it from trading."""
    snapshot = worker.snapshot()
    assert snapshot is not None
    return f"{snapshot.state.name}: {snapshot.latches}, {snapshot.funnel}, {worker.failure()}"


def is_halted(snapshot: Snapshot) -> bool:
    return snapshot.state is TradingState.HALTED


def halted_because(worker: EngineWorker) -> list[str]:
    """Wait until the halt is on its screen and confirmed; the reasons shown."""
    halted = wait_for(worker, "halted", is_halted)
    assert worker.wait_halted(PATIENCE_S)
    return [latch.reason for latch in halted.latches if latch.name == "manual"]


def resumed(worker: EngineWorker) -> bool:
    wait_for(worker, "the halt may end", lambda _: worker.resume_refusal("manual") is None)
    worker.send(Resume(at_ns=time.time_ns(), latch="manual", reason="seen"))
    wait_for(worker, "running", lambda s: not is_halted(s))
    return True


# --- a console that stands still ------------------------------------------------------------------------


def test_a_stopped_console_is_halted_from_outside_and_nothing_is_taken_of_it_when_it_goes_on(
    life: Life, proxy: FaultProxy, exchange: PracticeProcess, count: Count, tell: Tell
) -> None:
    """One stopped between its last look at the halt file and the socket may still send that order."""
    took_ms, whole_ms, shown_ms, late, taken = [], [], [], 0, 0
    rounds = count(5, 50)
    with ForkedRun(life) as run:
        assert run.wait_running()
        assert run.process.pid is not None
        for _ in range(rounds):
            wait_until_orders_rest(life, run, exchange)
            os.kill(run.process.pid, signal.SIGSTOP)
            began = time.monotonic()
            said = halt(life)
            whole_ms.append(round((time.monotonic() - began) * 1000))
            took_ms.append(said["elapsed_ms"])
            assert (said["confirmed"], said["resting"]) == (True, 0)
            assert resting(exchange, prefix_of(life)) == []
            sent, known = proxy.orders_sent().total(), ever_taken(exchange, prefix_of(life))
            os.kill(run.process.pid, signal.SIGCONT)
            began = time.monotonic()
            assert run.ask(halted_because) == [REASON]
            shown_ms.append(round((time.monotonic() - began) * 1000))
            late += proxy.orders_sent().total() - sent
            taken += len(ever_taken(exchange, prefix_of(life)) - known)
            assert resting(exchange, prefix_of(life)) == []
            assert run.ask(resumed)
    # Killed with an order at rest perhaps, which the exchange would show to the next test.
    assert halt(life)["confirmed"]
    assert taken == 0
    assert late <= rounds // 10
    tell(f"{rounds} stopped consoles halted; POSTs after they went on: {late}, taken: {taken}")
    tell(f"ms to proof at the exchange: {_spread(took_ms)}; with the start of Python: {_spread(whole_ms)}")
    tell(f"ms from going on to HALTED on its screen, confirmed by itself: {_spread(shown_ms)}")


# --- a console that died --------------------------------------------------------------------------------


def test_what_a_dead_console_left_is_cancelled_by_the_next_start_or_by_a_halt(
    life: Life, proxy: FaultProxy, exchange: PracticeProcess
) -> None:
    with ForkedRun(life) as run:
        assert run.wait_running()
        wait_until_orders_rest(life, run, exchange)
        dead = read_run_file(folder_of(life).run_file)
        run.kill()
    assert dead is not None
    before = len(proxy.asked)
    with ForkedRun(life) as run:
        assert run.wait_running()
        asked = [(each.method, each.path) for each in proxy.asked[before:]]
        assert dead.groups
        triggers = [("PUT", f"/portfolio/order_groups/{group}/trigger") for group in dead.groups.values()]
        first_read = asked.index(("GET", "/portfolio/balance"))
        assert all(trigger in asked[:first_read] for trigger in triggers)
        now = read_run_file(folder_of(life).run_file)
        assert now is not None
        assert len(now.unclean_starts_ns) == 1
        assert now.groups.keys() == dead.groups.keys()
        assert set(now.groups.values()).isdisjoint(dead.groups.values())
        wait_until_orders_rest(life, run, exchange)
        run.kill()
    for _ in range(2):
        assert halt(life)["confirmed"]
        assert resting(exchange, prefix_of(life)) == []
    with ForkedRun(life) as run:
        assert run.wait_running()
        assert run.ask(halted_because) == [REASON]


def _spread(values: list[int]) -> str:
    ordered = sorted(values)
    return f"median {ordered[len(ordered) // 2]}, longest {ordered[-1]}"
