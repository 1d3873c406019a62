"""``kconsole halt``: from another shell, with the console alive, frozen or dead. It only halts."""

from __future__ import annotations

import argparse
import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from console.commands.common import add_common_arguments, add_json_argument, home_of, print_json, visible
from console.commands.errors import ExitCode, UserError
from console.config.errors import ConfigError
from console.config.home import EnvironmentFolder
from console.config.load import ENVIRONMENTS, Environment, load
from console.domain.time_units import NS_PER_MS
from console.engine.gate import Sentinel
from console.engine.run_file import RunFileError, note_nothing_rests

if TYPE_CHECKING:
    from console.app.halting import Halted
    from console.app.launch import Launch

_DISK_PATIENCE_S = 1.0
_EXCHANGE_PATIENCE_S = 30.0
"""Longer than the rounds take: only a disk that hangs outlasts it."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--reason", metavar="TEXT", required=True, help="why; shown until it is resumed")
    parser.add_argument(
        "--everything",
        action="store_true",
        help="cancel every resting order of the account, also those that kconsole did not place",
    )
    add_common_arguments(parser, environment=None)
    add_json_argument(parser)


@dataclass
class _Halt:
    """One environment's halt; ``told`` is what went wrong with its halt file."""

    environment: Environment
    folder: EnvironmentFolder
    reason: str
    written: bool = False
    told: str = "the disk did not confirm the halt file in time"
    halted: Halted | None = None
    elapsed_ms: int = 0

    @property
    def confirmed(self) -> bool:
        return self.written and self.halted is not None and self.halted.confirmed

    @property
    def resting(self) -> int | None:
        return None if self.halted is None else self.halted.resting

    @property
    def detail(self) -> str:
        known = "no answer of the disk or the exchange in time" if self.halted is None else self.halted.detail
        return known if self.written else f"{self.told}; {known}"


def run(arguments: argparse.Namespace) -> int:
    """Write the halt files, cancel at the exchanges, and say what is proved."""
    began_ns = time.monotonic_ns()
    reason = " ".join(arguments.reason.split())
    if not reason:
        raise UserError("--reason is empty: say why", ExitCode.USAGE)
    halts = _wanted(arguments, reason)
    # The files of all come first: they stop every console that still moves.
    _at_once([partial(_write, halt) for halt in halts], _DISK_PATIENCE_S)
    _at_once([partial(_cancel, halt, arguments, began_ns) for halt in halts], _EXCHANGE_PATIENCE_S)
    _report(halts, arguments.json, (time.monotonic_ns() - began_ns) // NS_PER_MS)
    return ExitCode.DONE if all(halt.confirmed for halt in halts) else ExitCode.UNCONFIRMED


def _wanted(arguments: argparse.Namespace, reason: str) -> list[_Halt]:
    home = home_of(arguments)
    if arguments.env is not None:
        return [_Halt(arguments.env, home.environment(arguments.env), reason)]
    used = [_Halt(name, home.environment(name), reason) for name in ENVIRONMENTS]
    used = [halt for halt in used if halt.folder.path.is_dir()]
    if not used:
        raise UserError(
            f"no console has run in {home.root}, so nothing was halted; name the right --home, or an --env",
            ExitCode.USAGE,
        )
    return used


def _at_once(jobs: Sequence[Callable[[], None]], patience_s: float) -> None:
    """Do each in a thread of its own, so that one that hangs holds up no other; wait so long for all."""
    threads = [threading.Thread(target=job, daemon=True) for job in jobs]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + patience_s
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))


def _write(halt: _Halt) -> None:
    # A folder that cannot be made is told of with the files that are not in it.
    with contextlib.suppress(ConfigError):
        halt.folder.create()
    troubles = [trouble for file in _files(halt.folder) if (trouble := _trouble(file, halt.reason))]
    halt.written, halt.told = not troubles, "; ".join(troubles)


def _trouble(file: Path, reason: str) -> str:
    """What kept a halt file from being written, if anything did."""
    sentinel = Sentinel(file)
    try:
        sentinel.write(reason)
    except OSError as error:
        if sentinel.exists:
            return f"halt file {file} stands, but the disk did not confirm it: {error.strerror}"
        return f"halt file {file} was not written: {error.strerror}"
    return ""


def _files(folder: EnvironmentFolder) -> list[Path]:
    # Dry runs have nothing at an exchange: their file is what halts them.
    return [folder.halt_sentinel, *([folder.dry_run_sentinel] if folder.has_dry_run else [])]


def _cancel(halt: _Halt, arguments: argparse.Namespace, began_ns: int) -> None:
    from console.app.halting import halt_at_exchange
    from console.app.launch import Launch

    def launch() -> Launch:
        folder = halt.folder
        loaded = load(
            halt.environment,
            config=arguments.config,
            overrides=folder.overrides,
            options=[("--set", text) for text in arguments.set],
        )
        return Launch(halt.environment, loaded.settings, folder)

    halt.halted = halt_at_exchange(launch, halt.folder.run_file, all_orders=arguments.everything)
    if halt.written and not all(Sentinel(file).exists for file in _files(halt.folder)):
        # A resume that was under way has removed it: the halt is the newer word.
        _write(halt)
    halt.elapsed_ms = (time.monotonic_ns() - began_ns) // NS_PER_MS
    if halt.halted.confirmed:
        # For `status` alone: a disk that refuses it changes nothing of the halt.
        with contextlib.suppress(RunFileError):
            note_nothing_rests(halt.folder, halt.halted.run)


def _report(halts: Sequence[_Halt], as_json: bool, elapsed_ms: int) -> None:
    if not as_json:
        for halt in halts:
            words = "halted" if halt.confirmed else "HALT NOT CONFIRMED"
            resting = "an unknown number" if halt.resting is None else halt.resting
            said = f"{words} after {halt.elapsed_ms} ms, {resting} resting: {visible(halt.detail)}"
            print(f"{halt.environment}: {said}")
        return
    counts = [halt.resting for halt in halts]
    print_json(
        {
            "confirmed": all(halt.confirmed for halt in halts),
            "resting": None if None in counts else sum(count or 0 for count in counts),
            "elapsed_ms": elapsed_ms,
            "environments": [
                {
                    "environment": halt.environment,
                    "confirmed": halt.confirmed,
                    "resting": halt.resting,
                    "elapsed_ms": halt.elapsed_ms,
                    "halt_file": halt.written,
                    "detail": halt.detail,
                }
                for halt in halts
            ],
        }
    )
