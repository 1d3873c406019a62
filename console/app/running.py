"""A running engine."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

from console.app.accounts import exchange_account, simulated_account
from console.app.launch import Launch
from console.app.parts import connection_of, notes_of, risk_of, signer_of, strategy_of, universe_of
from console.config.home import lock_key
from console.config.logs import start_logging
from console.engine.status import StatusWriter
from console.engine.worker import EngineWorker, Plan
from console.exchange.clock import ServerClock
from console.exchange.hosts import (
    Connection,
)
from console.exchange.signing import Signer
from console.practice.child import Outage

START_TIMEOUT_S = 30.0

log = logging.getLogger(__name__)


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
        connection, outage = connection_of(launch, stack)
        signer = signer_of(connection)
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
    make_account = simulated_account if launch.dry_run else exchange_account
    account = make_account(launch, connection, signer, ServerClock(time.time_ns))
    is_practice = launch.environment == "practice"
    return Plan(
        environment=launch.environment,
        dry_run=launch.dry_run,
        account_name=account.name,
        notes=notes_of(launch),
        settings=settings,
        universe=universe_of(settings.universe),
        arms_itself=is_practice or launch.dry_run,
        journal=account.journal,
        sentinel=account.sentinel,
        make_strategy=lambda: strategy_of(settings),
        make_risk=lambda: risk_of(launch),
        make_venue=account.make_venue,
        make_feed=account.make_feed,
        make_halt_line=account.make_halt_line,
        wall_ns=time.time_ns,
        monotonic_ns=time.monotonic_ns,
        outage=outage,
    )
