"""``resume`` as a shell sees it, on a terminal of its own."""

from __future__ import annotations

import io
import json
import os
import pty
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from console.cli import main
from console.config.home import EnvironmentFolder, find_home
from console.domain.account_events import AccountOpened
from console.domain.engine_events import LatchCleared, LatchRaised
from console.domain.events import JournaledEvent
from console.domain.money import Cash
from console.domain.trading_state import TradingState
from console.engine.account import Account
from console.engine.journal import Journal

HALTED, PAUSED = TradingState.HALTED, TradingState.PAUSED


@dataclass(frozen=True)
class Ended:
    code: int
    output: str
    said: str


def raised(name: str, level: TradingState = HALTED, scope: str = "") -> LatchRaised:
    return LatchRaised(
        at_ns=time.time_ns(), name=name, level=level, reason="looks wrong", source="operator", scope=scope
    )


@pytest.fixture
def folder(tmp_path: Path) -> EnvironmentFolder:
    """A practice environment in which a console has run."""
    made = find_home(str(tmp_path)).environment("practice")
    made.create()
    return made


def journaled(folder: EnvironmentFolder, *events: JournaledEvent) -> None:
    journal = Journal(folder.journal)
    opened = AccountOpened(at_ns=time.time_ns(), account="account-1", cash=Cash(10_000_000_000))
    journal.append([opened, *events])
    journal.close()


def events_of(folder: EnvironmentFolder) -> list[JournaledEvent]:
    journal = Journal(folder.journal)
    events = list(journal.replay())
    journal.close()
    return events


def account_of(folder: EnvironmentFolder) -> Account:
    account = Account()
    for event in events_of(folder):
        account.apply(event)
    return account


def resume(folder: EnvironmentFolder, typed: str, *options: str) -> Ended:
    """Run it with a terminal as its standard input, at which ``typed`` is typed."""
    keyboard, terminal = pty.openpty()
    command = [sys.executable, "-m", "console.cli", "resume", *options, "--home", str(folder.path.parent)]
    process = subprocess.Popen(
        command, stdin=terminal, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    os.close(terminal)
    os.write(keyboard, f"{typed}\n".encode())
    output, said = process.communicate(timeout=60)
    with suppress(OSError):
        os.close(keyboard)
    return Ended(process.returncode, output, said)


def test_a_latch_whose_name_is_typed_is_cleared_with_its_reason(folder: EnvironmentFolder) -> None:
    journaled(folder, raised("manual"), raised("pause", PAUSED))
    folder.halt_sentinel.write_text("looks wrong\n")
    ended = resume(folder, "manual", "manual", "--reason", "seen and mended", "--json")
    assert ended.code == 0
    assert "HALTED manual, by operator: looks wrong" in ended.said
    document = json.loads(ended.output)
    assert document["state"] == "PAUSED"
    assert [latch["name"] for latch in document["latches"]] == ["pause"]
    assert not folder.halt_sentinel.exists()
    [cleared] = [event for event in events_of(folder) if isinstance(event, LatchCleared)]
    assert (cleared.name, cleared.reason, cleared.source) == ("manual", "seen and mended", "operator")
    assert account_of(folder).latches.state is PAUSED


def test_the_halt_file_stays_while_another_halt_is_in_force(folder: EnvironmentFolder) -> None:
    journaled(folder, raised("manual"), raised("flatten"))
    folder.halt_sentinel.write_text("looks wrong\n")
    ended = resume(folder, "flatten", "flatten", "--reason", "sold")
    assert ended.code == 0
    assert ended.output == "flatten cleared; HALTED, held by manual\n"
    assert folder.halt_sentinel.exists()


def test_a_halt_of_which_only_the_file_is_left_is_cleared_as_one(folder: EnvironmentFolder) -> None:
    journaled(folder)
    folder.halt_sentinel.write_text("disk was full\n")
    ended = resume(folder, "manual", "manual", "--reason", "room again")
    assert ended.code == 0
    assert "disk was full" in ended.said
    assert not folder.halt_sentinel.exists()
    assert account_of(folder).latches.active == ()


def test_a_halt_that_comes_while_it_asks_is_not_cleared_with_the_older_one(
    folder: EnvironmentFolder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    journaled(folder, raised("manual"))
    folder.halt_sentinel.write_text("looks wrong\n")

    class Keyboard(io.StringIO):
        def isatty(self) -> bool:
            return True

        def readline(self, *_: object) -> str:  # type: ignore[override]
            assert main(["halt", "--home", home, "--env", "practice", "--reason", "worse"]) == 0
            return "manual\n"

    home = str(folder.path.parent)
    monkeypatch.setattr(sys, "stdin", Keyboard())
    assert main(["resume", "manual", "--reason", "seen", "--home", home]) == 3
    assert "another halt was asked for meanwhile: worse" in capsys.readouterr().err
    assert folder.halt_sentinel.read_text() == "worse\n"
    assert account_of(folder).latches.state is HALTED


@pytest.mark.parametrize("file", ["looks wrong", "flatten: looks wrong"])
def test_the_file_of_a_flatten_is_no_halt_beside_it(folder: EnvironmentFolder, file: str) -> None:
    journaled(folder, raised("flatten"))
    folder.halt_sentinel.write_text(f"{file}\n")
    ended = resume(folder, "flatten", "flatten", "--reason", "sold")
    assert ended.output == "flatten cleared; RUNNING\n"
    assert not folder.halt_sentinel.exists()


def test_a_halt_that_only_its_file_tells_of_stays_beside_another(folder: EnvironmentFolder) -> None:
    journaled(folder, raised("flatten"))
    folder.halt_sentinel.write_text("the disk is full\n")
    ended = resume(folder, "flatten", "flatten", "--reason", "sold")
    assert ended.output == "flatten cleared; HALTED, held by manual\n"
    assert folder.halt_sentinel.exists()


def test_a_latch_on_a_group_is_named_with_it(folder: EnvironmentFolder) -> None:
    journaled(folder, raised("check", PAUSED, "group:coins"), raised("check", PAUSED, "group:rain"))
    assert resume(folder, "check group:coins", "check group:coins", "--reason", "x").code == 0
    assert [latch.id for latch in account_of(folder).latches.active] == ["check group:rain"]


@pytest.mark.parametrize("typed", ["yes", "", "manua"])
def test_anything_else_typed_clears_nothing(folder: EnvironmentFolder, typed: str) -> None:
    journaled(folder, raised("manual"))
    folder.halt_sentinel.write_text("looks wrong\n")
    ended = resume(folder, typed, "manual", "--reason", "x")
    assert ended.code == 3
    assert "its name was not typed" in ended.said
    assert account_of(folder).latches.state is HALTED
    assert folder.halt_sentinel.exists()


def test_it_is_refused_while_a_console_runs_in_the_home(folder: EnvironmentFolder) -> None:
    journaled(folder, raised("manual"))
    with folder.lock():
        ended = resume(folder, "manual", "manual", "--reason", "x")
    assert ended.code == 3
    assert "is in use by process" in ended.said
    assert account_of(folder).latches.state is HALTED


def test_a_condition_that_cannot_be_checked_refuses(folder: EnvironmentFolder) -> None:
    journaled(folder, raised("stale_book", HALTED))
    ended = resume(folder, "stale_book", "stale_book", "--reason", "x")
    assert ended.code == 3
    assert "stale_book was not cleared" in ended.said
    assert account_of(folder).latches.state is HALTED


def test_a_latch_that_is_not_in_force_is_told_with_those_that_are(folder: EnvironmentFolder) -> None:
    journaled(folder, raised("manual"), raised("pause", PAUSED))
    ended = resume(folder, "x", "daily_loss", "--reason", "x")
    assert ended.code == 2
    assert "no latch named 'daily_loss' is in force; in force: manual, pause" in ended.said


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    return main(["resume", *arguments]), capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--reason", " "], 2, "--reason is empty"),
        (["--reason", "x"], 3, "needs a terminal"),
    ],
)
def test_without_a_reason_or_a_terminal_it_does_nothing(
    folder: EnvironmentFolder,
    capsys: pytest.CaptureFixture[str],
    options: Sequence[str],
    code: int,
    said: str,
) -> None:
    journaled(folder, raised("manual"))
    exit_code, error = refused(capsys, "manual", "--home", str(folder.path.parent), *options)
    assert exit_code == code
    assert said in error
    assert account_of(folder).latches.state is HALTED


def test_where_no_console_has_run_there_is_nothing_to_clear(tmp_path: Path) -> None:
    ended = resume(find_home(str(tmp_path)).environment("practice"), "manual", "manual", "--reason", "x")
    assert ended.code == 1
    assert "no console has run here yet" in ended.said
    assert not (tmp_path / "practice").exists()


def test_an_exchange_that_does_not_answer_refuses(folder: EnvironmentFolder) -> None:
    journaled(folder, raised("manual"))
    line = folder.path / "line.json"
    ended = resume(folder, "manual", "manual", "--reason", "x", "--attach", str(line))
    assert ended.code == 2
    assert "line.json cannot be read" in ended.said
    assert account_of(folder).latches.state is HALTED


def test_a_reason_with_bytes_that_are_no_text_is_kept_with_them_escaped(folder: EnvironmentFolder) -> None:
    journaled(folder, raised("pause", PAUSED))
    ended = resume(folder, "pause", "pause", "--reason", "looked \udcff")
    assert (ended.code, ended.output) == (0, "pause cleared; RUNNING\n"), ended.said
    [cleared] = [event for event in events_of(folder) if isinstance(event, LatchCleared)]
    assert cleared.reason == "looked \\udcff"
