"""Every reliability campaign at its whole length; what it prints is kept in ``reliability.txt`` beside it.

``python benchmarks/reliability.py [pytest options]`` takes about an hour on two cores. With
``RELIABILITY_KILLS=5000`` in the environment the runs killed at random are so many.
"""

from __future__ import annotations

import os
import platform
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
KEPT = Path(__file__).with_suffix(".txt")
# Without a limit on a test's time: a campaign that waits in vain ends by itself.
OPTIONS = ["tests/reliability", "--full", "-o", "timeout=0", "-v", "-n", "2", "--no-header", "--tb=line"]


def heading(options: list[str]) -> str:
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=REPOSITORY, capture_output=True, text=True
    ).stdout.strip()
    return (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, commit {commit or 'unknown'}, {platform.platform()}, "
        f"{os.cpu_count()} cores, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}\n"
        f"$ {' '.join(['pytest', *OPTIONS, *options])}\n"
    )


def main(options: list[str]) -> int:
    """The exit code of the tests."""
    with KEPT.open("w", encoding="utf-8") as kept:
        head = heading(options)
        kept.write(head)
        print(head, flush=True)
        process = subprocess.Popen(
            [sys.executable, "-m", "pytest", *OPTIONS, *options],
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert process.stdout is not None
        for line in process.stdout:
            kept.write(line)
            kept.flush()
            print(line, end="", flush=True)
        return process.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
