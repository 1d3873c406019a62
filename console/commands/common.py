"""The arguments that commands share, and what they stand for."""

from __future__ import annotations

import argparse
import json
import os
import sys
from decimal import Decimal
from pathlib import Path

from console.commands.errors import ExitCode, UserError
from console.config.home import EnvironmentFolder, Home, find_home
from console.config.load import ENVIRONMENTS, Environment, Loaded, load


def add_home_argument(parser: argparse._ActionsContainer) -> None:
    parser.add_argument(
        "--home",
        metavar="DIR",
        help="state, journal and logs (else KCONSOLE_HOME, else the platform's folder)",
    )


def add_common_arguments(
    parser: argparse.ArgumentParser, *, environment: Environment | None = "practice"
) -> None:
    """``--env --home --config --set``; ``environment`` is the default, and None stands for all of them."""
    default = environment or "each that was used in this home"
    # A group of their own comes after what the command alone takes.
    group = parser.add_argument_group("environment, home and settings")
    group.add_argument("--env", choices=ENVIRONMENTS, default=environment, help=f"default: {default}")
    add_home_argument(group)
    group.add_argument(
        "--config", metavar="FILE", type=Path, help="used instead of the environment's configuration file"
    )
    group.add_argument(
        "--set", metavar="SECTION.KEY=VALUE", action="append", default=[], help="one setting; may be repeated"
    )


def add_json_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")


def add_session_arguments(parser: argparse.ArgumentParser) -> None:
    """``--live --dry-run --speed --attach``, for what runs an engine."""
    parser.add_argument(
        "--live", action="store_true", help="with --env live: yes, real money (which this version refuses)"
    )
    add_account_arguments(parser)
    parser.add_argument(
        "--speed",
        metavar="X",
        help="practice: how much faster than recorded (same as --set practice.speed=X)",
    )


def add_console_arguments(parser: argparse.ArgumentParser) -> None:
    """Those of a session, ``--readonly`` and ``--ascii``."""
    add_session_arguments(parser)
    parser.add_argument(
        "--readonly", action="store_true", help="look only: no key sends anything, except the halt's"
    )
    parser.add_argument(
        "--ascii", action="store_true", help="draw with ASCII alone, for fonts without block characters"
    )


def add_account_arguments(parser: argparse.ArgumentParser) -> None:
    """``--dry-run --attach``: which account of an environment."""
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="real markets, simulated orders: nothing that changes the account is sent",
    )
    parser.add_argument(
        "--attach",
        metavar="FILE",
        type=Path,
        help="practice exchange already running; FILE holds its first line",
    )


def home_of(arguments: argparse.Namespace) -> Home:
    return find_home(arguments.home)


def folder_of(arguments: argparse.Namespace) -> EnvironmentFolder:
    """The folder of the environment chosen, which may not exist yet."""
    return home_of(arguments).environment(arguments.env)


def session_environment(arguments: argparse.Namespace) -> Environment:
    """The environment to trade in; raises UserError unless real money was asked for twice, or not at all."""
    environment: Environment = arguments.env
    if arguments.live != (environment == "live"):
        raise UserError("real money needs both --env live and --live", ExitCode.USAGE)
    if environment != "practice" and (arguments.speed is not None or arguments.attach is not None):
        raise UserError("--speed and --attach are for the practice environment", ExitCode.USAGE)
    return environment


def options_of(arguments: argparse.Namespace) -> list[tuple[str, str]]:
    """Each setting that the command line states, after the option's name; ``--speed`` is one."""
    options = [("--set", text) for text in arguments.set]
    if getattr(arguments, "speed", None) is not None:
        options.append(("--speed", f"practice.speed={arguments.speed}"))
    return options


def load_settings(arguments: argparse.Namespace) -> Loaded:
    """The settings in force for a command; raises ConfigError."""
    return load(
        arguments.env,
        config=arguments.config,
        overrides=folder_of(arguments).overrides,
        options=options_of(arguments),
    )


def print_json(document: object) -> None:
    """One JSON document on standard output; decimals become strings, so that none is rounded."""
    print(json.dumps(document, indent=2, default=_plain))


def visible(text: str) -> str:
    """Text of others, with what could steer the terminal escaped; lines stay."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text)


def visible_line(text: str) -> str:
    """The same on one line, in a table where a line more would be taken for a row."""
    return visible(text).replace("\n", "\\n")


def drop_output() -> None:
    """Drop what cannot be written, at which the interpreter would fail once more when it ends."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _plain(value: object) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{value!r} has no JSON form")
