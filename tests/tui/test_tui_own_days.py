"""A day of one's own trading in the replay tab: recorded by a run that was killed, then tried again."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from console_screen import Console, loaded_as
from fake_engine import FakeEngine
from practice_runs import PracticeProcess, practice_exchange

from console.backtest.replay_child import Finished, ReplayChild
from console.config.home import find_home
from console.config.load import load
from console.history.own_days import own_days_in, readable
from console.tui.app import ConsoleApp

pytestmark = pytest.mark.timeout(180)


def start_run(home: Path, exchange: PracticeProcess) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "console.cli", "run", "--headless", "--json", "--home", str(home)]
    command += ["--attach", str(exchange.line), "--set", "strategy_flb.style=taker"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL)


def wait_for_fills(home: Path) -> None:
    path = find_home(str(home)).environment("practice").status
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if path.exists() and json.loads(path.read_bytes())["fills"] >= 2:
            return
        time.sleep(0.05)
    raise AssertionError("the run did not trade")


async def test_a_day_of_a_run_that_was_killed_can_be_chosen_run_and_watched(tmp_path: Path) -> None:
    with practice_exchange(tmp_path, speed=60) as exchange:
        run = start_run(tmp_path, exchange)
        wait_for_fills(tmp_path)
        run.send_signal(signal.SIGKILL)
        run.wait()
    (day,) = own_days_in(tmp_path)
    settings = load("practice", options=[("--set", "strategy_flb.style=taker")]).settings
    app = ConsoleApp(FakeEngine(), loaded_as(settings), home=tmp_path, wall_ns=time.time_ns)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Console(app, pilot)
        await screen.press("b")
        pane = app._main.tabs.replay
        name = f"your day {day.day:%d %b} (practice)"
        for _ in range(3):
            await screen.press("enter")
            if pane._form.values["recording"] == name:
                break
        assert pane._form.values["recording"] == name
        assert f"◂ {name} ▸" in await screen.look()
        pane.action_run()
        child = pane._child
        assert isinstance(child, ReplayChild)
        await asyncio.to_thread(child._thread.join, 100)
        assert isinstance(child.said, Finished), child.said
        assert child.said.compared.rows > 100
        text = await screen.press("W")
        assert "REPLAY" in text
    # The files of a child that was ended while it made them go with the next that are made.
    with readable(day.folder):
        pass
    assert not list(day.folder.glob("view-*"))
