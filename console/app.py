"""Composition: the one place that knows every part and puts them together into a running engine."""

from __future__ import annotations

import contextlib
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import IO
from urllib.parse import urlsplit

from console.config.errors import ConfigError
from console.config.home import EnvironmentFolder, lock_key
from console.config.load import Environment
from console.config.logs import start_logging
from console.config.schema import EdgeSettings, FeeSettings, Settings
from console.domain.fees import FeeModel, KalshiFees, ProfitFees
from console.domain.ports import Universe
from console.engine.gate import Gate
from console.engine.status import StatusWriter
from console.engine.worker import EngineFailedError, EngineWorker, Plan
from console.exchange.clock import ServerClock
from console.exchange.feed import KalshiFeed
from console.exchange.halt_line import BlockingHaltLine
from console.exchange.hosts import (
    DEMO,
    Connection,
    ConnectionDataError,
    connection_to,
    parse_connection,
    read_connection,
)
from console.exchange.signing import ExposedKeyError, KeyFileError, Signer, load_signer
from console.exchange.venue import KalshiVenue
from console.risk.manager import RiskManager
from console.strategies.edge import ConstantEdge, EdgeModel, TableEdge
from console.strategies.favourite_longshot import FavouriteLongshot

log = logging.getLogger(__name__)

START_TIMEOUT_S = 30.0
_CHILD_START_TIMEOUT_S = 30.0
_CHILD_STOP_TIMEOUT_S = 5.0
GROUP_CONTRACTS_LIMIT = 1_000_000


Outage = Callable[[], str | None]
"""What has ended outside the engine and cannot come back by itself."""


class PracticeFailedError(Exception):
    """The practice exchange did not start; the text is one sentence for the operator."""


@dataclass(frozen=True)
class Launch:
    """What to run: an environment with its settings and folder; ``attach`` is a practice exchange's line."""

    environment: Environment
    settings: Settings
    folder: EnvironmentFolder
    attach: Path | None = None


@contextmanager
def running_engine(launch: Launch) -> Iterator[EngineWorker]:
    """An engine that trades until the block ends; the caller stops it before, or its orders are cancelled.

    Raises ConfigError, LockHeldError, ExposedKeyError, PracticeFailedError or EngineFailedError, each with
    one sentence.
    """
    with ExitStack() as stack:
        launch.folder.create()
        stack.enter_context(launch.folder.lock())
        handler = start_logging(launch.folder.logs)
        stack.callback(handler.close)
        connection, outage = _connection(launch, stack)
        signer = _signer(connection)
        stack.enter_context(lock_key(urlsplit(connection.rest).netloc, connection.key_id))
        worker = EngineWorker(_plan(launch, connection, signer, outage))
        stack.callback(lambda: worker.stop(cancel_resting=True))
        worker.start(START_TIMEOUT_S)
        status = StatusWriter(
            worker, launch.folder.status, lambda error: log.error("status not written: %s", error)
        )
        status.start()
        stack.callback(status.stop)
        yield worker


def _plan(launch: Launch, connection: Connection, signer: Signer, outage: Outage) -> Plan:
    settings = launch.settings
    clock = ServerClock(time.time_ns)
    deadline_s = float(settings.exchange.request_timeout_seconds)

    def venue(gate: Gate) -> KalshiVenue:
        return KalshiVenue(
            connection,
            signer,
            clock,
            wall_ns=time.time_ns,
            deadline_s=deadline_s,
            group_contracts_limit=GROUP_CONTRACTS_LIMIT,
            may_send=lambda: gate.is_open,
        )

    is_practice = launch.environment == "practice"
    return Plan(
        environment=launch.environment,
        account_name=connection.key_id,
        notes=_notes(launch),
        settings=settings,
        universe=Universe(
            series=settings.universe.series,
            categories=settings.universe.categories,
            min_seconds_to_close=settings.universe.min_seconds_to_close,
            max_seconds_to_close=settings.universe.max_seconds_to_close,
        ),
        arms_itself=is_practice,
        journal=launch.folder.journal,
        sentinel=launch.folder.halt_sentinel,
        make_strategy=lambda: FavouriteLongshot(
            settings.strategy_flb, settings.quality, _edge(settings.edge), _fees(settings.fees)
        ),
        make_risk=lambda: RiskManager(settings.risk, settings.quality, escalates=not is_practice),
        make_venue=venue,
        make_feed=lambda _venue: KalshiFeed(connection, signer, clock, wall_ns=time.time_ns),
        make_halt_line=lambda: BlockingHaltLine(connection, signer, clock, deadline_s=deadline_s),
        wall_ns=time.time_ns,
        monotonic_ns=time.monotonic_ns,
        outage=outage,
    )


def _notes(launch: Launch) -> tuple[str, ...]:
    notes = []
    if launch.settings.edge.model == "constant":
        where = "practice edge" if launch.environment == "practice" else "constant edge"
        notes.append(f"{where}, not measured")
    if launch.environment == "practice":
        notes.append("modelled depth")
    return tuple(notes)


def _edge(settings: EdgeSettings) -> EdgeModel:
    return ConstantEdge(settings.constant_points) if settings.model == "constant" else TableEdge()


def _fees(settings: FeeSettings) -> FeeModel:
    return ProfitFees(int(settings.profit_fee_rate * 10_000)) if settings.model == "profit" else KalshiFees()


def _connection(launch: Launch, stack: ExitStack) -> tuple[Connection, Outage]:
    """Where to trade and as whom; starts the practice exchange when there is none to attach to."""
    try:
        if launch.attach is not None:
            return read_connection(launch.attach), _no_outage
        if launch.environment == "practice":
            return stack.enter_context(_practice_exchange(launch))
        key_path = launch.settings.exchange.private_key_path
        key_file = launch.folder.key_file(key_path) if key_path else None
        return connection_to(DEMO, launch.settings.exchange.key_id, str(key_file or "")), _no_outage
    except ConnectionDataError as error:
        raise ConfigError(str(error)) from None


def _signer(connection: Connection) -> Signer:
    try:
        return load_signer(connection.key_id, Path(connection.private_key_path))
    except ExposedKeyError:
        raise
    except KeyFileError as error:
        raise ConfigError(str(error)) from None


def _no_outage() -> str | None:
    return None


@contextmanager
def _practice_exchange(launch: Launch) -> Iterator[tuple[Connection, Outage]]:
    """A practice exchange as a child process, which ends when its standard input closes."""
    practice = launch.settings.practice
    # -P: a package in the folder where the console was started must not be taken for ours.
    command = [sys.executable, "-P", "-m", "console.cli", "exchange", "--until-stdin-closes"]
    command += ["--speed", str(practice.speed), "--cash", str(practice.starting_cash_dollars)]
    command += ["--home", str(launch.folder.path.parent)]
    errors = launch.folder.logs / "practice-exchange.log"
    with errors.open("wb") as error_file:
        # A session of its own: the terminal's ctrl-c is for the console, which ends the exchange itself.
        child = subprocess.Popen(  # noqa: S603 - our own program
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=error_file,
            start_new_session=True,
        )

    def outage() -> str | None:
        # Its account is gone with it, so there is nothing to come back to.
        return None if child.poll() is None else "the practice exchange has ended: quit and start again"

    try:
        yield parse_connection(_first_line(child, errors), "the practice exchange's first line"), outage
    finally:
        _end(child)


def _first_line(child: subprocess.Popen[bytes], errors: Path) -> bytes:
    lines: SimpleQueue[bytes] = SimpleQueue()
    if child.stdout is None:
        raise PracticeFailedError("the practice exchange has no output")
    threading.Thread(target=_drain, args=(child.stdout, lines), name="practice output", daemon=True).start()
    line = b""
    with contextlib.suppress(Empty):
        line = lines.get(timeout=_CHILD_START_TIMEOUT_S)
    if not line.strip():
        said = errors.read_text(errors="replace").strip().splitlines()
        why = said[-1] if said else f"it said nothing within {_CHILD_START_TIMEOUT_S:.0f} s"
        raise PracticeFailedError(f"the practice exchange did not start: {why}")
    return line


def _drain(stream: IO[bytes], lines: SimpleQueue[bytes]) -> None:
    """Pass on the first line and read the rest, so that the child is never blocked by a full pipe."""
    lines.put(stream.readline())
    for _ in stream:
        pass


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.stdin is not None:
        with contextlib.suppress(OSError):
            child.stdin.close()
    try:
        child.wait(_CHILD_STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


__all__ = ["EngineFailedError", "ExposedKeyError", "Launch", "PracticeFailedError", "running_engine"]
