"""A practice run that tells somebody: once each, without saying where to, and whatever the receiver does."""

from __future__ import annotations

import dataclasses
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from practice_runs import PATIENCE_S, PracticeProcess, practice_exchange, wait_for
from receivers import Behave, HttpReceiver, Wire, hangs, receiver, takes_it

from console.app import Launch, alerting, delivery, running_engine
from console.app.http_exchange import Receiver
from console.config.home import find_home
from console.config.load import load
from console.config.redaction import redacted
from console.config.secret_url import SecretUrl
from console.domain.commands import PauseEntries, Resume
from console.domain.trading_state import TradingState
from console.engine.plan import Plan
from console.engine.status import status_document
from console.monitoring.alerts import DISK
from console.monitoring.responses import ENGINE_ENDED

SECRET = "top-secret-path"


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PracticeProcess]:
    with practice_exchange(tmp_path_factory.mktemp("exchange"), speed=20) as running:
        yield running


def launch(home: Path, exchange: PracticeProcess, to: HttpReceiver, *options: str) -> Launch:
    folder = find_home(str(home)).environment("practice")
    stated = (f"monitoring.webhook_url={to.url}", "strategy_flb.scan_interval=0.2", *options)
    loaded = load("practice", options=[("--set", text) for text in stated])
    return Launch("practice", loaded.settings, folder, exchange.line)


def kinds(to: HttpReceiver) -> list[str]:
    """Of everything that arrived since the last look."""
    found = []
    while not to.requests.empty():
        found.append(json.loads(to.next().body)["kind"])
    return found


def next_of(to: HttpReceiver, kind: str) -> dict[str, str]:
    while True:
        document: dict[str, str] = json.loads(to.next(PATIENCE_S).body)
        if document["kind"] == kind:
            return document


def test_a_kill_switch_that_trips_is_sent_once_and_nothing_says_where_to(
    tmp_path: Path, exchange: PracticeProcess
) -> None:
    with receiver() as to:
        plan = launch(tmp_path, exchange, to, "risk.max_errors_per_hour=0")
        with running_engine(plan) as worker:
            worker.note_error("markets", "no answer")
            document = next_of(to, "error_burst")
            assert document["text"].startswith("PAUSED error_burst: 1 errors within an hour")
            assert document["environment"] == "practice"
            held = wait_for(worker, "the latch, and the count", lambda s: s.deliveries[0].delivered >= 2)
            [latch] = [latch for latch in held.latches if latch.name == "error_burst"]
            assert latch.level is TradingState.PAUSED
            worker.send(Resume(at_ns=time.time_ns(), latch="error_burst", reason="looked at it"))
            worker.send(PauseEntries(at_ns=time.time_ns(), reason="the last of this test"))
            next_of(to, "pause")
            snapshot = wait_for(worker, "a picture", lambda _: True)
            assert SECRET not in repr(snapshot)
            assert SECRET not in str(status_document(worker))
        assert "error_burst" not in kinds(to)
        assert SECRET not in redacted(f"POST {to.url} failed")
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert SECRET.encode() not in path.read_bytes(), path


def test_a_receiver_that_hangs_keeps_the_engine_from_nothing(
    tmp_path: Path, exchange: PracticeProcess
) -> None:
    with receiver(hangs) as to, running_engine(launch(tmp_path, exchange, to)) as worker:
        worker.send(PauseEntries(at_ns=time.time_ns()))
        to.next(PATIENCE_S)
        held = wait_for(worker, "one under way", lambda s: any(d.waiting for d in s.deliveries))
        for number in range(300):
            worker.notice(DISK, f"look {number}")
        wait_for(worker, "more pictures", lambda s: s.sequence > held.sequence + 20)
        worker.send(Resume(at_ns=time.time_ns(), latch="pause", reason="go on"))
        last = wait_for(worker, "trading as before", lambda s: s.state is TradingState.RUNNING)
        assert last.deliveries[0].delivered == 0
        assert worker.stop(cancel_resting=True) == 0


def answers(status: int) -> Behave:
    return lambda wire, _nth: wire.answer(status)


def drips(wire: Wire, _nth: int) -> None:
    """Sends an answer that is never whole, byte by byte."""
    while not wire.ended.wait(0.05):
        wire.line.sendall(b"H")


@pytest.mark.parametrize(
    ("behave", "scheme", "said"),
    [
        (answers(500), "http", "webhook: it answered 500"),
        (answers(302), "http", "webhook: it answered 302: give the address it leads to"),
        (drips, "http", "webhook: no answer within 0.3 s"),
        (hangs, "http", "webhook: no answer within 0.3 s"),
        (lambda wire, _nth: wire.reset(), "http", "webhook: no connection: Connection reset by peer"),
        (takes_it, "https", "webhook: no answer within 0.3 s"),
    ],
    ids=["500", "redirect", "drip", "hang", "reset", "no TLS"],
)
def test_a_receiver_that_fails_is_told_once_to_the_other_and_the_engine_goes_on(
    tmp_path: Path,
    exchange: PracticeProcess,
    monkeypatch: pytest.MonkeyPatch,
    behave: Behave,
    scheme: str,
    said: str,
) -> None:
    monkeypatch.setattr(delivery, "RETRY_AFTER_S", (0.01, 0.01, 0.01))

    def hurried(url: SecretUrl, _deadline_s: float) -> Receiver:
        # The good one may take its time on a busy machine.
        return Receiver(url, 0.3 if url.reveal().endswith("bad") else PATIENCE_S)

    monkeypatch.setattr(alerting, "Receiver", hurried)
    with receiver(behave) as bad, receiver() as good:
        address = f"{scheme}:{bad.url.partition(':')[2]}/bad"
        stated = (f"monitoring.webhook_url={address}", f"monitoring.ntfy_url={good.url}")
        with running_engine(launch(tmp_path, exchange, good, *stated)) as worker:
            wait_for(worker, "a picture", lambda s: s.state is TradingState.RUNNING)
            for number in (1, 2):
                worker.notice(DISK, f"look {number}")
            wait_for(worker, "both given up", lambda s: s.deliveries[0].failed >= 2)
            wait_for(worker, said, lambda s: any(said in alert.text for alert in s.alerts))
            worker.send(PauseEntries(at_ns=time.time_ns(), reason="the last"))
            held = wait_for(worker, "a pause", lambda s: s.state is TradingState.PAUSED)
            assert held.deliveries[0].delivered == 0
            told: list[str] = []
            while not told or "the last" not in told[-1]:
                told.append(good.next().body.decode())
    assert [sum(text in body for body in told) for text in ("look 1", "look 2", said)] == [1, 1, 1]


def test_what_nears_its_cap_is_sent_while_it_still_trades(tmp_path: Path, exchange: PracticeProcess) -> None:
    with receiver() as to:
        with running_engine(
            launch(tmp_path, exchange, to, "monitoring.alert_at_exposure_share=0.01")
        ) as worker:
            document = next_of(to, "near exposure")
            wait_for(worker, "a picture", lambda s: s.state is TradingState.RUNNING)
        assert "is the cap" in document["text"]
        assert "near exposure" not in kinds(to), "told once while orders come and go"


def test_an_engine_that_dies_says_so_itself(tmp_path: Path, exchange: PracticeProcess) -> None:
    broken = threading.Event()

    def lines_lost() -> int:
        if broken.is_set():
            raise ArithmeticError("a part of it is broken")
        return 0

    def breaks(plan: Plan) -> Plan:
        return dataclasses.replace(plan, log_lines_lost=lines_lost)

    with receiver() as to, running_engine(launch(tmp_path, exchange, to), breaks) as worker:
        wait_for(worker, "a picture", lambda _: True)
        broken.set()
        document = next_of(to, ENGINE_ENDED)
        assert document["level"] == "critical"
        assert "the engine failed" in document["text"]
