"""Nothing relies on assertions: ``python -O`` strips them, and the program must be the same without."""

from __future__ import annotations

import ast
from pathlib import Path

CONSOLE = Path(__file__).parents[1] / "console"
HARMLESS = {"isinstance"}


def test_an_assertion_does_nothing_but_look() -> None:
    found = 0
    for path in CONSOLE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Assert):
                continue
            found += 1
            for part in ast.walk(node):
                is_call = isinstance(part, ast.Call) and ast.unparse(part.func) not in HARMLESS
                does = is_call or isinstance(part, ast.NamedExpr | ast.Await | ast.Yield)
                assert not does, f"{path}:{node.lineno}: {ast.unparse(node)}"
    assert found
