from __future__ import annotations

import dataclasses
import io
import itertools
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from favourites import record

from console.backtest.kernel import Kernel, first_ns_of
from console.backtest.replay import ReplayRequest, opened, setup_of
from console.backtest.replay_process import ReplayProcess
from console.backtest.replay_steps import Step, Steps, _between_ns, _Writer, read_step, write_steps
from console.backtest.replay_watch import WatchedReplay
from console.backtest.run import run
from console.config.schema import Settings
from console.config.secret_url import without_secret
from console.config.trading_settings import EdgeSettings
from console.domain.money import Cash
from console.domain.trading_state import TradingState
from console.engine.log_views import LogKind
from console.engine.snapshot import Snapshot
from console.history.times import ns_of, read_time

SECOND = 1_000_000_000


def settings(losses: int = 5) -> Settings:
    """Under which the shipped strategy trades the small recording; its fourth market is lost."""
    default = Settings(edge=EdgeSettings(model="constant", constant_points=Decimal(6)))
    return dataclasses.replace(
        default,
        strategy_flb=dataclasses.replace(default.strategy_flb, style="taker"),
        risk=dataclasses.replace(default.risk, max_consecutive_losses=losses),
    )


def request(folder: Path, **changes: Any) -> ReplayRequest:
    values: dict[str, Any] = {
        "folder": str(folder),
        "name": "small",
        "home": str(folder),
        "in_force": Settings(),
        "under_test": settings(1),
        "capital": Cash(10_000_000_000),
        "fees": "kalshi",
    }
    return ReplayRequest(**values | changes)


def ended(watched: WatchedReplay) -> WatchedReplay:
    watched._thread.join(100)
    assert watched.ended is not None
    return watched


def seen_at(watched: WatchedReplay, index: int) -> Snapshot:
    seen = watched.seen_at(index)
    assert seen is not None
    return seen


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return record(tmp_path_factory.mktemp("recorded") / "data")


@pytest.fixture(scope="module")
def watched(recording: Path) -> Iterator[WatchedReplay]:
    """Run to its end."""
    replay = ended(WatchedReplay(request(recording)))
    yield replay
    replay.close()


def test_steps_come_in_order_of_time_from_the_first_row_to_the_last(watched: WatchedReplay) -> None:
    steps, rows = watched.steps, watched.opened
    assert watched.ended is not None
    assert watched.ended.failure is None
    assert rows is not None
    times = [steps.at_ns(index) for index in range(len(steps))]
    assert times == sorted(set(times))
    assert times[0] == rows.first_ns
    assert rows.last_ns in times
    assert all(
        later - before <= 10 * SECOND for before, later in itertools.pairwise(times) if later <= rows.last_ns
    )


def test_what_is_seen_at_a_step_is_of_that_moment_and_of_the_thresholds_under_test(
    watched: WatchedReplay,
) -> None:
    for index in range(0, len(watched.steps), 97):
        seen = seen_at(watched, index)
        assert seen.at_ns == watched.steps.at_ns(index)
        assert all(entry.at_ns <= seen.at_ns for entry in seen.log)
        assert seen.settings == watched.request.under_test
        fills = sum(entry.kind in (LogKind.FILL, LogKind.SETTLED) for entry in seen.log)
        assert watched.steps.trades[index] == fills


def test_every_trade_and_breach_has_a_step_at_its_time(watched: WatchedReplay) -> None:
    steps, last = watched.steps, seen_at(watched, len(watched.steps) - 1)
    traded = [entry for entry in last.log if entry.kind in (LogKind.FILL, LogKind.SETTLED)]
    assert len(traded) >= 6
    index: int | None = 0
    for count, entry in enumerate(traded, start=1):
        assert index is not None
        index = steps.next_with_more(steps.trades, index)
        assert index is not None
        assert steps.trades[index] == count
        # The answer is on its way for 50 ms.
        assert 0 <= steps.at_ns(index) - entry.at_ns <= SECOND // 20
        assert entry in seen_at(watched, index).log
        assert entry not in seen_at(watched, index - 1).log
    breach = steps.next_with_more(steps.breaches, 0)
    assert breach is not None
    assert seen_at(watched, breach).state is TradingState.PAUSED
    assert seen_at(watched, breach - 1).state is TradingState.RUNNING


def test_the_last_step_has_the_equity_that_running_it_at_once_ends_with(
    recording: Path, tmp_path: Path
) -> None:
    # It ends while something is held, which is paid out after the last row.
    asked = request(recording, until_ns=ns_of(read_time("2026-03-01T00:50")))
    with opened(asked) as timeline:
        alone = run(setup_of(asked, asked.under_test), timeline)
    assert alone.final_equity is not None
    with (tmp_path / "steps").open("w+b") as file:
        steps = Steps()
        write_steps(asked, file, lambda first, last: None, steps.add)
        file.flush()
        last = read_step(file.fileno(), *steps.place(len(steps) - 1), settings())
    assert last.equity == alone.final_equity
    assert last.positions == ()


def test_looking_on_changes_nothing(recording: Path) -> None:
    asked = request(recording)
    with opened(asked) as timeline:
        setup = setup_of(asked, asked.under_test)
        alone = run(setup, timeline)
        slices = timeline.slices()
        first = next(slices)
        kernel = Kernel(dataclasses.replace(setup, skip_ahead=False), timeline, first_ns_of(first))
        told: list[Step] = []
        writer = _Writer(kernel, alone.last_ns, 60 * SECOND, io.BytesIO(), told.append)
        writer.begin(first_ns_of(first))
        kernel.run(itertools.chain([first], slices), lambda rows: None)
        writer.end()
    assert kernel.desk.journal_hash == alone.journal_hash
    assert len(told) > 1_000


def test_positions_are_marked_at_each_step_and_not_only_at_scans(recording: Path, tmp_path: Path) -> None:
    hourly = dataclasses.replace(
        settings(), strategy_flb=dataclasses.replace(settings().strategy_flb, scan_interval=Decimal(3_600))
    )
    asked = request(recording, under_test=hourly, until_ns=ns_of(read_time("2026-03-01T00:50")))
    with (tmp_path / "steps").open("w+b") as file:
        steps = Steps()
        write_steps(asked, file, lambda first, last: None, steps.add)
        file.flush()
        marks = set()
        for index in range(len(steps)):
            seen = read_step(file.fileno(), *steps.place(index), hourly)
            marks |= {position.mark for position in seen.positions}
    assert len(marks) >= 3


@pytest.mark.parametrize("covered_s", [0, 1, 9_999, 10_001, 86_400, 30 * 86_400, 400 * 86_400])
def test_however_long_a_recording_is_its_steps_are_no_more_than_ten_thousand(covered_s: int) -> None:
    between_ns = _between_ns(covered_s * SECOND)
    assert between_ns >= SECOND
    assert between_ns % SECOND == 0
    assert covered_s * SECOND <= 10_000 * between_ns


def test_the_steps_fill_the_file_without_a_gap(watched: WatchedReplay) -> None:
    places = [watched.steps.place(index) for index in range(len(watched.steps))]
    assert places[0][0] == 0
    assert all(one + length == other for (one, length), (other, _) in itertools.pairwise(places))
    assert sum(length for _, length in places) == os.fstat(watched._file.fileno()).st_size


def test_jumps_find_where_a_count_grew() -> None:
    steps = Steps()
    for at_ns, trades in enumerate((0, 0, 2, 2, 3, 3)):
        steps.add(Step(at_ns, 0, 0, trades, 0))
    assert [steps.next_with_more(steps.trades, index) for index in range(6)] == [2, 2, 4, 4, None, None]
    assert [steps.last_with_more(steps.trades, index) for index in range(6)] == [None, None, None, 2, 2, 4]


@pytest.mark.parametrize(("at_ns", "index"), [(0, 0), (10, 0), (19, 0), (20, 1), (25, 1), (99, 2)])
def test_a_time_is_that_of_the_newest_step_before_it(at_ns: int, index: int) -> None:
    steps = Steps()
    for step_ns in (10, 20, 30):
        steps.add(Step(step_ns, 0, 0, 0, 0))
    assert steps.index_at(at_ns) == index


def test_a_recording_that_is_not_there_is_told_in_a_sentence(tmp_path: Path) -> None:
    watched = ended(WatchedReplay(request(tmp_path / "nowhere")))
    assert watched.ended is not None
    assert "nowhere: there is no such folder" in str(watched.ended.failure)
    watched.close()


def test_a_child_that_is_killed_is_told(tmp_path: Path) -> None:
    watched = WatchedReplay(request(record(tmp_path / "data", days=60)))
    os.kill(watched._child.pid, signal.SIGKILL)
    assert ended(watched).ended is not None
    assert watched.ended is not None
    assert watched.ended.failure == "the replay ended before its time: signal 9"
    watched.close()


def test_a_full_disk_is_told_in_a_sentence(recording: Path, tmp_path: Path) -> None:
    program = (
        "import resource, signal, sys\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, {resource.RLIM_INFINITY}))\n"
        "from console.backtest.replay_watch import main\n"
        "main()\n"
    )
    with (
        (tmp_path / "steps").open("w+b") as file,
        subprocess.Popen(
            [sys.executable, "-c", program, str(file.fileno()), "/the/folder"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=[file.fileno()],
        ) as child,
    ):
        assert child.stdin is not None
        assert child.stdout is not None
        # Left open: it ends when that is closed.
        child.stdin.write(msgspec.json.encode(request(recording), enc_hook=without_secret) + b"\n")
        child.stdin.flush()
        said = child.stdout.read()
    assert b"the replay cannot be kept in /the/folder: " in said.splitlines()[-1]


def test_closing_ends_the_process_and_gives_the_file_back(tmp_path: Path) -> None:
    watched = WatchedReplay(request(record(tmp_path / "data", days=60)))
    watched.close()
    assert watched._child.poll() is not None
    assert watched._file.closed


def test_nothing_is_left_of_a_parent_that_is_killed(tmp_path: Path) -> None:
    asked, spool = tmp_path / "request.json", tmp_path / "spool"
    spool.mkdir()
    asked.write_bytes(
        msgspec.json.encode(request(record(tmp_path / "data", days=60)), enc_hook=without_secret)
    )
    program = (
        "import sys, time, pathlib, msgspec\n"
        "from console.backtest.replay import ReplayRequest\n"
        "from console.backtest.replay_watch import WatchedReplay\n"
        "text = pathlib.Path(sys.argv[1]).read_bytes()\n"
        "made = msgspec.json.decode(text, type=ReplayRequest, dec_hook=lambda kind, text: kind(text))\n"
        "watched = WatchedReplay(made)\n"
        "while not watched.steps:\n"
        "    time.sleep(0.01)\n"
        "print(watched._child.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program, str(asked)],
        stdout=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(spool)},
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 30
    while Path(f"/proc/{pid}/cmdline").exists() and Path(f"/proc/{pid}/cmdline").read_bytes():
        assert time.monotonic() < deadline, "the child outlived its parent"
        time.sleep(0.05)
    assert list(spool.iterdir()) == []


def test_a_step_that_cannot_be_read_back_ends_the_replay_and_nothing_else(recording: Path) -> None:
    watched = ended(WatchedReplay(request(recording)))
    try:
        os.ftruncate(watched._file.fileno(), 10)
        assert watched.seen_at(5) is None
        assert watched.ended is not None
        assert "cannot be read back from" in (watched.ended.failure or "")
    finally:
        watched.close()


def test_a_child_that_says_what_is_not_understood_is_ended(recording: Path) -> None:
    class Deaf(ReplayProcess):
        why = ""

        def _hear(self, line: bytes) -> None:
            msgspec.json.decode(line, type=int)

        def _end(self, why: str) -> None:
            self.why = why

    deaf = Deaf("console.backtest.replay_child", request(recording))
    deaf._thread.join(100)
    assert not deaf.is_running
    assert "what is not understood" in deaf.why
