"""The command line: a table of sub-commands, each imported when it is called."""

from __future__ import annotations

import argparse
import importlib
import io
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol, cast

from console import __version__
from console.commands.common import add_common_arguments, add_console_arguments
from console.commands.errors import ExitCode, UserError
from console.config.errors import ConfigError, LockHeldError

COMMANDS: Mapping[str, str] = {
    "run": "trade without a screen",
    "resume": "clear one latch while no console runs",
    "status": "what a running console holds and does",
    "exchange": "the practice exchange alone",
    "config": "show or check the settings in force",
    "info": "versions and every path",
}
"""Sub-command, which is also its module in ``console.commands``, and its help."""


class CommandModule(Protocol):
    """What a module in ``console.commands`` offers."""

    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


class _Command(NamedTuple):
    module: CommandModule
    arguments: argparse.Namespace


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; argparse itself exits for ``--help`` and wrong usage."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Paths and tickers are other people's bytes: what the terminal cannot show must not end a command.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        command = _parse(list(sys.argv[1:] if argv is None else argv))
        exit_code = command.module.run(command.arguments)
        if sys.stdout is not None:
            sys.stdout.flush()
    except UserError as error:
        return _fail(error, error.exit_code)
    except ConfigError as error:
        return _fail(error, ExitCode.USAGE)
    except LockHeldError as error:
        return _fail(error, ExitCode.REFUSED)
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except OSError as error:
        _drop_unwritable_output()
        return ExitCode.FAILED if isinstance(error, BrokenPipeError) else _fail(error, ExitCode.FAILED)
    return exit_code


def _parse(argv: list[str]) -> _Command:
    first = _top_parser().parse_args(argv)
    if first.command is None:
        return _Command(_module("console"), first)
    parser = argparse.ArgumentParser(
        prog=f"kconsole {first.command}", description=COMMANDS[first.command], allow_abbrev=False
    )
    module = _module(first.command)
    module.add_arguments(parser)
    # Options may stand before the command too: they are the command's own.
    before = argv[: len(argv) - len(first.rest) - 1]
    return _Command(module, parser.parse_args([*before, *first.rest]))


def _top_parser() -> argparse.ArgumentParser:
    width = max(map(len, COMMANDS))
    table = "\n".join(f"  {name:{width}}  {description}" for name, description in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog="kconsole",
        usage="kconsole [options]\n       kconsole COMMAND [options]",
        description="A terminal console that trades Kalshi event contracts. Without a command: the console.",
        epilog=f"commands (kconsole COMMAND --help for more):\n{table}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"kconsole {__version__}")
    add_common_arguments(parser)
    add_console_arguments(parser)
    parser.add_argument("command", nargs="?", choices=COMMANDS, help=argparse.SUPPRESS)
    parser.add_argument("rest", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    return parser


def _module(name: str) -> CommandModule:
    return cast(CommandModule, importlib.import_module(f"console.commands.{name}"))


def _drop_unwritable_output() -> None:
    """Keep the interpreter from failing again when it flushes what could not be written."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(error: Exception, exit_code: int) -> int:
    print(f"kconsole: {error}", file=sys.stderr)
    return exit_code


if __name__ == "__main__":
    sys.exit(main())
