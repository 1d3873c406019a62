"""``kconsole collect`` as a shell sees it: killed, interrupted, resumed, and what it makes of bad input."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from history_exchange import SERIES, HistoryExchange, history_exchange
from scripted_exchange import Answer, Received, ScriptedExchange, scripted, silence

from console.cli import main
from console.history.collected import collected_in
from console.history.folder import open_folder

FILES = ("markets", "trades", "candles")
PERIOD = ("--from", "2026-05-01", "--to", "2026-05-01T06:00")


@contextmanager
def exchange_in_thread(script: HistoryExchange) -> Iterator[ScriptedExchange]:
    """A server that goes on while the test waits for a command."""
    loop, stop, ready = asyncio.new_event_loop(), asyncio.Event(), threading.Event()
    servers: list[ScriptedExchange] = []

    async def serve() -> None:
        async with scripted(script) as server:
            servers.append(server)
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert ready.wait(10)
    yield servers[0]
    loop.call_soon_threadsafe(stop.set)
    thread.join()
    loop.close()


def line_of(server: ScriptedExchange, folder: Path) -> Path:
    """A file that ``--attach`` takes."""
    path = folder / "line.json"
    ws = server.rest.replace("http", "ws").replace("/v2", "/ws/v2")
    line = {"rest": server.rest, "ws": ws, "key_id": "nobody", "private_key_path": "/nowhere"}
    path.write_text(json.dumps(line))
    return path


def arguments(server: ScriptedExchange, home: Path, out: Path, *more: str) -> list[str]:
    where = ["--attach", str(line_of(server, home)), "--home", str(home), "--out", str(out)]
    return ["collect", "--series", SERIES, *where, *PERIOD, *more]


def shell(command: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "console.cli", *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def exit_code_of(command: list[str]) -> int:
    try:
        return main(command)
    except SystemExit as usage:
        return int(str(usage.code))


def document(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def contents(folder: Path) -> dict[str, bytes]:
    return {name: (folder / f"{name}.parquet").read_bytes() for name in FILES}


class StandsStill:
    """Answers nothing any more from a request on, until told to go on."""

    def __init__(self, at_request: int) -> None:
        self.left = at_request
        self.reached = threading.Event()

    def __call__(self, _request: Received) -> Answer | None:
        self.left -= 1
        if self.left >= 0 or self.left < -1_000_000:
            return None
        self.reached.set()
        return silence

    def go_on(self) -> None:
        self.left = -2_000_000


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
@pytest.mark.usefixtures("heeds_signals")
def test_a_run_that_was_ended_goes_on_where_it_stopped(
    number: signal.Signals, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exchange = history_exchange()
    still = StandsStill(20)
    with exchange_in_thread(exchange) as server:
        assert main(arguments(server, tmp_path, tmp_path / "whole", "--json")) == 0
        whole = document(capsys)
        asked = len(server.received)
        exchange.fault = still
        process = shell(arguments(server, tmp_path, tmp_path / "out"))
        assert still.reached.wait(30)
        process.send_signal(number)
        _, errors = process.communicate(timeout=30)
        assert process.returncode == {signal.SIGKILL: -9, signal.SIGINT: 130, signal.SIGTERM: 143}[number]
        assert b"Traceback" not in errors
        assert not (tmp_path / "out" / "markets.parquet").exists()
        still.go_on()
        begun = len(server.received)
        assert main(arguments(server, tmp_path, tmp_path / "out", "--json")) == 0
    found = document(capsys)
    assert whole["resumed_from"] is None
    assert found["resumed_from"]["rows"] > 0
    assert (found["markets"], found["rows"]) == (whole["markets"], whole["rows"]) == (6, 84)
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")
    assert len(server.received) - begun < asked - 10, "it did not begin anew"
    assert len(open_folder(tmp_path / "out").markets) == 6


def test_what_was_collected_is_offered_to_the_console_and_to_backtests(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    with exchange_in_thread(history_exchange()) as server:
        assert main(arguments(server, tmp_path, out)) == 0
        assert main(arguments(server, tmp_path, out)) == 0
    (collected,) = collected_in(tmp_path)
    assert (collected.folder, collected.series) == (str(out), (SERIES,))
    assert f"kconsole backtest --data {out}" in capsys.readouterr().out
    assert main(["groups", "--data", str(out), "--json"]) == 0
    (out / "markets.parquet").unlink()
    assert not collected_in(tmp_path)


def test_nothing_secret_is_written(tmp_path: Path) -> None:
    with exchange_in_thread(history_exchange()) as server:
        assert main(arguments(server, tmp_path, tmp_path / "out")) == 0
    for path in (tmp_path / "out").rglob("*"):
        assert b"nobody" not in path.read_bytes()
    assert os.listdir(tmp_path / "out") != []  # noqa: PTH208 - their names alone


@pytest.mark.parametrize(
    ("more", "exit_code", "sentence"),
    [
        (["--from", "2026-05-01", "--series", "KX,A"], 2, "'KX,A' is not a series ticker"),
        (["--from", "2026-05-02", "--to", "2026-05-01"], 2, "--from is not before --to"),
        (["--from", "2099-01-01"], 2, "--from 2099-01-01T00:00:00Z is still to come"),
        ([], 2, "--from is missing"),
        (["--from", "2026-05-01", "--candles", "5"], 2, "choose from 1, 60, 1440"),
        (["--record", "--to", "2026-05-01"], 2, "--record needs a --to that is still to come"),
        (["--from", "2026-05-01", "--env", "demo"], 2, "--attach is for the practice environment"),
        (["--from", "2026-04-01", "--to", "2026-04-02"], 1, "KXHIST had no market from 2026-04-01"),
    ],
)
def test_bad_input_is_a_sentence(
    more: list[str], exit_code: int, sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with exchange_in_thread(history_exchange()) as server:
        base = arguments(server, tmp_path, tmp_path / "out")
        for unwanted in PERIOD:
            base.remove(unwanted)
        assert exit_code_of([*base, *more]) == exit_code
    assert sentence in capsys.readouterr().err


def test_a_folder_takes_more_of_the_same_and_nothing_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with exchange_in_thread(history_exchange()) as server:
        base = arguments(server, tmp_path, tmp_path / "out")
        assert main([*base, "--to", "2026-05-01T03:00"]) == 0
        assert main([*base, "--to", "2026-05-01T06:00"]) == 0
        assert pq.read_table(tmp_path / "out" / "trades.parquet").num_rows == 30
        for other in (["--to", "2026-05-01T03:00"], ["--from", "2026-05-01T01:00"], ["--series", "KXB"]):
            assert main([*base, *other]) == 2
            assert "only --to may be later" in capsys.readouterr().err


def test_without_an_exchange_to_ask_it_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["collect", "--series", SERIES, "--from", "2026-05-01", "--out", str(tmp_path / "out")]
    assert main([*command, "--home", str(tmp_path)]) == 2
    assert "--attach FILE" in capsys.readouterr().err
    line = {"rest": "http://127.0.0.1:9/trade-api/v2", "ws": "ws://127.0.0.1:9/trade-api/ws/v2"}
    (tmp_path / "line").write_text(json.dumps({**line, "key_id": "x", "private_key_path": "/x"}))
    (tmp_path / "file").write_text("")
    file = ["--out", str(tmp_path / "file" / "out"), "--attach", str(tmp_path / "line")]
    assert main([*command, *file, "--home", str(tmp_path)]) == 1
    assert "cannot be written" in capsys.readouterr().err
