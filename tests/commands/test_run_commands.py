"""``run`` and ``status`` as a shell sees them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from console.cli import main
from console.config.home import find_home
from console.engine.status import Document, JsonValue, replace_file


def status_file(home: Path) -> Path:
    folder = home / "practice"
    folder.mkdir()
    return folder / "status.json"


def test_status_before_any_run_says_which_file_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["status", "--home", str(tmp_path)]) == 1
    assert f"{tmp_path}/practice/status.json does not exist" in capsys.readouterr().err


def test_status_ages_grow_after_the_console_died(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written_long_ago: Document = {"at_ns": 1, "state": "RUNNING", "feed_age_ms": 5, "heartbeat_age_ms": None}
    replace_file(status_file(tmp_path), written_long_ago)
    assert main(["status", "--json", "--home", str(tmp_path)]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["feed_age_ms"] > 10**9
    assert shown["heartbeat_age_ms"] is None


def test_status_shows_unknown_figures_as_such(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    latch: JsonValue = {"name": "manual", "level": "HALTED", "since_ns": 1_772_039_071_999_999_999}
    replace_file(status_file(tmp_path), {"capital": None, "latches": [latch]})
    assert main(["status", "--home", str(tmp_path)]) == 0
    shown = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["capital", "n/a"] in shown
    assert ["manual", "HALTED", "since", "2026-02-25", "17:04:31Z"] in shown


def test_status_tells_a_console_that_runs_from_one_that_ended(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    replace_file(status_file(tmp_path), {"at_ns": 1, "state": "RUNNING"})
    with find_home(str(tmp_path)).environment("practice").lock():
        main(["status", "--home", str(tmp_path)])
        assert "not running" not in capsys.readouterr().out
        main(["status", "--json", "--home", str(tmp_path)])
        assert json.loads(capsys.readouterr().out)["running"] is True
    main(["status", "--home", str(tmp_path)])
    assert capsys.readouterr().out.startswith("not running")
    main(["status", "--json", "--home", str(tmp_path)])
    assert json.loads(capsys.readouterr().out)["running"] is False


def test_status_says_when_orders_may_rest_though_no_console_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    replace_file(status_file(tmp_path), {"at_ns": 1, "state": "RUNNING"})
    folder = find_home(str(tmp_path)).environment("practice")
    main(["status", "--home", str(tmp_path)])
    assert "may still rest" not in capsys.readouterr().out
    folder.run_file.touch()
    main(["status", "--home", str(tmp_path)])
    assert "may still rest" in capsys.readouterr().out
    with folder.lock():
        main(["status", "--json", "--home", str(tmp_path)])
    assert json.loads(capsys.readouterr().out)["orders_may_rest"] is False


def test_orders_of_a_dead_run_may_rest_while_a_dry_run_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    replace_file(status_file(tmp_path), {"at_ns": 1, "state": "RUNNING", "dry_run": True})
    folder = find_home(str(tmp_path)).environment("practice")
    folder.run_file.touch()
    with folder.lock():
        main(["status", "--json", "--home", str(tmp_path)])
    assert json.loads(capsys.readouterr().out)["orders_may_rest"] is True


@pytest.mark.parametrize("dry_run", [True, False])
def test_status_shows_a_halt_of_which_no_console_has_heard_yet(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], dry_run: bool
) -> None:
    document: Document = {"at_ns": 1, "dry_run": dry_run, "state": "RUNNING", "reason": ""}
    replace_file(status_file(tmp_path), document)
    folder = find_home(str(tmp_path)).environment("practice")
    other, ours = folder.halt_sentinel, folder.dry_run_sentinel
    if not dry_run:
        other, ours = ours, other
    other.write_text("of the other account\n")
    main(["status", "--json", "--home", str(tmp_path)])
    assert json.loads(capsys.readouterr().out)["state"] == "RUNNING"
    ours.write_text("looks wrong\n")
    main(["status", "--json", "--home", str(tmp_path)])
    shown = json.loads(capsys.readouterr().out)
    assert (shown["state"], shown["reason"]) == ("HALTED", "looks wrong")


def test_status_keeps_the_reason_of_an_engine_that_failed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    replace_file(status_file(tmp_path), {"at_ns": 1, "state": "FAILED", "reason": "the disk is full"})
    find_home(str(tmp_path)).environment("practice").halt_sentinel.touch()
    main(["status", "--json", "--home", str(tmp_path)])
    shown = json.loads(capsys.readouterr().out)
    assert (shown["state"], shown["reason"]) == ("FAILED", "the disk is full")


def test_what_an_exchange_said_cannot_steer_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    latch: JsonValue = {"reason": "\x1b]52;c;AAAA\x07"}
    replace_file(status_file(tmp_path), {"reason": "\x1b[2J", "latches": [latch]})
    main(["status", "--home", str(tmp_path)])
    shown = capsys.readouterr().out
    assert "\\x1b[2J" in shown
    assert "\\x1b]52;c;AAAA\\x07" in shown
    assert shown.replace("\n", "").isprintable()
    assert main(["status", "--home", str(tmp_path / "\x1b[2J")]) == 1
    assert "\\x1b[2J/practice/status.json does not exist" in capsys.readouterr().err


@pytest.mark.timeout(120)
def test_a_run_whose_practice_exchange_died_says_so_and_ends(tmp_path: Path) -> None:
    with started_run(tmp_path) as run:
        os.kill(practice_child(tmp_path), signal.SIGKILL)
        output, error = run.communicate(timeout=60)
    assert run.returncode == 1
    assert error == "kconsole: the practice exchange has ended: quit and start again\n"
    assert json.loads(output)["environment"] == "practice"


@pytest.mark.timeout(120)
def test_code_in_the_folder_where_it_is_started_is_not_run(tmp_path: Path) -> None:
    foreign = tmp_path / "console"
    foreign.mkdir()
    (foreign / "__init__.py").write_text("raise SystemExit('not ours')\n")
    with started_run(tmp_path, "--for", "1") as run:
        _, error = run.communicate(timeout=60)
    assert (run.returncode, error) == (0, "")


@pytest.mark.parametrize("content", [b"", b"[1]", b"{"])
def test_a_broken_status_file_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    path = status_file(tmp_path)
    path.write_bytes(content)
    assert main(["status", "--home", str(tmp_path)]) == 1
    assert f"{path} is not a status file" in capsys.readouterr().err


def test_real_money_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--headless", "--env", "live", "--live", "--home", str(tmp_path)]) == 3
    assert "does not trade real money" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "said", "exit_code"),
    [
        (["--attach", "missing.json"], "missing.json cannot be read", 2),
        (["--env", "demo"], "key_id is empty", 2),
        (["--set", "risk.kelly=1"], "did you mean", 2),
        (["--env", "live"], "needs both --env live and --live", 2),
        (["--speed", ""], 'practice.speed = "" must be a number from 0.1 to 100', 2),
    ],
)
def test_a_run_that_cannot_start_says_why_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], said: str, exit_code: int
) -> None:
    assert main(["run", "--headless", "--for", "1", "--home", str(tmp_path), *options]) == exit_code
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_an_exchange_that_is_down_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = tmp_path / "line.json"
    key = tmp_path / "key.pem"
    write_key(key)
    base = "127.0.0.1:9/trade-api"
    line.write_text(
        json.dumps(
            {
                "rest": f"http://{base}/v2",
                "ws": f"ws://{base}/ws/v2",
                "key_id": "k",
                "private_key_path": str(key),
            }
        )
    )
    options = ["--for", "1", "--home", str(tmp_path), "--attach", str(line)]
    assert main(["run", "--headless", *options]) == 1
    assert "http://127.0.0.1:9/trade-api/v2" in capsys.readouterr().err


@contextmanager
def started_run(home: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """A run with a practice exchange of its own, started in the home, once it has said what it does."""
    program = Path(sys.executable).parent / "kconsole"
    with subprocess.Popen(
        [program, "run", "--headless", "--json", "--home", home, *options],
        cwd=home,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as run:
        status = home / "practice" / "status.json"
        while run.poll() is None and not status.exists():
            time.sleep(0.02)
        yield run


def practice_child(home: Path) -> int:
    """The process that listens for the run of this home."""
    found = subprocess.run(
        ["pgrep", "-f", f"exchange --until-stdin-closes .*--home {home}$"], capture_output=True, text=True
    )
    return int(found.stdout)


def test_a_key_that_others_may_read_is_refused_for_safety(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = tmp_path / "key.pem"
    write_key(key)
    key.chmod(0o644)
    line = tmp_path / "line.json"
    base = "127.0.0.1:9/trade-api"
    values = {"rest": f"http://{base}/v2", "ws": f"ws://{base}/ws/v2", "key_id": "k"}
    line.write_text(json.dumps(values | {"private_key_path": str(key)}))
    assert main(["run", "--headless", "--for", "1", "--home", str(tmp_path), "--attach", str(line)]) == 3
    assert f"chmod 600 {key}" in capsys.readouterr().err


def write_key(path: Path) -> None:
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.touch(0o600)
    path.write_bytes(pem)


def test_a_latch_is_shown_by_the_id_that_resume_takes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    latch: JsonValue = {"id": "correlation group:rain", "name": "correlation", "scope": "group:rain"}
    replace_file(status_file(tmp_path), {"latches": [latch]})
    assert main(["status", "--home", str(tmp_path)]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert [line.strip() for line in shown if "rain" in line] == ["correlation group:rain"]
