"""``run`` and ``status`` as a shell sees them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from console.cli import main
from console.engine.status import Document, replace_file


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
    replace_file(status_file(tmp_path), {"capital": None, "latches": [{"name": "manual", "level": "HALTED"}]})
    assert main(["status", "--home", str(tmp_path)]) == 0
    shown = capsys.readouterr().out.split()
    assert shown[:2] == ["capital", "n/a"]
    assert "HALTED" in shown


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


def write_key(path: Path) -> None:
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.touch(0o600)
    path.write_bytes(pem)
