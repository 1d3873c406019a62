"""A practice exchange in a process of its own, and a client that reads it as the exchange reports itself."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from console.config.home import find_home
from console.domain.events import JournaledEvent
from console.engine.account import Account
from console.engine.journal import Journal
from console.engine.snapshot import Snapshot
from console.engine.worker import EngineWorker
from console.exchange.clock import ServerClock
from console.exchange.hosts import Connection, parse_connection
from console.exchange.signing import load_signer
from console.exchange.venue import KalshiVenue

Result = TypeVar("Result")

PATIENCE_S = 60


@dataclass(frozen=True)
class PracticeProcess:
    """A running exchange; ``line`` holds what it printed."""

    process: subprocess.Popen[bytes]
    line: Path
    connection: Connection

    def ask(self, question: Callable[[KalshiVenue], Awaitable[Result]]) -> Result:
        """One question on a connection of its own."""

        async def asked() -> Result:
            signer = load_signer(self.connection.key_id, Path(self.connection.private_key_path))
            venue = KalshiVenue(
                self.connection,
                signer,
                ServerClock(time.time_ns),
                wall_ns=time.time_ns,
                deadline_s=10,
                group_contracts_limit=1_000_000,
                may_send=lambda _: False,
            )
            try:
                return await question(venue)
            finally:
                await venue.close()

        return asyncio.run(asked())

    def freeze(self) -> None:
        os.kill(self.process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.process.pid, signal.SIGCONT)


@contextmanager
def practice_exchange(home: Path, *, speed: int = 20, data: Path | None = None) -> Iterator[PracticeProcess]:
    """Start an exchange on a free port and end it; ``data`` is a history folder to play."""
    command = [sys.executable, "-m", "console.cli", "exchange", "--home", str(home), "--speed", str(speed)]
    command += [] if data is None else ["--data", str(data)]
    process = subprocess.Popen(
        [*command, "--seed", "7", "--until-stdin-closes"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        text = process.stdout.readline()
        line = home / "exchange.json"
        line.write_bytes(text)
        yield PracticeProcess(process, line, parse_connection(text, "the exchange"))
    finally:
        os.kill(process.pid, signal.SIGCONT)
        process.terminate()
        process.wait(10)
        process.stdout.close()
        assert process.stdin is not None
        process.stdin.close()


def wait_for(worker: EngineWorker, what: str, holds: Callable[[Snapshot], bool]) -> Snapshot:
    """The first snapshot for which ``holds``; fails after a minute, saying what was waited for."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        snapshot = worker.snapshot()
        if snapshot is not None and holds(snapshot):
            return snapshot
        assert worker.failure() is None, worker.failure()
        time.sleep(0.02)
    last = worker.snapshot()
    seen = None if last is None else (last.state, last.latches, last.alerts, last.deliveries)
    raise AssertionError(f"not seen within {PATIENCE_S} s: {what}; last: {seen}")


def journaled_events(home: Path) -> list[JournaledEvent]:
    """Everything in the journal of a home's practice environment, in order."""
    journal = Journal(find_home(str(home)).environment("practice").journal)
    try:
        return list(journal.replay())
    finally:
        journal.close()


def journaled_account(home: Path) -> Account:
    """The account as that journal rebuilds it."""
    account = Account()
    for event in journaled_events(home):
        account.apply(event)
    return account
