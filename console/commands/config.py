"""``kconsole config show|check|schema``: the settings in force, where each comes from, and what there is."""

from __future__ import annotations

import argparse
import shutil
import sys
import textwrap
from pathlib import Path

from console.commands.common import (
    add_common_arguments,
    add_json_argument,
    load_settings,
    options_of,
    print_json,
)
from console.commands.errors import ExitCode, UserError
from console.config.assignments import Source
from console.config.catalogue import CATALOGUE, SettingSpec, SettingValue
from console.config.errors import ConfigError
from console.config.load import Loaded, environment_file, load
from console.config.secret_url import SecretUrl
from console.config.values import shown


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action",
        choices=("show", "check", "schema"),
        help="show: each value, its unit and what set it; check: exit code 0 when right, else 2; "
        "schema: every setting with what it may be",
    )
    parser.add_argument(
        "file", metavar="FILE", nargs="?", type=Path, help="check this file alone, on the defaults"
    )
    add_common_arguments(parser)
    add_json_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Raises ConfigError when the configuration is wrong."""
    if arguments.action == "check":
        return _check(arguments)
    if arguments.file is not None:
        hint = "; name it with --config" if arguments.action == "show" else ""
        raise UserError(f"config {arguments.action} takes no FILE{hint}", ExitCode.USAGE)
    return _show(arguments) if arguments.action == "show" else _schema(arguments)


def _show(arguments: argparse.Namespace) -> int:
    loaded = load_settings(arguments)
    if arguments.json:
        print_json({"environment": arguments.env, "settings": _as_documents(loaded)})
        return ExitCode.DONE
    width = max(len(key) for key in CATALOGUE)
    columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    for key, spec in CATALOGUE.items():
        value = f"{shown(spec.value_in(loaded.settings))} {spec.unit}".rstrip()
        for line in _fitting(f"{key:{width}}  ", f"{value:20}  {_where(loaded.sources[key])}", columns):
            print(line)
    return ExitCode.DONE


def _fitting(head: str, text: str, columns: int | None) -> list[str]:
    """A line, or several where a terminal has not the room: what goes on begins below the value."""
    if columns is None or len(head + text) <= columns:
        return [head + text]
    indent = " " * (len(head) if columns >= 2 * len(head) else 4)
    # A path that is broken cannot be copied.
    return textwrap.wrap(
        head + text, columns, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def _schema(arguments: argparse.Namespace) -> int:
    if arguments.json:
        print_json({"settings": [_as_schema(spec) for spec in CATALOGUE.values()]})
        return ExitCode.DONE
    for spec in CATALOGUE.values():
        unit = f", {spec.unit}" if spec.unit else ""
        loosens = "" if spec.loosens in (None, "either") else f", going {spec.loosens} loosens"
        print(f"{spec.key}\n    {spec.description}")
        print(f"    {spec.expected}{unit}; default {shown(spec.default)}; {spec.takes_effect}{loosens}")
    return ExitCode.DONE


def _as_schema(spec: SettingSpec) -> dict[str, object]:
    return {
        "key": spec.key,
        "description": spec.description,
        "may_be": spec.expected,
        "unit": spec.unit,
        "low": spec.low,
        "high": spec.high,
        "choices": spec.choices,
        "default": _plain(spec.default),
        "takes_effect": spec.takes_effect,
        "loosens": spec.loosens,
    }


def _as_documents(loaded: Loaded) -> list[dict[str, object]]:
    return [
        {
            "key": key,
            "value": _plain(spec.value_in(loaded.settings)),
            "unit": spec.unit,
            "layer": loaded.sources[key].layer.name.lower(),
            "source": loaded.sources[key].name,
        }
        for key, spec in CATALOGUE.items()
    ]


def _plain(value: SettingValue) -> SettingValue:
    """The value as JSON can hold it; a secret one is said to be there, no more."""
    return repr(value) if isinstance(value, SecretUrl) else value


def _where(source: Source) -> str:
    return "default" if source.layer == 0 else f"{source.layer.name.lower()} {source.name}"


def _check_screen(loaded: Loaded) -> None:
    """The console starts without what of these it cannot use, so it is told here; raises ConfigError."""
    # They bring the library of the screen, which no other command needs.
    from console.tui.keymap import sound_keymap
    from console.tui.themes import theme_problem

    ui = loaded.settings.ui
    keys, theme = (loaded.sources[key].name for key in ("ui.keymap", "ui.theme"))
    problems = [f"{keys}: {problem}" for problem in sound_keymap(ui.keymap)[1]]
    if (problem := theme_problem(ui.theme)) is not None:
        problems.append(f"{theme}: {problem}")
    if problems:
        raise ConfigError("\n".join(problems))


def _check(arguments: argparse.Namespace) -> int:
    file = arguments.file or arguments.config or environment_file(arguments.env)
    if arguments.file is None:
        loaded = load_settings(arguments)
    else:
        loaded = load(arguments.env, config=arguments.file, variables={}, options=options_of(arguments))
    _check_screen(loaded)
    assigned = sum(source.layer > 0 for source in loaded.sources.values())
    if arguments.json:
        print_json({"file": file, "ok": True, "assigned": assigned})
    else:
        print(f"{file}: right; {assigned} of {len(CATALOGUE)} settings stated, the rest are defaults")
    return ExitCode.DONE
