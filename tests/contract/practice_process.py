"""A practice exchange as its own process, started as a user starts it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def practice_process(home: Path, *options: str) -> Iterator[dict[str, str]]:
    """What its first line says; at the end it is told by closing its standard input, and must end well."""
    command = [sys.executable, "-m", "console.cli", "exchange", "--home", str(home), "--seed", "1"]
    with subprocess.Popen(
        [*command, "--until-stdin-closes", *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
        process.stdin.close()
        assert process.wait(10) == 0
