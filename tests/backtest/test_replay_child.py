from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from favourites import record

from console.backtest.replay import SHIPPED, ReplayRequest, replay
from console.backtest.replay_child import Failed, Finished, Progress, ReplayChild
from console.config.program_settings import MonitoringSettings
from console.config.schema import Settings
from console.config.secret_url import SecretUrl, without_secret
from console.config.trading_settings import EdgeSettings
from console.domain.money import Cash
from console.history.times import ns_of, read_time


def settings(**strategy: Any) -> Settings:
    """Under which the shipped strategy trades the small recording."""
    default = Settings(edge=EdgeSettings(model="constant", constant_points=Decimal(6)))
    chosen = {"style": "taker", **strategy}
    return dataclasses.replace(default, strategy_flb=dataclasses.replace(default.strategy_flb, **chosen))


def request(folder: Path, **changes: Any) -> ReplayRequest:
    values: dict[str, Any] = {
        "folder": str(folder),
        "name": "small",
        "home": str(folder),
        "in_force": settings(),
        "under_test": settings(favorite_threshold=92),
        "capital": Cash(10_000_000_000),
        "fees": "kalshi",
    }
    return ReplayRequest(**values | changes)


def ended(child: ReplayChild) -> ReplayChild:
    child._thread.join(60)
    assert not child.is_running
    return child


def test_a_child_says_what_running_it_here_says(tmp_path: Path) -> None:
    asked = request(record(tmp_path / "data"))
    told: list[tuple[str, int, int]] = []
    here = replay(asked, lambda *progress: told.append(progress))
    assert ended(ReplayChild(asked)).said == Finished(here)
    assert here.under_test is not None
    assert here.in_force.trades > 0
    assert {name for name, _, _ in told} == {"in force", "under test"}


def test_progress_grows_from_nothing_within_the_rows_there_are(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    replay(request(record(tmp_path / "data")), lambda *progress: told.append(progress))
    rows = [rows for name, rows, _ in told if name == "in force"]
    assert rows[0] == 0
    assert len(rows) > 20
    assert rows == sorted(rows)
    assert all(rows <= total for _, rows, total in told)


def test_the_same_thresholds_run_once(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    it = replay(
        request(record(tmp_path / "data"), under_test=settings()), lambda *progress: told.append(progress)
    )
    assert it.under_test is None
    assert {name for name, _, _ in told} == {"in force"}


def test_the_fee_model_that_was_asked_for_is_charged_in_both(tmp_path: Path) -> None:
    folder = record(tmp_path / "data")
    kalshi = replay(request(folder), lambda *_: None)
    profit = replay(request(folder, fees="profit"), lambda *_: None)
    assert kalshi.under_test is not None
    assert profit.under_test is not None
    assert kalshi.in_force.fees != profit.in_force.fees
    assert kalshi.under_test.fees != profit.under_test.fees


@pytest.mark.parametrize("shipped", SHIPPED, ids=lambda shipped: shipped.name)
def test_a_shipped_recording_covers_the_time_it_names(shipped: Any, tmp_path: Path) -> None:
    begins, ends = (ns_of(read_time(text)) for text in (shipped.since, shipped.until))
    # No quote is without a size there unless one is assumed, so nothing is traded and it is soon done.
    idle = request(tmp_path, in_force=Settings(), under_test=Settings(), since_ns=begins, until_ns=ends)
    it = replay(msgspec.structs.replace(idle, folder=None), lambda *_: None)
    assert it.rows > 5_000
    assert not any("covers" in text for text in it.in_force.warnings)


def test_a_folder_that_is_not_there_fails_with_one_sentence(tmp_path: Path) -> None:
    said = ended(ReplayChild(request(tmp_path / "nowhere"))).said
    assert isinstance(said, Failed)
    assert "nowhere: there is no such folder" in said.text


def test_measured_edges_that_cannot_be_read_fail_with_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "edge-table.json").write_text("{")
    table = settings()
    table = dataclasses.replace(table, edge=EdgeSettings())
    asked = request(record(tmp_path / "data"), home=str(tmp_path), in_force=table)
    said = ended(ReplayChild(asked)).said
    assert isinstance(said, Failed)
    assert "edge-table.json" in said.text


def test_no_address_that_may_hold_a_secret_is_sent_to_the_child_and_it_replays_all_the_same(
    tmp_path: Path,
) -> None:
    asked = request(record(tmp_path / "data"))
    told = MonitoringSettings(webhook_url=SecretUrl("https://example.org/a-secret"))
    asked = msgspec.structs.replace(asked, in_force=dataclasses.replace(asked.in_force, monitoring=told))
    assert b"a-secret" not in msgspec.json.encode(asked, enc_hook=without_secret)
    assert isinstance(ended(ReplayChild(asked)).said, Finished)


def test_a_child_that_is_killed_says_so(tmp_path: Path) -> None:
    child = ReplayChild(request(record(tmp_path / "data", days=60)))
    os.kill(child._child.pid, signal.SIGKILL)
    said = ended(child).said
    assert said == Failed("the replay ended before its time: signal 9")


def test_cancelling_ends_the_process(tmp_path: Path) -> None:
    child = ReplayChild(request(record(tmp_path / "data", days=60)))
    child.cancel()
    assert child._child.poll() is not None
    assert not child.is_running


def test_it_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    asked = tmp_path / "request.json"
    asked.write_bytes(
        msgspec.json.encode(request(record(tmp_path / "data", days=60)), enc_hook=without_secret)
    )
    program = (
        "import sys, time, pathlib, msgspec\n"
        "from console.backtest.replay import ReplayRequest\n"
        "from console.backtest.replay_child import ReplayChild\n"
        "text = pathlib.Path(sys.argv[1]).read_bytes()\n"
        "made = msgspec.json.decode(text, type=ReplayRequest, dec_hook=lambda kind, text: kind(text))\n"
        "child = ReplayChild(made)\n"
        "print(child._child.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program, str(asked)], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 30
    while Path(f"/proc/{pid}/cmdline").exists() and Path(f"/proc/{pid}/cmdline").read_bytes():
        assert time.monotonic() < deadline, "the child outlived its parent"
        time.sleep(0.05)


def test_before_it_says_anything_it_is_opening_the_recording(tmp_path: Path) -> None:
    child = ReplayChild(request(record(tmp_path / "data")))
    assert child.said == Progress()
    child.cancel()
