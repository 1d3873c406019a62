"""What the documents point to is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from console.cli import COMMANDS

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "benchmarks" / "README.md"])


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_to_a_file(document: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text(encoding="utf-8"))
    assert [link for link in links if not (document.parent / link).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_test_that_is_named_exists(document: Path) -> None:
    named = re.findall(r"`(?:tests/)?((?:\w+/)*test_\w+\.py)`", document.read_text(encoding="utf-8"))
    assert [name for name in named if not list((ROOT / "tests").glob(f"**/{name}"))] == []


def test_the_readme_names_every_command_and_no_other() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"`kconsole ([a-z][a-z-]*)", text)) == set(COMMANDS)
