"""A crash halts, leaves no order and the terminal as it was, and shows nobody the private key."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sick_consoles
from quiet_exchange import (
    QuietExchange,
    assert_terminal_as_before,
    folder,
    options,
    quiet_exchange,
    state_of,
    wait_until,
)
from terminal import Program, Terminal, forked_kconsole, in_terminal

from console.exchange.hosts import read_connection

pytestmark = pytest.mark.timeout(3600)

CRASHES: tuple[Program, ...] = (
    sick_consoles.crash_in_key,
    sick_consoles.crash_in_thread,
    sick_consoles.crash_in_engine,
    sick_consoles.crash_of_interpreter,
    sick_consoles.crash_drawn,
    sick_consoles.crash_in_timer,
)


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[QuietExchange]:
    with quiet_exchange(tmp_path_factory.mktemp("exchange")) as running:
        yield running


def test_a_crash_leaves_no_order_and_shows_no_key(
    tmp_path: Path, exchange: QuietExchange, count: Callable[[int, int], int], tell: Callable[[str], None]
) -> None:
    searched = 0
    total = count(5, 200)
    for number in range(total):
        home = tmp_path / str(number)
        home.mkdir()
        searched += crash_once(exchange, home, CRASHES[number % len(CRASHES)])
    tell(f"{total} crashes, {searched} files and screens searched, the key in none")


def crash_once(exchange: QuietExchange, home: Path, program: Program) -> int:
    """Crash and check one console; how many artefacts were searched for the key."""
    with in_terminal(program, *options(exchange, home)) as terminal:
        terminal.wait_for("Positions")
        wait_until("an order of ours rests", terminal, lambda: exchange.resting() > 0)
        terminal.press("a")
        if program is sick_consoles.crash_in_engine:
            terminal.wait_for("ENGINE FAILED")
            wait_until("its status tells it", terminal, lambda: state_of(home)[0] == "FAILED")
            terminal.kill(signal.SIGTERM)
        exit_code = terminal.wait_end()
        if program is sick_consoles.crash_of_interpreter:
            assert exit_code == -signal.SIGSEGV
            assert "Segmentation fault" in (folder(home).logs / "faults.log").read_text()
            # What is left to do for a dead process is the guard's.
            exchange.wait_quiet()
        else:
            assert exit_code == 1, terminal.text
            assert_terminal_as_before(terminal)
            assert_told(home, terminal)
        assert exchange.resting() == 0
        return search(exchange, home, terminal)


def assert_told(home: Path, terminal: Terminal) -> None:
    log = folder(home).logs / "kconsole.log"
    shown = " ".join(terminal.text.split())
    assert "kconsole: " in shown
    assert "Traceback" not in shown
    assert " failed: " in shown
    assert "Traceback" in log.read_text()
    assert "[redacted key]" in log.read_text()
    assert folder(home).halt_sentinel.exists()


def search(exchange: QuietExchange, home: Path, terminal: Terminal) -> int:
    """Look for the key in all that was left behind; how many things that were."""
    pem = Path(read_connection(exchange.line).private_key_path).read_text()
    secrets = [line.encode() for line in pem.splitlines() if line and not line.startswith("-----")]
    assert secrets
    artefacts = {str(path): path.read_bytes() for path in home.rglob("*") if path.is_file()}
    artefacts["the terminal"] = bytes(terminal.raw)
    for name, content in artefacts.items():
        assert not any(secret in content for secret in secrets), name
    return len(artefacts)


def test_a_failure_before_the_start_shows_where_but_no_key(tmp_path: Path, exchange: QuietExchange) -> None:
    with in_terminal(sick_consoles.crash_at_start, *options(exchange, tmp_path)) as terminal:
        assert terminal.wait_end() == 1
        assert "RuntimeError: no engine for [redacted key]" in terminal.text
        search(exchange, tmp_path, terminal)


def test_an_operators_console_leaves_no_image_of_its_memory(tmp_path: Path, exchange: QuietExchange) -> None:
    with in_terminal(forked_kconsole, *options(exchange, tmp_path)) as terminal:
        terminal.wait_for("Positions")
        limits = Path(f"/proc/{terminal.pid}/limits")
        if not limits.exists():
            pytest.skip("the limits of another process are read from /proc, which is not there")
        line = next(line for line in limits.read_text().splitlines() if line.startswith("Max core file"))
        assert line.split()[4] == "0"
