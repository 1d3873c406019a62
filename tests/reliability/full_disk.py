"""Whole runs of ``kconsole`` in processes of their own, on disks that refuse."""

from __future__ import annotations

import multiprocessing
import os
import resource
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any

import msgspec
from own_exchange import OwnExchange
from whole_engine import UNSTOPPED

from console.domain.events import JournaledEvent

PATIENCE_S = 60.0
MARKETS = [f"DISK{number}" for number in range(12)]
RESTLESS = (
    *UNSTOPPED,
    "strategy_flb.style=maker",
    "edge.constant_points=8",
    "risk.price_collar_cents=99",
)
"""Orders that rest, and are withdrawn and placed anew whenever the quotes move."""

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["console.app", "console.commands.run", "pytest"])


@dataclass(frozen=True)
class Limits:
    """How the disk will refuse: by the size of a file in bytes, by the pages of the journal, or by itself."""

    file_bytes: int | None = None
    journal_pages: int | None = None


@dataclass
class Told:
    """What a run's process says of itself; times are of the monotonic clock, which all processes share.

    ``committed`` are the events that were on disk when their append returned, ``permitted`` how many orders
    the gate let pass, ``permitted_late`` how many of them after the first append that failed.
    """

    committed: list[bytes] = field(default_factory=list)
    permitted: int = 0
    permitted_late: int = 0
    failed_s: float | None = None
    engine_ended_s: float | None = None


@dataclass(frozen=True)
class Ended:
    """A run that is over: what it printed and how it ended."""

    code: int
    out: str
    err: str
    told: Told
    ended_s: float


class DiskRun:
    """``kconsole`` with these words; its output goes to ``folder``, which is on a disk that works."""

    def __init__(self, folder: Path, words: Sequence[str], limits: Limits = Limits()) -> None:
        folder.mkdir(exist_ok=True)
        self._out, self._err = folder / "out", folder / "err"
        self._pipe, theirs = _FORKS.Pipe()
        self._process = _FORKS.Process(target=_run, args=(list(words), limits, str(folder), theirs))
        self._process.start()
        theirs.close()

    @property
    def is_running(self) -> bool:
        return self._process.is_alive()

    def wait(self) -> Ended:
        """Its end, which must come by itself."""
        self._process.join(PATIENCE_S)
        ended_s = time.monotonic()
        if self._process.exitcode is None:
            self._process.kill()
            raise AssertionError(f"the run does not end; it said {self._err.read_text()}")
        told = self._pipe.recv()
        self._pipe.close()
        return Ended(self._process.exitcode, self._out.read_text(), self._err.read_text(), told, ended_s)


def _run(words: list[str], limits: Limits, folder: str, pipe: Pipe) -> None:
    from console.cli import main

    for name, stream in (("out", sys.stdout), ("err", sys.stderr)):
        descriptor = os.open(f"{folder}/{name}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(descriptor, stream.fileno())
    told = _observed()
    if limits.journal_pages is not None:
        _limit_pages(limits.journal_pages)
    if limits.file_bytes is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limits.file_bytes, resource.RLIM_INFINITY))
    code = main(words)
    sys.stdout.flush()
    sys.stderr.flush()
    pipe.send(told)
    sys.exit(code)


def _observed() -> Told:
    """Watch the journal, the gate and the end of the engine from within."""
    from console.engine.gate import Gate
    from console.engine.journal import Journal, JournalError
    from console.engine.worker import EngineWorker

    told = Told()
    append, permits, fail = Journal.append, Gate.permits, EngineWorker._fail

    def watched_append(journal: Journal, events: Sequence[JournaledEvent]) -> None:
        try:
            append(journal, events)
        except JournalError:
            told.failed_s = told.failed_s or time.monotonic()
            raise
        told.committed += [msgspec.json.encode(event) for event in events]

    def watched_permits(gate: Gate, *, reduce_only: bool) -> bool:
        permitted = permits(gate, reduce_only=reduce_only)
        told.permitted += permitted
        told.permitted_late += permitted and told.failed_s is not None
        return permitted

    def watched_fail(worker: EngineWorker, error: BaseException) -> None:
        fail(worker, error)
        told.engine_ended_s = time.monotonic()

    changed: Any
    for owner, name, changed in (
        (Journal, "append", watched_append),
        (Gate, "permits", watched_permits),
        (EngineWorker, "_fail", watched_fail),
    ):
        setattr(owner, name, changed)
    return told


def _limit_pages(pages: int) -> None:
    connect: Callable[..., sqlite3.Connection] = sqlite3.connect

    def limited(*words: Any, **more: Any) -> sqlite3.Connection:
        connection = connect(*words, **more)
        connection.execute(f"PRAGMA max_page_count={pages}")
        return connection

    setattr(sqlite3, "connect", limited)  # noqa: B010 - it has overloads that this one has not


@contextmanager
def restless_markets(exchange: OwnExchange) -> Iterator[None]:
    """Markets whose quotes go up and down by a cent until the block ends."""
    for ticker in MARKETS:
        exchange.list_market(ticker)
    ended = threading.Event()

    def move() -> None:
        bid = 91
        while not ended.wait(0.1):
            bid = 183 - bid
            for ticker in MARKETS:
                exchange.show(ticker, bid, bid + 2)

    mover = threading.Thread(target=move, name="mover")
    mover.start()
    try:
        yield
    finally:
        ended.set()
        mover.join(PATIENCE_S)


# --- mounts ---------------------------------------------------------------------------------------------


def refusal_to_mount(folder: Path) -> str | None:
    """Why this machine lets us mount nothing, None when it does."""
    if os.geteuid() != 0:
        return "mounting a small disk needs root"
    tried = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(folder)], capture_output=True, text=True
    )
    if tried.returncode:
        return f"no disk can be mounted here: {tried.stderr.strip()}"
    subprocess.run(["umount", str(folder)], check=True)
    return None


@contextmanager
def small_disk(folder: Path, kilobytes: int) -> Iterator[None]:
    """A disk of that size at a new folder, in memory."""
    folder.mkdir(parents=True, exist_ok=True)
    options = f"size={kilobytes}k,mode=700"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def remount(folder: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)


def fill(folder: Path) -> None:
    """Leave no room at all on the disk of this folder."""
    with (folder / "filler").open("wb", buffering=0) as file:
        for size in (4096, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                pass
