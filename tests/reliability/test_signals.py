"""Signals and closed terminals: nothing of ours is left at the exchange, and the terminal is as it was."""

from __future__ import annotations

import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from quiet_exchange import (
    QuietExchange,
    assert_terminal_as_before,
    folder,
    options,
    quiet_exchange,
    state_of,
    wait_until,
)
from sick_consoles import (
    busy,
    deaf_to_hangups,
    hung,
    hung_screen,
    in_a_dumb_terminal,
    in_background,
    into_a_file,
)
from terminal import forked_kconsole, in_terminal, real_kconsole

pytestmark = pytest.mark.timeout(3600)

CONSOLE: tuple[str, ...] = ()
RUN = ("run", "--headless")
CLOSED = "closed terminal"
CODES = {"SIGTERM": 143, "SIGHUP": 129, "SIGINT": 130, CLOSED: 129}


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[QuietExchange]:
    with quiet_exchange(tmp_path_factory.mktemp("exchange")) as running:
        yield running


PROGRAMS = {"idle": forked_kconsole, "busy": busy, "hung": hung}


# --- the campaign -------------------------------------------------------------------------------------


def test_every_ending_leaves_no_order_and_the_terminal_as_it_was(
    tmp_path: Path, exchange: QuietExchange, count: Callable[[int, int], int], tell: Callable[[str], None]
) -> None:
    states, ways = list(PROGRAMS), list(CODES)
    took_ms: list[int] = []
    total = count(6, 200)
    for number in range(total):
        home = tmp_path / str(number)
        home.mkdir()
        # Six in a row are every command in every state, and 24 are all that there are.
        command, state, how = (CONSOLE, RUN)[number % 2], states[number % 3], ways[(number + number // 6) % 4]
        took_ms.append(end_one(exchange, home, command, state, how))
    took_ms.sort()
    tell(f"{total} endings, no order left; exit after {took_ms[total // 2]} ms median, {took_ms[-1]} ms most")


def end_one(exchange: QuietExchange, home: Path, command: tuple[str, ...], state: str, how: str) -> int:
    """Run, end and check one session; how many milliseconds its end took."""
    case = (command, state, how)
    with in_terminal(PROGRAMS[state], *command, *options(exchange, home)) as terminal:
        if command == CONSOLE:
            terminal.wait_for("Positions")
        wait_until("an order of ours rests", terminal, lambda: exchange.resting() > 0)
        if state == "hung":
            (home / "hang").touch()
            wait_until("the engine hangs", terminal, (home / "hung").exists)
        started = time.monotonic()
        if how == CLOSED:
            terminal.close()
        else:
            terminal.kill(signal.Signals[how])
        assert terminal.wait_end() == CODES[how], (case, terminal.text)
        took_ms = round((time.monotonic() - started) * 1000)
        assert exchange.resting() == 0, case
        assert is_sound(folder(home).journal), case
        if how != CLOSED:
            assert_terminal_as_before(terminal)
    return took_ms


def is_sound(journal: Path) -> bool:
    with sqlite3.connect(f"file:{journal}?mode=ro", uri=True) as database:
        return bool(database.execute("PRAGMA integrity_check").fetchone() == ("ok",))


# --- single endings -----------------------------------------------------------------------------------


def test_the_installed_program_ends_at_a_signal_with_its_exit_code(tmp_path: Path) -> None:
    with in_terminal(real_kconsole, "--home", tmp_path) as terminal:
        terminal.wait_for("Positions")
        terminal.kill(signal.SIGTERM)
        terminal.kill(signal.SIGTERM)
        assert terminal.wait_end() == 143
        assert_terminal_as_before(terminal)


@pytest.mark.parametrize(
    ("command", "until"), [(CONSOLE, "lock"), (RUN, "heartbeats"), (CONSOLE, "journal.sqlite")]
)
def test_a_signal_while_it_starts_ends_it(tmp_path: Path, command: tuple[str, ...], until: str) -> None:
    with in_terminal(forked_kconsole, *command, "--home", tmp_path) as terminal:
        wait_until("it has got that far", terminal, (folder(tmp_path).path / until).exists)
        terminal.kill(signal.SIGTERM)
        assert terminal.wait_end() == 143
        assert_terminal_as_before(terminal)
        assert "Traceback" not in terminal.text
        assert "by force" not in terminal.text


def test_a_terminal_closed_over_a_dialog_ends_it(tmp_path: Path, exchange: QuietExchange) -> None:
    with in_terminal(forked_kconsole, *options(exchange, tmp_path)) as terminal:
        terminal.wait_for("Positions")
        terminal.press("q")
        terminal.wait_for("Orders that rest or may rest")
        terminal.close()
        assert terminal.wait_end() == 129
    assert exchange.resting() == 0


def test_a_terminal_that_takes_no_output_keeps_neither_the_halt_key_nor_a_signal(
    tmp_path: Path, exchange: QuietExchange
) -> None:
    with in_terminal(forked_kconsole, *options(exchange, tmp_path)) as terminal:
        terminal.wait_for("Positions")
        wait_until("an order of ours rests", terminal, lambda: exchange.resting() > 0)
        terminal.stop_reading()
        for _ in range(20):
            terminal.press("?", "escape", "1", "z")
        terminal.press("f12")
        wait_until("no order of ours rests", terminal, lambda: exchange.resting() == 0)
        terminal.kill(signal.SIGTERM)
        assert terminal.wait_end() == 143
        assert terminal.attributes == terminal.attributes_before


def test_a_terminal_that_is_lost_without_a_signal_ends_it(tmp_path: Path, exchange: QuietExchange) -> None:
    with in_terminal(deaf_to_hangups, *options(exchange, tmp_path)) as terminal:
        terminal.wait_for("Positions")
        terminal.close()
        assert terminal.wait_end() == 129
    assert exchange.resting() == 0


def test_a_hung_screen_is_ended_by_force_with_its_orders_cancelled_and_the_terminal_restored(
    tmp_path: Path, exchange: QuietExchange, tell: Callable[[str], None]
) -> None:
    with in_terminal(hung_screen, *options(exchange, tmp_path)) as terminal:
        terminal.wait_for("Positions")
        wait_until("an order of ours rests", terminal, lambda: exchange.resting() > 0)
        terminal.press("a")
        wait_until("the screen hangs", terminal, (tmp_path / "hung").exists)
        started = time.monotonic()
        terminal.kill(signal.SIGTERM)
        assert terminal.wait_end() == 143
        tell(f"ended by force after {time.monotonic() - started:.1f} s")
        assert exchange.resting() == 0
        assert_terminal_as_before(terminal)
        assert "is ended by force" in terminal.text


@pytest.mark.parametrize("command", [CONSOLE, RUN])
def test_sigusr1_halts_and_the_session_goes_on(
    tmp_path: Path, exchange: QuietExchange, command: tuple[str, ...]
) -> None:
    with in_terminal(forked_kconsole, *command, *options(exchange, tmp_path)) as terminal:
        if command == CONSOLE:
            terminal.wait_for("Positions")
        wait_until("an order of ours rests", terminal, lambda: exchange.resting() > 0)
        terminal.kill(signal.SIGUSR1)
        wait_until("it says so in its status", terminal, lambda: state_of(tmp_path) == ("HALTED", "SIGUSR1"))
        if command == CONSOLE:
            terminal.wait_for("HALTED", "SIGUSR1")
        wait_until("no order of ours rests", terminal, lambda: exchange.resting() == 0)
        assert terminal.process.is_alive()
        terminal.kill(signal.SIGTERM)
        assert terminal.wait_end() == 143


def test_the_halt_key_halts_while_the_screen_hangs(tmp_path: Path, exchange: QuietExchange) -> None:
    with in_terminal(hung_screen, *options(exchange, tmp_path)) as terminal:
        terminal.wait_for("Positions")
        wait_until("an order of ours rests", terminal, lambda: exchange.resting() > 0)
        terminal.press("a")
        wait_until("the screen hangs", terminal, (tmp_path / "hung").exists)
        terminal.press("f12")
        wait_until("no order of ours rests", terminal, lambda: exchange.resting() == 0)
        wait_until("it says so in its status", terminal, lambda: state_of(tmp_path) == ("HALTED", "operator"))


def test_a_halt_rings_and_stands_on_the_screen(tmp_path: Path) -> None:
    with in_terminal(forked_kconsole, "--home", tmp_path) as terminal:
        terminal.wait_for("Positions", "RUNNING")
        rung = terminal.raw.count(b"\a")
        terminal.press("f12")
        terminal.wait_for("HALTED")
        terminal.wait_until("the bell", lambda: terminal.raw.count(b"\a") > rung)


def test_job_control_does_not_stop_it(tmp_path: Path) -> None:
    with in_terminal(forked_kconsole, "--home", tmp_path) as terminal:
        terminal.wait_for("Positions", "RUNNING")
        terminal.kill(signal.SIGTSTP)
        terminal.press("?")
        terminal.wait_for("Help")


def test_a_console_that_was_stopped_and_continued_draws_again_and_restores_the_terminal(
    tmp_path: Path,
) -> None:
    with in_terminal(forked_kconsole, "--home", tmp_path) as terminal:
        terminal.wait_for("Positions", "RUNNING")
        terminal.kill(signal.SIGSTOP)
        entered = terminal.raw.count(b"\x1b[?1049h")
        terminal.kill(signal.SIGCONT)
        terminal.wait_until("it draws", lambda: terminal.raw.count(b"\x1b[?1049h") > entered)
        terminal.wait_for("Positions")
        terminal.press("?")
        terminal.wait_for("Help")
        terminal.kill(signal.SIGTERM)
        assert terminal.wait_end() == 143
        assert_terminal_as_before(terminal)


def test_a_console_that_would_be_drawn_into_a_file_is_refused(tmp_path: Path) -> None:
    with in_terminal(into_a_file, "--home", tmp_path) as terminal:
        assert terminal.wait_end() == 2


def test_a_console_in_a_dumb_terminal_is_refused(tmp_path: Path) -> None:
    with in_terminal(in_a_dumb_terminal, "--home", tmp_path) as terminal:
        assert terminal.wait_end() == 2
        assert "TERM=dumb" in terminal.text


def test_a_console_in_the_background_is_refused(tmp_path: Path) -> None:
    with in_terminal(in_background, "--home", tmp_path) as terminal:
        assert terminal.wait_end() == 2
        assert "needs the foreground" in terminal.text
