"""An engine that does not run: to clear a latch, or to lend its connector."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

from console.app.launch import Launch, UncleanError
from console.app.parts import connection_of, risk_of, signer_of, strategy_of, universe_of, venue_of
from console.config.home import lock_key
from console.domain.market_events import ExchangeStatusRead
from console.engine.gate import Sentinel
from console.engine.journal import Journal
from console.engine.offline import OfflineEngine
from console.engine.rebuild import rebuild
from console.engine.reconcile import AccountReads
from console.exchange.clock import ServerClock
from console.exchange.connector import BlockingConnector
from console.exchange.hosts import Connection
from console.strategies.edge import TableEdge


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
        journal = Journal(launch.journal)
        stack.callback(journal.close)
        engine = rebuild(journal, settings, lambda used: strategy_of(used, TableEdge()), risk_of(launch))
        sentinel = Sentinel(folder.dry_run_sentinel if launch.dry_run else folder.halt_sentinel)
        offline = OfflineEngine(engine, journal, sentinel)
        offline.begin(time.time_ns())
        if is_simulated:
            offline.hear_nothing_rests(time.time_ns())
        else:
            connection, _ = connection_of(launch, stack)
            reads, status = asyncio.run(read_account(launch, connection))
            disagreement = offline.reconcile(connection.key_id, reads, status)
            if disagreement is not None:
                raise UncleanError(f"the account is not reconciled: {disagreement}; start the console first")
        yield offline


async def read_account(launch: Launch, connection: Connection) -> tuple[AccountReads, ExchangeStatusRead]:
    """Everything of the account, and the exchange's status; raises VenueError."""
    venue = venue_of(
        launch, connection, signer_of(connection), ServerClock(time.time_ns), lambda _reduce_only: False
    )
    try:
        reads = AccountReads(
            began_ns=time.time_ns(),
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
        connection, _ = connection_of(launch, stack)
        signer = signer_of(connection)
        stack.enter_context(lock_key(urlsplit(connection.rest).netloc, connection.key_id))
        venue = venue_of(
            launch,
            connection,
            signer,
            ServerClock(time.time_ns),
            lambda _reduce_only: not launch.dry_run and not halted.exists,
        )
        yield stack.enter_context(BlockingConnector(venue, universe_of(launch.settings.universe)))
