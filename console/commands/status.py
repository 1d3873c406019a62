"""``kconsole status``: what a running console last wrote of itself; reads one file and writes none."""

from __future__ import annotations

import argparse
import time
from datetime import UTC, datetime

import msgspec

from console.commands.common import add_common_arguments, add_json_argument, folder_of, print_json
from console.commands.errors import ExitCode, UserError
from console.engine.status import Document, JsonValue

_NS_PER_MS = 1_000_000
_NS_PER_S = 1_000_000_000


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
    older_ms = max(0, time.time_ns() - written_ns) // _NS_PER_MS if isinstance(written_ns, int) else 0
    for age in ("feed_age_ms", "heartbeat_age_ms"):
        known = document.get(age)
        document[age] = known + older_ms if isinstance(known, int) else None
    running = folder.is_in_use
    if arguments.json:
        print_json({"running": running} | document)
    else:
        print("" if running else "not running; this is what was so when a console last wrote\n", end="")
        _print(document)
    return ExitCode.DONE


def _print(document: Document) -> None:
    for key, value in document.items():
        if not isinstance(value, list):
            print(f"{key:18} {'n/a' if value is None else value}")
            continue
        print(f"{key:18} {len(value)}")
        for item in value:
            fields = item if isinstance(item, dict) else {"": item}
            # A latch's id is its name and scope, as `kconsole resume` takes it.
            shown = fields.keys() - ({"name", "scope"} if "id" in fields else set())
            words = [_words(key, value) for key, value in fields.items() if key in shown]
            print(" " * 19 + "  ".join(filter(None, words)))


def _words(key: str, value: JsonValue) -> str:
    if value is None:
        return ""
    if key.endswith("_ns") and isinstance(value, int):
        return f"{datetime.fromtimestamp(value // _NS_PER_S, UTC):{key[:-3]} %Y-%m-%d %H:%M:%SZ}"
    return str(value)
