"""The arrows between packages, what loading a module brings with it, and what pure code may not use."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "console"

SETTINGS = tuple(f"config/{name}.py" for name in ("setting", "risk_settings", "trading_settings", "schema"))
PURE = ("domain", *SETTINGS, "risk", "strategies", "monitoring")
"""What a replay must decide again exactly as it was: no clock, no chance, no threads of its own."""

DOORS = {"console/risk/risk_manager.py", "console/monitoring/metrics_collector.py"}
"""Stand-alone, outside every replay: used as it is shown, a door is given no clock and takes its own."""

IMPURE_MODULES = {"time", "random", "secrets", "uuid", "asyncio", "threading", "socket", "subprocess", "os"}
CLOCK_READERS = {"now", "utcnow", "today"}


def files(*parts: str) -> list[Path]:
    found = []
    for part in parts:
        path = PACKAGE / part
        assert path.exists(), f"{path} is gone: correct the list"
        found += sorted(path.rglob("*.py")) if path.is_dir() else [path]
    return found


def offences(part: str, offence: Callable[[ast.AST], str | None]) -> list[str]:
    """Each offence in a part of the package, with its place."""
    return [
        f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}: {said}"
        for path in files(part)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (said := offence(node)) is not None
    ]


def reaches_outside(node: ast.AST) -> str | None:
    match node:
        case ast.Import(names=names):
            imported = {name.name.partition(".")[0] for name in names}
        case ast.ImportFrom(module=str(module)):
            imported = {module.partition(".")[0]}
        case ast.Attribute(
            value=ast.Name(id="datetime" | "date") | ast.Attribute(attr="datetime" | "date"), attr=attribute
        ) if attribute in CLOCK_READERS:
            return f"reads the clock with {attribute}"
        case _:
            return None
    impure = imported & IMPURE_MODULES
    return f"imports {', '.join(impure)}" if impure else None


def makes_a_float(node: ast.AST) -> str | None:
    match node:
        case ast.Constant(value=float(value)):
            return f"the literal {value}"
        case ast.Name(id="float"):
            return "float"
        case ast.Div():
            return "a division that gives a float"
        case _:
            return None


def loaded_after(statement: str) -> set[str]:
    """The modules in memory after a statement in a fresh interpreter."""
    code = f"import sys, json\n{statement}\njson.dump(sorted(sys.modules), sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(done.stderr))


def modules_of(package: str) -> Iterator[str]:
    for path in files(package):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        yield name.removesuffix(".__init__")


def test_packages_import_only_what_the_architecture_allows() -> None:
    # In a process of its own: it configures logging and so disables the loggers of the one it runs in.
    program = "import sys; from importlinter.cli import lint_imports as lint; sys.exit(lint(no_cache=True))"
    linted = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert linted.returncode == 0, linted.stdout


def test_the_engine_loads_without_a_screen_or_a_network() -> None:
    modules = ", ".join(modules_of("engine"))
    assert "console.engine" in modules
    loaded = loaded_after(f"import {modules}")
    assert loaded & {"textual", "httpx", "websockets", "pandas", "pyarrow"} == set()


def test_help_is_shown_without_loading_what_commands_need() -> None:
    loaded = loaded_after("import console.cli\ntry: console.cli.main(['--help'])\nexcept SystemExit: pass")
    assert "console.cli" in loaded
    assert (
        loaded & {"textual", "httpx", "websockets", "pandas", "pyarrow", "cryptography", "sqlite3"} == set()
    )


@pytest.mark.parametrize("part", PURE)
def test_pure_code_has_no_clock_chance_or_threads(part: str) -> None:
    found = offences(part, reaches_outside)
    assert [each for each in found if each.partition(":")[0] not in DOORS] == []


def test_money_passes_through_no_float() -> None:
    assert offences("domain", makes_a_float) == []


@pytest.mark.parametrize(
    ("code", "offence"),
    [
        ("import time", reaches_outside),
        ("from random import choice", reaches_outside),
        ("import os.path", reaches_outside),
        ("datetime.now(UTC)", reaches_outside),
        ("x = 0.5", makes_a_float),
        ("x = float(y)", makes_a_float),
        ("x = a / b", makes_a_float),
    ],
)
def test_the_checks_above_see_what_they_are_for(code: str, offence: Callable[[ast.AST], str | None]) -> None:
    assert any(offence(node) for node in ast.walk(ast.parse(code)))
