"""A journal that was put aside, made anew from what can be read of it and from the exchange."""

from __future__ import annotations

import asyncio
import sqlite3
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from console.app.launch import Launch
from console.app.offline import read_account
from console.app.parts import connection_of
from console.config.home import lock_key
from console.domain.engine_events import LatchRaised
from console.domain.events import JournaledEvent
from console.domain.trading_state import TradingState
from console.engine.account import Account
from console.engine.catch_up import caught_up
from console.engine.client_ids import instance_of, prefix_of
from console.engine.crash_points import crash_point
from console.engine.journal import Journal, JournalCorruptError, JournalError, decode_event, rows_of
from console.engine.journal_file import build_journal
from console.engine.quarantine import move_logs, quarantined
from console.engine.reconcile import AccountReads, difference_text, position_differences
from console.engine.run_file import RunFileError, read_run_file
from console.engine.salvage import Salvage, salvage

RECOVERED = "recovered"


class NothingToRecoverError(Exception):
    """There is no journal that was put aside, or one is in its place; the text is one sentence."""


class Recovery(msgspec.Struct, frozen=True):
    """How a journal was made anew.

    ``read_on`` says whether an exchange was asked; ``differences`` is how its positions differ from those of
    the journal all the same: empty when they do not, None when there was none to ask.
    """

    journal: Path
    put_aside: Path
    salvaged: Salvage
    instance_is_new: bool
    read_on: bool
    account: Account
    differences: str | None


def recover_journal(launch: Launch) -> Recovery:
    """Make the journal of an environment in which nothing runs anew, and halt it.

    Raises NothingToRecoverError, LockHeldError, ConfigError, JournalError, VenueError, OSError.
    """
    with ExitStack() as stack:
        stack.enter_context(launch.folder.lock())
        path = launch.journal
        put_aside = _put_aside(path)
        found = _best(launch, put_aside)
        account = Account()
        for row in found.rows:
            account.apply(decode_event(row.body))
        name, reads = _read_exchange(launch, stack)
        crash_point("recover: read")
        instance = found.instance or uuid.uuid4().hex[:8]
        events: list[JournaledEvent] = []
        if reads is not None:
            events = caught_up(account, name, reads, prefix_of(instance))
        events.append(_halt(found, time.time_ns()))
        for event in events:
            account.apply(event)
        last = found.rows[-1] if found.rows else None
        new_rows = rows_of(events, last.seq if last else 0, last.account if last else None)
        try:
            build_journal(path, instance, [*found.rows, *new_rows])
        except sqlite3.Error as error:
            raise JournalError(f"{path}: the journal cannot be made: {error}") from error
        return Recovery(
            journal=path,
            put_aside=put_aside,
            salvaged=found,
            instance_is_new=found.instance is None,
            read_on=reads is not None,
            account=account,
            differences=None if reads is None else difference_text(position_differences(account, reads)),
        )


def _put_aside(path: Path) -> Path:
    """The journal to recover; one that is found to be corrupt only now is put aside first."""
    if path.exists():
        try:
            journal = Journal(path)
            try:
                for _ in journal.replay():
                    pass
            finally:
                journal.close()
        except JournalCorruptError:
            pass
        else:
            raise NothingToRecoverError(f"{path} is in order: there is nothing to recover")
    waiting = quarantined(path)
    if not waiting:
        raise NothingToRecoverError(f"there is nothing to recover: no journal was put aside in {path.parent}")
    move_logs(path, waiting[-1])
    return waiting[-1]


def _best(launch: Launch, put_aside: Path) -> Salvage:
    """The longest beginning of the journal that can be read, in it or in a backup of it."""
    instances = list(_instances_elsewhere(launch))
    found = salvage(put_aside, instances)
    if found.instance is None and instances:
        found = msgspec.structs.replace(found, instance=instances[0])
    backups = [] if launch.dry_run else launch.folder.backups.glob("journal-*.sqlite")
    # The newest first: those of an earlier journal may lie there too.
    for backup in sorted(backups, reverse=True):
        copy = salvage(backup, ())
        is_the_same = found.instance in (None, copy.instance)
        if is_the_same and len(copy.rows) > len(found.rows):
            found = msgspec.structs.replace(copy, fault=found.fault)
    return found


def _instances_elsewhere(launch: Launch) -> Iterator[str]:
    try:
        run = None if launch.dry_run else read_run_file(launch.folder.run_file)
    except RunFileError:
        return
    instance = None if run is None else instance_of(run.client_id_prefix)
    if instance is not None:
        yield instance


def _read_exchange(launch: Launch, stack: ExitStack) -> tuple[str, AccountReads | None]:
    """The account's name and what it holds; no reads where there is no exchange to ask."""
    if launch.dry_run or (launch.environment == "practice" and launch.attach is None):
        return "", None
    connection, _ = connection_of(launch, stack)
    stack.enter_context(lock_key(urlsplit(connection.rest).netloc, connection.key_id))
    reads, _ = asyncio.run(read_account(launch, connection))
    return connection.key_id, reads


def _halt(found: Salvage, at_ns: int) -> LatchRaised:
    return LatchRaised(
        at_ns=at_ns,
        name=RECOVERED,
        level=TradingState.HALTED,
        reason=f"the journal was recovered after its event {len(found.rows)} ({found.fault}): "
        "compare it with the exchange",
        source="recover",
    )
