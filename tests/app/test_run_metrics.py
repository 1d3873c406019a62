"""The metrics of a practice run: its files, its page, and files that hold up nothing but themselves."""

from __future__ import annotations

import csv
import gc
import json
import socket
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from practice_runs import PracticeProcess, journaled_events, practice_exchange, wait_for

from console.app import Launch, metrics, running_engine
from console.config.appended_csv import AppendedCsv
from console.config.home import find_home
from console.config.load import load
from console.domain.commands import ChangeSettings
from console.domain.events import JournaledEvent
from console.domain.fees import KalshiFees
from console.domain.money import Price
from console.monitoring.figures import figures_of
from console.monitoring.ledger import Ledger
from console.monitoring.mark_outs import read_mark_outs
from console.monitoring.metrics_collector import MetricsCollector


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PracticeProcess]:
    with practice_exchange(tmp_path_factory.mktemp("exchange"), speed=60) as running:
        yield running


def launch(home: Path, exchange: PracticeProcess, *options: str) -> Launch:
    folder = find_home(str(home)).environment("practice")
    stated = ("strategy_flb.scan_interval=0.2", "strategy_flb.style=taker", *options)
    loaded = load("practice", options=[("--set", text) for text in stated])
    return Launch("practice", loaded.settings, folder, exchange.line)


def test_a_journal_replayed_gives_the_metrics_that_the_run_showed(
    tmp_path: Path, exchange: PracticeProcess
) -> None:
    plan = launch(tmp_path, exchange)
    with running_engine(plan) as worker:
        wait_for(worker, "a settlement", lambda s: any(entry.kind.value == "settle" for entry in s.log))
        assert worker.stop(cancel_resting=True) == 0
    folder = tmp_path / "practice" / "metrics"
    shown = json.loads((folder / "metrics.json").read_bytes())
    ledger = Ledger()
    for event in journaled_events(tmp_path):
        ledger.observe(event)
    marks = {ticker: Price(mark) for ticker, mark in shown["marks"].items()}
    records = ledger.records(marks=marks, mark_outs=read_mark_outs(folder))
    assert records is not None
    assert all(market.series_ticker != "unknown" for market in records.traded)
    again = figures_of(records, KalshiFees(), plan.settings.quality)
    assert json.loads(json.dumps(again.document())) == shown["metrics"]
    with (folder / "trades_log.csv").open(encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    ended = [trade for trade in again.trades if trade.ended_ns is not None]
    assert sorted(float(line["net_pnl"]) for line in lines) == pytest.approx(
        sorted((trade.net or 0) / 1e6 for trade in ended)
    )
    assert ended


def test_prometheus_is_shown_the_run_on_this_machine_alone(tmp_path: Path, exchange: PracticeProcess) -> None:
    pytest.importorskip("prometheus_client")
    port = free_port()
    with running_engine(launch(tmp_path, exchange, f"monitoring.prometheus_port={port}")) as worker:
        wait_for(worker, "a picture", lambda s: s.equity is not None)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            text = answer.read().decode()
        assert 'kconsole_trading_state{state="RUNNING"} 1.0' in text
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.2", port), timeout=5).close()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port), timeout=5).close()


def test_figures_are_on_the_page_at_once_not_only_when_they_are_due_again(
    tmp_path: Path, exchange: PracticeProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("prometheus_client")
    monkeypatch.setattr(metrics, "REFRESH_S", 3_600.0)
    port = free_port()

    def page() -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            text: str = answer.read().decode()
            return text

    with running_engine(launch(tmp_path, exchange, f"monitoring.prometheus_port={port}")) as worker:
        wait_for(worker, "figures", lambda _: "\nkconsole_trades " in page())


def test_what_the_journal_told_is_searched_for_garbage_neither_while_it_is_summed_nor_later(
    tmp_path: Path, exchange: PracticeProcess
) -> None:
    with running_engine(launch(tmp_path, exchange)) as worker:
        assert not gc.isenabled() or gc.get_freeze_count()
        wait_for(worker, "searches", lambda _: gc.isenabled() and gc.get_freeze_count() > 0)
    gc.unfreeze()


def test_a_port_in_use_is_told_and_trading_goes_on(tmp_path: Path, exchange: PracticeProcess) -> None:
    pytest.importorskip("prometheus_client")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with running_engine(launch(tmp_path, exchange, f"monitoring.prometheus_port={port}")) as worker:
            text = f"prometheus: port {port} of monitoring.prometheus_port cannot be used"
            held = wait_for(worker, text, lambda s: any(text in alert.text for alert in s.alerts))
            later = wait_for(
                worker, "more pictures", lambda s: s.sequence > held.sequence + 5 and s.connected
            )
            assert later.risk is not None
            assert later.risk.errors_in_hour == 0


def test_what_is_judged_is_held_against_the_limits_in_force(
    tmp_path: Path, exchange: PracticeProcess
) -> None:
    with running_engine(launch(tmp_path, exchange)) as worker:
        changes = (("quality.max_slippage_bps", "7"),)
        worker.send(ChangeSettings(at_ns=time.time_ns(), changes=changes, reason="calmer"))
        wait_for(worker, "the change", lambda s: s.settings.quality.max_slippage_bps == 7)
        assert worker.stop(cancel_resting=True) == 0
    shown = json.loads((tmp_path / "practice" / "metrics" / "metrics.json").read_bytes())
    assert shown["metrics"]["slippage_bps"]["limit_bps"] == 7


def test_a_reader_that_asks_for_nothing_holds_up_no_end(tmp_path: Path, exchange: PracticeProcess) -> None:
    pytest.importorskip("prometheus_client")
    port = free_port()
    with ExitStack() as silent:
        with running_engine(launch(tmp_path, exchange, f"monitoring.prometheus_port={port}")) as worker:
            silent.enter_context(socket.create_connection(("127.0.0.1", port), timeout=5))
            wait_for(worker, "a picture", lambda s: s.equity is not None)
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.1", port), timeout=5).close()


def test_files_that_hang_keep_neither_the_engine_nor_its_end(
    tmp_path: Path, exchange: PracticeProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging, go_on = threading.Event(), threading.Event()

    def hang(_file: AppendedCsv) -> None:
        hanging.set()
        go_on.wait()

    monkeypatch.setattr(AppendedCsv, "flush", hang)
    with running_engine(launch(tmp_path, exchange)) as worker:
        assert hanging.wait(30)
        before = wait_for(worker, "a picture", lambda _: True)
        wait_for(worker, "a fill", lambda s: s.fills > before.fills)
        assert worker.stop(cancel_resting=True) == 0
    go_on.set()


def test_a_folder_that_cannot_be_written_is_told_once(tmp_path: Path, exchange: PracticeProcess) -> None:
    (tmp_path / "in the way").write_text("a file")
    blocked = launch(tmp_path, exchange, f"monitoring.metrics_output_dir={tmp_path / 'in the way' / 'm'}")
    with running_engine(blocked) as worker:
        told = wait_for(worker, "trouble", lambda s: any("metrics:" in alert.text for alert in s.alerts))
        wait_for(worker, "trading", lambda s: s.sequence > told.sequence + 20)
        later = wait_for(worker, "a picture", lambda _: True)
    texts = [alert.text for alert in later.alerts if "metrics:" in alert.text]
    assert len(texts) == len({text.split(" is not written")[0] for text in texts})
    assert later.risk is not None
    assert later.risk.errors_in_hour == 0


def test_figures_that_cannot_be_made_end_themselves_and_nothing_else(
    tmp_path: Path, exchange: PracticeProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_collector: MetricsCollector, _event: JournaledEvent) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(MetricsCollector, "observe", fail)
    with running_engine(launch(tmp_path, exchange)) as worker:
        text = "no more figures in this run: ZeroDivisionError"
        told = wait_for(worker, text, lambda s: any(text in alert.text for alert in s.alerts))
        later = wait_for(worker, "a fill", lambda s: s.fills > told.fills)
        assert later.risk is not None
        assert later.risk.errors_in_hour == 0
        assert worker.stop(cancel_resting=True) == 0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
