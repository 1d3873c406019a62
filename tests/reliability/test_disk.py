"""A disk that refuses: no order leaves that is not on it, what rests is cancelled, the operator is told."""

from __future__ import annotations

import json
import logging
import random
import shutil
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec
import pytest
from fault_proxy import FaultProxy, fault_proxy
from faults import ORDERS
from full_disk import (
    PATIENCE_S,
    RESTLESS,
    DiskRun,
    Ended,
    Limits,
    fill,
    refusal_to_mount,
    remount,
    restless_markets,
    small_disk,
)
from own_exchange import OwnExchange, own_exchange
from practice_runs import journaled_events, wait_for
from whole_engine import trading

from console.config.home import EnvironmentFolder, find_home
from console.domain.account_events import OrderIntended
from console.engine.journal import Journal

Count = Callable[[int, int], int]
Tell = Callable[[str], None]

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnExchange]:
    with own_exchange(tmp_path_factory.mktemp("exchange")) as running, restless_markets(running):
        yield running


@pytest.fixture
def proxy(exchange: OwnExchange, tmp_path: Path) -> Iterator[FaultProxy]:
    with fault_proxy(exchange.connection) as running:
        running.write_line(tmp_path / "line.json")
        yield running


def words(home: Path, line: Path, *more: str) -> list[str]:
    settings = [word for option in RESTLESS for word in ("--set", option)]
    return ["run", "--headless", "--json", "--home", str(home), "--attach", str(line), *settings, *more]


def folder_of(home: Path) -> EnvironmentFolder:
    return find_home(str(home)).environment("practice")


def resting(exchange: OwnExchange) -> int:
    return exchange.do(lambda held: len(held.account.open_orders()))


def the_one_sentence(run: Ended) -> str:
    """What the operator is told last on standard error; never a traceback."""
    assert "Traceback" not in run.err, run.err
    assert run.err.strip(), "nothing was said"
    return run.err.strip().splitlines()[-1]


# --- a disk that fills up while orders rest -------------------------------------------------------------

Means = Callable[[Path, random.Random], Limits]


def by_file_size(_home: Path, drawn: random.Random) -> Limits:
    return Limits(file_bytes=drawn.randint(200_000, 400_000))


def by_pages(_home: Path, drawn: random.Random) -> Limits:
    return Limits(journal_pages=drawn.randint(8, 30))


def by_disk(_home: Path, _drawn: random.Random) -> Limits:
    return Limits()


@contextmanager
def disk_of(home: Path, means: Means, drawn: random.Random) -> Iterator[None]:
    with ExitStack() as stack:
        if means is by_disk:
            stack.enter_context(small_disk(home, drawn.randint(300, 600)))
        yield


@pytest.mark.parametrize("means", [by_file_size, by_pages, by_disk])
def test_a_disk_that_fills_up_stops_new_orders_at_once_and_leaves_nothing_resting(
    means: Means, exchange: OwnExchange, tmp_path: Path, count: Count, tell: Tell
) -> None:
    if means is by_disk and (refusal := refusal_to_mount(tmp_path)) is not None:
        pytest.skip(refusal)
    shown_s, ended_s, orders, halted = [], [], 0, 0
    for number in range(count(1, 17)):
        drawn = random.Random(number)
        home = tmp_path / str(number) / "home"
        home.parent.mkdir()
        with disk_of(home, means, drawn), fault_proxy(exchange.connection) as proxy:
            line = home.parent / "line.json"
            proxy.write_line(line)
            before = set(exchange.client_ids())
            run = DiskRun(home.parent / "first", words(home, line), means(home, drawn)).wait()
            assert run.told.failed_s is not None, run.err
            assert run.told.engine_ended_s is not None
            assert run.told.permitted_late == 0
            posted = proxy.orders_sent()
            assert sum(posted.values()) <= run.told.permitted
            assert resting(exchange) == 0
            assert run.code == 1, run.err
            assert "could not be written" in the_one_sentence(run)
            if means is by_disk:
                remount(home, "size=64m")
            shown_s.append(run.told.engine_ended_s - run.told.failed_s)
            ended_s.append(run.ended_s - run.told.failed_s)
            orders += assert_every_order_was_written_down(home, run, set(exchange.client_ids()) - before)
            halted += assert_next_start_is_as_the_disk_was(home, line, exchange)
    tell(
        f"{len(ended_s)} disks filled up by {means.__name__[3:]} after {orders} orders: 0 POSTs after the "
        f"first failed commit, told at most {max(shown_s):.3f} s after it, ended with 0 resting at most "
        f"{max(ended_s):.2f} s after it; {halted} came up HALTED"
    )


def assert_every_order_was_written_down(home: Path, run: Ended, listed: set[str]) -> int:
    """The journal is whole and holds what was committed, no less and no more; how many orders there were."""
    journal = Journal(folder_of(home).journal)
    assert journal._connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    kept = [msgspec.json.encode(event) for event in journal.replay()]
    journal.close()
    assert kept == run.told.committed
    intended = {e.intent.client_order_id for e in journaled_events(home) if isinstance(e, OrderIntended)}
    assert listed <= intended
    assert listed
    return len(listed)


def assert_next_start_is_as_the_disk_was(home: Path, line: Path, exchange: OwnExchange) -> bool:
    """HALTED where the halt file got through, and the file always does where a name can be written."""
    assert folder_of(home).halt_sentinel.exists()
    known = len(exchange.client_ids())
    again = DiskRun(home.parent / "second", words(home, line, "--for", "0.5")).wait()
    assert again.code == 0, again.err
    assert json.loads(again.out)["state"] == "HALTED"
    assert len(exchange.client_ids()) == known
    return True


# --- a home that goes away ------------------------------------------------------------------------------


def test_a_home_that_is_removed_ends_the_run_with_nothing_resting(
    exchange: OwnExchange, proxy: FaultProxy, tmp_path: Path, tell: Tell
) -> None:
    home = tmp_path / "home"
    run = DiskRun(tmp_path / "run", words(home, tmp_path / "line.json"))
    wait_until(lambda: proxy.count("POST", ORDERS) > 5 and resting(exchange) > 0)
    wait_until(lambda: is_removed(home))
    removed_s = time.monotonic()
    ended = run.wait()
    assert ended.code == 1
    sentence = the_one_sentence(ended)
    assert "removed or replaced" in sentence
    assert f"no halt file could be written ({folder_of(home).halt_sentinel}" in sentence
    assert ended.told.permitted_late == 0
    assert resting(exchange) == 0
    tell(f"ended {ended.ended_s - removed_s:.2f} s after its home was removed")


def is_removed(home: Path) -> bool:
    """Whether a folder into which the run still writes is gone; a file may come while it is emptied."""
    shutil.rmtree(home, ignore_errors=True)
    return not home.exists()


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


# --- files that recovery does not need ------------------------------------------------------------------


def test_log_and_status_that_cannot_be_written_are_told_once_and_trading_goes_on(
    exchange: OwnExchange, proxy: FaultProxy, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    folder = folder_of(home)
    with trading(home, tmp_path / "line.json", *RESTLESS) as worker:
        wait_for(worker, "orders", lambda s: s.orders > 0)
        shutil.rmtree(folder.logs)
        folder.logs.touch()
        folder.status.unlink(missing_ok=True)
        folder.status.mkdir()
        for _ in range(3):
            logging.getLogger("console").warning("nobody will read this")
        told = wait_for(
            worker,
            "both told, and a log line lost",
            lambda s: s.log_lines_lost >= 3 and {"log", "status"} <= {a.text.split(":")[0] for a in s.alerts},
        )
        later = wait_for(worker, "more orders", lambda s: s.orders > told.orders + 5)
        assert later.state.name == "RUNNING"
        for source in ("log: lines are lost", "status: not written"):
            assert sum(alert.text.startswith(source) for alert in later.alerts) == 1
        assert f"{folder.logs}/kconsole.log: Not a directory" in str(later.alerts)
    assert resting(exchange) == 0


def test_every_file_is_the_users_alone(exchange: OwnExchange, proxy: FaultProxy, tmp_path: Path) -> None:
    home = tmp_path / "home"
    with trading(home, tmp_path / "line.json", *RESTLESS) as worker:
        wait_for(worker, "orders", lambda s: s.orders > 0)
        wait_until(folder_of(home).status.exists)
        worker.halt("to have its file as well")
        wait_until(folder_of(home).halt_sentinel.exists)
        assert worker.wait_halted(PATIENCE_S)
        modes = {path: stat.S_IMODE(path.stat().st_mode) for path in [home, *home.rglob("*")]}
    assert len(modes) > 8
    for path, mode in modes.items():
        assert mode == (0o700 if path.is_dir() else 0o600), f"{path} has mode {mode:o}"


# --- a home that is no use at the start -----------------------------------------------------------------


@pytest.mark.parametrize("what", ["full", "read-only", "logs are a file", "journal is a folder"])
def test_a_home_that_cannot_be_used_is_refused_in_one_sentence(
    what: str, exchange: OwnExchange, proxy: FaultProxy, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    with ExitStack() as stack:
        if what in ("full", "read-only"):
            if (refusal := refusal_to_mount(tmp_path)) is not None:
                pytest.skip(refusal)
            stack.enter_context(small_disk(home, 64))
            folder_of(home).create()
            fill(home) if what == "full" else remount(home, "ro")
            expected, code = {
                "full": ("lock file {}/lock cannot be written: No space left on device", 2),
                "read-only": ("cannot be used: {}: Read-only file system", 2),
            }[what]
        elif what == "logs are a file":
            folder_of(home).create()
            folder_of(home).logs.rmdir()
            folder_of(home).logs.touch()
            expected, code = "{}/logs", 2
        else:
            folder_of(home).journal.mkdir(parents=True)
            expected, code = "{}/journal.sqlite", 3
        run = DiskRun(tmp_path / "run", words(home, tmp_path / "line.json", "--for", "1")).wait()
    assert run.code == code, run.err
    assert expected.format(folder_of(home).path) in the_one_sentence(run)
    assert run.err.count("\n") == 1
    assert proxy.count("POST", ORDERS) == 0
