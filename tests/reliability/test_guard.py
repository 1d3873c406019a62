"""Consoles and guards that hang or die, on a real exchange: what is at rest then, and what is latched.

The scenarios wait most of their time, so they run side by side, each with an exchange and a home of its own.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from own_exchange import OwnExchange, own_exchange
from terminal import Terminal, in_terminal

from console.cli import main
from console.config.home import EnvironmentFolder, find_home
from console.engine.heartbeats import Beat, Heartbeats
from console.engine.loop import EngineLoop
from console.tui.app import ConsoleApp

pytestmark = pytest.mark.timeout(180)

Count = Callable[[int, int], int]
Tell = Callable[[str], None]

PATIENCE_S = 30.0
TICKERS = ("KXGUARD-1", "KXGUARD-2", "KXGUARD-3")
OPTIONS = (
    "strategy_flb.style=maker",
    "strategy_flb.scan_interval=0.2",
    "edge.constant_points=8",
    "risk.max_scans_without_fill=100000",
)


# --- consoles in which something can be made to hang ------------------------------------------------


def _hangs(arguments: list[str]) -> bool:
    return (Path(arguments[arguments.index("--home") + 1]) / "hang").exists()


def healthy(arguments: list[str]) -> int:
    return main(arguments)


def deadlocks(arguments: list[str]) -> int:
    """The engine's thread waits for ever, the screen lives."""
    return _with_engine(arguments, lambda: threading.Event().wait())


def spins(arguments: list[str]) -> int:
    """The engine's thread computes for ever."""

    def spin() -> None:
        while True:
            pass

    return _with_engine(arguments, spin)


def _with_engine(arguments: list[str], hang: Callable[[], object]) -> int:
    tick = EngineLoop._tick

    async def hanging_tick(loop: EngineLoop) -> None:
        if _hangs(arguments):
            hang()
        await tick(loop)

    setattr(EngineLoop, "_tick", hanging_tick)  # noqa: B010 - mypy takes no assignment to a method
    return main(arguments)


def freezes(arguments: list[str]) -> int:
    """The screen stands still, the engine lives."""
    tick = ConsoleApp._tick

    def frozen_tick(app: ConsoleApp) -> None:
        if _hangs(arguments):
            threading.Event().wait()
        tick(app)

    setattr(ConsoleApp, "_tick", frozen_tick)  # noqa: B010
    return main(arguments)


# --- one console on an exchange of its own ----------------------------------------------------------


@dataclass(frozen=True)
class Desk:
    """A console whose orders rest, and what there is to see of it from outside."""

    exchange: OwnExchange
    console: Terminal
    home: Path

    @property
    def folder(self) -> EnvironmentFolder:
        return find_home(str(self.home)).environment("practice")

    @property
    def guard(self) -> int:
        """The guard's process id."""
        found = subprocess.run(["pgrep", "-P", str(self.console.pid), "-f", "console.cli guard"], stdout=-1)
        return int(found.stdout)

    def hang(self) -> None:
        (self.home / "hang").touch()

    def resting(self) -> int:
        return self.exchange.do(lambda exchange: len(exchange.account.open_orders()))

    def wait(self, what: str, holds: Callable[[], bool]) -> float:
        """Until this holds; how many seconds that took."""
        began = time.monotonic()
        while not holds():
            assert time.monotonic() < began + PATIENCE_S, (
                f"not seen: {what}; {self.log()}; {self.console.text.strip()}"
            )
            time.sleep(0.02)
        return time.monotonic() - began

    def wait_none_rests(self) -> float:
        return self.wait("none rests", lambda: self.resting() == 0)

    def wait_log(self, text: str) -> None:
        self.wait(f"log of {text}", lambda: any(text in line for line in self.log()))

    def log(self) -> list[str]:
        """What the guard wrote."""
        path = self.folder.logs / "guard.log"
        return [json.loads(line)["event"] for line in path.read_text().splitlines()] if path.exists() else []

    def latch(self) -> str | None:
        """What the halt file says."""
        sentinel = self.folder.halt_sentinel
        return sentinel.read_text().strip() if sentinel.exists() else None


@contextmanager
def desk(home: Path, program: Callable[[list[str]], int] = healthy) -> Iterator[Desk]:
    home.mkdir()
    options = [word for option in OPTIONS for word in ("--set", option)]
    with own_exchange(home) as exchange:
        for ticker in TICKERS:
            exchange.list_market(ticker)
            exchange.show(ticker, 92, 93)
        line = home / "exchange.json"
        line.write_bytes(msgspec.json.encode(exchange.connection))
        with in_terminal(program, "--home", home, "--attach", line, *options) as console:
            running = Desk(exchange, console, home)
            running.wait("orders at rest", lambda: running.resting() == len(TICKERS))
            yield running


# --- what is done to it -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Seen:
    """``after_s`` is how long the fault lasted until nothing of ours rested."""

    after_s: float
    latch: str | None
    screen: str = ""
    orders_since: int = 0
    ended: tuple[str, ...] = ()


def stopped(home: Path) -> Seen:
    """SIGSTOP, and later SIGCONT."""
    with desk(home) as at:
        os.kill(at.console.pid, signal.SIGSTOP)
        after_s = at.wait_none_rests()
        at.wait("a latch", lambda: at.latch() is not None)
        latch, orders = at.latch(), len(at.exchange.client_ids())
        os.kill(at.console.pid, signal.SIGCONT)
        at.console.wait_for("HALTED", "guard: engine")
        for ticker in TICKERS:
            at.exchange.show(ticker, 93, 94)
        at.wait_log("moves again")
        return Seen(after_s, latch, at.console.text, len(at.exchange.client_ids()) - orders)


def stopped_for_good(home: Path) -> Seen:
    """SIGSTOP and nothing else."""
    with desk(home) as at:
        began = time.monotonic()
        os.kill(at.console.pid, signal.SIGSTOP)
        assert at.console.wait_end() == -signal.SIGKILL
        after_s = time.monotonic() - began
        at.wait_none_rests()
        at.wait_log("SIGKILL")
        return Seen(after_s, at.latch(), ended=tuple(at.log()))


def engine_deadlocked(home: Path) -> Seen:
    return _hung(home, deadlocks)


def engine_spinning(home: Path) -> Seen:
    return _hung(home, spins)


def screen_frozen(home: Path) -> Seen:
    return _hung(home, freezes)


def _hung(home: Path, program: Callable[[list[str]], int]) -> Seen:
    with desk(home, program) as at:
        at.hang()
        after_s = at.wait_none_rests()
        at.wait("a latch", lambda: at.latch() is not None)
        return Seen(after_s, at.latch())


def killed(home: Path) -> Seen:
    """kill -9, and then a second run."""
    with desk(home) as at:
        os.kill(at.console.pid, signal.SIGKILL)
        after_s = at.wait_none_rests()
        at.wait_log("confirmed after")
        latch = at.latch()
        line = home / "exchange.json"
        with in_terminal(healthy, "--home", home, "--attach", line) as second:
            second.wait_for("RUNNING")
            at.wait_log("another run")
        return Seen(after_s, latch, ended=tuple(at.log()))


def killed_with_its_exchange(home: Path) -> Seen:
    """kill -9 of a console whose practice exchange is its own child."""
    home.mkdir()
    with in_terminal(healthy, "--home", home) as console:
        console.wait_for("RUNNING")
        console.kill(signal.SIGKILL)
        folder = find_home(str(home)).environment("practice")
        log = folder.logs / "guard.log"
        began = time.monotonic()
        while "ends:" not in log.read_text():
            assert time.monotonic() < began + PATIENCE_S, log.read_text()
            time.sleep(0.02)
        latch = folder.halt_sentinel.read_text() if folder.halt_sentinel.exists() else None
        return Seen(time.monotonic() - began, latch, ended=(log.read_text(),))


def exchange_silent_at_the_end(home: Path) -> Seen:
    """A console that is told to end while the exchange does not answer, so that it cannot cancel."""
    with desk(home) as at:
        awake = threading.Event()
        threading.Thread(target=lambda: at.exchange.do(lambda _: awake.wait(PATIENCE_S)), daemon=True).start()
        at.console.kill(signal.SIGTERM)
        at.console.wait_end()
        awake.set()
        after_s = at.wait_none_rests()
        at.wait_log("confirmed after")
        return Seen(after_s, at.latch(), ended=tuple(at.log()))


def guard_killed(home: Path) -> Seen:
    with desk(home) as at:
        os.kill(at.guard, signal.SIGKILL)
        screen = at.console.wait_for("PAUSED", "the guard ended: start again")
        return Seen(at.wait_none_rests(), at.latch(), screen)


def guard_stopped(home: Path) -> Seen:
    """SIGSTOP of the guard; once it goes on the pause may end."""
    with desk(home) as at:
        guard, beats = at.guard, Heartbeats.open(at.folder.heartbeats)
        os.kill(guard, signal.SIGSTOP)
        try:
            screen = at.console.wait_for("PAUSED", "the guard is silent for 5 s")
            after_s = at.wait_none_rests()
            before = beats.count(Beat.GUARD)
        finally:
            os.kill(guard, signal.SIGCONT)
        at.wait("the guard's beat", lambda: beats.count(Beat.GUARD) > before + 2)
        for keys in (["r"], ["tab"], [*"back"], ["enter"]):
            # Keys that come before the focus has moved go to what had it.
            drawn = beats.count(Beat.SCREEN)
            at.console.press(*keys)
            at.wait("the screen", lambda drawn=drawn: beats.count(Beat.SCREEN) > drawn + 3)  # type: ignore[misc]
        at.console.wait_for("RUNNING")
        at.wait("orders at rest again", lambda: at.resting() == len(TICKERS))
        return Seen(after_s, at.latch(), screen)


def ended(home: Path) -> Seen:
    with desk(home) as at:
        guard = at.guard
        at.console.kill(signal.SIGTERM)
        at.console.wait_end()
        resting = at.resting()
        assert resting == 0
        took_s = at.wait("the guard's end", lambda: not Path(f"/proc/{guard}").exists())
        return Seen(took_s, at.latch(), ended=tuple(at.log()))


Scenario = Callable[[Path], Seen]
SCENARIOS: tuple[Scenario, ...] = (
    stopped, engine_deadlocked, engine_spinning, screen_frozen, killed, killed_with_its_exchange,
    exchange_silent_at_the_end, guard_killed, guard_stopped,
)  # fmt: skip
AT_ONCE = 9


@pytest.fixture(scope="module")
def outcomes(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Callable[[Scenario], Seen]]:
    folder = tmp_path_factory.mktemp("guard")
    chosen = (*SCENARIOS, stopped_for_good) if request.config.getoption("--full") else SCENARIOS
    with ThreadPoolExecutor(AT_ONCE) as executor:
        futures: dict[Scenario, Future[Seen]] = {
            scenario: executor.submit(scenario, folder / scenario.__name__) for scenario in chosen
        }
        yield lambda scenario: futures[scenario].result()


Outcomes = Callable[[Scenario], Seen]


def test_a_stopped_console_is_cancelled_and_latched_and_sends_nothing_when_it_goes_on(
    outcomes: Outcomes, tell: Tell
) -> None:
    seen = outcomes(stopped)
    tell(f"SIGSTOP of the console to none at rest: {seen.after_s:.1f} s")
    assert seen.latch == "guard: engine and screen stood still for 5 s"
    assert seen.orders_since == 0


@pytest.mark.parametrize("scenario", [engine_deadlocked, engine_spinning], ids=lambda each: each.__name__)
def test_an_engine_that_hangs_under_a_living_screen_is_cancelled_and_latched(
    scenario: Scenario, outcomes: Outcomes, tell: Tell
) -> None:
    seen = outcomes(scenario)
    tell(f"to none at rest: {seen.after_s:.1f} s")
    assert seen.latch == "guard: engine stood still for 5 s"


def test_a_screen_that_hangs_over_a_living_engine_is_cancelled_and_latched(
    outcomes: Outcomes, tell: Tell
) -> None:
    seen = outcomes(screen_frozen)
    tell(f"to none at rest: {seen.after_s:.1f} s")
    assert seen.latch == "guard: screen stood still for 5 s"


def test_the_orders_of_a_killed_console_are_cancelled_without_a_latch_in_practice(
    outcomes: Outcomes, tell: Tell
) -> None:
    seen = outcomes(killed)
    tell(f"kill -9 of the console to none at rest: {seen.after_s:.1f} s")
    assert seen.latch is None
    assert "ends: another run has begun in this folder" in seen.ended


def test_a_practice_exchange_that_dies_with_its_console_leaves_nothing_to_cancel(outcomes: Outcomes) -> None:
    seen = outcomes(killed_with_its_exchange)
    assert seen.latch is None
    assert "the practice exchange has ended too" in seen.ended[0]


def test_what_a_console_could_not_cancel_when_it_ended_its_guard_cancels_later(
    outcomes: Outcomes, tell: Tell
) -> None:
    seen = outcomes(exchange_silent_at_the_end)
    tell(f"from the exchange's first answer to none at rest: {seen.after_s:.1f} s")
    assert seen.ended[0].startswith("guard: ")
    assert seen.ended[0].endswith(": cancelling")


def test_a_console_without_its_guard_pauses_and_says_why(outcomes: Outcomes, tell: Tell) -> None:
    seen = outcomes(guard_killed)
    tell(f"from the pause on screen to no entry at rest: {seen.after_s:.1f} s")
    assert seen.latch is None


def test_a_console_whose_guard_hangs_pauses_too_and_may_go_on_when_it_is_back(outcomes: Outcomes) -> None:
    """The scenario waits for the pause, resumes it and waits for orders."""
    assert outcomes(guard_stopped).latch is None


def test_a_guard_ends_with_its_run(tmp_path: Path, tell: Tell) -> None:
    seen = ended(tmp_path / "ended")
    tell(f"from the run's end to the guard's: {seen.after_s:.1f} s")
    assert seen.latch is None
    # A run that a busy machine kept from ending in its two seconds leaves it to its guard to look.
    left_nothing, looked = "the run has left nothing that must not rest", "no order of ours rests"
    assert seen.ended[-1] in (f"ends: {left_nothing}", f"ends: {looked}")


def test_a_console_that_stays_stopped_is_killed(outcomes: Outcomes, count: Count, tell: Tell) -> None:
    if not count(0, 1):
        pytest.skip("takes 20 s: in the whole campaign only")
    seen = outcomes(stopped_for_good)
    assert seen.latch == "guard: engine and screen stood still for 5 s"
    said = [line for line in seen.ended if "SIG" in line]
    assert ["SIGTERM" in line for line in said] == [True, False]
    tell(f"SIGSTOP of the console to its end: {seen.after_s:.1f} s")
