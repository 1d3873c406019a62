"""A running engine."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from console.app.accounts import TradedAccount, exchange_account, simulated_account
from console.app.alerting import Alerting
from console.app.earlier_run import EarlierRun, record_opener, see_to_earlier_run, see_to_other_account
from console.app.guarding import GuardProcess
from console.app.launch import Launch
from console.app.metrics import RunMetrics
from console.app.metrics_server import serve_metrics
from console.app.parts import connection_of, edge_in, notes_of, risk_of, signer_of, strategy_of, universe_of
from console.app.recording import RunRecording
from console.config.home import lock_key
from console.config.logs import RunLog, start_logging
from console.config.redaction import conceal
from console.engine.backup import Backups
from console.engine.crash_points import crash_point
from console.engine.plan import Plan
from console.engine.run_file import RunRecord
from console.engine.status import StatusWriter
from console.engine.worker import EngineFailedError, EngineWorker
from console.exchange.clock import ServerClock
from console.practice.child import Outage
from console.strategies.edge_table import edge_model_of

START_TIMEOUT_S = 30.0
_BYTES_PER_MB = 1_000_000
_SLOWLY_READ_BYTES = 2_000_000
"""How much of a journal a slow or busy machine reads, checks and backs up in a second."""


def _as_planned(plan: Plan) -> Plan:
    return plan


@contextmanager
def running_engine(launch: Launch, changed: Callable[[Plan], Plan] = _as_planned) -> Iterator[EngineWorker]:
    """An engine that trades until the block ends; the caller stops it before, or its orders are cancelled.

    ``changed`` may put something between the engine and what stands around it, to see what it does then.
    Raises ConfigError, LockHeldError, ExposedKeyError, PracticeFailedError or EngineFailedError, each with
    one sentence.
    """
    with ExitStack() as stack:
        run_log = _enter_folder(launch, stack)
        crash_point("start: locked")
        earlier = None if launch.dry_run else see_to_earlier_run(launch)
        crash_point("start: earlier run cancelled")
        guard = None if launch.dry_run else GuardProcess(launch)
        if guard is not None:
            stack.callback(guard.end)
        connection, outage = connection_of(launch, stack)
        earlier = earlier and see_to_other_account(launch, earlier, connection)
        conceal(connection.key_id)
        signer = signer_of(connection)
        stack.enter_context(lock_key(urlsplit(connection.rest).netloc, connection.key_id))
        alerting = Alerting(launch.settings.monitoring, launch.environment, dry_run=launch.dry_run)
        stack.callback(alerting.stop)
        metrics = RunMetrics(launch)
        stack.callback(metrics.close)
        recording = RunRecording(launch)
        stack.callback(recording.close)
        make_account = simulated_account if launch.dry_run else exchange_account
        account = make_account(launch, connection, signer, ServerClock(time.time_ns), recording)
        opener = None if earlier is None else record_opener(launch, connection, earlier)
        plan = _plan(launch, account, outage, opener, run_log, guard, alerting, metrics, recording)
        worker = EngineWorker(changed(plan))
        stack.callback(lambda: worker.stop(cancel_resting=True))
        if guard is not None:
            guard.wait_ready()
        _start(worker, launch, earlier)
        alerting.follow(worker)
        metrics.follow(worker)
        recording.follow(worker)
        stack.callback(serve_metrics(metrics, launch.settings.monitoring.prometheus_port, worker))
        run_log.on_trouble = lambda text: worker.note_error("log", text)
        _write_status(worker, launch, stack)
        yield worker


def _enter_folder(launch: Launch, stack: ExitStack) -> RunLog:
    """Make the environment's folder ours alone, and log there."""
    launch.folder.create()
    stack.enter_context(launch.folder.lock())
    run_log = start_log(launch)
    stack.callback(run_log.close)
    return run_log


def _write_status(worker: EngineWorker, launch: Launch, stack: ExitStack) -> None:
    status = StatusWriter(
        worker, launch.folder.status, lambda error: worker.note_error("status", f"not written: {error}")
    )
    status.start()
    stack.callback(status.stop)


def start_log(launch: Launch) -> RunLog:
    """Log to the file of a run in this environment; raises ConfigError."""
    monitoring = launch.settings.monitoring
    return start_logging(
        launch.folder.logs,
        file_bytes=monitoring.log_file_megabytes * _BYTES_PER_MB,
        files_kept=monitoring.log_files_kept,
    )


def start_timeout_s(journal: Path) -> float:
    """How long a start may take before it is given up; a long journal must not be refused for its length."""
    size = journal.stat().st_size if journal.exists() else 0
    return START_TIMEOUT_S + size / _SLOWLY_READ_BYTES


def _start(worker: EngineWorker, launch: Launch, earlier: EarlierRun | None) -> None:
    try:
        worker.start(start_timeout_s(launch.journal))
    except EngineFailedError as error:
        if earlier is None or not earlier.left:
            raise
        raise EngineFailedError(f"{error}{earlier.left}", unsafe=error.unsafe) from None


def _plan(
    launch: Launch,
    account: TradedAccount,
    outage: Outage,
    open_record: Callable[[str], RunRecord] | None,
    run_log: RunLog,
    guard: GuardProcess | None,
    alerting: Alerting,
    metrics: RunMetrics,
    recording: RunRecording,
) -> Plan:
    settings = launch.settings
    edge = edge_model_of(settings.edge, launch.folder.path.parent, time.time_ns())
    return Plan(
        environment=launch.environment,
        dry_run=launch.dry_run,
        account_name=account.name,
        notes=notes_of(launch),
        settings=settings,
        universe=universe_of(settings.universe),
        arms_itself=launch.environment == "practice" or launch.dry_run,
        journal=account.journal,
        sentinel=account.sentinel,
        make_strategy=lambda used: strategy_of(used, edge_in(used, edge)),
        make_risk=lambda: risk_of(launch),
        make_venue=account.make_venue,
        make_feed=account.make_feed,
        make_halt_line=account.make_halt_line,
        wall_ns=time.time_ns,
        monotonic_ns=time.monotonic_ns,
        outage=outage,
        guard=guard,
        log_lines_lost=lambda: run_log.lost,
        open_record=open_record,
        backups=None if launch.dry_run else Backups(launch.folder.backups),
        overrides=launch.overrides,
        hear=recording.hear,
        tell=alerting.tell,
        watch=metrics.watch,
        deliveries=alerting.views,
    )
