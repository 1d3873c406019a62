"""The guard's work without the run that it guards: what it cancels and latches when its line breaks."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from own_exchange import OwnExchange, order, own_exchange, venue_to

from console.app import guard_duty
from console.app.guard_duty import ENDED, ENDING, GuardDuty
from console.config.home import EnvironmentFolder, find_home
from console.config.load import Environment
from console.domain.account_events import OrderAcked
from console.domain.order import TimeInForce
from console.engine.heartbeats import Heartbeats
from console.engine.run_file import RunFile, read_run_file, write_run_file

TICKER = "KXDUTY"
OURS, THEIRS = "kc-mine-", "kc-other-"
PATIENCE_S = 20.0


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnExchange]:
    with own_exchange(tmp_path_factory.mktemp("exchange")) as running:
        running.list_market(TICKER)
        running.show(TICKER, 92, 94)
        yield running


@dataclass
class Duty:
    """A guard in a thread, an order of ours and one of another's at rest, and the run file of a dead run."""

    exchange: OwnExchange
    folder: EnvironmentFolder
    line: int
    thread: threading.Thread

    def say(self, word: bytes) -> None:
        os.write(self.line, word)

    def die(self) -> None:
        os.close(self.line)
        self.line = -1

    def resting(self) -> list[str]:
        return self.exchange.do(
            lambda exchange: [o.request.client_order_id for o in exchange.account.open_orders()]
        )

    def wait(self, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not holds():
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def wait_ours_gone(self) -> None:
        self.wait(lambda: not any(each.startswith(OURS) for each in self.resting()))
        assert any(each.startswith(THEIRS) for each in self.resting())

    def wait_ended(self) -> None:
        self.thread.join(PATIENCE_S)
        assert not self.thread.is_alive()


def rest(exchange: OwnExchange, *client_order_ids: str) -> None:
    async def place() -> None:
        venue = venue_to(exchange.connection)
        await venue.status()
        for client_order_id in client_order_ids:
            intent = order(client_order_id, TICKER, cents=90)
            intent = msgspec.structs.replace(intent, time_in_force=TimeInForce.GOOD_TILL_CANCELED)
            assert isinstance(await venue.submit(intent), OrderAcked)
        await venue.close()

    asyncio.run(place())


@contextmanager
def on_duty(
    exchange: OwnExchange,
    home: Path,
    environment: Environment = "practice",
    *,
    left_resting: bool = False,
    has_run_file: bool = True,
) -> Iterator[Duty]:
    folder = find_home(str(home)).environment(environment)
    folder.create()
    at = exchange.connection
    run = RunFile(
        pid=1, environment=environment, rest=at.rest, ws=at.ws, key_id=at.key_id,
        private_key_path=at.private_key_path, client_id_prefix=OURS, started_ns=0, left_resting=left_resting,
    )  # fmt: skip
    if has_run_file:
        write_run_file(folder.run_file, run)
    Heartbeats.create(folder.heartbeats)
    rest(exchange, f"{OURS}{time.time_ns()}", f"{THEIRS}{time.time_ns()}")
    theirs, line = os.pipe()
    guard = GuardDuty(folder, is_practice=environment == "practice", line=theirs)
    thread = threading.Thread(target=guard.serve, daemon=True)
    thread.start()
    duty = Duty(exchange, folder, line, thread)
    try:
        yield duty
    finally:
        if duty.line >= 0:
            duty.die()
        # Another run's heartbeats end it.
        Heartbeats.create(folder.heartbeats)
        duty.wait_ended()
        os.close(theirs)


@pytest.mark.parametrize(("environment", "latches"), [("practice", False), ("demo", True), ("live", True)])
def test_a_death_is_latched_wherever_money_is_not_play_money(
    exchange: OwnExchange, tmp_path: Path, environment: Environment, latches: bool
) -> None:
    with on_duty(exchange, tmp_path, environment) as duty:
        duty.die()
        duty.wait_ours_gone()
        if latches:
            duty.wait(duty.folder.halt_sentinel.exists)
            assert duty.folder.halt_sentinel.read_text() == "guard: the console died\n"
        else:
            assert not duty.folder.halt_sentinel.exists()


def test_a_run_that_leaves_its_orders_keeps_them(exchange: OwnExchange, tmp_path: Path) -> None:
    with on_duty(exchange, tmp_path, "demo", left_resting=True) as duty:
        duty.say(ENDING)
        duty.say(ENDED)
        duty.wait_ended()
        assert any(each.startswith(OURS) for each in duty.resting())
        assert not duty.folder.halt_sentinel.exists()


def test_a_run_that_could_not_cancel_is_cancelled_for_and_not_latched(
    exchange: OwnExchange, tmp_path: Path
) -> None:
    with on_duty(exchange, tmp_path, "demo") as duty:
        duty.say(ENDED)
        duty.wait_ours_gone()
        assert not duty.folder.halt_sentinel.exists()


def test_a_run_that_died_before_it_could_order_anything_needs_nothing(
    exchange: OwnExchange, tmp_path: Path
) -> None:
    with on_duty(exchange, tmp_path, "demo", has_run_file=False) as duty:
        duty.die()
        duty.wait_ended()
        assert not duty.folder.halt_sentinel.exists()


def test_a_disk_that_hangs_when_the_run_dies_does_not_save_its_orders(
    exchange: OwnExchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads, hangs, thaw = threading.Semaphore(0), threading.Event(), threading.Event()

    def read(path: Path) -> RunFile | None:
        if hangs.is_set():
            thaw.wait()
        run = read_run_file(path)
        reads.release()
        return run

    monkeypatch.setattr(guard_duty, "read_run_file", read)
    with on_duty(exchange, tmp_path) as duty:
        # The second is made once the guard has taken in the first.
        assert reads.acquire(timeout=PATIENCE_S)
        assert reads.acquire(timeout=PATIENCE_S)
        hangs.set()
        # The key's file hangs, or is gone, as well.
        monkeypatch.setattr(guard_duty, "load_signer", None)
        duty.die()
        duty.wait_ours_gone()
        thaw.set()


def test_a_run_file_that_cannot_be_read_at_first_is_acted_on_when_it_can(
    exchange: OwnExchange, tmp_path: Path
) -> None:
    with on_duty(exchange, tmp_path, "demo") as duty:
        pass
    good = duty.folder.run_file.read_bytes()
    with on_duty(exchange, tmp_path, "demo", has_run_file=False) as duty:
        duty.folder.run_file.write_bytes(good[:10])
        duty.die()
        duty.wait(duty.folder.halt_sentinel.exists)
        assert any(each.startswith(OURS) for each in duty.resting())
        duty.folder.run_file.write_bytes(good)
        duty.wait_ours_gone()
