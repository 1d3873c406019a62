"""What a run that died left at its exchange, seen to before another one trades."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from console.app.halting import cancel_at_exchange, is_gone, target_of
from console.app.launch import Launch
from console.engine.run_file import RunFile, RunFileError, RunRecord, read_run_file
from console.engine.worker import EngineFailedError
from console.exchange.hosts import Connection
from console.exchange.signing import KeyFileError

log = logging.getLogger(__name__)

_PATIENCE_S = 10.0


@dataclass(frozen=True)
class EarlierRun:
    """The run whose file was found, None without one; ``warning`` is what could not be confirmed of it."""

    run: RunFile | None
    warning: str | None = None

    @property
    def left(self) -> str:
        """What to add to the words of a start that failed."""
        if self.run is None or not self.run.left_resting:
            return ""
        return f"; orders that were left resting at {self.run.rest} rest there still: see `kconsole halt`"


def see_to_earlier_run(launch: Launch) -> EarlierRun:
    """Cancel what a run that died left, whose folder is ours now.

    Raises EngineFailedError where that must be proved before anything trades: everywhere but in practice.
    """
    try:
        run = read_run_file(launch.folder.run_file)
    except RunFileError as error:
        raise EngineFailedError(
            f"{error}; see that no order rests at its exchange, then remove it", unsafe=True
        ) from None
    if run is None or run.left_resting:
        return EarlierRun(run)
    log.warning("the last run, process %d, did not end cleanly: its orders are cancelled", run.pid)
    return EarlierRun(run, _cancel(launch, run, "the last run did not end cleanly"))


def see_to_other_account(launch: Launch, earlier: EarlierRun, connection: Connection) -> EarlierRun:
    """Cancel what was left resting on purpose at an account that the new run does not know; raises as above.

    Its file is about to be replaced, and then nobody would know of them.
    """
    run = earlier.run
    if run is None or not run.left_resting or _account(run) == _account(connection):
        return earlier
    log.warning("orders were left resting at %s, which is not traded any more: they are cancelled", run.rest)
    warning = _cancel(launch, run, "the last run traded another account")
    return EarlierRun(None) if warning is None else EarlierRun(run, warning)


def _account(of: RunFile | Connection) -> tuple[str, str]:
    return of.rest, of.key_id


def _cancel(launch: Launch, run: RunFile, why: str) -> str | None:
    """What could not be confirmed, where a start may go on all the same; None when nothing rests."""
    unproved = _unproved(run)
    if unproved is None:
        return None
    warning = f"{why}, and at {run.rest} {unproved}"
    if launch.environment != "practice":
        remove = f"see that none rests and remove {launch.folder.run_file}"
        raise EngineFailedError(f"{warning}; start again, or {remove}", unsafe=True)
    return warning


def _unproved(run: RunFile) -> str | None:
    """Cancel its orders; why it is not proved that none rests, None when it is."""
    try:
        target = target_of(run)
        if is_gone(run):
            return None
        left = cancel_at_exchange(target, patience_s=_PATIENCE_S)
    except (ValueError, KeyFileError) as error:
        return f"nothing could be cancelled: {error}"
    if left.confirmed:
        return None
    resting = (
        "it is not known how many of its orders" if left.resting is None else f"{left.resting} of its orders"
    )
    return f"{resting} rest: {left.error}"


def record_opener(launch: Launch, connection: Connection, earlier: EarlierRun) -> Callable[[str], RunRecord]:
    """Writes the run's file once its client-id prefix is known."""

    def open_record(client_id_prefix: str) -> RunRecord:
        run = RunFile(
            pid=os.getpid(),
            environment=launch.environment,
            rest=connection.rest,
            ws=connection.ws,
            key_id=connection.key_id,
            private_key_path=str(Path(connection.private_key_path).absolute()),
            client_id_prefix=client_id_prefix,
            started_ns=time.time_ns(),
        )
        return RunRecord(launch.folder.run_file, run, earlier.run, warning=earlier.warning)

    return open_record
