"""``kconsole replay --against-live``: a day beside what its journal says."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd
import pytest
from favourites import BEGIN, record, setup
from practice_runs import PracticeProcess, practice_exchange

from console.backtest.run import run_recorded
from console.cli import main
from console.commands.errors import ExitCode
from console.config.changes import settings_hash
from console.config.home import find_home
from console.domain.account_events import OrderAcked, OrderFilled, OrderIntended, OrderReported, RunStarted
from console.domain.engine_events import LatchRaised, SettingChange, SettingsChanged
from console.domain.events import JournaledEvent
from console.domain.money import Cash, Count
from console.domain.time_units import NS_PER_S
from console.domain.trading_state import TradingState
from console.engine.closing import CLOSE
from console.engine.journal import Journal
from console.history.folder import open_folder

DAY = f"{BEGIN:%Y-%m-%d}"
BEGIN_NS = int(BEGIN.timestamp()) * NS_PER_S
_SET = ("strategy_flb.style=taker", "edge.model=constant", "edge.constant_points=6")
OPTIONS = ("--config", os.devnull, *(word for each in _SET for word in ("--set", each)))


@dataclass(frozen=True)
class Day:
    """A home with the recording of a day, and what a run on it would have journaled."""

    home: Path
    events: Sequence[JournaledEvent]

    def journaled(self, events: Sequence[JournaledEvent], name: str = "journal") -> Path:
        folder = find_home(str(self.home)).environment("practice")
        path = folder.journal if name == "journal" else folder.dry_run_journal
        for old in path.parent.glob(f"{path.name}*"):
            old.unlink()
        journal = Journal(path)
        journal.append(events)
        journal.close()
        return self.home


@pytest.fixture(scope="module")
def _recorded(tmp_path_factory: pytest.TempPathFactory) -> Day:
    home = tmp_path_factory.mktemp("home")
    folder = find_home(str(home)).environment("practice")
    folder.create()
    folder.days.mkdir()
    data = record(folder.days / DAY, every_s=20)
    for name in ("markets", "quotes"):
        pd.read_csv(data / f"{name}.csv").to_parquet(data / f"{name}.parquet")
        (data / f"{name}.csv").unlink()
    made = setup("--latency-ms", "0,40,0", "--no-skip-ahead")
    started = RunStarted(at_ns=BEGIN_NS, program="test", settings=settings_hash(made.settings))
    events: list[JournaledEvent] = [started]
    run_recorded(made, open_folder(data), on_record=events.append)
    return Day(home, events)


@pytest.fixture
def day(_recorded: Day) -> Day:
    _recorded.journaled(_recorded.events)
    find_home(str(_recorded.home)).environment("practice").dry_run_journal.unlink(missing_ok=True)
    return _recorded


def against(capsys: pytest.CaptureFixture[str], home: Path, *more: str) -> dict[str, Any]:
    capsys.readouterr()
    arguments = ["replay", "--against-live", DAY, "--home", str(home), "--json", *OPTIONS, *more]
    assert main(arguments) == ExitCode.DONE
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    capsys.readouterr()
    code = main(["replay", *arguments])
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    return code, said.err


def test_a_day_that_went_as_it_is_simulated_shows_no_difference(
    day: Day, capsys: pytest.CaptureFixture[str]
) -> None:
    found = against(capsys, day.home)
    orders = sum(isinstance(event, OrderIntended) for event in day.events)
    assert orders >= 3
    assert found["decisions"] == {"same": orders, "different": 0}
    assert (found["differences"], found["notes"]) == ([], [])
    assert found["live"] == found["replay"]
    assert found["live"]["pnl"] is not None
    assert found["runs"][0]["round_trip_ms"] == pytest.approx(40)


def test_an_order_that_was_made_by_hand_is_said_to_be(day: Day, capsys: pytest.CaptureFixture[str]) -> None:
    first = next(event for event in day.events if isinstance(event, OrderIntended))
    by_hand = msgspec.structs.replace(
        first, intent=msgspec.structs.replace(first.intent, client_order_id="kc-hand-99", strategy=CLOSE)
    )
    events = list(day.events)
    events.insert(events.index(first), by_hand)
    found = against(capsys, day.journaled(events))
    [difference] = found["differences"]
    assert (difference["kind"], difference["replay"]) == ("decision", "")
    assert difference["reason"] == "by hand: the operator closed the position"


def test_what_was_not_done_while_a_latch_held_is_told_with_its_name(
    day: Day, capsys: pytest.CaptureFixture[str]
) -> None:
    """The day's own result of a switch is not told to the replay, which has its own."""
    orders = [e for e in day.events if isinstance(e, OrderIntended)]
    last = orders[-1]
    at = day.events.index(last)
    latch = LatchRaised(
        at_ns=last.at_ns - 1, name="no_fills", level=TradingState.PAUSED, reason="none", source="risk"
    )
    found = against(capsys, day.journaled([*day.events[: at - 1], latch]))
    assert found["decisions"] == {"same": len(orders) - 1, "different": 1}
    [difference] = found["differences"]
    assert (difference["live"], difference["reason"]) == ("", "live was latched: PAUSED no_fills")


def test_a_latch_that_came_from_outside_holds_in_the_replay_too(
    day: Day, capsys: pytest.CaptureFixture[str]
) -> None:
    orders = [e for e in day.events if isinstance(e, OrderIntended)]
    at = day.events.index(orders[-1])
    latch = LatchRaised(
        at_ns=orders[-1].at_ns - 1, name="pause", level=TradingState.PAUSED, reason="lunch", source="operator"
    )
    found = against(capsys, day.journaled([*day.events[: at - 1], latch]))
    assert found["decisions"] == {"same": len(orders) - 1, "different": 0}


def test_a_fill_and_a_fee_that_differ_are_told_apart(day: Day, capsys: pytest.CaptureFixture[str]) -> None:
    def changed(number: int, fill: OrderFilled) -> OrderFilled:
        it = fill.fill
        if number == 0:
            it = msgspec.structs.replace(it, fee=Cash(it.fee + 100))
        elif number == 1:
            it = msgspec.structs.replace(it, count=Count(it.count - 100))
        return msgspec.structs.replace(fill, fill=it)

    fills = [e for e in day.events if isinstance(e, OrderFilled)]
    events = [changed(fills.index(e), e) if isinstance(e, OrderFilled) else e for e in day.events]
    found = against(capsys, day.journaled(events))
    kinds = [each["kind"] for each in found["differences"]]
    assert kinds[:2] == ["fee", "fill"]
    assert found["replay"]["fees"] != found["live"]["fees"]


def test_settings_of_then_are_found_by_undoing_the_changes_since(
    day: Day, capsys: pytest.CaptureFixture[str]
) -> None:
    later = SettingsChanged(
        at_ns=day.events[-1].at_ns + NS_PER_S,
        changes=(SettingChange("strategy_flb.favorite_threshold", old="90", new="99"),),
        reason="test",
        source="operator",
        program="test",
        settings="of no matter",
    )
    home = day.journaled([*day.events, later])
    found = against(capsys, home, "--set", "strategy_flb.favorite_threshold=99")
    assert (found["decisions"]["different"], found["notes"]) == (0, [])
    unknown = against(capsys, home, "--set", "risk.kelly_fraction=0.1")
    assert "began with other settings" in unknown["notes"][0]


def test_what_is_missing_is_said_in_a_sentence(day: Day, capsys: pytest.CaptureFixture[str]) -> None:
    home = ("--home", str(day.home))
    code, said = refused(capsys, "--against-live", "2026-02-27", *home)
    assert code == ExitCode.FAILED
    assert "no recording of 2026-02-27" in said
    assert f"recorded: {DAY} " in said
    code, said = refused(capsys, "--against-live", DAY, "--dry-run", *home)
    assert (code, "dry-run.sqlite does not exist" in said) == (ExitCode.FAILED, True)
    assert "ask for it without --dry-run" in said
    day.journaled([RunStarted(at_ns=BEGIN_NS, program="test", settings="x")])
    code, said = refused(capsys, "--against-live", DAY, *home)
    assert (code, f"no run traded on {DAY}" in said) == (ExitCode.FAILED, True)


def test_a_day_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["replay"])
    assert ended.value.code == ExitCode.USAGE
    assert "--against-live" in capsys.readouterr().err
    code, said = refused(capsys, "--against-live", "yesterday")
    assert (code, said) == (
        ExitCode.USAGE,
        "kconsole: --against-live yesterday: not a day such as 2026-03-01\n",
    )


def test_the_text_fits_a_terminal(day: Day, capsys: pytest.CaptureFixture[str]) -> None:
    dropped = [e for e in day.events if not isinstance(e, OrderAcked | OrderReported | OrderFilled)]
    home = str(day.journaled(dropped))
    assert main(["replay", "--against-live", DAY, "--home", home, *OPTIONS]) == ExitCode.DONE
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0] == f"REPLAY of {DAY} (practice) beside what happened"
    assert any(line.startswith("DIFFERENCES: ") for line in lines)


# --- a run on the practice exchange ---------------------------------------------------------------------


def _trade(home: Path, exchange: PracticeProcess, fills: int) -> None:
    command = [sys.executable, "-m", "console.cli", "run", "--headless", "--json", "--home", str(home)]
    run = subprocess.Popen([*command, "--attach", str(exchange.line)], stdout=subprocess.DEVNULL)
    status = find_home(str(home)).environment("practice").status
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if status.exists() and json.loads(status.read_bytes())["fills"] >= fills:
            break
        time.sleep(0.05)
    run.send_signal(signal.SIGTERM)
    run.wait(30)


@pytest.mark.timeout(180)
def test_a_practice_run_comes_out_again_as_it_was(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with practice_exchange(tmp_path, speed=40) as exchange:
        _trade(tmp_path, exchange, 2)
    capsys.readouterr()
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    assert main(["replay", "--against-live", today, "--home", str(tmp_path), "--json"]) == ExitCode.DONE
    found = json.loads(capsys.readouterr().out)
    assert found["notes"] == []
    assert found["decisions"]["same"] >= 1
    # An order that is on its way when the book moves may fill otherwise; nothing goes without a reason.
    assert all(each["reason"] for each in found["differences"])
    if not found["differences"]:
        assert found["live"] == found["replay"]
