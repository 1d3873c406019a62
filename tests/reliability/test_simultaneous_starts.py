"""Many starts at the same moment on one account: exactly one runs, and the others say which process does."""

from __future__ import annotations

import multiprocessing
import os
import re
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.context import ForkServerProcess
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
from conftest import Count, Tell
from quiet_exchange import QuietExchange, folder, options, quiet_exchange, state_of

from console.cli import main
from console.commands.errors import ExitCode

pytestmark = pytest.mark.timeout(1800)

PATIENCE_S = 300
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["console.cli", "console.commands.run", "console.app"])


class Start:
    """``kconsole run`` on a home, begun when every process at the barrier is ready for it."""

    def __init__(self, barrier: Barrier, home: Path, said: Path, arguments: Sequence[str]) -> None:
        self.home, self._said = home, said
        self.process: ForkServerProcess = _FORKS.Process(
            target=_start, args=(barrier, said, ("run", "--headless", *arguments))
        )
        self.process.start()

    @property
    def pid(self) -> int:
        assert self.process.pid is not None
        return self.process.pid

    @property
    def said(self) -> str:
        return self._said.read_text()

    @property
    def named(self) -> int | None:
        """The process that it says is in its way."""
        found = re.fullmatch(r"kconsole: .* is in use by process (\d+) \(lock file .*\)\n", self.said)
        return int(found[1]) if found else None


def _start(barrier: Barrier, said: Path, arguments: Sequence[str]) -> None:
    os.dup2(os.open(said, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600), 2)
    barrier.wait(PATIENCE_S)
    raise SystemExit(main(arguments))


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[QuietExchange]:
    place = tmp_path / "exchange"
    place.mkdir()
    with quiet_exchange(place) as running:
        yield running


@contextmanager
def simultaneous_starts(
    tmp_path: Path, exchange: QuietExchange, homes: Sequence[Path]
) -> Iterator[list[Start]]:
    """One start on each of these homes, of which some are the same."""
    barrier, starts = _FORKS.Barrier(len(homes)), []
    try:
        for number, home in enumerate(homes):
            starts.append(Start(barrier, home, tmp_path / f"said-{number}", options(exchange, home)))
        yield starts
    finally:
        for start in starts:
            if start.process.is_alive():
                start.process.kill()
            start.process.join()


def wait_for_the_only_one(starts: list[Start]) -> Start:
    """The start that trades, once every other has ended as refused."""
    deadline = time.monotonic() + PATIENCE_S
    while sum(start.process.is_alive() for start in starts) > 1 or not any(
        state_of(start.home)[0] for start in starts
    ):
        assert time.monotonic() < deadline, [(s.process.exitcode, s.said) for s in starts]
        time.sleep(0.02)
    running = [start for start in starts if start.process.is_alive()]
    assert len(running) == 1, [(s.process.exitcode, s.said) for s in starts]
    refused = [start for start in starts if start is not running[0]]
    assert {start.process.exitcode for start in refused} <= {ExitCode.REFUSED}, [s.said for s in refused]
    return running[0]


def assert_trades(start: Start, exchange: QuietExchange) -> None:
    """Its orders rest, and go when it is ended."""
    deadline = time.monotonic() + PATIENCE_S
    while not exchange.resting():
        assert time.monotonic() < deadline, start.said
        time.sleep(0.02)
    os.kill(start.pid, signal.SIGTERM)
    start.process.join(PATIENCE_S)
    assert start.process.exitcode == 128 + signal.SIGTERM, start.said
    assert exchange.resting() == 0
    assert not folder(start.home).run_file.exists()


def test_of_many_starts_on_one_home_exactly_one_runs(
    tmp_path: Path, exchange: QuietExchange, count: Count, tell: Tell
) -> None:
    number, home = count(8, 50), tmp_path / "home"
    home.mkdir()
    with simultaneous_starts(tmp_path, exchange, [home] * number) as starts:
        running = wait_for_the_only_one(starts)
        others = [start for start in starts if start is not running]
        assert [start.said for start in others if start.named != running.pid] == []
        assert_trades(running, exchange)
    tell(f"{number} simultaneous starts on one home: 1 ran, {len(others)} named it and ended with 3")


def test_of_many_starts_on_two_homes_with_one_key_exactly_one_runs(
    tmp_path: Path, exchange: QuietExchange, count: Count, tell: Tell
) -> None:
    number, homes = count(8, 50), (tmp_path / "one", tmp_path / "another")
    for home in homes:
        home.mkdir()
    with simultaneous_starts(tmp_path, exchange, [homes[n % 2] for n in range(number)]) as starts:
        running = wait_for_the_only_one(starts)
        others = [start for start in starts if start is not running]
        here = {start.named for start in others if start.home == running.home}
        assert here == {running.pid}, [start.said for start in others]
        # On the other home each was in the way of the next, until one met the key's lock.
        there = {start.pid: start for start in others if start.home != running.home}
        by_key = [start for start in there.values() if "key " in start.said]
        assert by_key
        assert {start.named for start in by_key} == {running.pid}, [start.said for start in by_key]
        by_home = [start for start in there.values() if start not in by_key]
        assert all(start.named in there for start in by_home), [start.said for start in by_home]
        assert_trades(running, exchange)
    tell(f"{number} simultaneous starts on two homes with one key: 1 ran, {len(others)} ended with 3")
