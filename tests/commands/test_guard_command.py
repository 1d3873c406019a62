"""The guard as a run starts it: nothing is traded without one, and nobody else starts it."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from console.cli import main
from console.engine.heartbeats import Heartbeats

RUN = ["run", "--headless", "--for", "1"]


def test_the_help_does_not_offer_it(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "guard" not in capsys.readouterr().out


def test_by_hand_it_does_not_start(tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    try:
        command = [sys.executable, "-m", "console.cli", "guard", "--env", "practice", "--home", str(tmp_path)]
        by_hand = subprocess.run(command, stdin=theirs, capture_output=True, text=True, check=False)
    finally:
        os.close(ours)
        os.close(theirs)
    assert (by_hand.returncode, by_hand.stderr) == (2, "kconsole: a run starts its guard itself\n")


@pytest.mark.parametrize("in_the_way", ["heartbeats", "logs/guard.log"])
def test_a_run_whose_guard_cannot_start_does_not_start_either_and_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], in_the_way: str
) -> None:
    (tmp_path / "practice" / in_the_way).mkdir(parents=True)
    assert main([*RUN, "--home", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert error.startswith("kconsole: the guard process did not start, and nothing is traded without it: ")
    assert in_the_way in error
    assert error.count("\n") == 1
    assert not (tmp_path / "practice" / "journal.sqlite").exists()


def test_a_full_disk_that_leaves_no_room_for_the_heartbeats_is_named_with_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(_path: Path) -> Heartbeats:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # As a write fails: it knows no name.

    monkeypatch.setattr(Heartbeats, "create", no_room)
    assert main([*RUN, "--home", str(tmp_path)]) == 1
    heartbeats = tmp_path / "practice" / "heartbeats"
    assert capsys.readouterr().err == (
        "kconsole: the guard process did not start, and nothing is traded without it: "
        f"{heartbeats}: {os.strerror(errno.ENOSPC)}\n"
    )
