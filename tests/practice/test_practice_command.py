"""``kconsole exchange`` as a process."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from console.practice.server import listen

COMMAND = [sys.executable, "-m", "console.cli", "exchange"]


def started(home: Path, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, "--home", str(home), *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_is_serves_and_ends_on_a_signal_without_leaving_a_key(
    tmp_path: Path, number: signal.Signals
) -> None:
    with started(tmp_path) as process:
        assert process.stdout is not None
        line = json.loads(process.stdout.readline())
        assert set(line) == {"rest", "ws", "key_id", "private_key_path"}
        key = Path(line["private_key_path"])
        assert key.is_relative_to(tmp_path / "practice" / "keys")
        assert key.stat().st_mode & 0o777 == 0o600
        with urllib.request.urlopen(line["rest"] + "/exchange/status") as reply:
            assert json.load(reply)["trading_active"] is True
        process.send_signal(number)
        out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (0, "", "")
    assert not key.exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--speed", "fast"], "not a number"),
        (["--speed", "0"], "not from 0.1 to 100"),
        (["--speed", "nan"], "not from 0.1 to 100"),
        (["--cash", "-1"], "not a positive amount"),
        (["--port", "65536"], "not a port from 0 to 65535"),
        (["--port", "-1"], "not a port from 0 to 65535"),
    ],
)
def test_a_wrong_option_is_named(tmp_path: Path, options: list[str], said: str) -> None:
    done = subprocess.run([*COMMAND, "--home", str(tmp_path), *options], capture_output=True, text=True)
    assert done.returncode == 2
    assert said in done.stderr


def test_it_ends_at_once_when_there_is_no_standard_input_to_wait_for(tmp_path: Path) -> None:
    command = [*COMMAND, "--home", str(tmp_path), "--until-stdin-closes"]
    done = subprocess.run(
        ["sh", "-c", 'exec "$0" "$@" <&-', *command], capture_output=True, text=True, timeout=30
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_port_in_use_or_a_missing_folder_is_one_clear_sentence(tmp_path: Path) -> None:
    with listen(0) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [*COMMAND, "--home", str(tmp_path), "--port", port], capture_output=True, text=True
        )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert f"port {port}" in done.stderr
    nowhere = str(tmp_path / "nowhere")
    done = subprocess.run(
        [*COMMAND, "--home", str(tmp_path), "--data", nowhere], capture_output=True, text=True
    )
    assert done.returncode != 0
    assert done.stderr.count("\n") == 1
    assert nowhere in done.stderr
    assert list((tmp_path / "practice" / "keys").iterdir()) == []
