"""An exchange at which a maker's orders rest and are never filled, and what a console there is asked."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
from own_exchange import OwnExchange, own_exchange
from terminal import PATIENCE_S, Terminal

from console.config.home import EnvironmentFolder, find_home
from console.domain.market import Ticker

MARKETS = 3
MAKER = (
    "strategy_flb.style=maker",
    "strategy_flb.scan_interval=0.2",
    "edge.constant_points=8",
)
MODES = ("?1049", "?1000", "?1003", "?1006", "?1015", "?2004", "?2048", "?1004")
"""Other screen, mouse, pasting, reports of size and focus: what a screen switches on."""


@dataclass(frozen=True)
class QuietExchange:
    """``line`` is the file to attach to."""

    running: OwnExchange
    line: Path

    def resting(self) -> int:
        return self.running.do(lambda exchange: len(exchange.account.open_orders()))

    def wait_quiet(self) -> None:
        """Until no order rests."""
        deadline = time.monotonic() + PATIENCE_S
        while self.resting():
            assert time.monotonic() < deadline, "orders go on resting"
            time.sleep(0.02)


@contextmanager
def quiet_exchange(folder: Path) -> Iterator[QuietExchange]:
    with own_exchange(folder) as running:
        line = folder / "line.json"
        line.write_bytes(msgspec.json.encode(running.connection))
        for number in range(MARKETS):
            ticker = Ticker(f"KXQUIET-{number}-YES")
            running.list_market(ticker, lives_s=10_000)
            running.show(ticker, 92, 93)
        yield QuietExchange(running, line)


def options(exchange: QuietExchange, home: Path) -> tuple[str, ...]:
    told = itertools.chain.from_iterable(("--set", text) for text in MAKER)
    return ("--home", str(home), "--attach", str(exchange.line), *told)


def folder(home: Path) -> EnvironmentFolder:
    return find_home(str(home)).environment("practice")


def state_of(home: Path) -> tuple[str, str]:
    path = folder(home).status
    document = json.loads(path.read_bytes()) if path.exists() else {"state": "", "reason": ""}
    return document["state"], document["reason"]


def assert_terminal_as_before(terminal: Terminal) -> None:
    assert terminal.attributes == terminal.attributes_before
    assert [mode for mode in MODES if terminal.is_on(mode)] == []
    assert b"\x1b[?25l" not in terminal.raw or terminal.is_on("?25")


def wait_until(what: str, terminal: Terminal, holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, f"not seen: {what}; the screen:\n{terminal.text}"
        assert terminal.process.is_alive(), f"it ended before: {what}; the screen:\n{terminal.text}"
        time.sleep(0.02)
