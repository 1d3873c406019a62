"""A dry run against a practice exchange in another process: what it sends there, and what it makes of it."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from practice_runs import PracticeProcess, practice_exchange, wait_for

from console.app import Launch, running_engine
from console.config.home import find_home
from console.config.load import load
from console.domain.money import CASH_PER_DOLLAR, format_cash
from console.domain.trading_state import TradingState
from console.engine.halt_view import HaltPhase
from console.engine.journal import Journal
from console.exchange.venue import KalshiVenue

pytestmark = pytest.mark.timeout(180)

_REQUEST = re.compile(rb"\b(GET|POST|PUT|PATCH|DELETE) /trade-api/v2(\S*) HTTP/1\.1\r\n")


class Tap:
    """Stands between a client and the exchange and keeps all that the client says."""

    def __init__(self, port: int) -> None:
        self._exchange_port = port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self.said: list[bytearray] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                exchange = socket.create_connection(("127.0.0.1", self._exchange_port))
                said = bytearray()
                self.said.append(said)
                for source, sink, kept in ((client, exchange, said), (exchange, client, bytearray())):
                    threading.Thread(target=_pass_on, args=(source, sink, kept), daemon=True).start()

    @property
    def methods(self) -> Counter[str]:
        found = (match for said in self.said for match in _REQUEST.finditer(bytes(said)))
        return Counter(match[1].decode() for match in found)

    def close(self) -> None:
        self._listening.close()


def _pass_on(source: socket.socket, sink: socket.socket, kept: bytearray) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            kept += data
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[PracticeProcess]:
    with practice_exchange(tmp_path) as running:
        yield running


@contextmanager
def tapped(exchange: PracticeProcess, home: Path) -> Iterator[tuple[Tap, Path]]:
    """A tap on the exchange, and the file that leads to it."""
    line = json.loads(exchange.line.read_bytes())
    port = int(re.search(r":(\d+)/", line["rest"])[1])  # type: ignore[index]
    tap = Tap(port)
    path = home / "tapped.json"
    moved = {key: line[key].replace(f":{port}/", f":{tap.port}/") for key in ("rest", "ws")}
    path.write_text(json.dumps(line | moved))
    try:
        yield tap, path
    finally:
        tap.close()


def launch(home: Path, line: Path, *options: str, dry_run: bool = True) -> Launch:
    folder = find_home(str(home)).environment("practice")
    loaded = load("practice", overrides=folder.overrides, options=[("--set", text) for text in options])
    return Launch("practice", loaded.settings, folder, line, dry_run=dry_run)


async def account(venue: KalshiVenue) -> tuple[int, int, int, int]:
    """Cash, and the numbers of orders, fills and positions."""
    cash = await venue.balance()
    return cash, len(await venue.orders()), len(await venue.fills()), len(await venue.positions())


UNTOUCHED = (10_000 * CASH_PER_DOLLAR, 0, 0, 0)


def test_a_dry_run_fills_and_settles_and_sends_nothing_but_reads(
    tmp_path: Path, exchange: PracticeProcess
) -> None:
    with tapped(exchange, tmp_path) as (tap, line):
        with running_engine(launch(tmp_path, line)) as worker:
            filled = wait_for(worker, "a fill", lambda s: s.fills > 0)
            assert filled.dry_run
            assert filled.fees > 0
            settled = wait_for(worker, "a settlement", lambda s: any(e.kind == "settle" for e in s.log))
            assert settled.state is not TradingState.HALTED, settled.latches
            assert worker.stop(cancel_resting=True) == 0
        assert set(tap.methods) == {"GET"}
    assert exchange.ask(account) == UNTOUCHED


def test_makers_orders_halt_and_restart_send_nothing_but_reads(
    tmp_path: Path, exchange: PracticeProcess
) -> None:
    maker = ("strategy_flb.style=maker", "edge.constant_points=8")
    with tapped(exchange, tmp_path) as (tap, line):
        first = launch(tmp_path, line, *maker)
        with running_engine(first) as worker:
            wait_for(worker, "an order rests", lambda s: any(o.order_id for o in s.resting))
            worker.halt("enough")
            assert worker.wait_halted(30)
            assert worker.halt_view().phase is HaltPhase.CONFIRMED
            wait_for(worker, "nothing rests", lambda s: not s.resting)
        with running_engine(launch(tmp_path, line, *maker)) as worker:
            again = wait_for(worker, "halted again", lambda s: s.state is TradingState.HALTED)
            assert again.latches[0].reason == "enough"
            assert again.orders == 0, "a dry run starts with a new account"
        assert set(tap.methods) == {"GET"}
    assert exchange.ask(account) == UNTOUCHED
    assert not first.folder.halt_sentinel.exists(), "the real account was not halted"
    assert not first.folder.journal.exists()


def test_the_tap_sees_the_orders_of_a_run_that_is_not_dry(tmp_path: Path, exchange: PracticeProcess) -> None:
    with tapped(exchange, tmp_path) as (tap, line):
        with running_engine(launch(tmp_path, line, dry_run=False)) as worker:
            wait_for(worker, "a fill", lambda s: s.fills > 0)
        assert tap.methods["POST"] >= 2, "an order group and an order at the least"


def test_the_simulated_account_is_marked_in_a_journal_of_its_own(
    tmp_path: Path, exchange: PracticeProcess
) -> None:
    command = [sys.executable, "-m", "console.cli", "run", "--headless", "--dry-run", "--json", "--for", "3"]
    command += ["--home", str(tmp_path), "--attach", str(exchange.line)]
    done = subprocess.run(command, capture_output=True, timeout=60, check=True)
    document = json.loads(done.stdout)
    assert document["dry_run"] is True
    assert document["environment"] == "practice"
    assert exchange.ask(account) == UNTOUCHED
    folder = find_home(str(tmp_path)).environment("practice")
    journal = Journal(folder.dry_run_journal)
    try:
        opened = [event for event in journal.replay() if type(event).__name__ == "AccountOpened"]
    finally:
        journal.close()
    assert [event.account.split(":")[0] for event in opened] == ["dry-run"]  # type: ignore[union-attr]
    assert format_cash(opened[0].cash) == "10000.000000"  # type: ignore[union-attr]
