"""``kconsole preflight``: the guide's checklist, checked by machine where it can be and asked where not."""

from __future__ import annotations

import argparse
import getpass
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path

from console import __version__
from console.backtest.words import wrapped
from console.commands.backtest_arguments import add_depth_arguments
from console.commands.common import (
    add_common_arguments,
    add_json_argument,
    folder_of,
    load_settings,
    print_json,
    visible,
)
from console.commands.errors import ExitCode, UserError
from console.commands.preflight.questions import ask, can_ask
from console.commands.progress import Steps
from console.commands.signals import ended_by_signals
from console.commands.workers import add_worker_arguments
from console.config.load import Loaded
from console.domain.time_units import NS_PER_S
from console.engine.durable_file import replace_durably
from console.monitoring.checklist import ITEMS, Item
from console.monitoring.preflight_record import (
    Finding,
    RecordError,
    Standing,
    Status,
    encoded,
    in_words,
    read_record,
    standings,
    trading_hash,
)

_ID_WIDTH = max(len(item.id) for item in ITEMS)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    # The last step before real money, with the settings that are in force there too.
    add_common_arguments(parser, environment="demo")
    add_json_argument(parser)
    parser.add_argument("--data", metavar="DIR", type=Path, help="folder of recorded markets")
    parser.add_argument(
        "--only",
        metavar="ID",
        action="append",
        default=[],
        help="only this item, or those of a pattern such as 'switch_*'; may be repeated",
    )
    parser.add_argument(
        "--list", action="store_true", help="how each item stands by what was found last; checks nothing"
    )
    add_depth_arguments(parser)
    parser.add_argument(
        "--fee-schedule", metavar="FILE", type=Path, help="CSV of fees by series and date, over those shipped"
    )
    add_worker_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Exit code 0 when every item asked for has passed, else 1; raises ConfigError, UserError."""
    items = _wanted(arguments.only)
    loaded = load_settings(arguments)
    record = _Record(folder_of(arguments).preflight, loaded)
    if not arguments.list:
        _check(items, arguments, loaded, record)
    found = [each for each in record.standings() if each.item in items]
    if arguments.json:
        print_json(_document(found, record, arguments.env))
    else:
        if arguments.list:
            for each in found:
                _print(each)
        print(f"{arguments.env}: {in_words(found)}, of {len(found)}")
    return ExitCode.DONE if all(each.status is Status.PASSED for each in found) else ExitCode.FAILED


class _Record:
    """The file of findings, replaced in one step after each."""

    def __init__(self, path: Path, loaded: Loaded) -> None:
        """Raises UserError for a file that cannot be read."""
        self._path = path
        self._settings = loaded.settings
        self.findings = self._on_disk()

    def _on_disk(self) -> dict[str, Finding]:
        try:
            return read_record(self._path)
        except RecordError as error:
            raise UserError(str(error)) from None

    def standings(self) -> tuple[Standing, ...]:
        return standings(self.findings, self._settings, time.time_ns())

    def standing(self, item: Item) -> Standing:
        return next(each for each in self.standings() if each.item is item)

    def keep(self, item: Item, passed: bool, detail: str, evidence: str = "") -> None:
        """Raises UserError when the file cannot be read or written."""
        # Other checks may have been kept meanwhile by another terminal.
        self.findings = self._on_disk()
        self.findings[item.id] = Finding(
            passed=passed,
            detail=detail,
            at_ns=time.time_ns(),
            by=_user(),
            settings=trading_hash(self._settings),
            evidence=evidence,
        )
        try:
            replace_durably(self._path, encoded(self.findings))
        except OSError as error:
            raise UserError(f"{self._path} cannot be written: {error.strerror}") from None


def _check(items: Sequence[Item], arguments: argparse.Namespace, loaded: Loaded, record: _Record) -> None:
    """Check what a machine can, then ask what is left; what was found is kept when it is interrupted."""
    # They bring the whole engine, which a wrong option need not wait for.
    from console.commands.preflight.bench import Bench

    folder_of(arguments).create()
    machine = [item for item in items if item.question is None]
    with ended_by_signals(), ExitStack() as stack:
        bench = Bench(arguments, loaded, stack, lambda name: record.findings.get(name))
        for number, item in enumerate(machine, 1):
            with Steps() as steps:
                steps.begin(f"{number} of {len(machine)}: {item.title}")
                outcome = bench.check(item)
            record.keep(item, outcome.passed, outcome.detail, outcome.evidence)
            if not arguments.json:
                _print(record.standing(item))
                sys.stdout.flush()
    _ask([item for item in items if item.question is not None], arguments, record)


def _ask(items: Sequence[Item], arguments: argparse.Namespace, record: _Record) -> None:
    """Ask what is not answered with yes, or was asked for by name; without a terminal nobody answers."""
    for item in items:
        is_settled = record.standing(item).status is Status.PASSED and not arguments.only
        if can_ask() and not is_settled:
            try:
                answer = ask(item)
            except EOFError:
                return
            if answer is not None:
                record.keep(item, *answer)
        if not arguments.json:
            _print(record.standing(item))


def _wanted(patterns: Sequence[str]) -> list[Item]:
    """Raises UserError for a pattern that names none."""
    for pattern in patterns:
        if not any(fnmatchcase(item.id, pattern) for item in ITEMS):
            known = ", ".join(item.id for item in ITEMS)
            raise UserError(f"--only {pattern} names no item; there are {known}", ExitCode.USAGE)
    return [item for item in ITEMS if not patterns or any(fnmatchcase(item.id, each) for each in patterns)]


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        # No name is known for the user id.
        return "unknown"


def _print(standing: Standing) -> None:
    print(f"{standing.status.value:8} {standing.item.id:{_ID_WIDTH}} {standing.item.title}")
    for line in standing.detail.splitlines():
        for part in wrapped("    ", visible(line)):
            print(part)


def _document(found: Sequence[Standing], record: _Record, environment: str) -> dict[str, object]:
    return {
        "environment": environment,
        "program": __version__,
        "summary": in_words(found),
        "items": [_item(each, record.findings.get(each.item.id)) for each in found],
    }


def _item(standing: Standing, finding: Finding | None) -> dict[str, object]:
    at = None if finding is None else datetime.fromtimestamp(finding.at_ns // NS_PER_S, UTC).isoformat()
    return {
        "id": standing.item.id,
        "section": standing.item.section,
        "title": standing.item.title,
        "asked": standing.item.question is not None,
        "status": standing.status.value,
        "detail": standing.detail,
        "at": at,
        "by": None if finding is None else finding.by,
    }
