"""``kconsole info``: versions and every path."""

from __future__ import annotations

import argparse
import importlib.metadata
import platform
import sqlite3
from pathlib import Path

from console import __version__
from console.commands.common import (
    add_common_arguments,
    add_json_argument,
    folder_of,
    home_of,
    load_settings,
    print_json,
)
from console.commands.errors import ExitCode
from console.config.errors import ConfigError
from console.config.home import EnvironmentFolder
from console.config.load import environment_file

_LIBRARIES = ("textual", "httpx", "websockets", "cryptography", "msgspec", "pyarrow", "starlette", "uvicorn")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_common_arguments(parser)
    add_json_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    facts = _facts(arguments)
    if arguments.json:
        print_json(facts)
        return ExitCode.DONE
    for heading, values in facts.items():
        print(f"{heading}:")
        for name, value in values.items():
            print(f"  {name:15} {value}")
    return ExitCode.DONE


def _facts(arguments: argparse.Namespace) -> dict[str, dict[str, str]]:
    folder = folder_of(arguments)
    paths = {
        "home": home_of(arguments).root,
        "environment": folder.path,
        "configuration": arguments.config or environment_file(arguments.env),
        "overrides": folder.overrides,
        "journal": folder.journal,
        "status": folder.status,
        "halt sentinel": folder.halt_sentinel,
        "pre-flight": folder.preflight,
        "dry-run journal": folder.dry_run_journal,
        "dry-run halt": folder.dry_run_sentinel,
        "logs": folder.logs,
        "exports": folder.exports,
        "keys": folder.keys,
        "program": Path(__file__).parents[1],
    }
    return {
        "versions": {
            "kconsole": __version__,
            "python": platform.python_version(),
            "platform": platform.platform(),
            "sqlite": sqlite3.sqlite_version,
            **{name: importlib.metadata.version(name) for name in _LIBRARIES},
        },
        "paths": {name: str(path) for name, path in paths.items()},
        "key": _key_state(arguments, folder),
    }


def _key_state(arguments: argparse.Namespace, folder: EnvironmentFolder) -> dict[str, str]:
    """What can be said of the private key without opening it; a wrong configuration is told, not raised."""
    if arguments.env == "practice":
        return {"file": "made at each start, for the practice exchange alone"}
    try:
        settings = load_settings(arguments).settings.exchange
        path = folder.key_file(settings.private_key_path)
    except ConfigError as error:
        return {"file": f"not known: {error}"}
    if not settings.private_key_path:
        return {"key id": settings.key_id or "not set", "file": "not set (exchange.private_key_path)"}
    return {"key id": settings.key_id or "not set", "file": str(path), "state": _file_state(path)}


def _file_state(path: Path) -> str:
    try:
        mode = path.stat().st_mode & 0o777
    except OSError as error:
        return f"cannot be used: {error.strerror}"
    if not path.is_file():
        return "not a file"
    if mode & 0o077:
        return f"mode {mode:04o}: others may use it; chmod 600 it"
    return f"mode {mode:04o}: yours alone"
