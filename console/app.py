"""Composition: the one place that knows every part and puts them together into a running engine."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from console.config.errors import ConfigError
from console.config.home import EnvironmentFolder, lock_key
from console.config.load import Environment
from console.config.logs import start_logging
from console.config.schema import EdgeSettings, FeeSettings, Settings, UniverseSettings
from console.domain.events import ExchangeStatusRead
from console.domain.fees import FeeModel, KalshiFees, ProfitFees
from console.domain.ports import Feed, HaltLine, Universe, Venue
from console.engine.gate import Gate, Sentinel
from console.engine.journal import Journal
from console.engine.offline import OfflineEngine
from console.engine.rebuild import rebuild
from console.engine.reconcile import AccountReads
from console.engine.status import StatusWriter
from console.engine.worker import EngineFailedError, EngineWorker, Plan
from console.exchange.clock import ServerClock
from console.exchange.connector import BlockingConnector
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
from console.practice.child import Outage, PracticeFailedError, practice_exchange
from console.risk.manager import RiskManager
from console.simulation.broker import Broker
from console.simulation.venue import SimulatedFeed, SimulatedHaltLine, SimulatedVenue
from console.strategies.edge import ConstantEdge, EdgeModel, TableEdge
from console.strategies.favourite_longshot import FavouriteLongshot

log = logging.getLogger(__name__)

START_TIMEOUT_S = 30.0


class UncleanError(Exception):
    """The exchange holds something else for us than the journal; the text is one sentence."""


@dataclass(frozen=True)
class Launch:
    """What to run: an environment with its settings and folder; ``attach`` is a practice exchange's line.

    A dry run reads the environment's exchange and gives its orders to a simulation.
    """

    environment: Environment
    settings: Settings
    folder: EnvironmentFolder
    attach: Path | None = None
    dry_run: bool = False


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


@contextmanager
def offline_engine(launch: Launch) -> Iterator[OfflineEngine]:
    """The engine of an environment in which none runs, told what its exchange holds, if there is one to ask.

    A practice exchange ends with its console, so without one to attach to there is none. Raises LockHeldError
    while an engine runs there, ConfigError, JournalError, VenueError, or UncleanError when the exchange and
    the journal do not agree.
    """
    is_simulated = launch.dry_run or (launch.environment == "practice" and launch.attach is None)
    folder, settings = launch.folder, launch.settings
    with ExitStack() as stack:
        stack.enter_context(folder.lock())
        journal = Journal(folder.dry_run_journal if launch.dry_run else folder.journal)
        stack.callback(journal.close)
        engine = rebuild(journal, settings, _strategy(settings), _risk(launch))
        sentinel = Sentinel(folder.dry_run_sentinel if launch.dry_run else folder.halt_sentinel)
        offline = OfflineEngine(engine, journal, sentinel)
        offline.begin(time.time_ns())
        if is_simulated:
            offline.hear_nothing_rests(time.time_ns())
        else:
            connection, _ = _connection(launch, stack)
            reads, status = asyncio.run(_read_account(launch, connection))
            disagreement = offline.reconcile(connection.key_id, reads, status)
            if disagreement is not None:
                raise UncleanError(f"the account is not reconciled: {disagreement}; start the console first")
        yield offline


async def _read_account(launch: Launch, connection: Connection) -> tuple[AccountReads, ExchangeStatusRead]:
    venue = _venue(
        launch, connection, _signer(connection), ServerClock(time.time_ns), lambda _reduce_only: False
    )
    try:
        reads = AccountReads(
            orders=await venue.orders(),
            fills=await venue.fills(),
            settlements=await venue.settlements(),
            positions=await venue.positions(),
            cash=await venue.balance(),
            at_ns=time.time_ns(),
        )
        return reads, await venue.status()
    finally:
        await venue.close()


@contextmanager
def open_connector(launch: Launch) -> Iterator[BlockingConnector]:
    """The exchange by blocking calls, as ``console.strategies.flb_harvester`` takes it.

    It sends no order in a dry run, nor while the environment is halted. Raises as ``running_engine`` does.
    """
    halted = Sentinel(launch.folder.halt_sentinel)
    with ExitStack() as stack:
        launch.folder.create()
        stack.enter_context(launch.folder.lock())
        connection, _ = _connection(launch, stack)
        signer = _signer(connection)
        stack.enter_context(lock_key(urlsplit(connection.rest).netloc, connection.key_id))
        venue = _venue(
            launch,
            connection,
            signer,
            ServerClock(time.time_ns),
            lambda _reduce_only: not launch.dry_run and not halted.exists,
        )
        yield stack.enter_context(BlockingConnector(venue, _universe(launch.settings.universe)))


@dataclass(frozen=True)
class _Account:
    """The account that is traded: where its orders go, and where what becomes of it is kept."""

    name: str
    journal: Path
    sentinel: Path
    make_venue: Callable[[Gate], Venue]
    make_feed: Callable[[Venue], Feed]
    make_halt_line: Callable[[], HaltLine]


def _plan(launch: Launch, connection: Connection, signer: Signer, outage: Outage) -> Plan:
    settings = launch.settings
    make_account = _simulated_account if launch.dry_run else _account
    account = make_account(launch, connection, signer, ServerClock(time.time_ns))
    is_practice = launch.environment == "practice"
    return Plan(
        environment=launch.environment,
        dry_run=launch.dry_run,
        account_name=account.name,
        notes=_notes(launch),
        settings=settings,
        universe=_universe(settings.universe),
        arms_itself=is_practice or launch.dry_run,
        journal=account.journal,
        sentinel=account.sentinel,
        make_strategy=lambda: _strategy(settings),
        make_risk=lambda: _risk(launch),
        make_venue=account.make_venue,
        make_feed=account.make_feed,
        make_halt_line=account.make_halt_line,
        wall_ns=time.time_ns,
        monotonic_ns=time.monotonic_ns,
        outage=outage,
    )


def _account(launch: Launch, connection: Connection, signer: Signer, clock: ServerClock) -> _Account:
    """The account at the exchange."""
    deadline_s = float(launch.settings.exchange.request_timeout_seconds)
    return _Account(
        name=connection.key_id,
        journal=launch.folder.journal,
        sentinel=launch.folder.halt_sentinel,
        make_venue=lambda gate: _venue(
            launch, connection, signer, clock, lambda reduce_only: gate.permits(reduce_only=reduce_only)
        ),
        make_feed=lambda _venue: KalshiFeed(connection, signer, clock, wall_ns=time.time_ns),
        make_halt_line=lambda: BlockingHaltLine(connection, signer, clock, deadline_s=deadline_s),
    )


def _simulated_account(
    launch: Launch, connection: Connection, signer: Signer, clock: ServerClock
) -> _Account:
    """A new account of a dry run. The engine holds nothing through which the exchange's could be changed."""
    broker = Broker(time.time_ns)
    return _Account(
        name=f"dry-run:{connection.key_id}:{time.time_ns()}",
        journal=launch.folder.dry_run_journal,
        sentinel=launch.folder.dry_run_sentinel,
        make_venue=lambda gate: SimulatedVenue(
            _venue(launch, connection, signer, clock, lambda _reduce_only: False),
            broker,
            may_send=lambda reduce_only: gate.permits(reduce_only=reduce_only),
            wall_ns=time.time_ns,
        ),
        make_feed=lambda _venue: SimulatedFeed(
            KalshiFeed(connection, signer, clock, wall_ns=time.time_ns, on_trade=broker.print_trade),
            broker,
        ),
        make_halt_line=lambda: SimulatedHaltLine(broker),
    )


def _venue(
    launch: Launch,
    connection: Connection,
    signer: Signer,
    clock: ServerClock,
    may_send: Callable[[bool], bool],
) -> KalshiVenue:
    return KalshiVenue(
        connection,
        signer,
        clock,
        wall_ns=time.time_ns,
        deadline_s=float(launch.settings.exchange.request_timeout_seconds),
        group_contracts_limit=launch.settings.risk.max_burst_contracts,
        may_send=may_send,
    )


def _universe(settings: UniverseSettings) -> Universe:
    return Universe(
        series=settings.series,
        categories=settings.categories,
        min_seconds_to_close=settings.min_seconds_to_close,
        max_seconds_to_close=settings.max_seconds_to_close,
    )


def _notes(launch: Launch) -> tuple[str, ...]:
    notes = []
    if launch.settings.edge.model == "constant":
        where = "practice edge" if launch.environment == "practice" else "constant edge"
        notes.append(f"{where}, not measured")
    if launch.environment == "practice":
        notes.append("modelled depth")
    return tuple(notes)


def _strategy(settings: Settings) -> FavouriteLongshot:
    return FavouriteLongshot(
        settings.strategy_flb, settings.quality, _edge(settings.edge), _fees(settings.fees)
    )


def _risk(launch: Launch) -> RiskManager:
    settings = launch.settings
    return RiskManager(settings.risk, settings.quality, escalates=launch.environment != "practice")


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
            line, outage = stack.enter_context(
                practice_exchange(launch.settings.practice, launch.folder.path.parent, launch.folder.logs)
            )
            return parse_connection(line, "the practice exchange's first line"), outage
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


__all__ = [
    "EngineFailedError",
    "ExposedKeyError",
    "Launch",
    "PracticeFailedError",
    "UncleanError",
    "offline_engine",
    "open_connector",
    "running_engine",
]
