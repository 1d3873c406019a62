"""Checks of what was done already, by the journals of the environments."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from console.commands.preflight.outcome import Outcome, failed, passed
from console.domain.account_events import OrderFilled, OrderIntended
from console.domain.time_units import NS_PER_S
from console.engine.journal import JournalError
from console.engine.journal_copy import journal_copy
from console.monitoring.metric_files import METRICS_JSON, TRADES_CSV

DEMO_DAYS = 7


@dataclass
class Traded:
    """What a journal says was done: on which UTC days something was journaled, and how much."""

    orders: int = 0
    fills: int = 0
    days: set[str] = field(default_factory=set)


def traded(journal: Path) -> Traded:
    """Raises JournalError; of an environment that was never used, nothing."""
    found, now_ns = Traded(), time.time_ns()
    try:
        with journal_copy(journal) as copy:
            for event in copy.events():
                found.orders += isinstance(event, OrderIntended)
                found.fills += isinstance(event, OrderFilled)
                # A clock that was wrong has made no days.
                if event.at_ns <= now_ns:
                    found.days.add(datetime.fromtimestamp(event.at_ns // NS_PER_S, UTC).date().isoformat())
    except FileNotFoundError:
        pass
    return found


def demo_first(journal: Path) -> Outcome:
    try:
        found = traded(journal)
    except JournalError as error:
        return failed(_unreadable(error))
    if not found.orders:
        return failed("no order was ever sent on demo: `kconsole --env demo`")
    return passed(f"{found.orders} orders and {found.fills} fills on demo")


def demo_week(journal: Path) -> Outcome:
    try:
        found = traded(journal)
    except JournalError as error:
        return failed(_unreadable(error))
    said = f"demo was run on {len(found.days)} days"
    if len(found.days) >= DEMO_DAYS:
        return passed(said)
    return failed(f"{said}, of {DEMO_DAYS}: `kconsole --env demo` on {DEMO_DAYS - len(found.days)} more")


def _unreadable(error: JournalError) -> str:
    return (
        f"{error}; the next start on demo puts a damaged one aside, and `kconsole recover` builds a new one"
    )


def metrics_logged(folder: Path) -> Outcome:
    """Whether a run has left its figures in the folder of exports."""
    missing = [name for name in (TRADES_CSV, METRICS_JSON) if not (folder / name).is_file()]
    if missing:
        return failed(f"{folder} has no {' and no '.join(missing)}: a run writes them")
    lines = len((folder / TRADES_CSV).read_bytes().splitlines()) - 1
    return passed(f"{folder} holds {METRICS_JSON} and {lines} trades in {TRADES_CSV}")
