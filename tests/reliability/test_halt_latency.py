"""From the halt key to the last order, with a busy engine and with one that stands still."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import busy_console
import msgspec
import pytest
from own_exchange import OwnExchange, own_exchange
from quiet_exchange import QuietExchange, options, quiet_exchange, wait_until
from terminal import Program, Terminal, in_terminal

from console.practice.records import ExchangeOrder, OrderRequest

pytestmark = pytest.mark.timeout(7200)

PRESSES_A_CONSOLE = 25
ORDERS_BEFORE_A_PRESS = 5


@dataclass
class Counted:
    """An exchange that notes when each order reaches it, on the clock of this machine's processes."""

    running: OwnExchange
    line: Path
    arrivals_ns: list[int] = field(default_factory=list)

    def count(self) -> None:
        place = self.running.exchange.orders.place

        def placed(request: OrderRequest) -> ExchangeOrder:
            self.arrivals_ns.append(time.monotonic_ns())
            return place(request)

        self.running.exchange.orders.place = placed  # type: ignore[method-assign]


@contextmanager
def counted_exchange(folder: Path) -> Iterator[Counted]:
    with own_exchange(folder) as running:
        line = folder / "line.json"
        line.write_bytes(msgspec.json.encode(running.connection))
        for ticker in busy_console.TICKERS:
            running.list_market(ticker, lives_s=10_000)
            running.show(ticker, busy_console.BID, busy_console.ASK + 2)
        counted = Counted(running, line)
        counted.count()
        yield counted


def test_no_order_leaves_after_the_halt_key(
    tmp_path: Path, count: Callable[[int, int], int], tell: Callable[[str], None]
) -> None:
    presses = count(10, 200)
    gate_ms: list[float] = []
    permit_ms: list[float] = []
    arrival_ms: list[float] = []
    rates: list[str] = []
    for number in range(-(-presses // PRESSES_A_CONSOLE)):
        home = tmp_path / str(number)
        home.mkdir()
        told = itertools.chain.from_iterable(("--set", text) for text in busy_console.SETTINGS)
        with (
            counted_exchange(home) as exchange,
            in_terminal(
                busy_console.busy_console, "--home", home, "--attach", exchange.line, *told
            ) as terminal,
        ):
            for _ in range(min(PRESSES_A_CONSOLE, presses - len(gate_ms))):
                pressed_ns = halt(exchange, terminal)
                closed_ns, last_ns = gate_since(home, pressed_ns)
                gate_ms.append((closed_ns - pressed_ns) / 1e6)
                permit_ms.append(max(0, last_ns - pressed_ns) / 1e6)
                arrival_ms.append(max(0, exchange.arrivals_ns[-1] - pressed_ns) / 1e6)
                assert last_ns <= closed_ns
                resume(terminal)
            rates.append((home / "rate").read_text())
    tell(
        f"{len(gate_ms)} presses at {', '.join(rates)} quotes a second; 0 orders let pass once it was closed"
    )
    tell(f"key to gate closed: {figures(gate_ms)}")
    tell(f"key to last order let pass: {figures(permit_ms)}; target p99 250 ms, most 1000 ms")
    tell(f"key to last order's arrival at the exchange: {figures(arrival_ms)}")
    assert len(gate_ms) == presses


def halt(exchange: Counted, terminal: Terminal) -> int:
    """Press the key while orders flow, and check that none comes once the halt is confirmed."""
    enough = len(exchange.arrivals_ns) + ORDERS_BEFORE_A_PRESS
    wait_until("orders flow", terminal, lambda: len(exchange.arrivals_ns) >= enough)
    pressed_ns = time.monotonic_ns()
    terminal.press("f12")
    terminal.wait_for("HALTED", "read twice")
    confirmed = len(exchange.arrivals_ns)
    # The halt thread confirms before a busy engine has heard of the halt.
    terminal.wait_for("LATCHED manual")
    assert len(exchange.arrivals_ns) == confirmed
    return pressed_ns


def resume(terminal: Terminal) -> None:
    terminal.press("r")
    terminal.wait_for("manual may be cleared")
    terminal.press("tab")
    # What is typed before the focus has moved is typed at the button, to no effect.
    while "type one" in terminal.text:
        terminal.press("x")
        terminal.wait_drawn()
    terminal.press("enter")
    terminal.wait_until("it trades again", lambda: "RUNNING" in terminal.text)


def gate_since(home: Path, pressed_ns: int) -> tuple[int, int]:
    """When the gate closed after the press, and when it was last asked by an order that it let pass."""
    closed_ns: list[int] = []
    permitted_ns = [0]
    for line in (home / "gate").read_text().splitlines():
        what, at = line.split()
        (closed_ns if what == "closed" else permitted_ns).append(int(at))
    return min(at for at in closed_ns if at >= pressed_ns), max(permitted_ns)


def figures(milliseconds: list[float]) -> str:
    ordered = sorted(milliseconds)
    at = [ordered[min(len(ordered) - 1, int(len(ordered) * part))] for part in (0.5, 0.99)]
    return f"p50 {at[0]:.0f} ms, p99 {at[1]:.0f} ms, most {ordered[-1]:.0f} ms"


# --- an engine that stands still ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[QuietExchange]:
    with quiet_exchange(tmp_path_factory.mktemp("exchange")) as running:
        yield running


@pytest.mark.parametrize(
    "program",
    [busy_console.deadlocked_console, busy_console.sleeping_console, busy_console.spinning_console],
)
def test_the_halt_key_cancels_without_the_engine(
    tmp_path: Path,
    quiet: QuietExchange,
    program: Program,
    count: Callable[[int, int], int],
    tell: Callable[[str], None],
) -> None:
    gate_ms: list[float] = []
    empty_ms: list[float] = []
    total = count(1, 200)
    for number in range(total):
        home = tmp_path / str(number)
        home.mkdir()
        with in_terminal(program, *options(quiet, home)) as terminal:
            terminal.wait_for("Positions")
            wait_until("an order of ours rests", terminal, lambda: quiet.resting() > 0)
            (home / "hang").touch()
            wait_until("the engine stands still", terminal, (home / "hung").exists)
            pressed_ns = time.monotonic_ns()
            terminal.press("f12")
            quiet.wait_quiet()
            empty_ms.append((time.monotonic_ns() - pressed_ns) / 1e6)
            gate_ms.append((gate_since(home, pressed_ns)[0] - pressed_ns) / 1e6)
            terminal.wait_for("HALTED", "read twice")
    tell(f"{total}: key to gate closed: {figures(gate_ms)}; to no order at rest: {figures(empty_ms)}")
