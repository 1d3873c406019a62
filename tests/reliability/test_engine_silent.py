"""An engine that dies or stands still is told on the screen in words, and the halt key works without it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import busy_console
import pytest
from quiet_exchange import QuietExchange, options, quiet_exchange, wait_until
from terminal import Program, in_terminal
from test_halt_latency import figures

pytestmark = pytest.mark.timeout(3600)


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[QuietExchange]:
    with quiet_exchange(tmp_path_factory.mktemp("exchange")) as running:
        yield running


@pytest.mark.parametrize(
    ("program", "words"),
    [
        pytest.param(busy_console.dying_console, "ENGINE FAILED", id="dies"),
        pytest.param(busy_console.deadlocked_console, "ENGINE LATE", id="deadlocked"),
        pytest.param(busy_console.sleeping_console, "ENGINE LATE", id="asleep"),
        pytest.param(busy_console.spinning_console, "ENGINE LATE", id="spinning"),
    ],
)
def test_a_silent_engine_is_told_in_words_and_halt_still_works(
    tmp_path: Path,
    quiet: QuietExchange,
    program: Program,
    words: str,
    count: Callable[[int, int], int],
    tell: Callable[[str], None],
) -> None:
    told_ms: list[float] = []
    for number in range(count(2, 20)):
        home = tmp_path / str(number)
        home.mkdir()
        with in_terminal(program, *options(quiet, home)) as terminal:
            terminal.wait_for("Positions")
            wait_until("an order of ours rests", terminal, lambda: quiet.resting() > 0)
            (home / "hang").touch()
            wait_until("the engine is silent", terminal, (home / "hung").exists)
            silent_ns = time.monotonic_ns()
            terminal.wait_for(words)
            told_ms.append((time.monotonic_ns() - silent_ns) / 1e6)
            terminal.press("f12")
            terminal.wait_for("0 of ours resting", "read twice")
            quiet.wait_quiet()
    tell(f"from silence to {words}: {figures(told_ms)}; target 2000 ms")
