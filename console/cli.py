"""The command line: a table of sub-commands, each imported when it is called."""

from __future__ import annotations

import argparse
import contextlib
import difflib
import importlib
import io
import shutil
import sys
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, NoReturn, Protocol, cast

from console import __version__
from console.commands.common import add_common_arguments, add_console_arguments, drop_output, visible
from console.commands.errors import ExitCode, SignalledError, UserError
from console.config.errors import ConfigError, LockHeldError
from console.config.load import check_options

COMMANDS: Mapping[str, str] = {
    "run": "trade without a screen",
    "halt": "cancel everything and keep it so, with the console alive, frozen or dead",
    "resume": "clear one latch while no console runs",
    "recover": "make a damaged journal anew, from its backups and the exchange",
    "status": "what a running console holds and does, or the last one did",
    "alerts": "send a test alert to everyone who is to be told",
    "exchange": "the practice exchange alone",
    "backtest": "trade recorded markets, and judge the result",
    "sweep": "pairs of thresholds on recorded markets, after the fees of both models",
    "walk-forward": "thresholds chosen on the past and traded in what came after",
    "slippage": "what executions cost on recorded markets",
    "lookahead": "whether any decision on recorded markets depends on what came after it",
    "calibrate": "how often each price won in recorded markets, beside what was published",
    "groups": "which recorded markets moved together",
    "replay": "a day of your own trading run again, beside what really happened on it",
    "collect": "recorded markets from the exchange: its history, and its live books",
    "report": "the daily, weekly or monthly review: each routine step answered, with figures and a verdict",
    "preflight": "the checklist before real money: checked by machine where it can be, asked where not",
    "export": "what the journal tells, as CSV or JSON: trades, fills, orders, equity, latches, settings",
    "logs": "the newest lines of the log, and what is added to it",
    "config": "show or check the settings in force, or list what there is to set",
    "info": "versions, paths and the state of the key",
}
"""Sub-command, which is also its module in ``console.commands`` (``_`` for a hyphen), and its help."""

_INTERNAL: Mapping[str, str] = {"guard": "the process that watches a run, started by it"}


class CommandModule(Protocol):
    """What a module in ``console.commands`` offers."""

    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


class _Parser(argparse.ArgumentParser):
    """Tells what is wrong in one sentence, without the whole usage before it."""

    def error(self, message: str) -> NoReturn:
        self.exit(ExitCode.USAGE, f"{self.prog}: {visible(message)}; see `{self.prog} --help`\n")


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
        # A command that needs no settings must not pass over a wrong one.
        check_options(("--set", text) for text in getattr(command.arguments, "set", ()))
        exit_code = command.module.run(command.arguments)
        if sys.stdout is not None:
            sys.stdout.flush()
    except UserError as error:
        return _fail(error, error.exit_code)
    except ConfigError as error:
        return _fail(error, ExitCode.USAGE)
    except LockHeldError as error:
        return _fail(error, ExitCode.REFUSED)
    except SignalledError as error:
        return error.exit_code
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except OSError as error:
        return ExitCode.FAILED if isinstance(error, BrokenPipeError) else _fail(error, ExitCode.FAILED)
    finally:
        drop_output()
    return exit_code


def _parse(argv: list[str]) -> _Command:
    top = _top_parser()
    first = top.parse_args(argv)
    if first.command is None:
        return _Command(_module("console"), first)
    description = {**COMMANDS, **_INTERNAL}.get(first.command)
    if description is None:
        near = difflib.get_close_matches(first.command, COMMANDS, n=1)
        meant = f" (did you mean {near[0]}?)" if near else ""
        top.error(f"there is no command {first.command!r}{meant}")
    parser = _Parser(prog=f"kconsole {first.command}", description=description, allow_abbrev=False)
    module = _module(first.command)
    module.add_arguments(parser)
    # Options may stand before the command too: they are the command's own.
    before = argv[: len(argv) - len(first.rest) - 1]
    return _Command(module, parser.parse_args([*before, *first.rest]))


def _top_parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="kconsole",
        usage="kconsole [options]\n       kconsole COMMAND [options]",
        description="A terminal console that trades Kalshi event contracts.\nWithout a command: the console.",
        epilog=f"commands (kconsole COMMAND --help for more):\n{_table()}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"kconsole {__version__}")
    add_common_arguments(parser)
    add_console_arguments(parser)
    parser.add_argument("command", nargs="?", help=argparse.SUPPRESS)
    parser.add_argument("rest", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    return parser


def _table() -> str:
    """The commands, in lines as wide as argparse makes its own."""
    width = max(map(len, COMMANDS))
    return "\n".join(
        textwrap.fill(
            description,
            shutil.get_terminal_size().columns - 2,
            initial_indent=f"  {name:{width}}  ",
            subsequent_indent=" " * (width + 4),
        )
        for name, description in COMMANDS.items()
    )


def _module(name: str) -> CommandModule:
    module = name.replace("-", "_")
    return cast(CommandModule, importlib.import_module(f"console.commands.{module}"))


def _fail(error: Exception, exit_code: int) -> int:
    # The terminal may be gone, or the disk full: the exit code says it all the same.
    with contextlib.suppress(OSError):
        print(f"kconsole: {visible(str(error))}", file=sys.stderr)
    return exit_code


if __name__ == "__main__":
    sys.exit(main())
