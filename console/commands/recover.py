"""``kconsole recover``: makes a journal that was put aside anew, from its readable part and the exchange."""

from __future__ import annotations

import argparse

from console.app import ExposedKeyError
from console.app.recovering import NothingToRecoverError, Recovery, recover_journal
from console.commands.common import (
    add_account_arguments,
    add_common_arguments,
    add_json_argument,
    print_json,
    visible_line,
)
from console.commands.errors import ExitCode, UserError
from console.commands.offline_launch import offline_launch
from console.domain.money import format_count
from console.domain.ports import VenueError
from console.engine.journal import JournalError
from console.engine.status import latch_document


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_common_arguments(parser)
    add_account_arguments(parser)
    add_json_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Raises LockHeldError while a console runs in that home, UserError when nothing was recovered."""
    launch = offline_launch(arguments, nothing_live="no journal is")
    try:
        recovery = recover_journal(launch)
    except (JournalError, NothingToRecoverError, VenueError, ExposedKeyError) as error:
        raise UserError(str(error), ExitCode.REFUSED) from None
    document = _document(recovery) | {"environment": arguments.env}
    if arguments.json:
        print_json(document)
    else:
        _print(document)
    return ExitCode.DONE


def _document(recovery: Recovery) -> dict[str, object]:
    account, salvaged = recovery.account, recovery.salvaged
    return {
        "journal": recovery.journal,
        "put_aside": recovery.put_aside,
        "salvaged_from": salvaged.source,
        "salvaged_events": len(salvaged.rows),
        "fault": salvaged.fault,
        "instance_is_new": recovery.instance_is_new,
        "read_from_exchange": recovery.read_on,
        "orders": len(account.orders),
        "fills": len(account.fill_ids),
        "positions": [
            {"ticker": ticker, "position": format_count(position.contracts)}
            for ticker, position in sorted(account.held.items())
        ],
        "differences": recovery.differences,
        "latches": [latch_document(latch) for latch in account.latches.active],
    }


def _print(document: dict[str, object]) -> None:
    for key, value in document.items():
        if isinstance(value, list):
            print(f"{key:18} {len(value)}")
            for item in value:
                shown = (
                    item[each] for each in ("ticker", "position", "level", "id", "reason") if each in item
                )
                print(" " * 19 + visible_line("  ".join(map(str, shown))))
        else:
            print(f"{key:18} {visible_line(_words(value))}")
    print(
        "\nIt starts HALTED. Look at what the exchange holds, then: kconsole resume recovered --reason TEXT"
    )


def _words(value: object) -> str:
    if value is None:
        return "n/a"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) or "none"
