"""``kconsole status``: what a running console last wrote of itself; reads one file and writes none."""

from __future__ import annotations

import argparse
import time

import msgspec

from console.commands.common import add_common_arguments, add_json_argument, folder_of, print_json
from console.commands.errors import ExitCode, UserError
from console.engine.status import Document

_NS_PER_MS = 1_000_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_common_arguments(parser)
    add_json_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Show the status with its ages as of now."""
    path = folder_of(arguments).status
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
    if arguments.json:
        print_json(document)
    else:
        _print(document)
    return ExitCode.DONE


def _print(document: Document) -> None:
    for key, value in document.items():
        if not isinstance(value, list):
            print(f"{key:18} {'n/a' if value is None else value}")
            continue
        print(f"{key:18} {len(value)}")
        for item in value:
            words = item.values() if isinstance(item, dict) else [item]
            print(" " * 19 + "  ".join(str(word) for word in words))
