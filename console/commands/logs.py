"""``kconsole logs``: the newest lines of a run's log, and what is added; reads files and writes none."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path

import msgspec

from console.commands.common import add_home_argument, folder_of, print_json, visible_line
from console.commands.errors import ExitCode, UserError
from console.config.load import ENVIRONMENTS
from console.config.log_reader import LEVELS, LogLine, LogReader, Wanted, field_texts
from console.config.logs import GUARD_LOG, RUN_LOG

_LOOK_EVERY_S = 0.2
_DEFAULT_LINES = 100
_MOST_LINES = 100_000
_LEVEL_WIDTH = max(map(len, LEVELS))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--env", choices=ENVIRONMENTS, default="practice", help="default: practice")
    add_home_argument(parser)
    parser.add_argument(
        "--lines",
        metavar="N",
        type=_line_count,
        default=_DEFAULT_LINES,
        help=f"the newest N that are wanted (default: {_DEFAULT_LINES})",
    )
    parser.add_argument("--follow", action="store_true", help="go on with what is added, until interrupted")
    parser.add_argument("--level", choices=LEVELS, default=LEVELS[0], help="only this level and graver ones")
    parser.add_argument(
        "--grep", metavar="TEXT", default="", help="only lines with this text anywhere, whatever its case"
    )
    parser.add_argument("--guard", action="store_true", help="the log of the guard process instead")
    parser.add_argument(
        "--json",
        action="store_true",
        help="one JSON document on standard output; with --follow one object a line",
    )


def run(arguments: argparse.Namespace) -> int:
    """Show what is wanted, the oldest first; raises UserError where there is no log that can be read."""
    path = folder_of(arguments).logs / (GUARD_LOG if arguments.guard else RUN_LOG)
    wanted = Wanted(arguments.level, arguments.grep)
    if not path.exists() and not arguments.follow:
        raise UserError(f"nothing was logged here yet: {path} does not exist")
    with _told_of(path):
        reader = LogReader(path)
    with closing(reader):
        with _told_of(path):
            found = [*islice(_taken(wanted, reader.newest_first()), arguments.lines)][::-1]
        if not arguments.json:
            _print_texts(found)
        elif not arguments.follow:
            print_json({"file": path, "lines": [msgspec.to_builtins(line) for line in found]})
        else:
            _print_objects(found)
        while arguments.follow:
            sys.stdout.flush()
            with _told_of(path):
                added = reader.added()
            (_print_objects if arguments.json else _print_texts)(_taken(wanted, added))
            if not added:
                time.sleep(_LOOK_EVERY_S)
    return ExitCode.DONE


@contextmanager
def _told_of(path: Path) -> Iterator[None]:
    """A file that cannot be read as a sentence."""
    try:
        yield
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from None


def _taken(wanted: Wanted, lines: Iterable[bytes]) -> Iterator[LogLine]:
    return filter(None, map(wanted.take, lines))


def _print_objects(lines: Iterable[LogLine]) -> None:
    for line in lines:
        print(json.dumps(msgspec.to_builtins(line)))


def _print_texts(lines: Iterable[LogLine]) -> None:
    for line in lines:
        print(_text(line))


def _text(line: LogLine) -> str:
    """A line for reading, in which nothing steers the terminal; a trace keeps its lines, indented."""
    parts = [line.ts, f"{line.level:{_LEVEL_WIDTH}}", line.source, line.event, *field_texts(line)]
    text = visible_line("  ".join(filter(None, (part.rstrip() for part in parts))))
    trace = "".join(f"\n    {visible_line(part)}" for part in line.error.splitlines())
    return text + trace


def _line_count(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text[:9]) <= _MOST_LINES:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of lines from 1 to {_MOST_LINES}")
    return int(text)
