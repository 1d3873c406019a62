"""The log of a real practice run: what happened is in it, and no secret of the run is in any file of it."""

from __future__ import annotations

import json
import socket
import time
from contextlib import closing
from pathlib import Path

import pytest

from console.app import Launch, running_engine
from console.config.home import find_home
from console.config.load import load
from console.config.log_reader import LogLine, LogReader, parse_line
from console.config.logs import RUN_LOG
from console.domain.account_events import AccountOpened, OrderFilled
from console.domain.events import JournaledEvent
from console.engine.journal_copy import journal_copy

TOKEN = "canary-token-of-the-receiver"
PATIENCE_S = 60


def log_lines(path: Path) -> list[LogLine]:
    with closing(LogReader(path)) as reader:
        return [parse_line(raw) for raw in reader.newest_first()][::-1]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def journaled(path: Path) -> list[JournaledEvent]:
    with journal_copy(path) as copy:
        return list(copy.events())


@pytest.mark.timeout(180)
def test_a_run_logs_what_it_journals_and_no_secret(tmp_path: Path) -> None:
    folder = find_home(str(tmp_path)).environment("practice")
    options = {
        "monitoring.webhook_url": f"http://127.0.0.1:{free_port()}/services/{TOKEN}",
        "monitoring.alert_level": "info",
        "monitoring.log_file_megabytes": "1",
        "practice.speed": "50",
    }
    settings = load(
        "practice", options=[("--set", f"{key}={value}") for key, value in options.items()]
    ).settings
    folder.create()
    (folder.logs / RUN_LOG).write_bytes(b"earlier\n" * 125_000)
    with running_engine(Launch("practice", settings, folder)) as worker:
        deadline = time.monotonic() + PATIENCE_S
        while not any(line.event == "OrderFilled" for line in log_lines(folder.logs / RUN_LOG)):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        worker.halt("to see it in the log")
        assert worker.wait_halted(PATIENCE_S)
    key_id = next(event.account for event in journaled(folder.journal) if isinstance(event, AccountOpened))
    files = [*folder.logs.iterdir(), folder.status]
    for secret in (TOKEN, "BEGIN PRIVATE KEY", "BEGIN RSA"):
        assert not [file.name for file in files if secret.encode() in file.read_bytes()], secret
    assert key_id.encode() not in b"".join(file.read_bytes() for file in folder.logs.iterdir())
    assert (folder.logs / f"{RUN_LOG}.1").read_bytes().startswith(b"earlier\n"), "it was put aside when full"
    raw = (folder.logs / RUN_LOG).read_text()
    assert all({"ts", "level", "source", "event"} <= json.loads(line).keys() for line in raw.splitlines())
    told = [line for line in log_lines(folder.logs / RUN_LOG) if line.event == "OrderFilled"]
    fills = [event.fill for event in journaled(folder.journal) if isinstance(event, OrderFilled)]
    assert [line.fields["fill_id"] for line in told] == [fill.fill_id for fill in fills]
    (latched,) = [line for line in log_lines(folder.logs / RUN_LOG) if line.event == "LatchRaised"]
    assert (latched.fields["level"], latched.fields["reason"]) == ("HALTED", "to see it in the log")
