"""``kconsole alerts test`` says of each receiver whether a test alert arrived."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from console import cli
from console.commands.errors import ExitCode


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(404 if "gone" in self.path else 200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        pass


@pytest.fixture
def server() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), _Handler) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{serving.server_address[1]}"
        serving.shutdown()


def test_what_arrives_and_what_does_not_is_told_apart(
    tmp_path: Path, server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [
        "alerts",
        "test",
        "--home",
        str(tmp_path),
        "--set",
        f"monitoring.webhook_url={server}/secret-hook",
    ]
    assert cli.main(command) == ExitCode.DONE
    assert capsys.readouterr().out.startswith("webhook    arrived, after ")
    command += ["--set", f"monitoring.ntfy_url={server}/gone-topic", "--json"]
    assert cli.main(command) == ExitCode.FAILED
    said = capsys.readouterr()
    receivers = {each["name"]: each for each in json.loads(said.out)["receivers"]}
    assert receivers["webhook"]["arrived"] is True
    assert receivers["ntfy"]["arrived"] is False
    assert receivers["ntfy"]["trouble"] == "it answered 404"
    assert "secret-hook" not in said.out + said.err
    assert "gone-topic" not in said.out + said.err


def test_where_nobody_is_told_it_says_which_settings_would(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["alerts", "test", "--home", str(tmp_path)]) == ExitCode.USAGE
    assert "monitoring.webhook_url" in capsys.readouterr().err
