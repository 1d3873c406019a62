"""``kconsole status``: what a running console last wrote of itself; reads files and writes none."""

from __future__ import annotations

import argparse
import time
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from console.commands.common import (
    add_common_arguments,
    add_json_argument,
    folder_of,
    print_json,
    visible_line,
)
from console.commands.errors import ExitCode, UserError
from console.domain.time_units import NS_PER_MS, NS_PER_S
from console.engine.gate import Sentinel
from console.engine.run_file import RunFileError, read_run_file
from console.engine.status import Document, JsonValue


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_common_arguments(parser)
    add_json_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Show the status with its ages as of now, and whether a console runs that keeps it true."""
    folder = folder_of(arguments)
    path = folder.status
    try:
        document: Document = msgspec.json.decode(path.read_bytes(), type=dict)
    except FileNotFoundError:
        raise UserError(f"no console has run here yet: {path} does not exist") from None
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from None
    except msgspec.DecodeError as error:
        raise UserError(f"{path} is not a status file: {error}") from None
    written_ns = document.pop("at_ns", None)
    older_ms = max(0, time.time_ns() - written_ns) // NS_PER_MS if isinstance(written_ns, int) else 0
    for age in ("feed_age_ms", "heartbeat_age_ms"):
        known = document.get(age)
        document[age] = known + older_ms if isinstance(known, int) else None
    running, is_dry = folder.is_in_use, document.get("dry_run") is True
    halt_file = Sentinel(folder.dry_run_sentinel if is_dry else folder.halt_sentinel)
    if halt_file.exists and document.get("state") not in ("HALTED", "FAILED"):
        # The console has not heard of it yet, or cannot hear any more.
        document |= {"state": "HALTED", "reason": halt_file.reason}
    # The file of a run outlives it only where that is not proved; a dry run has none of its own.
    may_rest = (is_dry or not running) and _may_rest(folder.run_file)
    if arguments.json:
        print_json({"running": running, "orders_may_rest": may_rest} | document)
    else:
        print("" if running else "not running; this is what was so when a console last wrote\n", end="")
        if may_rest:
            print(
                "orders of ours may still rest at the exchange: `kconsole halt` or a new start cancels them"
            )
        _print(document)
    return ExitCode.DONE


def _may_rest(run_file: Path) -> bool:
    """Unless it says that a halt found nothing since; what cannot be read says nothing."""
    try:
        run = read_run_file(run_file)
    except RunFileError:
        return True
    return run is not None and not run.rests_nothing


def _print(document: Document) -> None:
    for key, value in document.items():
        if not isinstance(value, list):
            print(f"{key:18} {'n/a' if value is None else visible_line(str(value))}")
            continue
        print(f"{key:18} {len(value)}")
        for item in value:
            fields = item if isinstance(item, dict) else {"": item}
            # A latch's id is its name and scope, as `kconsole resume` takes it.
            shown = fields.keys() - ({"name", "scope"} if "id" in fields else set())
            words = [_words(key, value) for key, value in fields.items() if key in shown]
            print(" " * 19 + visible_line("  ".join(filter(None, words))))


def _words(key: str, value: JsonValue) -> str:
    if value is None:
        return ""
    if key.endswith("_ns") and isinstance(value, int):
        return f"{datetime.fromtimestamp(value // NS_PER_S, UTC):{key[:-3]} %Y-%m-%d %H:%M:%SZ}"
    return str(value)
